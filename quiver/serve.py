"""`quiver serve`: open the instance, put the server in front of it, stop in order.

SIGTERM finishes running statements, writes a checkpoint and exits 0; a second SIGINT stops at once.
"""

from __future__ import annotations

import ipaddress
import logging
import resource
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import vecengine
from foundation.settings import SettingValues
from quiver.errors import ConfigurationError
from quiver.instance import Instance
from quiver.server import Server, ServerOptions, run
from quiver.tls import TlsMaterial, load_tls
from sqlfront.protocol import Codecs
from sqlfront.types import decode_parameter, decode_parameter_column, encode_data_rows
from storage.catalog import Role

_log = logging.getLogger(__name__)

KERNEL_WAIT_S = 8.0
"""Loading compiled kernels takes half a second, on a busy machine several; compiling them, once per machine, is not
waited for."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The command's options; `settings` are those of the configuration file and `--set`.

    `host` and `port` None = the settings listen_addresses and port.
    """

    data: Path
    host: str | None = None
    port: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    socket_dir: Path | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    password_file: Path | None = None


def serve_forever(options: ServeOptions) -> None:
    """Serve until a signal asks to stop.

    Raises:
        ConfigurationError: an option is wrong, or a non-loopback address has no password to ask for.
        TlsConfigurationError: certificate or key cannot be used.
        ServerStartError: an address cannot be listened on.
        StorageError: the data directory is locked, damaged or of a newer format.
    """
    started = time.monotonic()
    tls = _load_tls(options)
    password = _read_password(options.password_file) if options.password_file is not None else None
    settings = _settings(options, is_tls=tls is not None)
    values = SettingValues(settings)
    hosts = tuple(host.strip() for host in values.get("listen_addresses").split(","))
    if options.data.exists() and not options.data.is_dir():
        raise ConfigurationError(f"{options.data} is not a directory")
    _raise_file_limit()
    warm_up = threading.Thread(target=vecengine.warm_up, name="quiver-warm-up", daemon=True)
    warm_up.start()
    with Instance.open(options.data, settings) as instance:
        if password is not None:
            instance.set_superuser_password(password)
        _check_reachable_only_with_password(hosts, instance)
        server = Server(
            instance.sessions,
            Codecs(decode_parameter, decode_parameter_column, encode_data_rows),
            ServerOptions(
                hosts=hosts,
                port=values.integer("port"),
                socket_dir=options.socket_dir,
                max_connections=values.integer("max_connections"),
                authentication_timeout_ms=values.integer("authentication_timeout"),
                tls=tls,
            ),
        )
        warm_up.join(max(0.0, started + KERNEL_WAIT_S - time.monotonic()))
        if not vecengine.kernels_ready():
            _log.info(
                "compiling kernels for this machine; until they are ready distances are computed by NumPy"
            )
        run(server, lambda: _say_ready(hosts[0], server.port))


def _settings(options: ServeOptions, *, is_tls: bool) -> dict[str, str]:
    """The settings of the server, with the command's own options on top."""
    settings = dict(options.settings)
    if options.port is not None:
        settings["port"] = str(options.port)
    if options.host is not None:
        settings["listen_addresses"] = options.host
    if settings.get("ssl") == "on" and not is_tls:
        raise ConfigurationError("ssl is on without a certificate", hint="Give --ssl-cert and --ssl-key.")
    if is_tls:
        settings["ssl"] = "on"
    return settings


def _load_tls(options: ServeOptions) -> TlsMaterial | None:
    if options.ssl_cert is not None and options.ssl_key is not None:
        return load_tls(options.ssl_cert, options.ssl_key)
    if options.ssl_cert is not None or options.ssl_key is not None:
        raise ConfigurationError("--ssl-cert and --ssl-key go together")
    return None


def _raise_file_limit() -> None:
    """Each connection and each mapped segment is an open file; shells often allow 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say_ready(host: str, port: int) -> None:
    """The one line scripts wait for."""
    print(f"quiver: ready to accept connections on {host}:{port}", file=sys.stderr, flush=True)


def _read_password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text") from None
    if not password:
        raise ConfigurationError(f"{path} is empty")
    return password


def _check_reachable_only_with_password(hosts: tuple[str, ...], instance: Instance) -> None:
    """A server other machines can reach must have at least one role that can prove who it is."""
    if any(role.verifier for role in instance.storage.catalog.objects(Role)):
        return
    for host in hosts:
        if not _is_loopback(host):
            raise ConfigurationError(
                f"refusing to listen on {host} without a password",
                hint="Give the superuser one with --password-file, or listen on 127.0.0.1.",
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
