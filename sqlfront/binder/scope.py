"""Names in scope: what FROM offers to the expressions of a query, and through it to sub-queries.

A `NamespaceItem` is a FROM item as names see it. Joins hide and merge columns, aliases rename, LATERAL lends
the items to the left; a `Scope` holds the items of one query and knows the enclosing query's scope.
Rules: the manual's "Table Expressions" (https://www.postgresql.org/docs/15/queries-table-expressions.html) and
parse_relation.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from foundation.errors import UndefinedColumn, UndefinedTable
from planner.bound import ColumnRef, Expression
from sqlfront.binder.errors import AmbiguousAlias, AmbiguousColumn, DuplicateAlias, InvalidColumnReference

_LATERAL_HINT = "To reference that table, you must mark this subquery with LATERAL."


@dataclass(frozen=True, slots=True)
class NamespaceColumn:
    """A column that a name can mean. `expression` is a ColumnRef, or the merged column of a USING join."""

    name: str
    expression: Expression
    table_oid: int = 0
    attnum: int = 0
    is_system: bool = False


@dataclass(slots=True)
class NamespaceItem:
    """A FROM item.

    `schema` is that of an unaliased table, for `schema.table.column`. `is_named`: `alias.column` works;
    `is_open`: a bare column name finds it. `is_lateral_only` items lend themselves only to LATERAL;
    `lateral_refusal` is then why they may not (RIGHT and FULL joins), or ''.
    """

    alias: str
    columns: tuple[NamespaceColumn, ...]
    schema: str = ""
    is_named: bool = True
    is_open: bool = True
    is_lateral_only: bool = False
    lateral_refused: bool = False
    is_nullable: bool = False
    """Whether an outer join may give NULLs in place of its rows."""
    table_name: str = ""
    """Name of the stored table behind an alias, for a hint."""
    is_scalar: bool = False
    """A function in FROM with one column: its alias alone means that column."""

    def named(self, name: str) -> list[NamespaceColumn]:
        return [column for column in self.columns if column.name == name]

    def visible_columns(self) -> Iterator[NamespaceColumn]:
        """What `*` stands for."""
        return (column for column in self.columns if not column.is_system)


@dataclass(slots=True)
class Scope:
    """The items of one query; `parent` is the query around it."""

    items: list[NamespaceItem] = field(default_factory=list)
    parent: Scope | None = None
    is_lateral: bool = False
    """While FROM is being bound: whether the item at hand may see the items before it."""

    def levels(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def add(self, item: NamespaceItem) -> None:
        """Add an item. Raises 42712 when its alias is taken."""
        check_alias_free(self.items, item)
        self.items.append(item)

    def relation_ids(self) -> frozenset[int]:
        """Ids of all relations behind the items of this query."""
        return frozenset(
            column.expression.relation_id
            for item in self.items
            for column in item.columns
            if isinstance(column.expression, ColumnRef)
        )


def check_alias_free(items: list[NamespaceItem], item: NamespaceItem) -> None:
    """Raises DuplicateAlias (42712) when a named item of that alias exists already."""
    if not item.is_named:
        return
    for other in items:
        # Two tables of one name in two schemas can stand side by side.
        if other.is_named and other.alias == item.alias and not (item.schema and other.schema != item.schema):
            raise DuplicateAlias(f'table name "{item.alias}" specified more than once')


def find_column(scope: Scope, name: str, position: int | None) -> NamespaceColumn:
    """What an unqualified column name means, innermost query first.

    Raises:
        AmbiguousColumn: 42702.
        UndefinedColumn: 42703, with a hint where a similar or hidden column exists.
    """
    for level in scope.levels():
        found = [(item, column) for item in level.items if item.is_open for column in item.named(name)]
        usable = [(item, column) for item, column in found if not item.is_lateral_only or level.is_lateral]
        if len(usable) > 1:
            raise AmbiguousColumn(f'column reference "{name}" is ambiguous', position=position)
        if usable:
            _check_lateral(usable[0][0], position)
            return usable[0][1]
    raise missing_column(scope, None, name, position)


def find_item(scope: Scope, schema: str | None, alias: str, position: int | None) -> NamespaceItem | None:
    """The item a qualifier means; None when there is none. Raises 42P09 when several match."""
    for level in scope.levels():
        found = [
            item
            for item in level.items
            if item.is_named
            and item.alias == alias
            and (schema is None or item.schema == schema)
            and (not item.is_lateral_only or level.is_lateral)
        ]
        if len(found) > 1:
            raise AmbiguousAlias(f'table reference "{alias}" is ambiguous', position=position)
        if found:
            _check_lateral(found[0], position)
            return found[0]
    return None


def _check_lateral(item: NamespaceItem, position: int | None) -> None:
    if item.is_lateral_only and item.lateral_refused:
        raise InvalidColumnReference(
            f'invalid reference to FROM-clause entry for table "{item.alias}"',
            detail="The combining JOIN type must be INNER or LEFT for a LATERAL reference.",
            position=position,
        )


def find_qualified(
    scope: Scope, schema: str | None, alias: str, name: str, position: int | None
) -> NamespaceColumn:
    """What `alias.name` means.

    Raises:
        UndefinedTable: 42P01 `missing FROM-clause entry for table "x"`.
        UndefinedColumn: 42703.
    """
    item = find_item(scope, schema, alias, position)
    if item is None:
        raise missing_item(scope, alias, position)
    found = item.named(name)
    if len(found) > 1:
        raise AmbiguousColumn(f'column reference "{name}" is ambiguous', position=position)
    if not found:
        raise missing_column(scope, alias, name, position)
    return found[0]


def missing_item(scope: Scope, alias: str, position: int | None) -> UndefinedTable:
    """The error for a qualifier that names nothing visible, with PostgreSQL's hints."""
    for level in scope.levels():
        for item in level.items:
            if item.alias == alias and (not item.is_named or item.is_lateral_only):
                return UndefinedTable(
                    f'invalid reference to FROM-clause entry for table "{alias}"',
                    detail=f'There is an entry for table "{alias}", but it cannot be referenced from this part '
                    "of the query.",
                    hint=_LATERAL_HINT if item.is_lateral_only else None,
                    position=position,
                )  # fmt: skip
            if item.is_named and item.table_name == alias:
                return UndefinedTable(
                    f'invalid reference to FROM-clause entry for table "{alias}"',
                    hint=f'Perhaps you meant to reference the table alias "{item.alias}".',
                    position=position,
                )
    return UndefinedTable(f'missing FROM-clause entry for table "{alias}"', position=position)


def missing_column(scope: Scope, alias: str | None, name: str, position: int | None) -> UndefinedColumn:
    """The 42703 error, with `Perhaps you meant to reference the column "t.x".` where PostgreSQL gives it."""
    shown = f"column {alias}.{name} does not exist" if alias else f'column "{name}" does not exist'
    best: list[tuple[int, str]] = []
    for level in scope.levels():
        for item in level.items:
            if not item.is_named:
                continue
            for column in item.visible_columns():
                if column.name == name and not alias:
                    return _hidden_column(shown, item, column, position)
                score = _similarity(name, column.name, edit_distance(alias, item.alias) if alias else 0)
                if score is not None:
                    best.append((score, f"{item.alias}.{column.name}"))
    return UndefinedColumn(shown, hint=_similarity_hint(best), position=position)


def _hidden_column(
    shown: str, item: NamespaceItem, column: NamespaceColumn, position: int | None
) -> UndefinedColumn:
    return UndefinedColumn(
        shown,
        detail=f'There is a column named "{column.name}" in table "{item.alias}", but it cannot be referenced '
        "from this part of the query.",
        position=position,
    )  # fmt: skip


def _similarity(wanted: str, actual: str, alias_penalty: int) -> int | None:
    """Edit distance when it is small enough to be worth a hint: at most half the name, at most three."""
    distance = edit_distance(wanted, actual) + alias_penalty
    return distance if distance <= 3 and distance <= len(wanted) // 2 else None


def _similarity_hint(best: list[tuple[int, str]]) -> str | None:
    if not best:
        return None
    lowest = min(score for score, _ in best)
    names = [name for score, name in best if score == lowest]
    if len(names) == 1:
        return f'Perhaps you meant to reference the column "{names[0]}".'
    if len(names) == 2:
        return f'Perhaps you meant to reference the column "{names[0]}" or the column "{names[1]}".'
    return None


def edit_distance(left: str, right: str) -> int:
    """Levenshtein distance with unit costs."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[len(right)]
