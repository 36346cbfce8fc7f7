"""Whether a PostgreSQL server answers: what a health check asks.

An SSLRequest is the one message every server answers, with one byte, before it wants to know who is asking.
"""

from __future__ import annotations

import socket

from quiver.errors import ConfigurationError

TIMEOUT_S = 3.0
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""https://www.postgresql.org/docs/15/protocol-message-formats.html, SSLRequest."""


def check_answering(host: str, port: int) -> None:
    """Return when a server answers.

    Raises:
        ConfigurationError: nobody listens there, or who does is no PostgreSQL server.
    """
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            connection.sendall(SSL_REQUEST)
            answer = connection.recv(1)
    except OSError as error:
        raise ConfigurationError(f"no server answers on {host}:{port}: {error.strerror or error}") from error
    if answer not in (b"S", b"N"):
        raise ConfigurationError(f"{host}:{port} does not speak the PostgreSQL protocol")
