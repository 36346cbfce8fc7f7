"""Fixtures of the session tests: one instance a module, clients of it, and a name nobody else uses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quiver.instance import Instance
from tests.sqlfront.session.driver import Client, opened

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    path: Path = tmp_path_factory.mktemp("session")
    with opened(path) as open_instance:
        yield open_instance


@pytest.fixture
def connect(instance: Instance) -> Iterator[Callable[..., Client]]:
    """Makes clients that are closed at the end of the test."""
    clients: list[Client] = []

    def make(**settings: str) -> Client:
        clients.append(Client(instance, **settings))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def table() -> str:
    """A table name of this test alone."""
    return f"t{next(_numbers)}"
