"""`quiver serve`: open the instance, put the server in front of it, stop in order.

SIGTERM finishes running statements, writes a checkpoint and exits 0; a second SIGINT stops at once.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import vecengine
from foundation.settings import SettingValues
from quiver.errors import ConfigurationError
from quiver.instance import Instance
from quiver.server import Server, ServerOptions, run
from quiver.tls import load_tls
from sqlfront.protocol import Codecs
from sqlfront.types import decode_parameter, encode_data_rows
from storage.catalog import Role


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The command's options; `settings` are those of the configuration file and `--set`."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 5432
    settings: dict[str, str] = field(default_factory=dict)
    socket_dir: Path | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    password_file: Path | None = None


def serve_forever(options: ServeOptions) -> None:
    """Serve until a signal asks to stop.

    Raises:
        ConfigurationError: an option is wrong, or a non-loopback address has no password to ask for.
        StorageError: the data directory is locked, damaged or of a newer format.
    """
    if (options.ssl_cert is None) != (options.ssl_key is None):
        raise ConfigurationError("--ssl-cert and --ssl-key go together")
    settings = {**options.settings, "port": str(options.port), "listen_addresses": options.host}
    if options.ssl_cert is not None:
        settings["ssl"] = "on"
    with Instance.open(options.data, settings) as instance:
        if options.password_file is not None:
            instance.set_superuser_password(_read_password(options.password_file))
        _check_reachable_only_with_password(options, instance)
        threading.Thread(target=vecengine.warm_up, name="quiver-warm-up", daemon=True).start()
        tls = load_tls(options.ssl_cert, options.ssl_key) if options.ssl_cert and options.ssl_key else None
        values = SettingValues(settings)
        server = Server(
            instance.sessions,
            Codecs(decode_parameter, encode_data_rows),
            ServerOptions(
                hosts=(options.host,),
                port=options.port,
                socket_dir=options.socket_dir,
                max_connections=values.integer("max_connections"),
                authentication_timeout_ms=values.integer("authentication_timeout"),
                tls=tls,
            ),
        )
        run(server, lambda: _say_ready(options.host, server.port))


def _say_ready(host: str, port: int) -> None:
    """The one line scripts wait for."""
    print(f"quiver: ready to accept connections on {host}:{port}", file=sys.stderr, flush=True)


def _read_password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if not password:
        raise ConfigurationError(f"{path} is empty")
    return password


def _check_reachable_only_with_password(options: ServeOptions, instance: Instance) -> None:
    """A server other machines can reach must have at least one role that can prove who it is."""
    try:
        is_loopback = ipaddress.ip_address(options.host).is_loopback
    except ValueError:
        is_loopback = options.host == "localhost"
    has_password = any(role.verifier for role in instance.storage.catalog.objects(Role))
    if not is_loopback and not has_password:
        raise ConfigurationError(
            f"refusing to listen on {options.host} without a password",
            hint="Give the superuser one with --password-file, or listen on 127.0.0.1.",
        )
