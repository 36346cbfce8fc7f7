"""Clients of a stress test: each changes rows of its own in shared tables and keeps a model of them in a dictionary.

The model is what the server acknowledged; `doubtful` holds what an unanswered change would have made of it, so
that after a crash either of the two must be found, whole.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg
import psycopg

DIMENSIONS = 16
LANGUAGES = ("de", "en", "fr")
COUNTERS = 4
IDS_PER_OWNER = 1_000_000
COPY_ROWS = 300
SCHEMA = f"""
    CREATE TABLE items (
        id bigint PRIMARY KEY, owner int NOT NULL, n int NOT NULL, lang text NOT NULL, embedding vector({DIMENSIONS})
    );
    CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO counters SELECT i, 0 FROM generate_series(0, {COUNTERS - 1}) i;
"""

Row = tuple[int, str]
"""n and lang of an item."""


class Gateway(Protocol):
    """One connection of some driver; statements use $1, $2 and so on."""

    def run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]: ...

    def copy_items(self, rows: Sequence[tuple[Any, ...]]) -> None: ...

    def close(self) -> None: ...


class PsycopgGateway:
    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)

    def run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.RawCursor(self._connection) as cursor:
            cursor.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def copy_items(self, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy("COPY items FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        self._connection.close()


class AsyncpgGateway:
    """asyncpg, driven from a thread: every call runs its loop until the answer is there."""

    def __init__(self, dsn: str) -> None:
        parts = dict(part.split("=", 1) for part in dsn.split())
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(
            asyncpg.connect(
                host=parts["host"], port=int(parts["port"]), user=parts["user"], database=parts["dbname"]
            )
        )

    def run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        if not parameters and not sql.startswith("SELECT"):
            self._loop.run_until_complete(self._connection.execute(sql))
            return []
        rows = self._loop.run_until_complete(self._connection.fetch(sql, *parameters))
        return [tuple(row) for row in rows]

    def copy_items(self, rows: Sequence[tuple[Any, ...]]) -> None:
        text = "".join("\t".join(map(str, row)) + "\n" for row in rows)

        async def chunks() -> Any:
            yield text.encode()

        self._loop.run_until_complete(self._connection.copy_to_table("items", source=chunks()))

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()


GATEWAYS: tuple[Callable[[str], Gateway], ...] = (PsycopgGateway, AsyncpgGateway)


@dataclass
class Owner:
    """One client: its connection, its model, and what it may do next."""

    number: int
    dsn: str
    model: dict[int, Row] = field(default_factory=dict)
    doubtful: dict[int, Row] | None = None
    """What the model becomes if the change that is on its way is acknowledged."""
    counted: int = 0
    """Acknowledged increments of shared counters."""
    actions: int = 0
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.number)
        self.next_id = self.number * IDS_PER_OWNER
        self.gateway: Gateway | None = None

    def run(self, stop: threading.Event, lost: tuple[type[Exception], ...] = ()) -> None:
        """Act until told to stop; `lost` are the errors that mean that the server was killed."""
        try:
            self.gateway = GATEWAYS[self.number % 4 == 3](self.dsn)
            try:
                while not stop.is_set():
                    self.act()
                    self.actions += 1
            finally:
                self.gateway.close()
        except lost:
            return
        except BaseException as error:
            self.error = error

    def act(self) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self.insert, 20),
            (self.copy, 6),
            (self.update, 15),
            (self.delete, 8),
            (self.search, 30),
            (self.aggregate, 10),
            (self.count_up, 10),
            (self.roll_back, 5),
            (self.own_table, 1),
        ]
        (action,) = self.random.choices([a for a, _ in actions], [weight for _, weight in actions])
        action()

    # -- changes

    def insert(self) -> None:
        rows = self._fresh_rows(self.random.randint(1, 5))
        values = ", ".join(_values(row) for row in rows)
        self._change(self._with(rows), lambda: self._sql(f"INSERT INTO items VALUES {values}"))

    def copy(self) -> None:
        rows = self._fresh_rows(COPY_ROWS)
        assert self.gateway is not None
        gateway = self.gateway
        self._change(self._with(rows), lambda: gateway.copy_items(rows))

    def update(self) -> None:
        low, high = self._some_range()
        changed = {i: (n + 1, lang) if low <= i <= high else (n, lang) for i, (n, lang) in self.model.items()}
        self._change(
            changed,
            lambda: self._sql(
                "UPDATE items SET n = n + 1 WHERE owner = $1 AND id BETWEEN $2 AND $3", self.number, low, high
            ),
        )

    def delete(self) -> None:
        low, high = self._some_range()
        left = {i: row for i, row in self.model.items() if not low <= i <= high}
        self._change(
            left,
            lambda: self._sql("DELETE FROM items WHERE id BETWEEN $1 AND $2", low, high),
        )

    def roll_back(self) -> None:
        row = self._fresh_rows(1)[0]
        self._sql("BEGIN")
        self._sql(f"INSERT INTO items VALUES {_values(row)}")
        self._sql("DELETE FROM items WHERE owner = $1 AND n > 0", self.number)
        found = self._sql("SELECT count(*) FROM items WHERE owner = $1", self.number)
        assert found == [(1 + sum(n == 0 for n, _ in self.model.values()),)], "own changes are seen"
        self._sql("ROLLBACK")

    def count_up(self) -> None:
        """Rows that everybody changes: a statement alone never fails because of another."""
        counter = self.random.randrange(COUNTERS)
        ((value,),) = self._sql("UPDATE counters SET n = n + 1 WHERE id = $1 RETURNING n", counter)
        assert value > 0
        self.counted += 1

    def own_table(self) -> None:
        """CREATE TABLE, fill, index, search, drop."""
        name = f"own_{self.number}"
        self._sql(f"CREATE TABLE {name} (id int, embedding vector(4))")
        vectors = ", ".join(f"({i}, '[{i},1,0,{i % 7}]')" for i in range(1200))
        self._sql(f"INSERT INTO {name} VALUES {vectors}")
        self._sql(f"CREATE INDEX ON {name} USING hnsw (embedding vector_l2_ops)")
        nearest = f"SELECT id FROM {name} WHERE id % 2 = 1 ORDER BY embedding <-> $1::text::vector LIMIT 5"
        assert len(self._sql(nearest, "[600,1,0,5]")) == 5
        self._sql(f"ALTER TABLE {name} ADD COLUMN note text DEFAULT 'x'")
        assert self._sql(f"SELECT count(*) FROM {name} WHERE note = 'x'") == [(1200,)]
        self._sql(f"DROP TABLE {name}")

    # -- questions

    def search(self) -> None:
        lang = self.random.choice(LANGUAGES)
        matching = {i for i, (_, row_lang) in self.model.items() if row_lang == lang}
        found = self._sql(
            "SELECT id FROM items WHERE owner = $1 AND lang = $2 ORDER BY embedding <-> $3::text::vector LIMIT 10",
            self.number,
            lang,
            self._vector(),
        )
        ids = [key for (key,) in found]
        assert len(ids) == len(set(ids)) == min(10, len(matching)), "a search returns min(k, matching) rows"
        assert set(ids) <= matching

    def aggregate(self) -> None:
        found = self._sql(
            "SELECT lang, count(*), sum(n) FROM items WHERE owner = $1 GROUP BY lang", self.number
        )
        expected: dict[str, tuple[int, int]] = {}
        for n, lang in self.model.values():
            count, total = expected.get(lang, (0, 0))
            expected[lang] = count + 1, total + n
        assert {lang: (count, total) for lang, count, total in found} == expected

    # -- small steps

    def _change(self, after: dict[int, Row], send: Callable[[], object]) -> None:
        self.doubtful = after
        send()
        self.model, self.doubtful = after, None

    def _with(self, rows: Sequence[tuple[Any, ...]]) -> dict[int, Row]:
        return self.model | {row[0]: (row[2], row[3]) for row in rows}

    def _sql(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        assert self.gateway is not None
        return self.gateway.run(sql, *parameters)

    def _fresh_rows(self, count: int) -> list[tuple[Any, ...]]:
        rows = []
        for _ in range(count):
            rows.append((self.next_id, self.number, 0, self.random.choice(LANGUAGES), self._vector()))
            self.next_id += 1
        return rows

    def _some_range(self) -> tuple[int, int]:
        low = self.random.randint(self.number * IDS_PER_OWNER, self.next_id)
        return low, low + self.random.choice((0, 10, 100))

    def _vector(self) -> str:
        return "[" + ",".join(f"{self.random.gauss(0, 1):.3f}" for _ in range(DIMENSIONS)) + "]"


def _values(row: tuple[Any, ...]) -> str:
    key, owner, n, lang, vector = row
    return f"({key}, {owner}, {n}, '{lang}', '{vector}')"


def stored_items(dsn: str) -> dict[int, dict[int, Row]]:
    """What the server holds, by owner."""
    items: dict[int, dict[int, Row]] = {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for key, owner, n, lang in connection.execute("SELECT id, owner, n, lang FROM items"):
            items.setdefault(owner, {})[key] = (n, lang)
    return items
