"""Bound queries as DuckDB SQL: relations, SELECT, set operations, VALUES, WITH.

Naming: relation n is `rn` with columns rnc0, rnc1, ...; WITH item n is `wn`; the outputs of every printed query are
o0, o1, .... Column names of the client never reach DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from foundation.errors import QuiverError
from foundation.sqltypes import OID, SqlType, arrow_type
from planner import bound
from planner.functions.quoting import quote_ident
from planner.relational.aggregates import sort_keys
from planner.relational.carriers import carrier, decimal_form
from planner.relational.constant_rows import constant_table
from planner.relational.early_topk import with_early_topk
from planner.relational.expressions import ExpressionPrinter, is_column_free, is_foldable, unified
from planner.relational.group_keys import decided_keys
from planner.relational.join_reduction import JoinInputs, reduce_by_joins
from planner.relational.lateral_searches import (
    find_lateral_search,
    searched_rows,
    with_searched_rows,
)
from planner.relational.node_printers import PRINTERS
from planner.relational.printed import Printed, column_name, column_sql
from planner.relational.printed_query import PrintedQuery, outputs_of, projected, set_form
from planner.relational.pushdown import Pushdown, filterable_scans, used_positions
from planner.relational.query_notes import QueryNotes
from planner.relational.registration import (
    Registered,
    register_rows,
    register_scan,
)
from planner.relational.rules.comparison import group_sql, has_many_forms
from planner.relational.scanned_rows import ComputedRows, ScannedRows, scanned_rows
from planner.relational.set_functions import known_vectors, print_function_scan
from planner.relational.single_rows import with_single_rows
from planner.relational.statement import RelationalStatement
from planner.vector import IslandPlan, try_island

_TABLEOID = -6
_GIVEN_ID = 1 << 40
"""Ids of relations whose rows are computed while the query is printed start here."""
_ROWS_ID = 1 << 41
"""Ids of rows that are no relation of a FROM start here."""
_REGISTERED_ROWS_MIN = 64
"""VALUES lists of at least this many constant rows become an Arrow table instead of SQL text."""


class InvalidRowCountInLimit(QuiverError):
    sqlstate = "2201W"


class InvalidRowCountInOffset(QuiverError):
    sqlstate = "2201X"


class QueryPrinter:
    """Prints the queries of one statement; registers what they read as it meets it."""

    def __init__(
        self,
        statement: RelationalStatement,
        root: bound.Query,
        given: Mapping[int, pa.Table] | None = None,
        notes: QueryNotes | None = None,
    ) -> None:
        """`notes` are those on the root."""
        self.statement = statement
        self.expressions = ExpressionPrinter(statement, self.print, PRINTERS)
        self._notes = QueryNotes(root) if notes is None else notes
        self._used = dict(self._notes.used)
        self._ctes: dict[int, tuple[Printed, ...]] = {}
        self._cte_rows: dict[int, pa.Table] = {}
        self._computed: dict[int, ComputedRows] = {}
        """Relations whose rows are known before they are printed."""
        self._virtual: dict[tuple[str, str], pa.Table] = {}
        self._given = dict(given or {})
        self._is_given = bool(given)
        self._pushdown = Pushdown(frozenset(self._given))
        self.scanned: dict[int, ScannedRows] = {}
        """The rows to read of stored tables, by relation id, as far as they are known yet."""
        self.row_titles: dict[int, str] = {}
        """What rows are that no FROM names, by the id they are registered under."""
        self.read: dict[int, bound.Relation] = {}
        """The relations that FROM clauses name, by id."""
        self.islands: list[IslandPlan] = []
        """The vector islands met so far."""

    def computed_columns(self, relation_id: int) -> dict[int, bound.Expression]:
        """Expressions over one table that were evaluated before DuckDB reads it, by their position among its columns."""
        return dict(self._pushdown.computed_of(relation_id).by_position())

    def print(self, query: bound.Query) -> PrintedQuery:
        """Print a query with its WITH list."""
        with self.expressions.ungrouped():
            items = [self._cte(cte) for cte in query.ctes]
            if isinstance(query, bound.Select):
                printed = self._select(query)
            elif isinstance(query, bound.SetOperation):
                printed = self._set_operation(query)
            else:
                printed = self._values(query)
        if not items:
            return printed
        recursive = "RECURSIVE " if any(cte.is_recursive for cte in query.ctes) else ""
        return PrintedQuery(f"WITH {recursive}{', '.join(items)} {printed.sql}", printed.columns)

    # -- WITH ---------------------------------------------------------------------------------------------

    def _cte(self, cte: bound.Cte) -> str:
        names = _column_list([f"o{index}" for index in range(len(cte.columns))])
        hint = {True: "MATERIALIZED ", False: "NOT MATERIALIZED "}.get(cte.is_materialized, "")  # type: ignore[arg-type]
        if cte.is_recursive and isinstance(cte.query, bound.SetOperation):
            return f"w{cte.cte_id}{names} AS ({self._recursive(cte)})"
        found = self._search(cte.query)
        if found is None:
            printed = self.print(cte.query)
        else:
            self._cte_rows[cte.cte_id] = found
            printed = self._rows(f"CTE {quote_ident(cte.name)}", found, cte.columns)
        self._ctes[cte.cte_id] = printed.columns
        return f"w{cte.cte_id}{names} AS {hint}({printed.sql})"

    def _recursive(self, cte: bound.Cte) -> str:
        """Both terms in the plain carriers of their types, so that the recursion has one column type."""
        query = cte.query
        assert isinstance(query, bound.SetOperation)
        types = [column.type for column in cte.columns]
        forms = [decimal_form(sql_type) for sql_type in types]
        left = self.print(query.left)
        self._ctes[cte.cte_id] = outputs_of(types, forms)
        right = self.print(query.right)
        keyword = "UNION ALL" if query.is_all else "UNION"
        return f"({projected(left, types, forms)}) {keyword} ({projected(right, types, forms)})"

    # -- FROM ---------------------------------------------------------------------------------------------

    def relation(self, relation: bound.Relation) -> str:
        """Print a FROM item and make its columns known."""
        if not isinstance(relation, bound.Join):
            self.read[relation.relation_id] = relation
        if isinstance(relation, bound.Join):
            return self._join(relation)
        if relation.relation_id in self._computed and not isinstance(relation, bound.CteScan):
            rows = self._computed[relation.relation_id].table
            return self._computed_rows(relation.relation_id, relation.columns, rows)
        if isinstance(relation, bound.TableScan):
            return self._registered(relation.relation_id, self._scan(relation))
        if isinstance(relation, bound.VirtualScan):
            return self._virtual_scan(relation)
        if isinstance(relation, bound.FunctionScan):
            known = known_vectors(relation, self.statement.context)
            if known is None:
                return print_function_scan(self.expressions, relation)
            return self._computed_rows(relation.relation_id, relation.columns, known)
        if isinstance(relation, bound.CteScan):
            columns = self._ctes[relation.cte_id]
            return self._named(f"w{relation.cte_id}", relation.relation_id, columns)
        printed = self.print(relation.query)
        lateral = "LATERAL " if relation.is_lateral else ""
        return lateral + self._named(f"({printed.sql})", relation.relation_id, printed.columns)

    def _scan(self, scan: bound.TableScan) -> Registered:
        computed = self._pushdown.computed_of(scan.relation_id)
        used = self._used.get(scan.relation_id, ())
        positions = [position for position in used if position not in computed.hidden_positions]
        if scan.relation_id not in self.scanned:
            row_filter = self._pushdown.filters.get(scan.relation_id)
            self.scanned[scan.relation_id] = scanned_rows(scan, row_filter, self.statement.context)
        return register_scan(self.statement, self.scanned[scan.relation_id], positions, computed.columns)

    def _find_computed(self, from_: bound.Relation | None) -> None:
        """Make known the relations of a FROM whose rows do not wait for the join: run the vector searches among them."""
        for relation in _from_items(from_):
            rows = self._given.get(relation.relation_id)
            if isinstance(relation, bound.CteScan):
                rows = self._cte_rows.get(relation.cte_id)
            elif isinstance(relation, bound.SubqueryScan):
                rows = self._search(relation.query)
            if rows is not None:
                self._computed[relation.relation_id] = ComputedRows(rows)

    def _search(self, query: bound.Query) -> pa.Table | None:
        """The rows of a sub-query that is a vector top-k of its own, which runs natively; None for another."""
        island = try_island(query)
        if island is None:
            return None
        self.islands.append(island)
        types = [column.type for column in bound.output_columns(query)]
        schema = pa.schema([(f"c{i}", arrow_type(sql_type)) for i, sql_type in enumerate(types)])
        return pa.Table.from_batches(island.batches(self.statement.context), schema)

    def _rows(self, title: str, rows: pa.Table, columns: Sequence[bound.RelationColumn]) -> PrintedQuery:
        types = [column.type for column in columns]
        rows_id = _ROWS_ID + len(self.row_titles)
        self.row_titles[rows_id] = title
        registered = register_rows(self.statement, rows_id, rows, types, range(len(types)))
        listed = ", ".join(f"v.{column.name} AS o{column.position}" for column in registered.columns)
        outputs = outputs_of(types, [column.form for column in registered.columns])
        return PrintedQuery(f"SELECT {listed} FROM {registered.sql} AS v", outputs)

    def _computed_rows(
        self, relation_id: int, columns: Sequence[bound.RelationColumn], rows: pa.Table
    ) -> str:
        types = [column.type for column in columns]
        positions = self._used.get(relation_id, ())
        return self._registered(
            relation_id, register_rows(self.statement, relation_id, rows, types, positions)
        )

    def _named(self, sql: str, relation_id: int, columns: Sequence[Printed]) -> str:
        names = []
        for position, column in enumerate(columns):
            names.append(column_name(relation_id, position))
            name = column_sql(relation_id, position)
            self.expressions.columns[relation_id, position] = Printed(name, column.type, column.decimal)
        return f"{sql} AS r{relation_id}{_column_list(names)}"

    def _registered(self, relation_id: int, registered: Registered) -> str:
        for column in registered.columns:
            printed = Printed(f"r{relation_id}.{column.name}", column.type, column.form)
            self.expressions.columns[relation_id, column.position] = printed
        for position, expression in self._pushdown.computed_of(relation_id).by_position():
            self.expressions.computed[expression] = self.expressions.columns[relation_id, position]
        return f"{registered.sql} AS r{relation_id}"

    def _virtual_scan(self, scan: bound.VirtualScan) -> str:
        key = (scan.schema, scan.name)
        if key not in self._virtual:
            self._virtual[key] = self.statement.context.session.virtual_relation(*key)
        stored = []
        for position in self._used.get(scan.relation_id, ()):
            if scan.columns[position].attnum == _TABLEOID:
                literal = f"CAST({scan.relation_oid} AS {carrier(OID)})"
                self.expressions.columns[scan.relation_id, position] = Printed(literal, OID)
            else:
                stored.append(position)
        types = [column.type for column in scan.columns]
        registered = register_rows(self.statement, scan.relation_id, self._virtual[key], types, stored)
        return self._registered(scan.relation_id, registered)

    def _join(self, join: bound.Join) -> str:
        left = self.relation(join.left)
        right = self.relation(join.right)
        if join.kind is bound.JoinKind.CROSS or join.condition is None:
            if join.kind in (bound.JoinKind.CROSS, bound.JoinKind.INNER):
                return f"({left} CROSS JOIN {right})"
            return f"({left} {join.kind.value} JOIN {right} ON TRUE)"
        condition = self.expressions.boolean(join.condition)
        return f"({left} {join.kind.value} JOIN {right} ON {condition})"

    # -- SELECT -------------------------------------------------------------------------------------------

    def _select(self, query: bound.Select) -> PrintedQuery:
        if not self._is_given:
            query = self._searched(query)
        self._find_computed(query.from_)
        query, where = self._pushed_down(query)
        scans = filterable_scans(query.from_, self._pushdown)
        inputs = JoinInputs(query.from_, where, scans, self._pushdown.filters, self._computed, self.scanned)
        self.scanned |= reduce_by_joins(inputs, self.statement.context)
        from_sql = f" FROM {self.relation(query.from_)}" if query.from_ is not None else ""
        where_sql = f" WHERE {self.expressions.boolean(where)}" if where is not None else ""
        group_sql = self._group_by(query, where)
        having = f" HAVING {self.expressions.boolean(query.having)}" if query.having is not None else ""
        targets = [self.expressions.print(target.expression) for target in query.targets]
        columns = tuple(
            Printed(f"o{index}", target.type, target.decimal) for index, target in enumerate(targets)
        )
        listed = ", ".join(f"{target.sql} AS o{index}" for index, target in enumerate(targets)) or "1 AS o0"
        distinct = self._distinct(query, targets)
        body = f"{from_sql}{where_sql}{group_sql}{having}"
        limits = self._limits(query)
        is_wrapped = query.is_distinct and bool(query.order_by)
        if is_wrapped:
            inner = f"SELECT {distinct}{listed}{body}"
            return PrintedQuery(self._ordered_wrapper(inner, columns, query.order_by) + limits, columns)
        self.expressions.outputs = targets if query.distinct_on else columns
        order_by = f" ORDER BY {self._order_keys(query, targets)}" if query.order_by else ""
        return PrintedQuery(f"SELECT {distinct}{listed}{body}{order_by}{limits}", columns)

    def _pushed_down(self, query: bound.Select) -> tuple[bound.Select, bound.Expression | None]:
        """The query without what its scans do, and the WHERE that is left of it."""
        lowered = self._notes.lowered(query, self._pushdown.untouched)
        self._pushdown.take(lowered.taken)
        self._used |= lowered.used
        return lowered.select, lowered.where

    def _stored(self, from_: bound.Relation | None) -> list[bound.TableScan]:
        """The tables of a FROM whose rows are those of storage."""
        return [
            item
            for item in _from_items(from_)
            if isinstance(item, bound.TableScan) and item.relation_id not in self._pushdown.untouched
        ]

    def _searched(self, query: bound.Select) -> bound.Select:
        """The query with what are searches in it as islands; LATERAL ones done, with their rows in place of the join."""
        context = self.statement.context
        found = find_lateral_search(query)
        if found is None:
            return with_early_topk(with_single_rows(query, context), context)
        while found is not None:
            relation_id = _GIVEN_ID + len(self._given)
            rows, island = searched_rows(found, query.where, context, self._given)
            self.islands += [island] if island is not None else []
            self._given[relation_id] = rows
            self._pushdown.untouched |= {relation_id}
            query = with_searched_rows(query, found, relation_id)
            self._used[relation_id] = used_positions(query).get(relation_id, [])
            found = find_lateral_search(query)
        return query

    def _order_keys(self, query: bound.Select, targets: Sequence[Printed]) -> str:
        """ORDER BY of a plain SELECT: an output is named by its alias, anything else printed in full."""
        return sort_keys(self.expressions, query.order_by)

    def _distinct(self, query: bound.Select, targets: Sequence[Printed]) -> str:
        if query.distinct_on:
            self.expressions.outputs = targets
            keys = [group_sql(self.expressions, self.expressions.print(key)) for key in query.distinct_on]
            return f"DISTINCT ON ({', '.join(keys)}) "
        if not query.is_distinct:
            return ""
        if any(has_many_forms(target) for target in targets):
            return f"DISTINCT ON ({', '.join(group_sql(self.expressions, target) for target in targets)}) "
        return "DISTINCT "

    def _ordered_wrapper(
        self, inner: str, columns: tuple[Printed, ...], order_by: Sequence[bound.SortKey]
    ) -> str:
        """ORDER BY over the outputs of a query that DuckDB lets be sorted by nothing else."""
        self.expressions.outputs = [
            Printed(f"q.{column.sql}", column.type, column.decimal) for column in columns
        ]
        keys = sort_keys(self.expressions, order_by)
        return f"SELECT * FROM ({inner}) AS q ORDER BY {keys}"

    def _group_by(self, query: bound.Select, where: bound.Expression | None) -> str:
        """GROUP BY; leaves the printer in grouped mode, where a key's expression prints as the key.

        A column that is no key (others decide it) prints as any_value of it.
        """
        if not query.group_by:
            return ""
        catalog = self.statement.context.transaction.catalog
        decided = decided_keys(query, where, self._stored(query.from_), catalog)
        printed: dict[bound.Expression, Printed] = {}
        keys: dict[bound.Expression, str] = {}
        for grouping_set in query.group_by:
            for expression in grouping_set.expressions:
                if expression not in printed and expression not in decided:
                    value = printed[expression] = self.expressions.print(expression)
                    keys[expression] = group_sql(self.expressions, value)
        sets = [", ".join(keys[e] for e in each.expressions if e in keys) for each in query.group_by]
        for expression, value in printed.items():
            if keys[expression] != value.sql:
                any_value = f"any_value({value.sql})"
                if len(sets) > 1:
                    any_value = f"(CASE WHEN grouping({keys[expression]}) = 0 THEN {any_value} END)"
                value = Printed(any_value, value.type, value.decimal)
            self.expressions.grouped[expression] = value
        self.expressions.group_keys = keys
        self.expressions.grouped_relations = frozenset(item.relation_id for item in _from_items(query.from_))
        if len(sets) == 1 and sets[0]:
            return f" GROUP BY {sets[0]}"
        return f" GROUP BY GROUPING SETS ({', '.join(f'({keys_of})' for keys_of in sets)})"

    def _limits(self, query: bound.Query) -> str:
        limit = self._row_count(query.limit, InvalidRowCountInLimit, "LIMIT")
        offset = self._row_count(query.offset, InvalidRowCountInOffset, "OFFSET")
        return (f" LIMIT {limit}" if limit else "") + (f" OFFSET {offset}" if offset else "")

    def _row_count(self, node: bound.Expression | None, error: type[QuiverError], clause: str) -> str | None:
        if node is None:
            return None
        if not is_column_free(node):
            return f"({self.expressions.sql(node)})"
        value = self.expressions.constant(node)
        if value is None:
            return None
        if value < 0:
            raise error(f"{clause} must not be negative")
        return str(int(value))

    # -- Set operations and VALUES ------------------------------------------------------------------------

    def _set_operation(self, query: bound.SetOperation) -> PrintedQuery:
        left, right = self.print(query.left), self.print(query.right)
        keeps_rows = query.operator is bound.SetOperator.UNION and query.is_all
        types = [column.type for column in left.columns]
        forms = [set_form(a, b) for a, b in zip(left.columns, right.columns, strict=True)]
        columns = outputs_of(types, forms)
        keyword = query.operator.value + (" ALL" if query.is_all else "")
        if not keeps_rows and any(has_many_forms(column) for column in columns):
            sql = self._by_value(query, left, right, columns)
        else:
            sql = f"({projected(left, types, forms)}) {keyword} ({projected(right, types, forms)})"
        sql = f"SELECT * FROM ({sql}) AS q" if not query.order_by else sql
        if query.order_by:
            sql = self._ordered_wrapper(sql, columns, query.order_by)
        return PrintedQuery(sql + self._limits(query), columns)

    def _by_value(
        self, query: bound.SetOperation, left: PrintedQuery, right: PrintedQuery, columns: Sequence[Printed]
    ) -> str:
        """A set operation over values of many forms: numerics 1 and 1.0 are one value, and the first one's scale stays.

        Rows of the left side are numbered within their value and compared with the right side's count of it.
        """
        types, forms = [c.type for c in columns], [c.decimal for c in columns]
        first, second = (projected(side, types, forms) for side in (left, right))
        keys = [group_sql(self.expressions, column) for column in columns]
        if query.operator is bound.SetOperator.UNION:
            return f"SELECT DISTINCT ON ({', '.join(keys)}) * FROM (({first}) UNION ALL ({second})) AS q"
        tests = {
            (bound.SetOperator.INTERSECT, True): "n <= m", (bound.SetOperator.INTERSECT, False): "n = 1 AND m > 0",
            (bound.SetOperator.EXCEPT, True): "n > coalesce(m, 0)",
            (bound.SetOperator.EXCEPT, False): "n = 1 AND m IS NULL",
        }  # fmt: skip
        named = ", ".join(f"{key} AS k{index}" for index, key in enumerate(keys))
        same = " AND ".join(f"l.k{index} IS NOT DISTINCT FROM r.k{index}" for index in range(len(keys)))
        listed = ", ".join(f"l.o{index}" for index in range(len(keys)))
        numbered = (
            f"SELECT *, {named}, row_number() OVER (PARTITION BY {', '.join(keys)}) AS n FROM ({first}) AS q"
        )
        counted = f"SELECT {named}, count(*) AS m FROM ({second}) AS q GROUP BY ALL"
        return (
            f"SELECT {listed} FROM ({numbered}) AS l LEFT JOIN ({counted}) AS r ON {same} "
            f"WHERE {tests[query.operator, query.is_all]}"
        )

    def _values(self, query: bound.Values) -> PrintedQuery:
        types = [column.type for column in query.columns]
        if len(query.rows) >= _REGISTERED_ROWS_MIN and _is_constant(query):
            rows = constant_table(query.rows, types, self.statement.context)
            printed = self._rows("Values Scan", rows, query.columns)
            sql, columns = printed.sql, printed.columns
        else:
            sql, columns = self._printed_values(query, types)
        if query.order_by:
            sql = self._ordered_wrapper(sql, columns, query.order_by)
        return PrintedQuery(sql + self._limits(query), columns)

    def _printed_values(self, query: bound.Values, types: list[SqlType]) -> tuple[str, tuple[Printed, ...]]:
        texts, forms = [], []
        for index, sql_type in enumerate(types):
            column, form = unified(self.expressions, [row[index] for row in query.rows], sql_type)
            texts.append(column)
            forms.append(form)
        rows = ", ".join(f"({', '.join(row)})" for row in zip(*texts, strict=True))
        names = ", ".join(f"o{index}" for index in range(len(types)))
        return f"SELECT * FROM (VALUES {rows}) AS v({names})", outputs_of(types, forms)


def _column_list(names: Sequence[str]) -> str:
    """The names of a relation's columns behind its own; a query without columns has one in DuckDB, which has no name."""
    return f"({', '.join(names)})" if names else ""


def _from_items(relation: bound.Relation | None) -> Iterator[Any]:
    """The relations that a FROM joins."""
    if isinstance(relation, bound.Join):
        yield from _from_items(relation.left)
        yield from _from_items(relation.right)
    elif relation is not None:
        yield relation


def _is_constant(query: bound.Values) -> bool:
    return all(is_foldable(item) for row in query.rows for item in row)
