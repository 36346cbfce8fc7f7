"""Bank workload: clients move money between accounts, and the total never changes.

Transfers run in transaction blocks, under READ COMMITTED by relative updates and under REPEATABLE READ by
reading balances and writing the computed ones, which loses money unless the first updater wins. Auditors read
all accounts in one statement, and one after the other in a REPEATABLE READ transaction.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass

import psycopg
from psycopg import IsolationLevel
from psycopg.errors import DeadlockDetected, SerializationFailure

ACCOUNTS = 10
TOTAL = ACCOUNTS * 100
SCHEMA = f"""
    CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
    INSERT INTO accounts SELECT i, {TOTAL // ACCOUNTS} FROM generate_series(0, {ACCOUNTS - 1}) i;
"""
RETRIED = (SerializationFailure, DeadlockDetected)

Connection = psycopg.Connection[tuple[int, ...]]


@dataclass
class Teller:
    """One client. `transfers` were acknowledged, `aborted` ended in 40001 or 40P01 and left no trace."""

    number: int
    dsn: str
    isolation: IsolationLevel
    transfers: int = 0
    aborted: int = 0
    audits: int = 0
    error: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        self.random = random.Random(self.number)
        try:
            with psycopg.connect(self.dsn) as connection:
                connection.isolation_level = self.isolation
                while not stop.is_set():
                    self._act(connection)
        except BaseException as error:
            self.error = error

    def _act(self, connection: Connection) -> None:
        try:
            with connection.transaction():
                if self.random.random() < 0.25:
                    self._audit(connection)
                else:
                    self._transfer(connection)
        except RETRIED:
            self.aborted += 1

    def _transfer(self, connection: Connection) -> None:
        source, target = self.random.sample(range(ACCOUNTS), 2)
        amount = self.random.randint(1, 30)
        if self.isolation is IsolationLevel.READ_COMMITTED:
            for account, change in ((source, -amount), (target, amount)):
                connection.execute(
                    "UPDATE accounts SET balance = balance + %s WHERE id = %s", (change, account)
                )
        else:
            balances = dict(connection.execute("SELECT id, balance FROM accounts").fetchall())
            for account, change in ((source, -amount), (target, amount)):
                connection.execute(
                    "UPDATE accounts SET balance = %s WHERE id = %s", (balances[account] + change, account)
                )
        self.transfers += 1

    def _audit(self, connection: Connection) -> None:
        rows = connection.execute("SELECT count(*), sum(balance)::bigint FROM accounts").fetchall()
        assert rows == [(ACCOUNTS, TOTAL)], f"one statement saw {rows}"
        if self.isolation is not IsolationLevel.READ_COMMITTED:
            one = "SELECT balance FROM accounts WHERE id = %s"
            balances = [connection.execute(one, (i,)).fetchall()[0][0] for i in range(ACCOUNTS)]
            assert sum(balances) == TOTAL, f"one transaction saw {balances}"
        self.audits += 1
