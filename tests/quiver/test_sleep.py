"""Goal: pg_sleep() waits as long as it was asked to, and no longer than somebody lets it.

Method: a server; the time of calls, a cancel request and a statement_timeout in the middle, and other sessions meanwhile.
"""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from psycopg import errors

from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow


def test_it_waits_for_each_row_and_hinders_nobody(server: ServerProcess) -> None:
    with (
        psycopg.connect(server.dsn, autocommit=True) as one,
        psycopg.connect(server.dsn, autocommit=True) as other,
    ):
        begin = time.monotonic()
        sleeper = threading.Thread(
            target=lambda: one.execute("SELECT pg_sleep(0.3) FROM generate_series(1, 2)")
        )
        sleeper.start()
        assert other.execute("SELECT 1").fetchone() == (1,)
        assert sleeper.is_alive()
        sleeper.join()
        assert time.monotonic() - begin >= 0.6


@pytest.mark.parametrize("by", ["cancel", "timeout"])
def test_it_ends_when_it_is_cancelled(server: ServerProcess, by: str) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        if by == "timeout":
            connection.execute("SET statement_timeout = 200")
        else:
            threading.Timer(0.2, connection.cancel_safe).start()
        begin = time.monotonic()
        with pytest.raises(errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")
        assert time.monotonic() - begin < 10
        assert connection.execute("SELECT 1").fetchone() == (1,)
