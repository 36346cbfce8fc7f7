"""What a running plan asks of its session: codecs, session functions, computed relations, notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.sqltypes import SqlType, arrow_type
from planner.bound import Expression, TableRules
from planner.functions.signature import Function
from planner.services import EvaluationContext
from sqlfront.binder import column_defaults, table_rules
from sqlfront.parser.keywords import keyword_rows
from sqlfront.pg_catalog import CATALOG_FUNCTIONS, reg_name, reg_oid
from sqlfront.pg_catalog.partitions import partition_ancestors, partition_tree_rows
from sqlfront.pg_catalog.privileges import exploded_acl
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.session.recall import recall_of
from sqlfront.session.session_functions import SESSION_FUNCTIONS
from sqlfront.types import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage import Transaction

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


class StatementServices:
    """Implements `planner.services.SessionServices` for one statement of one session.

    Without a transaction there are the names of the catalog as it is now, and nothing of what is stored.
    """

    def __init__(self, session: LocalSession, transaction: Transaction | None) -> None:
        self._session = session
        self._known_transaction = transaction
        self._view: CatalogView | None = None
        self._known_rows: dict[tuple[str, tuple[Any, ...]], Sequence[tuple[Any, ...]]] = {}

    @property
    def _transaction(self) -> Transaction:
        assert self._known_transaction is not None, "the statement reads nothing that is stored"
        return self._known_transaction

    @property
    def view(self) -> CatalogView:
        """The catalog as computed relations show it, made when first asked for."""
        if self._view is None:
            self._view = CatalogView(self._session, self._known_transaction)
        return self._view

    def codec_context(self) -> CodecContext:
        """How values print and parse for this session, names of catalog objects included."""
        return CodecContext.of(
            self._session.settings,
            reg_names=lambda type_oid, oid: reg_name(self.view, type_oid, oid),
            reg_oids=lambda type_oid, name: reg_oid(self.view, type_oid, name),
        )

    def virtual_relation(self, schema: str, name: str) -> pa.Table:
        return self._session.shared.catalog_rows.rows(schema, name, self.view)

    def call_function(
        self, function: Function, arguments: Sequence[pa.Array], row_count: int
    ) -> pa.Array | None:
        if function.name == "random":
            return pa.array(self._session.random_numbers.take(row_count))
        in_session = SESSION_FUNCTIONS.get(function.name)
        in_catalog = CATALOG_FUNCTIONS.get(function.name)
        if in_session is not None:
            return _by_row(function, lambda *row: in_session(self._session, *row), arguments, row_count)
        if in_catalog is not None:
            return _by_row(function, lambda *row: in_catalog(self.view, *row), arguments, row_count)
        return None

    def function_rows(self, name: str, *arguments: Any) -> Sequence[tuple[Any, ...]]:
        key = (name, tuple(tuple(a) if isinstance(a, list) else a for a in arguments))
        if key not in self._known_rows:
            # Asked for once for each column of the result.
            self._known_rows[key] = self._rows(name, *arguments)
        return self._known_rows[key]

    def _rows(self, name: str, *arguments: Any) -> Sequence[tuple[Any, ...]]:
        if name == "pg_get_keywords":
            return keyword_rows()
        if name == "aclexplode":
            return exploded_acl(self.view, *arguments)
        if name == "pg_partition_ancestors":
            return partition_ancestors(self.view, *arguments)
        if name == "pg_partition_tree":
            return partition_tree_rows(self.view, *arguments)
        return [recall_of(self._session, self._transaction, *arguments)]

    def table_rules(self, table_oid: int) -> TableRules | None:
        return table_rules(self._session.bind_context(), self._transaction.catalog.table(table_oid))

    def column_defaults(self, table_oid: int) -> tuple[tuple[int, Expression], ...]:
        return column_defaults(self._session.bind_context(), self._transaction.catalog.table(table_oid))

    def notice(self, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        self._session.notice(message, detail=detail, hint=hint)


class IdleCodecs:
    """How values print and parse between transactions, when parameters are decoded: with the names of now."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self._known: tuple[CodecContext, CodecContext] | None = None

    def context(self) -> CodecContext:
        """The same object for as long as the settings stay."""
        plain = CodecContext.of(self._session.settings)
        if self._known is None or self._known[0] is not plain:
            self._known = plain, replace(plain, reg_names=self._reg_name, reg_oids=self._reg_oid)
        return self._known[1]

    def _reg_name(self, type_oid: int, oid: int) -> str | None:
        return reg_name(CatalogView(self._session, None), type_oid, oid)

    def _reg_oid(self, type_oid: int, name: str) -> int | None:
        return reg_oid(CatalogView(self._session, None), type_oid, name)


def evaluation_context(session: LocalSession) -> EvaluationContext:
    """What expressions are evaluated with that read no table and name no object of the catalog."""
    return EvaluationContext(
        settings=session.settings,
        cancel_token=session.cancel_token,
        memory=session.shared.memory,
        codecs=PostgresCodecs(CodecContext.of(session.settings)),
        session=StatementServices(session, None),
        statement_time_us=session.query_start_us,
        transaction_time_us=session.transaction_start_us,
    )


def _by_row(
    function: Function, call: Callable[..., Any], arguments: Sequence[pa.Array], row_count: int
) -> pa.Array:
    """Row by row: these functions look things up, they do not compute over columns.

    Without arguments a stable function is called once; nextval() and its kind once a row.
    """
    result_type = arrow_type(SqlType(function.result_type))
    if not arguments and function.volatility.value != "v":
        return pa.array([call()] * row_count, result_type)
    columns = [argument.to_pylist() for argument in arguments]
    rows = zip(*columns) if columns else (() for _ in range(row_count))
    values = [None if function.is_strict and None in row else call(*row) for row in rows]
    return pa.array(values, result_type)
