"""The versions Quiver reports. `server_version` is a plain PostgreSQL 15 number: clients branch on it."""

QUIVER_VERSION = "0.1.0"
SERVER_VERSION = "15.10"
SERVER_VERSION_NUM = 150010
PGVECTOR_VERSION = "0.8.6"


def version_text() -> str:
    """What `SELECT version()` returns: PostgreSQL's shape first, then who really answers."""
    return f"PostgreSQL {SERVER_VERSION} (Quiver {QUIVER_VERSION}) on x86_64-linux, 64-bit"
