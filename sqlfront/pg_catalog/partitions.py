"""Partitioned tables in the catalogs: their keys, the bounds of partitions, the tree.

https://www.postgresql.org/docs/16/catalog-pg-partitioned-table.html,
https://www.postgresql.org/docs/16/functions-info.html#FUNCTIONS-INFO-PARTITION
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from foundation.sqltypes import BOOL, INT4, NUMERIC, SqlType, arrow_type, format_type
from sqlfront.binder import BindContext, shown_condition
from sqlfront.commands.operator_classes import BTREE, HASH, is_default_class
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.types import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.catalog import Catalog, Column, Index, Table
from storage.partition_objects import PartitionBound, PartitionStrategy, RangeLimit
from storage.partition_tree import ancestors, children, partition_tree, root_of

_WORDS = {
    PartitionStrategy.RANGE: "RANGE",
    PartitionStrategy.LIST: "LIST",
    PartitionStrategy.HASH: "HASH",
}


# -- rows


@rows_of("pg_inherits")
def pg_inherits(view: CatalogView) -> Iterator[Row]:
    parts: list[Table | Index] = [*view.objects(Table), *view.objects(Index)]
    for part in parts:
        if part.parent_oid:
            yield {"inhrelid": part.oid, "inhparent": part.parent_oid, "inhseqno": 1}


def partition_fields(view: CatalogView, table: Table, relation: Table | Index) -> Row:
    """What a table's or its index's row says differently for partitions and partitioned tables."""
    found: Row = {"relispartition": bool(relation.parent_oid)}
    if relation is table:
        found["relpartbound"] = bound_text(view, table)
    if table.partition_key is not None:
        has_below = any(children(view.catalog, table))
        found |= {"relkind": "p" if relation is table else "I", "relhassubclass": has_below, "relfilenode": 0}
        if relation is table:
            found |= {"relam": 0, "reltuples": -1.0, "relpages": 0}
    return found


def default_partition_oid(view: CatalogView, table: Table) -> int:
    """The default partition of a table, 0 for none."""
    bounds = ((p.oid, p.partition_bound) for p in children(view.catalog, table))
    return next((oid for oid, bound in bounds if bound is not None and bound.is_default), 0)


def index_is_complete(catalog: Catalog, index: Index) -> bool:
    """Whether every partition below an index's table has its part; true of an index of a table with rows."""
    for partition in children(catalog, catalog.table(index.table_oid)):
        parts = (other for other in catalog.indexes_of(partition.oid) if other.parent_oid == index.oid)
        part = next(parts, None)
        if part is None or not index_is_complete(catalog, part):
            return False
    return True


# -- texts


def bound_text(view: CatalogView, partition: Table) -> str | None:
    """FOR VALUES of a partition as pg_get_expr prints it; None for a table that is no partition."""
    bound = partition.partition_bound
    if bound is None:
        return None
    if bound.is_default:
        return "DEFAULT"
    parent = view.catalog.table(partition.parent_oid)
    assert parent.partition_key is not None
    columns = [parent.column_at(attnum) for attnum in parent.partition_key.attnums]
    if parent.partition_key.strategy is PartitionStrategy.HASH:
        return f"FOR VALUES WITH (modulus {bound.modulus}, remainder {bound.remainder})"
    if parent.partition_key.strategy is PartitionStrategy.LIST:
        values = [
            "NULL" if text is None else _literal(_shown_value(view, text, columns[0].type), columns[0].type)
            for text in bound.values
        ]
        return f"FOR VALUES IN ({', '.join(values)})"
    lower, upper = (_limits(view, limits, columns) for limits in (bound.lower, bound.upper))
    return f"FOR VALUES FROM ({lower}) TO ({upper})"


def _limits(view: CatalogView, limits: Sequence[RangeLimit], columns: Sequence[Column]) -> str:
    return ", ".join(
        limit.unbounded or _literal(_shown_value(view, limit.value, column.type), column.type)
        for limit, column in zip(limits, columns, strict=True)
    )


def _shown_value(view: CatalogView, text: str, sql_type: SqlType) -> str:
    """A value of a bound under the session's settings."""
    value = view.storage.options.missing_value_decoder(sql_type, text)
    codecs = PostgresCodecs(CodecContext.of(view.session.settings))
    shown: str = codecs.to_text(pa.array([value], arrow_type(sql_type)), sql_type)[0].as_py()
    return shown


def _literal(text: str, sql_type: SqlType) -> str:
    """As get_const_expr() prints it without a type."""
    is_plain_integer = sql_type.oid == INT4.oid and not text.startswith("-")
    is_plain_number = sql_type.oid == NUMERIC.oid and text[:1].isdigit() and any(c in "eE." for c in text)
    if is_plain_integer or is_plain_number:
        return text
    if sql_type.oid == BOOL.oid:
        return "true" if text == "t" else "false"
    return "'" + text.replace("'", "''") + "'"


@catalog_function("pg_get_partkeydef")
def pg_get_partkeydef(view: CatalogView, oid: int) -> str | None:
    table = view.catalog.get(oid)
    if not isinstance(table, Table) or table.partition_key is None:
        return None
    key = table.partition_key
    family = HASH if key.strategy is PartitionStrategy.HASH else BTREE
    elements = []
    for attnum, name, collation in zip(key.attnums, key.operator_classes, key.collations, strict=True):
        column = table.column_at(attnum)
        text = quote_identifier(column.name)
        if collation and collation != column.collation:
            text += f" COLLATE {quote_identifier(collation)}"
        if not is_default_class(family, name, column.type):
            text += f" {name}"
        elements.append(text)
    return f"{_WORDS[key.strategy]} ({', '.join(elements)})"


@catalog_function("pg_get_partition_constraintdef")
def pg_get_partition_constraintdef(view: CatalogView, oid: int) -> str | None:
    """What the tables above ask of a partition's rows, as a condition."""
    table = view.catalog.get(oid)
    if not isinstance(table, Table) or not table.parent_oid:
        return None
    parts: list[str] = []
    below = table
    for parent in ancestors(view.catalog, table):
        own = _conditions(view, parent, below)
        parts = own + parts
        below = parent
    if not parts:
        return None
    context = BindContext(view.catalog, view.database_oid, tuple(view.search_path))
    is_hash = any("satisfies_hash_partition" in part for part in parts)
    if is_hash:
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"
    return shown_condition(context, table, " AND ".join(parts))


def _conditions(view: CatalogView, parent: Table, partition: Table) -> list[str]:
    """The conjuncts that one table asks of its partition's rows."""
    bound = partition.partition_bound
    assert bound is not None and parent.partition_key is not None
    columns = [parent.column_at(attnum) for attnum in parent.partition_key.attnums]
    if parent.partition_key.strategy is PartitionStrategy.HASH:
        names = ", ".join(quote_identifier(column.name) for column in columns)
        return [f"satisfies_hash_partition('{parent.oid}'::oid, {bound.modulus}, {bound.remainder}, {names})"]
    if not bound.is_default:
        return _bound_conditions(parent, bound, columns)
    others = [p.partition_bound for p in children(view.catalog, parent) if p.oid != partition.oid]
    if parent.partition_key.strategy is PartitionStrategy.LIST:
        values = tuple(value for other in others if other is not None for value in other.values)
        merged = PartitionBound(values=values)
        return [f"NOT ({' AND '.join(_list_conditions(merged, columns[0]))})"] if values else []
    arms = [" AND ".join(_range_conditions(other, columns)) for other in others if other is not None]
    if not arms:
        return []
    present = " AND ".join(f"{quote_identifier(column.name)} IS NOT NULL" for column in columns)
    ranges = " OR ".join(f"({arm})" if " AND " in arm else arm for arm in arms)
    return [f"NOT ({present} AND ({ranges}))"]


def _bound_conditions(parent: Table, bound: PartitionBound, columns: Sequence[Column]) -> list[str]:
    assert parent.partition_key is not None
    if parent.partition_key.strategy is PartitionStrategy.LIST:
        return _list_conditions(bound, columns[0])
    present = [f"{quote_identifier(column.name)} IS NOT NULL" for column in columns]
    return [*present, *_range_conditions(bound, columns)]


def _list_conditions(bound: PartitionBound, column: Column) -> list[str]:
    name = quote_identifier(column.name)
    values = [_typed(text, column) for text in bound.values if text is not None]
    test = f"{name} = {values[0]}" if len(values) == 1 else f"{name} = ANY (ARRAY[{', '.join(values)}])"
    if None not in bound.values:
        return [f"{name} IS NOT NULL", test]
    return [f"({name} IS NULL OR {test})"] if values else [f"{name} IS NULL"]


def _range_conditions(bound: PartitionBound, columns: Sequence[Column]) -> list[str]:
    """As get_qual_for_range(): equal leading values, then the lower end, then the upper one."""
    found, place = [], 0
    while (
        place < len(columns) and bound.lower[place] == bound.upper[place] and not bound.lower[place].unbounded
    ):
        found.append(
            f"{quote_identifier(columns[place].name)} = {_typed(bound.lower[place].value, columns[place])}"
        )
        place += 1
    for limits, operator, included in ((bound.lower, ">", ">="), (bound.upper, "<", "<")):
        arms = _arms(limits[place:], columns[place:], operator, included)
        if arms:
            found.append(arms[0] if len(arms) == 1 else "(" + " OR ".join(f"({arm})" for arm in arms) + ")")
    return found


def _arms(limits: Sequence[RangeLimit], columns: Sequence[Column], operator: str, included: str) -> list[str]:
    arms: list[str] = []
    equal: list[str] = []
    for place, (limit, column) in enumerate(zip(limits, columns, strict=True)):
        if limit.unbounded:
            break
        name, value = quote_identifier(column.name), _typed(limit.value, column)
        following = limits[place + 1].unbounded if place + 1 < len(limits) else None
        is_last = following is None or following == ("MINVALUE" if operator == ">" else "MAXVALUE")
        word = included if is_last else operator
        if following == "MAXVALUE" and operator == "<":
            word = "<="
        arms.append(" AND ".join([*equal, f"{name} {word} {value}"]))
        equal.append(f"{name} = {value}")
    return arms


def _typed(text: str, column: Column) -> str:
    return f"'{text.replace(chr(39), chr(39) * 2)}'::{format_type(column.type.without_typmod())}"


# -- the tree


@catalog_function("pg_partition_root")
def pg_partition_root(view: CatalogView, oid: int) -> int | None:
    found = view.catalog.get(oid)
    if isinstance(found, Index):
        while found.parent_oid:
            above = view.catalog.get(found.parent_oid)
            assert isinstance(above, Index), "an index is part of an index"
            found = above
        return found.oid if _is_in_tree(view, found) else None
    if not isinstance(found, Table) or not (found.parent_oid or found.partition_key is not None):
        return None
    return root_of(view.catalog, found).oid


def _is_in_tree(view: CatalogView, index: Index) -> bool:
    table = view.catalog.table(index.table_oid)
    return bool(index.parent_oid) or table.partition_key is not None


def partition_ancestors(view: CatalogView, oid: int) -> list[tuple[int]]:
    """Rows of pg_partition_ancestors()."""
    found = view.catalog.get(oid)
    if isinstance(found, Index):
        rows = [(found.oid,)] if _is_in_tree(view, found) else []
        while found.parent_oid:
            above = view.catalog.get(found.parent_oid)
            assert isinstance(above, Index), "an index is part of an index"
            found = above
            rows.append((found.oid,))
        return rows
    if not isinstance(found, Table) or not (found.parent_oid or found.partition_key is not None):
        return []
    return [(found.oid,), *((above.oid,) for above in ancestors(view.catalog, found))]


def partition_tree_rows(view: CatalogView, oid: int) -> list[tuple[int, int | None, bool, int]]:
    """Rows of pg_partition_tree(): (relid, parentrelid, isleaf, level)."""
    found = view.catalog.get(oid)
    if isinstance(found, Index) and _is_in_tree(view, found):
        return list(_index_rows(view, found, 0))
    if not isinstance(found, Table) or not (found.parent_oid or found.partition_key is not None):
        return []
    levels = {found.oid: 0}
    rows: list[tuple[int, int | None, bool, int]] = []
    for part in partition_tree(view.catalog, found):
        level = levels.setdefault(part.oid, levels.get(part.parent_oid, -1) + 1)
        rows.append((part.oid, part.parent_oid or None, part.partition_key is None, level))
    return rows


def _index_rows(view: CatalogView, index: Index, level: int) -> Iterator[tuple[int, int | None, bool, int]]:
    table = view.catalog.table(index.table_oid)
    yield index.oid, index.parent_oid or None, table.partition_key is None, level
    for partition in children(view.catalog, table):
        for part in view.catalog.indexes_of(partition.oid):
            if part.parent_oid == index.oid:
                yield from _index_rows(view, part, level + 1)
