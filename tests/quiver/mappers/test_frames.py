"""Goal: data frames are written to Quiver and read from it as with PostgreSQL: pandas, Polars and ADBC.

Method: each test runs one script on both servers, from an empty database; types and values that come back must be equal.
pandas goes through SQLAlchemy, Polars through SQLAlchemy, through a DBAPI connection and through ADBC, whose driver sends
COPY in binary.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pytest

from tests.clients.twins import Address, Twins
from tests.quiver.mappers.databases import check_alike, sqlalchemy_url

pytestmark = pytest.mark.slow

ROWS = 50
START = datetime.datetime(2024, 2, 28, 23, 59, 59, 123456)


def columns() -> dict[str, Any]:
    """A column of each type that frames have; every seventh value is missing."""
    hours = [START + datetime.timedelta(hours=number) for number in range(ROWS)]
    values = {
        "id": list(range(ROWS)),
        "price": [number / 8 for number in range(ROWS)],
        "name": [f"näme {number}" for number in range(ROWS)],
        "ok": [number % 3 == 0 for number in range(ROWS)],
        "at": hours,
        "day": [hour.date() for hour in hours],
    }
    for name in ("price", "name", "at", "day"):
        values[name] = [None if number % 7 == 3 else value for number, value in enumerate(values[name])]
    return values


def described(frame: Any) -> list[Any]:
    """Names, types and values of a pandas frame; missing ones, which equal nothing, as None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [*map(str, frame.dtypes.items()), *plain.itertuples(index=False, name=None)]


def test_pandas(twins: Twins) -> None:
    import pandas as pd
    import sqlalchemy as sa

    def script(address: Address) -> Any:
        engine = sa.create_engine(sqlalchemy_url(address, "psycopg"))
        found: list[Any] = []
        frame = pd.DataFrame(columns())
        frame.to_sql("frames", engine, index=False)
        frame.head(5).to_sql("frames", engine, index=False, if_exists="append", method="multi")
        with pytest.raises(ValueError, match="already exists"):
            frame.to_sql("frames", engine, index=False)
        found += described(pd.read_sql_table("frames", engine).sort_values(["id", "name"]))
        query = sa.text(
            "SELECT ok, sum(price) AS total, max(at) FROM frames WHERE id < :n GROUP BY ok ORDER BY ok"
        )
        found += described(pd.read_sql_query(query, engine, params={"n": 40}, index_col="ok").reset_index())
        chunks = pd.read_sql("SELECT id FROM frames ORDER BY id", engine, chunksize=20)
        found.append([len(chunk) for chunk in chunks])
        indexed = pd.DataFrame({"x": [1.5, np.nan]}, index=pd.Index([7, 8], name="key"))
        kinds = {"x": sa.Numeric(10, 2)}
        for mode in ("replace", "replace", "append"):
            indexed.to_sql("indexed", engine, if_exists=mode, dtype=kinds)
        found += described(pd.read_sql_table("indexed", engine, index_col="key").reset_index())
        indexes = sa.inspect(engine).get_indexes("indexed")
        found.append([(index["name"], index["column_names"]) for index in indexes])
        engine.dispose()
        return found

    check_alike(twins, script)


def test_polars(twins: Twins) -> None:
    import polars as pl
    import psycopg
    import sqlalchemy as sa

    def script(address: Address) -> Any:
        engine = sa.create_engine(sqlalchemy_url(address, "psycopg"))
        frame = pl.DataFrame(columns())
        found: list[Any] = [frame.write_database("through_sqlalchemy", engine)]
        found.append(frame.head(3).write_database("through_sqlalchemy", engine, if_table_exists="append"))
        found.append(frame.write_database("through_adbc", address.uri, engine="adbc"))
        found.append(
            frame.write_database("through_adbc", address.uri, engine="adbc", if_table_exists="replace")
        )
        for table in ("through_sqlalchemy", "through_adbc"):
            query = f"SELECT * FROM {table} ORDER BY id, name"
            with psycopg.connect(address.uri) as connection:
                by_cursor = pl.read_database(query, connection)
            by_engine, by_adbc = (
                pl.read_database(query, engine),
                pl.read_database_uri(query, address.uri, engine="adbc"),
            )
            assert by_cursor.rows() == by_engine.rows() == by_adbc.rows()
            found += [by_cursor.schema, by_adbc.schema, by_adbc.rows()]
        sums = "SELECT ok, sum(price) AS total, avg(id) AS mean FROM through_adbc GROUP BY ok ORDER BY ok"
        found += pl.read_database(sums, engine).rows()
        batches = pl.read_database(
            "SELECT id FROM through_adbc ORDER BY id", engine, iter_batches=True, batch_size=20
        )
        found.append([batch.height for batch in batches])
        engine.dispose()
        return found

    check_alike(twins, script)


TYPED = """
CREATE TABLE typed (
    a smallint, b integer, c bigint, d real, e double precision, f numeric(12,3), g text, h varchar(5), i bytea, j boolean,
    k date, l time, m timestamp, n timestamptz, o interval, p uuid, q jsonb, r integer[], s text[], t char(4), u json
)
"""
TYPED_ROWS = """
INSERT INTO typed VALUES
 (1, -2, 3000000000, 1.5, 0.1, 12.345, 'a', 'bc', '\\x00ff', true, '2024-02-29', '12:34:56.789', '2024-02-29 1:02:03',
  '2024-02-29 01:02:03+02', '1 month 2 days 03:04:05', '00000000-0000-0000-0000-000000000001', '{"a": [1, null]}',
  '{1,2}', '{x,NULL}', 'pad', '[1]'),
 (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""


def tables_of(schemas: list[dict[str, Any]]) -> list[tuple[str, str, list[tuple[Any, ...]]]]:
    """Tables of schemas as ADBC tells of them, in the order of their names, which its query leaves open."""
    names = ("ordinal_position", "column_name", "xdbc_type_name", "xdbc_nullable", "xdbc_is_nullable")
    return sorted(
        (table["table_name"], table["table_type"],
         sorted((tuple(column.get(name) for name in names) for column in table["table_columns"]), key=str))
        for schema in schemas
        for table in schema["db_schema_tables"]
    )  # fmt: skip


def test_adbc(twins: Twins) -> None:
    import adbc_driver_postgresql.dbapi
    import pyarrow as pa

    def script(address: Address) -> Any:
        found: list[Any] = []
        with adbc_driver_postgresql.dbapi.connect(address.uri) as connection, connection.cursor() as cursor:
            cursor.execute(TYPED)
            cursor.execute(TYPED_ROWS)
            cursor.execute("SELECT * FROM typed")
            table = cursor.fetch_arrow_table()
            found += [table.schema.remove_metadata(), table.drop_columns(["o"]).to_pylist(), str(table["o"])]
            cursor.execute("SELECT b, g FROM typed WHERE b = $1 OR f > $2", (-2, decimal.Decimal("1.5")))
            found += cursor.fetchall()
            written = pa.table(columns())
            found.append(cursor.adbc_ingest("ingested", written, mode="create"))
            found.append(cursor.adbc_ingest("ingested", written.slice(0, 10), mode="append"))
            found.append(cursor.adbc_ingest("passing", written, mode="create", temporary=True))
            connection.commit()
            cursor.execute("SELECT * FROM ingested ORDER BY id, name")
            found.append(cursor.fetch_arrow_table().to_pylist())
            cursor.executemany("INSERT INTO ingested (id, name) VALUES ($1, $2)", [(100, "x"), (101, None)])
            connection.rollback()
            cursor.execute("SELECT count(*), max(id) FROM ingested")
            found += cursor.fetchall()
            found.append(connection.adbc_get_table_schema("ingested"))
            objects = connection.adbc_get_objects(depth="columns", db_schema_filter="public").read_all()
            # Other tests may have databases of their own on the server.
            here = connection.adbc_current_catalog
            catalogs = [row for row in objects.to_pylist() if row["catalog_name"] == here]
            found.append([tables_of(row["catalog_db_schemas"]) for row in catalogs])
            found.append(connection.adbc_get_table_types())
            with pytest.raises(connection.ProgrammingError, match="42P01"):
                cursor.execute("SELECT * FROM nowhere")
        return found

    check_alike(twins, script)
