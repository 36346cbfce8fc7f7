"""Clients of a stress test: each changes rows of its own in shared tables and keeps a model of them in a dictionary.

The model is what the server acknowledged; `doubtful` holds what an unanswered change would have made of it, so
that after a crash either of the two must be found, whole. `resume` goes on from what was found.
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
    CREATE TABLE receipts (id bigint PRIMARY KEY, owner int NOT NULL, n int NOT NULL);
    CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO counters SELECT i, 0 FROM generate_series(0, {COUNTERS - 1}) i;
"""

OWN_ROWS = 1200
RECEIPT = "receipt"

Row = tuple[int, str]
"""n and lang of an item. A row of `receipts` is in the same dictionary, under its negated id, as (n, RECEIPT)."""


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
        try:
            self._connection = self._loop.run_until_complete(
                asyncpg.connect(
                    host=parts["host"], port=int(parts["port"]), user=parts["user"], database=parts["dbname"]
                )
            )
        except BaseException:
            self._loop.close()
            raise

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
        try:
            self._loop.run_until_complete(self._connection.close())
        finally:
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
    transactions: int = 0
    """Acknowledged changes of any kind."""
    actions: int = 0
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.number)
        self.next_id = self.number * IDS_PER_OWNER
        self.gateway: Gateway | None = None

    def resume(self, dsn: str, found: dict[int, Row]) -> None:
        """Go on after a crash, from what it left: the model, or what the change under way would have made of it."""
        assert found in (self.model, self.doubtful), f"client {self.number}"
        self.dsn, self.model, self.doubtful = dsn, found, None

    def run(
        self, stop: threading.Event, is_lost: Callable[[BaseException], bool] = lambda error: False
    ) -> None:
        """Act until told to stop; `is_lost` says of an error whether it means that the server was killed."""
        try:
            self.gateway = GATEWAYS[self.number % 4 == 3](self.dsn)
            try:
                while not stop.is_set():
                    self.act()
                    self.actions += 1
            finally:
                self.gateway.close()
        except BaseException as error:
            if not is_lost(error):
                self.error = error

    def act(self) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self.insert, 20),
            (self.copy, 6),
            (self.update, 15),
            (self.upsert, 8),
            (self.delete, 8),
            (self.search, 30),
            (self.aggregate, 10),
            (self.count_up, 10),
            (self.roll_back, 5),
            (self.transact, 10),
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
        self._change(
            self._counted_up(low, high),
            lambda: self._sql(
                "UPDATE items SET n = n + 1 WHERE owner = $1 AND id BETWEEN $2 AND $3", self.number, low, high
            ),
        )

    def upsert(self) -> None:
        """Known and fresh rows in one statement: the known ones count up."""
        known = self.random.sample(sorted(self._items()), min(len(self._items()), 5))
        after = self.model | {i: (self.model[i][0] + 1, self.model[i][1]) for i in known}
        fresh = self._fresh_rows(3)
        after |= {row[0]: (row[2], row[3]) for row in fresh}
        proposed = [*((i, self.number, 0, "xx", self._vector()) for i in known), *fresh]
        values = ", ".join(map(_values, proposed))
        self._change(
            after,
            lambda: self._sql(
                f"INSERT INTO items VALUES {values} ON CONFLICT (id) DO UPDATE SET n = items.n + 1"
            ),
        )

    def delete(self) -> None:
        low, high = self._some_range()
        left = {i: row for i, row in self.model.items() if not low <= i <= high}
        self._change(
            left,
            lambda: self._sql("DELETE FROM items WHERE id BETWEEN $1 AND $2", low, high),
        )

    def transact(self) -> None:
        """Several statements over two tables in one block; a crash leaves all of it or nothing."""
        rows = self._fresh_rows(self.random.randint(1, 20))
        receipt = self.next_id
        self.next_id += 1
        low, high = self._some_range()
        after = {i: row for i, row in self._counted_up(low, high).items() if not low - 10 <= i < low}
        after |= {row[0]: (row[2], row[3]) for row in rows} | {-receipt: (len(rows), RECEIPT)}

        def send() -> None:
            self._sql("BEGIN")
            self._sql("INSERT INTO receipts VALUES ($1, $2, $3)", receipt, self.number, len(rows))
            self._sql("UPDATE items SET n = n + 1 WHERE id BETWEEN $1 AND $2", low, high)
            self._sql("DELETE FROM items WHERE id >= $1 AND id < $2", low - 10, low)
            self._sql(f"INSERT INTO items VALUES {', '.join(map(_values, rows))}")
            self._sql("COMMIT")

        self._change(after, send)

    def roll_back(self) -> None:
        row = self._fresh_rows(1)[0]
        self._sql("BEGIN")
        self._sql(f"INSERT INTO items VALUES {_values(row)}")
        self._sql("DELETE FROM items WHERE owner = $1 AND n > 0", self.number)
        found = self._sql("SELECT count(*) FROM items WHERE owner = $1", self.number)
        assert found == [(1 + sum(n == 0 for n, _ in self._items().values()),)], "own changes are seen"
        self._sql("ROLLBACK")

    def count_up(self) -> None:
        """Rows that everybody changes: a statement alone never fails because of another."""
        counter = self.random.randrange(COUNTERS)
        sql = self.random.choice(
            (
                "UPDATE counters SET n = n + 1 WHERE id = $1 RETURNING n",
                "INSERT INTO counters VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = counters.n + 1 RETURNING n",
            )
        )
        ((value,),) = self._sql(sql, counter)
        assert value > 0
        self.counted += 1
        self.transactions += 1

    def own_table(self) -> None:
        """CREATE TABLE, fill, index, search, drop."""
        name = f"own_{self.number}"
        self._sql(f"DROP TABLE IF EXISTS {name}")
        self._sql(f"CREATE TABLE {name} (id int PRIMARY KEY, embedding vector(4))")
        vectors = ", ".join(f"({i}, '[{i},1,0,{i % 7}]')" for i in range(OWN_ROWS))
        self._sql(f"INSERT INTO {name} VALUES {vectors}")
        self._sql(f"CREATE INDEX ON {name} USING hnsw (embedding vector_l2_ops)")
        nearest = f"SELECT id FROM {name} WHERE id % 2 = 1 ORDER BY embedding <-> $1::text::vector LIMIT 5"
        assert len(self._sql(nearest, "[600,1,0,5]")) == 5
        self._sql(f"ALTER TABLE {name} ADD COLUMN note text DEFAULT 'x'")
        assert self._sql(f"SELECT count(*) FROM {name} WHERE note = 'x'") == [(OWN_ROWS,)]
        self._sql(f"ALTER TABLE {name} ALTER COLUMN id TYPE bigint")
        self._sql(f"ALTER TABLE {name} DROP COLUMN embedding")
        self._sql(f"DROP TABLE {name}")
        self.transactions += 8

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
        for n, lang in self._items().values():
            count, total = expected.get(lang, (0, 0))
            expected[lang] = count + 1, total + n
        assert {lang: (count, total) for lang, count, total in found} == expected

    # -- small steps

    def _change(self, after: dict[int, Row], send: Callable[[], object]) -> None:
        self.doubtful = after
        send()
        self.model, self.doubtful = after, None
        self.transactions += 1

    def _with(self, rows: Sequence[tuple[Any, ...]]) -> dict[int, Row]:
        return self.model | {row[0]: (row[2], row[3]) for row in rows}

    def _items(self) -> dict[int, Row]:
        return {i: row for i, row in self.model.items() if i >= 0}

    def _counted_up(self, low: int, high: int) -> dict[int, Row]:
        return {i: (n + 1, lang) if low <= i <= high else (n, lang) for i, (n, lang) in self.model.items()}

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
    """What the server holds, by owner; ids are unique."""
    items: dict[int, dict[int, Row]] = {}
    query = f"SELECT id, owner, n, lang FROM items UNION ALL SELECT -id, owner, n, '{RECEIPT}' FROM receipts"
    count = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        for key, owner, n, lang in connection.execute(query.encode()):
            items.setdefault(owner, {})[key] = (n, lang)
            count += 1
    assert count == sum(map(len, items.values())), "a key is there twice"
    return items


def check_own_tables(dsn: str) -> int:
    """Tables of `Owner.own_table` that a crash left in the middle: whole as after one of its steps. How many."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        names = connection.execute("SELECT relname FROM pg_class WHERE relname ~ '^own_[0-9]+$'").fetchall()
        for (name,) in names:
            columns = connection.execute(
                "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns"
                " WHERE table_name = %s",
                (name,),
            ).fetchone()
            assert columns in (("id embedding",), ("id embedding note",), ("id note",))
            rows = connection.execute(f"SELECT * FROM {name} ORDER BY id".encode()).fetchall()
            assert [row[0] for row in rows] == list(range(len(rows))) and len(rows) in (0, OWN_ROWS)
            if columns != ("id embedding",):
                assert {row[-1] for row in rows} == {"x"}
    return len(names)


def check_searches(dsn: str, generator: random.Random, queries: int = 10) -> float:
    """Nearest items by index: ids that are there, each once, at their true distances, closest first.

    Returns:
        Recall of the ten nearest against the search without an index.
    """
    search = "SELECT id, embedding <-> %s::text::vector FROM items ORDER BY 2 LIMIT 10"
    found = 0
    wanted = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(queries):
            text = str([round(generator.gauss(0, 1), 3) for _ in range(DIMENSIONS)])
            connection.execute("SET enable_indexscan = off")
            exact = connection.execute(search, (text,)).fetchall()
            connection.execute("SET enable_indexscan = on")
            answer = connection.execute(search, (text,)).fetchall()
            ids = [key for key, _ in answer]
            assert len(ids) == len(set(ids)) == len(exact)
            distances = [distance for _, distance in answer]
            assert distances == sorted(distances)
            true = dict(
                connection.execute(
                    "SELECT id, embedding <-> %s::text::vector FROM items WHERE id = ANY(%s)", (text, ids)
                ).fetchall()
            )
            assert all(abs(true[key] - distance) < 1e-4 for key, distance in answer)
            found += len(set(ids) & {key for key, _ in exact})
            wanted += len(exact)
    return found / wanted if wanted else 1.0
