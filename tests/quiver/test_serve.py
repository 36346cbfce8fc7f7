"""Goal: `quiver serve` asks for passwords, speaks TLS and listens where it was told, with real drivers.

Method: a server process with a password file, a self-signed certificate and a Unix socket; psycopg and asyncpg
over each way in; wrong passwords; roles with and without a password.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from quiver.cli import main
from tests.quiver.server_process import ServerProcess, serving
from tests.quiver.test_server_clients import write_certificate

pytestmark = pytest.mark.slow

PASSWORD = "geheim ½ 日本"


class Secured:
    """A server with a password and TLS, and what its clients need."""

    def __init__(self, server: ServerProcess, certificate: Path, sockets: Path) -> None:
        self.server = server
        self.certificate = certificate
        self.sockets = sockets

    def connect(self, **parameters: object) -> psycopg.Connection[tuple[object, ...]]:
        given = {
            "host": "127.0.0.1",
            "user": "postgres",
            "password": PASSWORD,
            "sslmode": "disable",
            **parameters,
        }
        return psycopg.connect(port=self.server.port, dbname="postgres", autocommit=True, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    certificate, key = write_certificate(folder, ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    # The path of a Unix socket is limited to about a hundred bytes, which pytest's folders may pass.
    sockets = tmp_path_factory.getbasetemp()
    options = [
        "--ssl-cert",
        certificate,
        "--ssl-key",
        key,
        "--password-file",
        password,
        "--socket-dir",
        sockets,
    ]
    with serving(folder / "data", [str(option) for option in options]) as server:
        yield Secured(server, certificate, sockets)


@pytest.mark.parametrize("sslmode", ["disable", "require", "verify-full"])
def test_psycopg_proves_its_password(secured: Secured, sslmode: str) -> None:
    is_encrypted = sslmode != "disable"
    binding = "require" if is_encrypted else "prefer"
    with secured.connect(
        host="localhost", sslmode=sslmode, sslrootcert=str(secured.certificate), channel_binding=binding
    ) as connection:
        assert connection.execute("SELECT 1 + 1").fetchone() == (2,)
        assert connection.pgconn.ssl_in_use == is_encrypted
        assert connection.execute("SHOW ssl").fetchone() == ("on",)


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_asyncpg_proves_its_password(secured: Secured, is_encrypted: bool) -> None:
    async def run(password: str) -> object:
        context = ssl.create_default_context(cafile=str(secured.certificate)) if is_encrypted else None
        connection = await asyncpg.connect(
            host="localhost", port=secured.server.port, user="postgres", database="postgres",
            password=password, ssl=context or False,
        )  # fmt: skip
        try:
            return await connection.fetchval("SELECT 1 + $1::int", 1)
        finally:
            await connection.close()

    assert asyncio.run(run(PASSWORD)) == 2
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(run("wrong"))


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_wrong_password_is_refused_over_tcp(secured: Secured, sslmode: str) -> None:
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "postgres"'):
        secured.connect(password="wrong", sslmode=sslmode)


def test_no_password_at_all(secured: Secured) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        secured.connect(password="")


def test_a_unix_socket(secured: Secured) -> None:
    with secured.connect(host=str(secured.sockets)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("postgres",)
        assert connection.info.host == str(secured.sockets)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        secured.connect(host=str(secured.sockets), password="wrong")


def test_a_role_is_asked_for_its_password_as_soon_as_it_has_one(secured: Secured) -> None:
    with secured.connect() as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        with secured.connect(user="reader", password=None) as trusted:
            assert trusted.execute("SELECT current_user").fetchone() == ("reader",)
        connection.execute("ALTER ROLE reader PASSWORD 'lesen'")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            secured.connect(user="reader", password="wrong")
        with secured.connect(user="reader", password="lesen") as proven:
            assert proven.execute("SELECT current_user").fetchone() == ("reader",)
        connection.execute("DROP ROLE reader")


def test_the_password_outlives_a_restart_without_the_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    with serving(tmp_path / "data", ["--password-file", str(tmp_path / "password")]):
        pass
    with serving(tmp_path / "data", ["--host", "0.0.0.0"]) as server:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"host=127.0.0.1 port={server.port} user=postgres password=wrong")
        with psycopg.connect(
            host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD, dbname="postgres"
        ) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_configuration_file_says_where_to_listen(tmp_path: Path) -> None:
    config = tmp_path / "quiver.toml"
    config.write_text(
        "listen_addresses = '127.0.0.1,127.0.0.2'\nmax_connections = 7\n[hnsw]\nef_search = 80\n",
        encoding="utf-8",
    )
    with (
        serving(tmp_path / "data", ["--config", str(config), "--set", "hnsw.ef_search=90"]) as server,
        psycopg.connect(f"host=127.0.0.2 port={server.port} user=postgres") as connection,
    ):
        shown = [
            connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("max_connections", "hnsw.ef_search", "listen_addresses")
        ]
    assert shown == [("7",), ("90",), ("127.0.0.1,127.0.0.2",)]


def test_ping_a_server(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["quiver", "ping"])
    monkeypatch.setenv("QUIVER_PORT", str(secured.server.port))
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    assert "accepting connections" in capsys.readouterr().out
    assert not [line for line in secured.server.log if "ERROR" in line]


def test_a_second_server_on_the_directory_says_so(secured: Secured) -> None:
    with pytest.raises(AssertionError) as caught:
        ServerProcess(secured.server.directory)
    assert len(str(caught.value).strip().splitlines()) <= 2
    assert "Traceback" not in str(caught.value)
