"""Goal: real drivers work against the server: queries, pipelines, COPY, SCRAM with and without TLS, cancellation.

Method: psycopg 3, psycopg2 and asyncpg on a live server with the null backend; TLS with a certificate made here.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import psycopg2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from foundation.errors import QuiverError
from quiver.server import ServerOptions
from quiver.tls import load_tls
from sqlfront.protocol import make_verifier, mock_verifier
from sqlfront.protocol.startup import SSLRequest
from tests.quiver.live_server import LiveServer, RawClient, live_server
from tests.sqlfront.protocol.null_backend import NullFactory

PASSWORD = "geheim ½ ﬁ"


def write_certificate(directory: Path, key: Any, algorithm: hashes.HashAlgorithm | None) -> tuple[Path, Path]:
    """A self-signed certificate for localhost; paths of certificate and key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, algorithm)
    )
    paths = directory / "server.crt", directory / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@pytest.fixture(scope="module")
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server
        server.wait_until_empty()
        assert server.factory.sessions == {}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    return write_certificate(directory, ec.generate_private_key(ec.SECP256R1()), hashes.SHA384())


@pytest.fixture(scope="module")
def secure(certificate: tuple[Path, Path]) -> Iterator[LiveServer]:
    verifiers = {"alice": make_verifier(PASSWORD), "*": mock_verifier("x", b"secret")}
    with live_server(ServerOptions(tls=load_tls(*certificate)), NullFactory(verifiers)) as server:
        yield server


def test_psycopg(live: LiveServer) -> None:
    with psycopg.connect(live.dsn) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]
        cursor = connection.cursor(binary=True)
        assert cursor.execute("select 7").fetchall() == [(7,)]
        assert cursor.execute("echo %s %s", ("a", None)).fetchall() == [("a", None)]
        assert len(connection.execute("rows 5000").fetchall()) == 5000
        for _ in range(10):
            # The sixth execution prepares a named statement.
            connection.execute("echo %s", ("x",))
        assert len(live.factory.all_sessions[-1].statements) >= 1
        with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
            connection.execute("error")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert connection.execute("select 2").fetchone() == (2,)
        assert connection.info.parameter_status("server_version") == "15.10"


def test_psycopg_pipeline(live: LiveServer) -> None:
    with psycopg.connect(live.dsn, autocommit=True) as connection:
        with connection.pipeline() as pipeline:
            cursors = [connection.execute("echo %s", (str(i),)) for i in range(50)]
            pipeline.sync()
            assert [cursor.fetchone() for cursor in cursors] == [(str(i),) for i in range(50)]
        with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
            connection.execute("error")
            connection.execute("select 1")
        assert connection.execute("select 3").fetchone() == (3,)


def test_psycopg_copy_notice_and_notify(live: LiveServer) -> None:
    with psycopg.connect(live.dsn, autocommit=True) as connection:
        notices: list[str] = []
        connection.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary or ""))
        connection.execute("notice be warned")
        assert notices == ["be warned"]
        cursor = connection.cursor()
        with cursor.copy("copy in") as copy:
            for i in range(1000):
                copy.write_row((i, "x"))
        assert cursor.statusmessage == "COPY 1000"
        with cursor.copy("copy out 3000") as copy:
            assert b"".join(map(bytes, copy)).count(b"\n") == 3000
        with (
            pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught,
            cursor.copy("copy in") as copy,
        ):
            copy.write("1\n")
            copy.write("bad\n" * 10_000)
        assert caught.value.diag.context == "COPY t, line 2"
        connection.execute("listen ch")
        connection.execute("notify ch hi")
        assert [(n.channel, n.payload) for n in connection.notifies(timeout=5, stop_after=1)] == [
            ("ch", "hi")
        ]


def test_psycopg_negotiates_newer_protocol(live: LiveServer) -> None:
    if psycopg.pq.version() < 180000:
        pytest.skip("this libpq speaks 3.0 only")
    with psycopg.connect(live.dsn + " max_protocol_version=latest") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_psycopg_cancel(live: LiveServer) -> None:
    with psycopg.connect(live.dsn, autocommit=True) as connection:
        live.factory.sleeping.clear()

        def cancel() -> None:
            assert live.factory.sleeping.wait(5)
            connection.cancel_safe(timeout=5)

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("sleep 60000")
        thread.join()
        assert connection.execute("select 1").fetchone() == (1,)


def test_psycopg2(live: LiveServer) -> None:
    connection = psycopg2.connect(live.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("select %s", (5,))
        assert cursor.fetchall() == [(5,)]
        with pytest.raises(psycopg2.errors.DivisionByZero):
            cursor.execute("error")
        connection.rollback()
    connection.close()


def test_asyncpg(live: LiveServer) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=live.server.port, user="alice", database="db", ssl=False
        )
        assert [tuple(row) for row in await connection.fetch("select 5")] == [(5,)]
        assert await connection.fetchval("echo $1", "hey") == "hey"
        statement = await connection.prepare("rows 3000")
        assert len(await statement.fetch()) == 3000
        async with connection.transaction():
            pages = [len(await connection.fetch("rows 10"))]
            cursor = await connection.cursor("rows 25")
            while rows := await cursor.fetch(10):
                pages.append(len(rows))
            assert pages == [10, 10, 10, 5]
        assert await connection.execute("insert 3; select 1") == "SELECT 1"
        await connection.executemany("echo $1", [("a",), ("b",)])
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.fetch("error")
        with pytest.raises(asyncio.TimeoutError):
            await connection.execute("sleep 60000", timeout=0.05)
        assert await connection.fetchval("select 9") == 9
        await connection.close()

    asyncio.run(work())


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_psycopg_tls_and_channel_binding(secure: LiveServer, certificate: Any, binding: str) -> None:
    dsn = f"{secure.dsn.replace('127.0.0.1', 'localhost')} sslmode=verify-full sslrootcert={certificate[0]}"
    with psycopg.connect(dsn, password=PASSWORD, channel_binding=binding) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("rows 20000").fetchall()[-1] == (19_999, "row 19999")
    assert secure.factory.all_sessions[-1].startup.is_tls


def test_psycopg_scram_without_tls(secure: LiveServer) -> None:
    with psycopg.connect(secure.dsn, password=PASSWORD, sslmode="disable") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("alice", "")])
def test_wrong_password_and_unknown_user_look_alike(secure: LiveServer, user: str, password: str) -> None:
    async def connect() -> None:
        await asyncpg.connect(
            host="127.0.0.1", port=secure.server.port, user=user, password=password, database="db", ssl=False
        )

    with pytest.raises(asyncpg.InvalidPasswordError) as caught:
        asyncio.run(connect())
    assert str(caught.value) == f'password authentication failed for user "{user}"'


def test_asyncpg_tls_and_scram(secure: LiveServer, certificate: Any) -> None:
    context = ssl.create_default_context(cafile=str(certificate[0]))

    async def work() -> None:
        connection = await asyncpg.connect(
            host="localhost",
            port=secure.server.port,
            user="alice",
            password=PASSWORD,
            database="db",
            ssl=context,
        )
        assert await connection.fetchval("select 5") == 5
        await connection.close()

    asyncio.run(work())


def test_failed_tls_handshakes_leave_nothing(secure: LiveServer) -> None:
    for garbage in (b"", b"not a client hello" * 10):
        with RawClient(secure, is_started=False) as client:
            client.send(SSLRequest().encode())
            assert client.socket.recv(1) == b"S"
            if garbage:
                client.send(garbage)
    secure.wait_until_empty()


def test_channel_binding_is_not_offered_for_ed25519(tmp_path: Path) -> None:
    material = load_tls(*write_certificate(tmp_path, ed25519.Ed25519PrivateKey.generate(), None))
    assert material.channel_binding is None
    assert material.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_unusable_tls_files_are_one_sentence(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    (tmp_path / "broken.key").write_text("nothing")
    for paths in ((tmp_path / "none", certificate[1]), (certificate[0], tmp_path / "broken.key")):
        with pytest.raises(QuiverError, match=r"could not load (server certificate|private key) file"):
            load_tls(*paths)
