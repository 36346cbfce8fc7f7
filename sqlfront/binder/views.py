"""Views: their queries kept as text, and read back wherever FROM names them.

The text is what `planner.query_text` prints of the bound query, with every relation's schema, so that it depends on no
search path. It must mean the same: it is bound again and compared, and a query for which no text does that is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from foundation.errors import DuplicateColumn, FeatureNotSupported, QuiverError, SyntaxErrorInStatement
from foundation.settings import SettingValues
from planner import bound
from planner.evaluate.rewriting import rewrite
from planner.implication import comparable
from planner.query_text import QueryPrinter, QueryStyle, RelationName, with_output_names
from sqlfront.binder.binding import bind_query
from sqlfront.binder.catalog_names import find_relation, schema_name_of
from sqlfront.binder.context import BindContext
from sqlfront.parser import QueryStatement, parse_script
from sqlfront.types.context import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.catalog import AnyView, Catalog, ColumnRelation
from storage.catalog import Sequence as StoredSequence

_STYLES = (QueryStyle(), QueryStyle(is_explicit=True))
"""Tried in this order: as PostgreSQL prints it, and so that no name can mean two things."""


@dataclass(frozen=True, slots=True)
class KeptQuery:
    """A query, its text, its output columns, and what it reads as `View.references` has it."""

    tree: bound.Query
    sql: str
    columns: tuple[bound.RelationColumn, ...]
    references: tuple[tuple[int, tuple[int, ...]], ...]


def keep_query(
    context: BindContext,
    node: exp.Expr,
    names: Sequence[str] = (),
    *,
    too_many: str = "CREATE VIEW specifies more column names than columns",
) -> KeptQuery:
    """Bind a view's query and write it down.

    Args:
        names: the first of the columns' names; the others are the query's own.
        too_many: what is said when there are more names than columns.

    Raises:
        UndefinedParameter: 42P02. DuplicateColumn: 42701. SyntaxErrorInStatement: 42601, more names than columns.
        FeatureNotSupported: 0A000, the query cannot be written down. Whatever binding raises.
    """
    kept = replace(context, allows_parameters=False, is_kept=True)
    tree = _query(bind_query(node, kept))
    columns = bound.output_columns(tree)
    if len(names) > len(columns):
        raise SyntaxErrorInStatement(too_many)
    shown = [*names, *(column.name for column in columns[len(names) :])]
    for name in shown:
        if shown.count(name) > 1:
            raise DuplicateColumn(f'column "{name}" specified more than once')
    tree = with_output_names(tree, shown)
    sql = _faithful_text(kept, tree)
    return KeptQuery(tree, sql, bound.output_columns(tree), _references(tree))


def bind_view(context: BindContext, view: AnyView) -> bound.Query:
    """The query of a view, as a statement of its own."""
    return _query(bind_query(parsed_view(view), context.for_kept_text()))


def parsed_view(view: AnyView) -> exp.Expr:
    """The syntax tree of a view's query."""
    (statement,) = parse_script(view.definition_sql)
    assert isinstance(statement.node, QueryStatement), "a view is a query"
    return statement.node.expression


def view_text(context: BindContext, view: AnyView, style: QueryStyle) -> str:
    """A view's query as pg_get_viewdef shows it: what the search path does not find is qualified."""
    names = _Names(context, shows_schema=False)
    return _printed(bind_view(context, view), names, style, context.schemas_searched())


def renamed_view(tree: bound.Query, before: Catalog, context: BindContext, names: Sequence[str]) -> str:
    """The text of a view's query after relations or columns that it reads got other names.

    Args:
        tree: the query, bound in `before`.
        context: its catalog has the new names.
        names: what the view's columns are called.
    """
    tree = with_output_names(_in_new_names(tree, before, context.catalog), names)
    return _faithful_text(context, tree)


def _query(statement: bound.BoundStatement) -> bound.Query:
    if not isinstance(statement, bound.Select | bound.SetOperation | bound.Values):
        raise FeatureNotSupported("views of data-modifying statements are not supported")
    if any(cte.change is not None for cte in statement.ctes):
        raise FeatureNotSupported("views must not contain data-modifying statements in WITH")
    return statement


def _faithful_text(context: BindContext, tree: bound.Query) -> str:
    """Text that binds to the same tree. Raises FeatureNotSupported (0A000) when none does."""
    for style in _STYLES:
        text = _printed(tree, _Names(context, shows_schema=True), style)
        try:
            (statement,) = parse_script(text)
            assert isinstance(statement.node, QueryStatement), "a query was printed"
            again = _query(bind_query(statement.node.expression, context.for_kept_text()))
            is_named_alike = bound.output_columns(again) == bound.output_columns(tree)
            if is_named_alike and _meaning(again) == _meaning(tree):
                return text
        except QuiverError:
            continue
    raise FeatureNotSupported("this query cannot be kept in a view")


def _printed(
    tree: bound.Query, names: _Names, style: QueryStyle, searched: Sequence[str] | None = None
) -> str:
    # Constants of a kept query do not depend on the session's settings.
    return QueryPrinter(PostgresCodecs(CodecContext.of(SettingValues())), names, style, searched).query_text(
        tree
    )


def _meaning(tree: Any) -> Any:
    """A tree in which what does the same is the same: what relations and columns are called inside does not matter."""

    def change(node: Any) -> Any:
        if isinstance(node, bound.ColumnRef):
            return replace(node, name="")
        if isinstance(node, bound.Case) and node.default == bound.Constant(None, node.type):
            return rewrite(replace(node, default=None), change)
        if isinstance(node, bound.Target):
            return bound.Target(rewrite(node.expression, change), "")
        if isinstance(node, bound.OutputRef) or not hasattr(node, "alias"):
            return None
        columns = tuple(replace(column, name="") for column in node.columns)
        if isinstance(node, bound.SubqueryScan):
            return replace(node, alias="", columns=columns, query=rewrite(node.query, change))
        if isinstance(node, bound.FunctionScan):
            calls = tuple(rewrite(call, change) for call in node.calls)
            return replace(node, alias="", columns=columns, calls=calls)
        return replace(node, alias="", columns=columns)

    return comparable(rewrite(tree, change))


# -- names --------------------------------------------------------------------------------------------------


class _Names:
    """Implements `planner.query_text.RelationNames` over a catalog."""

    def __init__(self, context: BindContext, *, shows_schema: bool) -> None:
        self._context = context
        self._shows_schema = shows_schema

    def relation_name(self, scan: Any) -> RelationName:
        context = self._context
        if isinstance(scan, bound.VirtualScan):
            computed = context.virtual_relations and context.virtual_relations.lookup(scan.schema, scan.name)
            schema, name = scan.schema, scan.name
            columns = tuple(column.name for column in computed.columns) if computed else SEQUENCE_COLUMNS
            if not computed:
                sequence = context.catalog.get(scan.relation_oid)
                assert isinstance(sequence, StoredSequence)
                schema, name = schema_name_of(context, sequence.schema_oid), sequence.name
        else:
            stored = context.catalog.get(stored_oid(scan))
            assert isinstance(stored, ColumnRelation), "a scan reads a table or a view"
            schema, name = schema_name_of(context, stored.schema_oid), stored.name
            columns = tuple(column.name for column in stored.live_columns())
        found = None if self._shows_schema else find_relation(context, (name,))
        is_visible = found is not None and found.oid == stored_oid(scan)
        return RelationName(schema, name, columns, is_visible)


SEQUENCE_COLUMNS = ("last_value", "log_cnt", "is_called")


def stored_oid(scan: Any) -> int:
    """The OID of the relation that a scan names; 0 for a sub-query, a function or a WITH item."""
    match scan:
        case bound.TableScan(table_oid=oid) | bound.VirtualScan(relation_oid=oid):
            return oid
        case bound.SubqueryScan(view_oid=oid):
            return oid
        case _:
            return 0


def _references(tree: bound.Query) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """What a query reads, without what is inside the views that it names."""
    scans: dict[int, Any] = {}
    columns: list[bound.ColumnRef] = []
    for node in _own_nodes(tree):
        if stored_oid(node):
            scans[node.relation_id] = node
        elif isinstance(node, bound.ColumnRef):
            columns.append(node)
    read: dict[int, set[int]] = {stored_oid(scan): set() for scan in scans.values()}
    for column in columns:
        scan = scans.get(column.relation_id)
        if scan is not None and scan.columns[column.position].attnum > 0:
            read[stored_oid(scan)].add(scan.columns[column.position].attnum)
    return tuple((oid, tuple(sorted(read[oid]))) for oid in sorted(read))


def _own_nodes(node: Any) -> list[Any]:
    found = [node]
    if not (isinstance(node, bound.SubqueryScan) and node.view_oid):
        for child in bound.child_nodes(node):
            found += _own_nodes(child)
    return found


def _in_new_names(tree: bound.Query, before: Catalog, after: Catalog) -> bound.Query:
    """The tree in which relations and columns that had their own names have the names of `after`."""
    columns: dict[tuple[int, int], str] = {}

    def change_scan(node: Any) -> Any:
        old, new = before.get(stored_oid(node)), after.get(stored_oid(node))
        if not isinstance(old, ColumnRelation | StoredSequence) or new is None:
            return None
        alias = new.name if node.alias == old.name else node.alias
        if not isinstance(old, ColumnRelation) or not isinstance(new, ColumnRelation):
            return replace(node, alias=alias)
        names = {c.attnum: (c.name, new.column_at(c.attnum).name) for c in old.live_columns()}
        renamed = []
        for position, column in enumerate(node.columns):
            was, now = names.get(column.attnum, (column.name, column.name))
            renamed.append(replace(column, name=now if column.name == was else column.name))
            columns[node.relation_id, position] = renamed[-1].name
        return replace(node, alias=alias, columns=tuple(renamed))

    def change_column(node: Any) -> Any:
        if isinstance(node, bound.ColumnRef):
            return replace(node, name=columns.get((node.relation_id, node.position), node.name))
        return None

    return rewrite(rewrite(tree, lambda node: change_scan(node) if stored_oid(node) else None), change_column)
