"""Rows of pg_partitioned_table. https://www.postgresql.org/docs/16/catalog-pg-partitioned-table.html"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.commands.operator_classes import BTREE, HASH
from sqlfront.pg_catalog.access_methods import operator_class_oids
from sqlfront.pg_catalog.objects import column_collation
from sqlfront.pg_catalog.partitions import default_partition_oid
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import Table
from storage.partition_objects import PartitionStrategy


@rows_of("pg_partitioned_table")
def pg_partitioned_table(view: CatalogView) -> Iterator[Row]:
    operator_classes = operator_class_oids()
    for table in view.objects(Table):
        key = table.partition_key
        if key is None:
            continue
        family = HASH if key.strategy is PartitionStrategy.HASH else BTREE
        columns = [table.column_at(attnum) for attnum in key.attnums]
        yield {
            "partrelid": table.oid, "partstrat": key.strategy.value, "partnatts": len(columns),
            "partdefid": default_partition_oid(view, table), "partattrs": list(key.attnums),
            "partclass": [operator_classes.get((family, name), 0) for name in key.operator_classes],
            "partcollation": [column_collation(column) for column in columns], "partexprs": None,
        }  # fmt: skip
