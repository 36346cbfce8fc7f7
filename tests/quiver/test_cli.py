"""Goal: the command line says what it can do, and what goes wrong in one sentence with exit code 1.

Method: the entry point called in this process with each mistake a person makes; nothing here gets as far as serving.
"""

from __future__ import annotations

import re
import resource
import socket
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.version import QUIVER_VERSION
from quiver.cli import app, main
from quiver.instance import Instance
from quiver.serve import _raise_file_limit
from tests.quiver.test_server_clients import write_certificate

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture
def quiver(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Quiver:
    return Quiver(monkeypatch, capsys)


class Quiver:
    """Calls the command; gives the exit code and what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.argv", ["quiver", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        output = self._capsys.readouterr()
        return int(caught.value.code or 0), output.out, output.err

    def refused(self, *arguments: object) -> str:
        """The one sentence of a start that fails."""
        code, out, err = self("serve", *arguments)
        assert code == 1 and out == ""
        assert "Traceback" not in err
        return err


def test_quiver_alone_lists_the_commands(quiver: Quiver) -> None:
    _, out, err = quiver()
    assert set(COMMANDS) == {"serve", "check", "demo", "ping", "version"}
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", out + err)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(quiver: Quiver, name: str) -> None:
    code, out, _ = quiver(name, "--help")
    assert code == 0
    assert f"Example: quiver {name}" in out


def test_version(quiver: Quiver) -> None:
    assert quiver("version")[1].startswith(f"quiver {QUIVER_VERSION} (PostgreSQL 15.")


def test_an_unknown_command_or_option_is_a_usage_error(quiver: Quiver) -> None:
    assert quiver("nope")[0] == 2
    assert quiver("serve", "--nope")[0] == 2
    assert quiver("serve", "--port", "65536")[0] == 2


def test_a_locked_directory(quiver: Quiver, tmp_path: Path) -> None:
    with Instance.open(tmp_path / "data"):
        message = quiver.refused("--data", tmp_path / "data", "--port", "0")
    assert message.count("\n") <= 2 and str(tmp_path / "data") in message


def test_a_newer_format(quiver: Quiver, tmp_path: Path) -> None:
    Instance.open(tmp_path).close()
    (tmp_path / "FORMAT").write_text("99\n", encoding="ascii")
    message = quiver.refused("--data", tmp_path, "--port", "0")
    assert "format" in message and "99" in message


def test_a_file_in_place_of_the_directory(quiver: Quiver, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="ascii")
    assert f"{tmp_path / 'data'} is not a directory" in quiver.refused("--data", tmp_path / "data")


def test_a_directory_with_something_else_in_it(quiver: Quiver, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="ascii")
    quiver.refused("--data", tmp_path, "--port", "0")
    assert (tmp_path / "letter.txt").read_text(encoding="ascii") == "dear"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_connections = ", "is not valid TOML"),
        ("no_such_thing = 1", 'unrecognized configuration parameter "no_such_thing"'),
        ("[hnsw]\nno_such_thing = 1", 'unrecognized configuration parameter "hnsw.no_such_thing"'),
        ("max_connections = 'many'", 'invalid value for parameter "max_connections": "many"'),
        ("[hnsw]\nef_search = 0", '0 is outside the valid range for parameter "hnsw.ef_search" (1 .. 1000)'),
        ("server_version = '9.6'", 'parameter "server_version" cannot be changed'),
        ("DateStyle = 'German'", 'DateStyle "German" is not supported'),
        ("ssl = true", "ssl is on without a certificate"),
        ("listen_addresses = '0.0.0.0'", "refusing to listen on 0.0.0.0 without a password"),
        ("listen_addresses = '127.0.0.1, 192.0.2.1'", "refusing to listen on 192.0.2.1 without a password"),
    ],
)
def test_a_bad_configuration_file(quiver: Quiver, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "quiver.toml").write_text(text, encoding="utf-8")
    assert said in quiver.refused(
        "--config", tmp_path / "quiver.toml", "--data", tmp_path / "data", "--port", "0"
    )


def test_an_unreadable_configuration_file(quiver: Quiver, tmp_path: Path) -> None:
    assert "No such file" in quiver.refused("--config", tmp_path / "missing.toml")
    assert "Is a directory" in quiver.refused("--config", tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "is not valid TOML" in quiver.refused("--config", tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("no_such_thing=1", 'unrecognized configuration parameter "no_such_thing"'),
        ("max_connections", '--set wants name=value, not "max_connections"'),
        ("max_connections=0", "outside the valid range"),
        ("quiver.memory_limit=4XB", "invalid value"),
    ],
)
def test_a_bad_setting(quiver: Quiver, tmp_path: Path, assignment: str, said: str) -> None:
    assert said in quiver.refused("--set", assignment, "--data", tmp_path / "data")


@pytest.mark.slow
def test_a_port_in_use(quiver: Quiver, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = quiver.refused("--data", tmp_path / "data", "--port", port)
    assert f'could not listen on "127.0.0.1" port {port}: Address already in use\n' in message
    assert "Is another server already running" in message


def test_an_address_of_another_machine(quiver: Quiver, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x", encoding="ascii")
    message = quiver.refused(
        "--data", tmp_path / "data", "--host", "203.0.113.1", "--port", "0", "--password-file", tmp_path / "password"
    )  # fmt: skip
    assert 'could not listen on "203.0.113.1" port 0: Cannot assign requested address' in message
    assert message.count("\n") == 1


def test_a_reachable_address_needs_a_password(quiver: Quiver, tmp_path: Path) -> None:
    message = quiver.refused("--data", tmp_path / "data", "--host", "0.0.0.0", "--port", "0")
    assert "refusing to listen on 0.0.0.0 without a password" in message
    assert "--password-file" in message


def test_a_bad_password_file(quiver: Quiver, tmp_path: Path) -> None:
    path = tmp_path / "password"
    assert "No such file" in quiver.refused("--password-file", path)
    path.write_bytes(b"\n")
    assert "is empty" in quiver.refused("--password-file", path)
    path.write_bytes(b"\xff\n")
    assert "is not UTF-8" in quiver.refused("--password-file", path)


def test_bad_tls_files(quiver: Quiver, tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    assert "go together" in quiver.refused("--ssl-cert", certificate)
    options = ("--ssl-cert", certificate, "--ssl-key", key)
    said = quiver.refused(*options)
    assert f'could not load server certificate file "{certificate}": No such file or directory' in said
    write_certificate(tmp_path, ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    sound = certificate.read_bytes()
    certificate.write_text("no certificate", encoding="ascii")
    assert f'certificate file "{certificate}": not a PEM certificate' in quiver.refused(*options)
    write_certificate(tmp_path, ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    certificate.write_bytes(sound)
    assert f'private key file "{key}": it does not belong to the certificate' in quiver.refused(*options)
    key.write_text("no key", encoding="ascii")
    assert f'private key file "{key}": not a usable PEM key' in quiver.refused(*options)
    key.unlink()
    assert f'could not load private key file "{key}": No such file or directory' in quiver.refused(*options)


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arguments = ["quiver", "--debug", "serve", "--config", str(tmp_path)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(Exception, match="Is a directory"):
        main()


def test_ping(quiver: Quiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, _, err = quiver("ping", "--port", port)
    assert code == 1 and f"no server answers on 127.0.0.1:{port}" in err


def test_the_server_may_open_as_many_files_as_the_system_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        _raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
