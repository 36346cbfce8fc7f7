"""How a partitioned table divides its rows: the key of the table, and the bound of each partition.

Both are parts of `Table` objects. A partitioned table has a key and never a row; a partition names its parent and has a bound,
and may be partitioned itself. Values of bounds are texts in PostgreSQL's form under default settings, because storage
compares none: it neither routes rows nor checks bounds, that is the work of who runs statements.
https://www.postgresql.org/docs/16/ddl-partitioning.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PartitionStrategy(StrEnum):
    """Values as in pg_partitioned_table.partstrat."""

    RANGE = "r"
    LIST = "l"
    HASH = "h"


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """PARTITION BY of a table: columns by number, each with its operator class and what COLLATE named ('' for none)."""

    strategy: PartitionStrategy
    attnums: tuple[int, ...]
    operator_classes: tuple[str, ...]
    collations: tuple[str, ...]


MINVALUE, MAXVALUE = "MINVALUE", "MAXVALUE"


@dataclass(frozen=True, slots=True)
class RangeLimit:
    """One column of a range's end: a value, or `unbounded` as MINVALUE or MAXVALUE."""

    value: str = ""
    unbounded: str = ""


@dataclass(frozen=True, slots=True)
class PartitionBound:
    """FOR VALUES of a partition; which fields mean anything is for the parent's strategy to say.

    `values` are those of a list, None for NULL. A range includes `lower` and not `upper`. A hash partition has the rows
    whose hash leaves `remainder` when divided by `modulus`.
    """

    is_default: bool = False
    values: tuple[str | None, ...] = ()
    lower: tuple[RangeLimit, ...] = ()
    upper: tuple[RangeLimit, ...] = ()
    modulus: int = 0
    remainder: int = 0


def partition_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The partition fields of a table from its record, where it has some; lists of JSON become tuples again."""
    found: dict[str, Any] = {}
    key = record.get("partition_key")
    if key is not None:
        found["partition_key"] = PartitionKey(
            PartitionStrategy(key["strategy"]),
            tuple(key["attnums"]), tuple(key["operator_classes"]), tuple(key["collations"]),
        )  # fmt: skip
    bound = record.get("partition_bound")
    if bound is not None:
        ends = {name: tuple(RangeLimit(**limit) for limit in bound[name]) for name in ("lower", "upper")}
        found["partition_bound"] = PartitionBound(**{**bound, **ends, "values": tuple(bound["values"])})
    return found
