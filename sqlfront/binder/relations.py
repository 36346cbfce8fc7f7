"""Binding of FROM: tables, sub-queries, functions and joins become relations and namespace items."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from foundation.row_types import row_shape
from foundation.sqltypes import BOOL, INT8, OID, RECORD, TID, XID, SqlType, is_shaped, plain_type
from planner.bound import (
    Call,
    ColumnRef,
    Constant,
    CteScan,
    Expression,
    FunctionScan,
    Join,
    JoinKind,
    Query,
    Relation,
    RelationColumn,
    SubqueryScan,
    TableScan,
    VirtualScan,
    output_columns,
)
from sqlfront.binder.calls import column_types
from sqlfront.binder.catalog_names import readable_relation, schema_name_of
from sqlfront.binder.coerce import settle
from sqlfront.binder.context import BindContext, VirtualRelation
from sqlfront.binder.environment import Clause, Environment, QueryFindings, VisibleCte, bind_node, unsupported
from sqlfront.binder.errors import InvalidColumnReference
from sqlfront.binder.joins import join_namespace
from sqlfront.binder.output_names import figure_name
from sqlfront.binder.scope import NamespaceColumn, NamespaceItem, Scope, check_alias_free
from sqlfront.binder.table_samples import sampled_table
from sqlfront.binder.type_names import resolve_type_name
from sqlfront.binder.user_functions import FunctionRows
from sqlfront.parser.nodes import ColumnDefinition, FunctionTable, JoinTree, position_of, type_name_of
from storage.catalog import Sequence, Table, View

SYSTEM_COLUMNS = (
    RelationColumn("ctid", TID, -1),
    RelationColumn("xmin", XID, -2),
    RelationColumn("xmax", XID, -4),
    RelationColumn("tableoid", OID, -6),
)

Bound = tuple[Relation, list[NamespaceItem]]


def bind_from(environment: Environment, items: list[exp.Expr]) -> Relation | None:
    """Bind the comma list of FROM and bring its items into scope.

    Raises:
        UndefinedTable: 42P01; DuplicateAlias: 42712; and whatever the items' own expressions raise.
    """
    relation: Relation | None = None
    scope = environment.scope
    for node in items:
        bound, namespace = bind_from_item(environment, node)
        for item in namespace:
            check_alias_free(scope.items, item)
        for item in namespace:
            item.is_lateral_only, item.lateral_refused = True, False
        scope.items += namespace
        relation = bound if relation is None else Join(JoinKind.CROSS, relation, bound, is_comma=True)
    for item in scope.items:
        item.is_lateral_only = False
    return relation


def bind_from_item(environment: Environment, node: exp.Expr) -> Bound:
    """One FROM item with what it adds to the namespace."""
    if isinstance(node, JoinTree):
        return _bind_join(environment, node)
    if isinstance(node, FunctionTable):
        return _bind_function(environment, node)
    if isinstance(node, exp.Subquery):
        return _bind_subquery(environment, node)
    if isinstance(node, exp.Table):
        return _bind_table(environment, node)
    raise unsupported(node)


def _alias_of(node: exp.Expr) -> tuple[str | None, list[exp.Expr]]:
    alias = node.args.get("alias")
    if alias is None:
        return None, []
    name = alias.this
    return (str(name.this) if name is not None else None), list(alias.args.get("columns") or ())


def _renamed(
    columns: tuple[RelationColumn, ...], names: list[exp.Expr], alias: str
) -> tuple[RelationColumn, ...]:
    """Column aliases applied. Raises 42P10 when there are more of them than columns."""
    available = [column for column in columns if column.attnum >= 0]
    if len(names) > len(available):
        raise InvalidColumnReference(
            f'table "{alias}" has {len(available)} columns available but {len(names)} columns specified'
        )
    renamed = [replace(column, name=str(name.this)) for column, name in zip(columns, names)]
    return (*renamed, *columns[len(names) :])


def namespace_columns(
    relation_id: int, columns: tuple[RelationColumn, ...], table_oid: int = 0
) -> tuple[NamespaceColumn, ...]:
    """What names see of a relation's columns."""
    return tuple(
        NamespaceColumn(
            column.name,
            ColumnRef(relation_id, position, column.name, column.type),
            table_oid if column.attnum else 0,
            column.attnum,
            column.attnum < 0,
        )
        for position, column in enumerate(columns)
    )


# -- tables -------------------------------------------------------------------------------------------------


def table_columns(table: Table) -> tuple[RelationColumn, ...]:
    """A stored table's live columns, then the system columns."""
    live = tuple(RelationColumn(c.name, c.type, c.attnum) for c in table.live_columns())
    return live + SYSTEM_COLUMNS


def scan_table(
    environment: Environment, table: Table, alias: str, schema: str, *, is_only: bool = False
) -> tuple[TableScan, NamespaceItem]:
    """A new scan of a table, and its namespace item. `schema` is '' where an alias hides it."""
    relation_id = environment.state.next_relation_id(alias)
    columns = table_columns(table)
    reads_partitions = table.partition_key is not None and not is_only
    scan = TableScan(relation_id, table.oid, alias, columns, reads_partitions, is_only)
    names = namespace_columns(relation_id, columns, table.oid)
    return scan, NamespaceItem(alias, names, schema, table_name=table.name)


_SEQUENCE_COLUMNS = (
    RelationColumn("last_value", INT8, 1),
    RelationColumn("log_cnt", INT8, 2),
    RelationColumn("is_called", BOOL, 3),
)


def _bind_table(environment: Environment, node: exp.Table) -> Bound:
    sample = node.args.get("sample")
    relation, items = _bind_named(environment, node)
    if sample is None:
        return relation, items
    if isinstance(relation, VirtualScan):
        raise unsupported(node, "TABLESAMPLE of a system catalog")
    if not isinstance(relation, TableScan):
        raise FeatureNotSupported(
            "TABLESAMPLE clause can only be applied to tables and materialized views",
            position=position_of(node),
        )
    sampled = sampled_table(environment, sample, relation)
    names = namespace_columns(sampled.relation_id, sampled.columns, relation.table_oid)
    return sampled, [replace(items[0], columns=names)]


def _bind_named(environment: Environment, node: exp.Table) -> Bound:
    parts = table_parts(node)
    alias, column_names = _alias_of(node)
    position = position_of(node)
    if len(parts) == 1:
        cte = next((c for c in reversed(environment.ctes) if c.name == parts[0]), None)
        if cte is not None and not cte.has_rows:
            raise FeatureNotSupported(
                f'WITH query "{cte.name}" does not have a RETURNING clause', position=position
            )
        if cte is not None:
            return _bind_cte(environment, cte, alias or cte.name, column_names)
    found = readable_relation(environment.context, parts, position)
    shown = alias or parts[-1]
    if isinstance(found, VirtualRelation):
        return _bind_virtual(environment, found, shown, alias is None, column_names)
    if isinstance(found, Sequence):
        state = VirtualRelation(
            schema_name_of(environment.context, found.schema_oid), found.name, _SEQUENCE_COLUMNS, found.oid
        )
        return _bind_virtual(environment, state, shown, alias is None, column_names)
    if isinstance(found, View):
        return _bind_view(environment, found, alias, column_names)
    assert isinstance(found, Table)
    schema = "" if alias else schema_name_of(environment.context, found.schema_oid)
    scan, item = scan_table(environment, found, shown, schema, is_only=bool(node.args.get("only")))
    if column_names:
        columns = _renamed(scan.columns, column_names, shown)
        scan = replace(scan, columns=columns)
        item.columns = namespace_columns(scan.relation_id, columns, found.oid)
    return scan, [item]


def query_of_view(environment: Environment, view: View) -> Query:
    """A view's query, which sees nothing of the statement around it."""
    # Queries nest in everything, so what they nest in takes them late.
    from sqlfront.binder.queries import bind_query_node
    from sqlfront.binder.views import parsed_view

    inner = replace(
        environment, scope=Scope(), clause=Clause.SELECT_LIST, findings=QueryFindings(), inside="", ctes=()
    )
    environment.context.notes.reads_views = True
    with environment.state.kept_text():
        return bind_query_node(inner, parsed_view(view))


def _bind_view(
    environment: Environment, view: View, alias: str | None, column_names: list[exp.Expr]
) -> Bound:
    query = query_of_view(environment, view)
    shown = alias or view.name
    relation_id = environment.state.next_relation_id(shown)
    own = tuple(
        RelationColumn(column.name, _in_form_of(given.type, column.type), column.attnum)
        for column, given in zip(view.live_columns(), output_columns(query), strict=True)
    )
    columns = _renamed(own, column_names, shown)
    scan = SubqueryScan(relation_id, query, shown, columns, view_oid=view.oid)
    schema = "" if alias else schema_name_of(environment.context, view.schema_oid)
    names = namespace_columns(relation_id, columns, view.oid)
    return scan, [NamespaceItem(shown, names, schema, table_name=view.name)]


def _in_form_of(given: SqlType, declared: SqlType) -> SqlType:
    """A view's column's type; arrays are of the form in which its query has them by now."""
    return given if is_shaped(given) and plain_type(given) == declared else declared


def table_parts(node: exp.Expr) -> tuple[str, ...]:
    """('db', 'schema', 'name') as far as written."""
    parts = [node.args.get(key) for key in ("catalog", "db", "this")]
    return tuple(str(part.this) for part in parts if part is not None)


def _bind_virtual(
    environment: Environment,
    found: VirtualRelation,
    alias: str,
    is_unaliased: bool,
    column_names: list[exp.Expr],
) -> Bound:
    relation_id = environment.state.next_relation_id(alias)
    columns = _renamed(found.columns, column_names, alias)
    scan = VirtualScan(relation_id, found.schema, found.name, alias, columns, found.oid)
    visible = namespace_columns(relation_id, columns, found.oid)
    tableoid = NamespaceColumn("tableoid", Constant(found.oid, OID), found.oid, -6, True)
    item = NamespaceItem(alias, (*visible, tableoid), found.schema if is_unaliased else "")
    return scan, [item]


def _bind_cte(environment: Environment, cte: VisibleCte, alias: str, column_names: list[exp.Expr]) -> Bound:
    relation_id = environment.state.next_relation_id(alias)
    columns = _renamed(cte.columns, column_names, alias)
    scan = CteScan(relation_id, cte.cte_id, alias, columns)
    visible = namespace_columns(relation_id, columns)
    origins = [replace(v, table_oid=o[0], attnum=o[1]) for v, o in zip(visible, cte.origins)]
    return scan, [NamespaceItem(alias, tuple(origins) or visible)]


# -- sub-queries --------------------------------------------------------------------------------------------


def _bind_subquery(environment: Environment, node: exp.Subquery) -> Bound:
    # Queries nest in everything, so what they nest in takes them late.
    from sqlfront.binder.queries import bind_nested_query, query_origins

    scope = environment.scope
    was_lateral, scope.is_lateral = scope.is_lateral, bool(node.args.get("lateral"))
    try:
        query = bind_nested_query(environment, node.this)
    finally:
        scope.is_lateral = was_lateral
    alias, column_names = _alias_of(node)
    shown = alias or "unnamed_subquery"
    relation_id = environment.state.next_relation_id(shown)
    columns = _renamed(output_columns(query), column_names, shown)
    scan = SubqueryScan(relation_id, query, shown, columns, bool(node.args.get("lateral")))
    visible = tuple(
        replace(column, table_oid=origin[0], attnum=origin[1])
        for column, origin in zip(namespace_columns(relation_id, columns), query_origins(query))
    )
    return scan, [NamespaceItem(shown, visible, is_named=alias is not None)]


# -- functions ----------------------------------------------------------------------------------------------


def _bind_function(environment: Environment, node: FunctionTable) -> Bound:
    scope = environment.scope
    inner = replace(environment.at(Clause.FROM_FUNCTION), findings=QueryFindings())
    was_lateral, scope.is_lateral = scope.is_lateral, True
    try:
        call_nodes = [part for call in node.expressions for part in _unnest_parts(call)]
        calls = [bind_node(inner, call) for call in call_nodes]
    finally:
        scope.is_lateral = was_lateral
    calls = [settle(environment.context, call) for call in calls]
    alias, column_nodes = _alias_of(node)
    shown = alias or figure_name(node.expressions[0])
    if any(isinstance(call, FunctionRows) for call in calls):
        return _bind_function_rows(environment, node, calls, shown, column_nodes)
    definitions = [c for c in column_nodes if isinstance(c, ColumnDefinition)]
    columns: list[RelationColumn] = []
    for call, call_node in zip(calls, call_nodes):
        own_name = alias if alias is not None and len(calls) == 1 else figure_name(call_node)
        columns += _function_columns(environment.context, call, own_name, definitions, position_of(call_node))
    has_ordinality = bool(node.args.get("ordinality"))
    if has_ordinality and definitions:
        raise SyntaxErrorInStatement(
            "WITH ORDINALITY cannot be used with a column definition list", position=position_of(node)
        )
    is_scalar = len(columns) == 1 and not has_ordinality and not definitions
    if has_ordinality:
        columns.append(RelationColumn("ordinality", INT8))
    names = [] if definitions else column_nodes
    renamed = _renamed(tuple(columns), names, shown)
    relation_id = environment.state.next_relation_id(shown)
    scan = FunctionScan(relation_id, tuple(calls), shown, renamed, has_ordinality)
    item = NamespaceItem(shown, namespace_columns(relation_id, renamed), is_scalar=is_scalar)
    return scan, [item]


def _bind_function_rows(
    environment: Environment,
    node: FunctionTable,
    calls: list[Expression],
    shown: str,
    column_nodes: list[exp.Expr],
) -> Bound:
    """A user's function that returns rows: its query as a sub-query that may look at the items before it."""
    rows = calls[0]
    has_definitions = any(isinstance(column, ColumnDefinition) for column in column_nodes)
    if len(calls) > 1 or node.args.get("ordinality") or has_definitions or not isinstance(rows, FunctionRows):
        raise FeatureNotSupported(
            "a function of your own in ROWS FROM, WITH ORDINALITY or with a column definition list is not supported",
            position=position_of(node),
        )
    columns = rows.columns
    if not rows.has_names:
        columns = (replace(columns[0], name=shown),)
    renamed = _renamed(columns, column_nodes, shown)
    relation_id = environment.state.next_relation_id(shown)
    scan = SubqueryScan(relation_id, rows.query, shown, renamed, is_lateral=True)
    is_scalar = len(renamed) == 1
    return scan, [NamespaceItem(shown, namespace_columns(relation_id, renamed), is_scalar=is_scalar)]


def _unnest_parts(call: exp.Expr) -> list[exp.Expr]:
    """unnest(a, b) in FROM stands for unnest(a) beside unnest(b)."""
    if isinstance(call, exp.Anonymous) and call.this == "unnest" and len(call.expressions) > 1:
        parts: list[exp.Expr] = []
        for argument in call.expressions:
            part = exp.Anonymous(this="unnest", expressions=[argument.copy()])
            part.meta.update(call.meta)
            parts.append(part)
        return parts
    return [call]


def _function_columns(
    context: BindContext,
    call: Expression,
    name: str,
    definitions: list[ColumnDefinition],
    position: int | None,
) -> list[RelationColumn]:
    """The columns one call yields. Raises 42601 where a definition list is missing or not allowed."""
    result_columns = call.function.result_columns if isinstance(call, Call) else ()
    if result_columns and isinstance(call, Call) and len(result_columns) > 1:
        types = column_types(call.function, [argument.sql_type.oid for argument in call.arguments])
        return [RelationColumn(n, kind) for (n, _), kind in zip(result_columns, types, strict=True)]
    shape = row_shape(call.sql_type)
    if shape is not None and isinstance(call, Call) and not definitions:
        return [RelationColumn(n, kind) for n, kind in zip(shape.names, shape.types, strict=True)]
    if call.sql_type != RECORD:
        if definitions:
            raise SyntaxErrorInStatement(
                'a column definition list is only allowed for functions returning "record"', position=position
            )
        # A single named OUT parameter gives its name to the column, whatever the alias.
        return [RelationColumn(result_columns[0][0] if result_columns else name, call.sql_type)]
    if not definitions:
        raise SyntaxErrorInStatement(
            'a column definition list is required for functions returning "record"', position=position
        )
    return [
        RelationColumn(str(d.this.this), resolve_type_name(context, type_name_of(d.args["kind"])))
        for d in definitions
    ]


# -- joins --------------------------------------------------------------------------------------------------


def _bind_join(environment: Environment, node: JoinTree) -> Bound:
    scope = environment.scope
    kind = JoinKind(node.args["kind"])
    left, left_items = bind_from_item(environment, node.this)
    for item in left_items:
        item.is_lateral_only, item.lateral_refused = True, kind in (JoinKind.RIGHT, JoinKind.FULL)
    scope.items += left_items
    try:
        right, right_items = bind_from_item(environment, node.args["expression"])
    finally:
        if left_items:
            del scope.items[-len(left_items) :]
    for item in (*left_items, *right_items):
        item.is_lateral_only = item.lateral_refused = False
    for item in right_items:
        check_alias_free(left_items, item)
    for side, kinds in (
        (left_items, (JoinKind.RIGHT, JoinKind.FULL)),
        (right_items, (JoinKind.LEFT, JoinKind.FULL)),
    ):
        for item in side:
            item.is_nullable = item.is_nullable or kind in kinds
    condition, namespace, using = join_namespace(environment, node, kind, (left_items, right_items))
    alias, column_names = _alias_of(node)
    if alias is not None:
        aliased = _aliased_join(namespace, alias, column_names)
        for item in namespace:
            item.is_named = item.is_open = False
        namespace = [aliased, *namespace]
    return Join(kind, left, right, condition, using), namespace


def _aliased_join(namespace: list[NamespaceItem], alias: str, names: list[exp.Expr]) -> NamespaceItem:
    columns = [column for item in namespace if item.is_open for column in item.visible_columns()]
    if len(names) > len(columns):
        raise InvalidColumnReference(
            f'table "{alias}" has {len(columns)} columns available but {len(names)} columns specified'
        )
    renamed = [replace(column, name=str(name.this)) for column, name in zip(columns, names)]
    return NamespaceItem(alias, (*renamed, *columns[len(names) :]))
