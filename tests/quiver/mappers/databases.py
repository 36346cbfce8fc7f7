"""What scripts of mappers and data frames do with the two databases: what a script returns must be equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pprint import pformat
from typing import Any

import sqlalchemy as sa

from tests.clients.twins import Address, Twins, assert_same


def sqlalchemy_url(address: Address, driver: str) -> str:
    return address.uri.replace("postgresql:", f"postgresql+{driver}:")


@contextmanager
def engine_of(address: Address, driver: str = "psycopg") -> Iterator[sa.Engine]:
    """SQLAlchemy's, for the length of a block, with no connection left behind it."""
    made = sa.create_engine(sqlalchemy_url(address, driver))
    try:
        yield made
    finally:
        made.dispose()


def check_alike(twins: Twins, script: Callable[[Address], Any]) -> None:
    """Run the script on both; it must not depend on anything but the database."""
    theirs, ours = script(twins.postgres), script(twins.quiver)
    assert theirs
    assert_same(pformat(ours, width=120), pformat(theirs, width=120))
