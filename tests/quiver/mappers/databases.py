"""Two empty databases for one client's script, of Quiver and of a real PostgreSQL: what the script returns must be equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pprint import pformat
from typing import Any

import sqlalchemy as sa

from tests.clients.twins import assert_same


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client finds a database; `host` is a name or the folder of a Unix socket, nobody asks for a password."""

    host: str
    port: str
    database: str
    user: str = "postgres"

    @property
    def uri(self) -> str:
        """For libpq and what is built on it."""
        return f"postgresql://{self.user}@/{self.database}?host={self.host}&port={self.port}"

    def sqlalchemy_url(self, driver: str) -> str:
        return self.uri.replace("postgresql:", f"postgresql+{driver}:")

    @contextmanager
    def engine(self, driver: str = "psycopg") -> Iterator[sa.Engine]:
        """SQLAlchemy's, for the length of a block, with no connection left behind it."""
        engine = sa.create_engine(self.sqlalchemy_url(driver))
        try:
            yield engine
        finally:
            engine.dispose()


@dataclass(frozen=True, slots=True)
class Twins:
    quiver: Address
    postgres: Address

    def check_alike(self, script: Callable[[Address], Any]) -> None:
        """Run the script on both; it must not depend on anything but the database."""
        theirs, ours = script(self.postgres), script(self.quiver)
        assert theirs
        assert_same(pformat(ours, width=120), pformat(theirs, width=120))
