"""Prepared statements: from text to a plan, once per catalog version.

A statement keeps its text, its parsed form and, for queries, a plan with the catalog version it was made for.
When the catalog has changed the statement is bound again; if its result columns differ from those the client
was told, execution fails as PostgreSQL's does (0A000 'cached plan must not change result type').
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

import pyarrow as pa

from foundation.errors import ArrayShapeNotSupported, InsufficientPrivilege, SyntaxErrorInStatement
from foundation.sqltypes import SqlType, plain_type
from planner import plan_locking, plan_statement
from planner.bound import BoundStatement, Insert, Select, walk
from planner.dml import RepeatedInsert, RowTemplate
from planner.repeated_choice import repeated_read
from planner.repeated_reads import RepeatedRead
from sqlfront.backend import ResultColumn
from sqlfront.binder import BindContext, bind_query, lock_name
from sqlfront.parser import ParsedStatement, QueryStatement, parse_script
from sqlfront.pg_catalog import VIRTUAL_RELATIONS
from sqlfront.privileges.rights import Rights
from sqlfront.privileges.statements import check_statement
from sqlfront.session.array_columns import narrowed_columns, widen_columns
from sqlfront.session.clock import now_us
from sqlfront.session.command_shape import command_columns, is_allowed_in_failed_block, query_inside
from sqlfront.session.errors import ResultTypeChanged
from sqlfront.session.joint_inserts import is_joinable
from sqlfront.session.outcome import Outcome, result_columns
from sqlfront.session.plan_cache import CachedPlan, PlanKey, QueryKind, kind_of
from sqlfront.session.query_locks import (
    TableLocks,
    only_reads,
    table_locks,
    take_locks,
    unpopulated_view,
    with_partitions,
)
from sqlfront.session.short_statements import is_short_plan, is_short_query
from storage import Transaction
from storage.catalog import Catalog, OnCommit, Persistence

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


VALUE_SETTINGS = ("TimeZone", "DateStyle", "IntervalStyle")


@dataclass(frozen=True, slots=True)
class _Place:
    """What a plan was made for. `own_catalog`: that of a transaction with DDL, whose plans nobody else may use."""

    key: PlanKey
    own_catalog: Catalog | None


@dataclass(slots=True)
class PreparedStatement:
    """Implements `sqlfront.backend.Statement`.

    `parsed` is None for an empty text, and for a query whose plan came from the cache unparsed.
    """

    text: str
    parsed: ParsedStatement | None
    parameter_types: tuple[SqlType, ...] = ()
    columns: tuple[ResultColumn, ...] | None = None
    cached: CachedPlan | None = None
    place: _Place | None = None
    seen: tuple[Catalog, object] | None = None
    """The catalog and the settings' state that `place` was last compared with and found to be the same."""
    made_by: str = ""
    """The text with the PREPARE that made it; '' when a message did."""
    prepared_at_us: int = field(default_factory=now_us)

    @property
    def is_query(self) -> bool:
        return self.cached is not None

    @property
    def runs_together(self) -> bool:
        return self.cached is not None and self.cached.template is not None

    @property
    def repeated(self) -> RepeatedRead | None:
        """How it is executed without a transaction, if it can be."""
        return self.cached.repeated if self.cached is not None else None

    @property
    def reads_directly(self) -> bool:
        return self.repeated is not None

    @property
    def inserts_directly(self) -> bool:
        return self.cached is not None and self.cached.inserts_directly

    @property
    def locks(self) -> TableLocks:
        return self.cached.locks if self.cached is not None else ()


class StatementPlanner:
    """Parses, binds and plans for one session, through the server's plan cache."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session

    def prepare_text(self, text: str, parameter_oids: tuple[int, ...]) -> PreparedStatement:
        """A Parse message. Raises 42601 for several statements in one text."""
        self._session.block.refresh_snapshot()
        cached = self._lookup(text, self._place(text, parameter_oids))
        if cached is not None and not self._waits_for(cached):
            return cached
        parsed = parse_script(text)
        if len(parsed) > 1:
            raise SyntaxErrorInStatement("cannot insert multiple commands into a prepared statement")
        if not parsed:
            return PreparedStatement(text, None)
        return self.prepare_parsed(parsed[0], parameter_oids)

    def prepare_parsed(
        self, parsed: ParsedStatement, parameter_oids: tuple[int, ...], *, allows_parameters: bool = True
    ) -> PreparedStatement:
        """A statement already parsed. Raises 42P02 for `$1` where nothing can give it a value."""
        session = self._session
        if not is_allowed_in_failed_block(parsed.node):
            session.block.check_not_failed()
        if not isinstance(parsed.node, QueryStatement):
            types = self._inner_parameter_types(parsed, parameter_oids, allows_parameters)
            columns = command_columns(session, parsed.node)
            return PreparedStatement(parsed.text, parsed, types, columns)
        session.block.refresh_snapshot()
        while True:
            place = self._place(parsed.text, parameter_oids)
            found = self._lookup(parsed.text, place)
            if found is None or (found.parameter_types and not allows_parameters):
                found = self._bind_and_plan(parsed, place, allows_parameters=allows_parameters)
            if not self._waits_for(found):
                return found

    def prepare_message(self, text: str) -> PreparedStatement:
        """A simple query of one statement, unparsed where it is known to be a query that has a plan."""
        texts = self._session.shared.known_texts
        known = texts.get(text)
        if known is not None:
            self._session.block.refresh_snapshot()
            found = self._lookup(known.query, self._place(known.query, ()))
            if found is not None and not found.parameter_types and not self._waits_for(found):
                return found
        (parsed,) = texts.parsed(text)
        return self.prepare_parsed(parsed, (), allows_parameters=False)

    def _inner_parameter_types(
        self, parsed: ParsedStatement, parameter_oids: tuple[int, ...], allows_parameters: bool
    ) -> tuple[SqlType, ...]:
        """A command has the parameters of the query inside it, which is looked at already here, as in PostgreSQL."""
        query = query_inside(parsed.node)
        if query is None:
            return ()
        return self.prepare_parsed(query, parameter_oids, allows_parameters=allows_parameters).parameter_types

    def _waits_for(self, statement: PreparedStatement) -> bool:
        """Wait for who has one of its tables for himself; whether the statement has to be bound again after that.

        PostgreSQL locks tables when it analyses a statement, so that what a client is told of the columns holds.
        """
        block = self._session.block
        if not self._session.shared.storage.locks.may_block_readers():
            return False
        transaction = block.open_transaction(takes_snapshot=False)
        is_changed = take_locks(transaction, statement.locks)
        block.retake_snapshot()
        return is_changed

    def _lookup(self, text: str, place: _Place) -> PreparedStatement | None:
        """A statement whose plan the cache holds; its text need not even be parsed."""
        entry = self._session.shared.plans.get(place.key) if place.own_catalog is None else None
        if entry is not None and self._session.block.is_explicit:
            # Only here: what is not found may be a ROLLBACK, which a failed block allows.
            self._session.block.check_not_failed()
        return self._statement(text, None, entry, place) if entry is not None else None

    def _statement(
        self, text: str, parsed: ParsedStatement | None, entry: CachedPlan, place: _Place
    ) -> PreparedStatement:
        columns = entry.plan.columns
        return PreparedStatement(
            text,
            parsed,
            parameter_types=entry.parameter_types,
            columns=result_columns(columns) if columns is not None else None,
            cached=entry,
            place=place,
        )

    def plan_key(self, text: str, parameter_oids: tuple[int, ...]) -> PlanKey:
        """What the plan of a text is found by now."""
        return self._place(text, parameter_oids).key

    def _place(self, text: str, parameter_oids: tuple[int, ...]) -> _Place:
        session = self._session
        catalog = session.catalog()
        key = PlanKey(
            text=text,
            parameter_oids=parameter_oids,
            catalog_version=catalog.version,
            database_oid=session.identity.database_oid,
            role_oid=session.roles.current.oid,
            search_path=session.search_path(),
            value_settings=tuple(session.settings.get(name) for name in VALUE_SETTINGS),
        )
        return _Place(key, None if catalog is session.shared.storage.catalog else catalog)

    def _bind_and_plan(
        self, parsed: ParsedStatement, place: _Place, *, allows_parameters: bool = True
    ) -> PreparedStatement:
        assert isinstance(parsed.node, QueryStatement)
        context = self.bind_context(place.key.parameter_oids)
        context.allows_parameters = allows_parameters
        bound = bind_query(parsed.node.expression, context)
        plan = plan_locking(bound) if context.notes.locks_rows else plan_statement(bound)
        narrowed = narrowed_columns(bound)
        denied = _denied(bound, context, self._session.roles.current.oid)
        is_plain = not narrowed and not denied
        template = RowTemplate.of(bound) if _keeps_rows(bound, context) and is_plain else None
        locks = with_partitions(table_locks(bound), context.catalog)
        unpopulated = unpopulated_view(locks, context.catalog)
        entry = CachedPlan(
            plan,
            context.parameter_types(),
            kind_of(bound),
            locks,
            _writing_name(bound, context),
            is_short_query(bound) or is_short_plan(plan, context.catalog),
            not denied and is_joinable(bound),
            template,
            None if template is None or _is_temporary(template, context) else RepeatedInsert.of(template),
            narrowed,
            unpopulated,
            None if unpopulated or denied else repeated_read(plan),
            denied,
        )
        # Without a transaction another session may have changed the catalog since `place` was taken.
        if place.own_catalog is None and context.catalog.version == place.key.catalog_version:
            self._session.shared.plans.put(place.key, entry)
        return self._statement(parsed.text, parsed, entry, place)

    def bind_context(self, parameter_oids: Sequence[int] = ()) -> BindContext:
        """Names and types as this session sees them now."""
        session = self._session
        rights = session.roles.rights
        return BindContext(
            catalog=session.catalog(),
            database_oid=session.identity.database_oid,
            search_path=session.search_path(),
            role_name=session.roles.current.name,
            parameter_oids=parameter_oids,
            virtual_relations=VIRTUAL_RELATIONS,
            settings=session.settings,
            rights=None if rights.is_superuser or session.is_reading_definition else rights,
        )

    # -- running ------------------------------------------------------------------------------------------

    def run_query(self, statement: PreparedStatement, parameters: Sequence[Any]) -> Outcome:
        """Execute a planned query, bound again first if the catalog has moved on."""
        session = self._session
        transaction = self.open_transaction(statement)
        assert statement.cached is not None
        entry = statement.cached
        if entry.writes_as:
            session.block.check_writable(entry.writes_as)
        entry.check_executable()
        try:
            execution = entry.plan.execute(session.execution_context(transaction, parameters))
        except ArrayShapeNotSupported as error:
            if not entry.narrowed:
                raise
            widen_columns(session, transaction, entry.narrowed, error)
            return self.run_query(statement, parameters)
        batches = execution.batches()
        if statement.columns is None:
            for _ in batches:
                pass
            batches = iter(())

        def tag() -> str:
            return entry.kind.command_tag(execution.row_count)

        return Outcome(tag, statement.columns, batches, on_close=getattr(batches, "close", None))

    def run_rows(
        self, statement: PreparedStatement, parameters: Sequence[pa.Array], count: int, *, tag_count: int
    ) -> str | None:
        """Insert a row for each set of parameters, which come as (count,) columns, as one change.

        Returns:
            The tag of a command that inserts `tag_count` rows; None, with nothing done, where the sets must be executed
            one by one.
        """
        session = self._session
        transaction = self.open_transaction(statement)
        entry = statement.cached
        if entry is None or entry.template is None:
            return None
        session.block.check_writable(entry.writes_as)
        is_done = entry.template.run(parameters, count, session.execution_context(transaction))
        return entry.kind.command_tag(tag_count) if is_done else None

    def open_transaction(self, statement: PreparedStatement) -> Transaction:
        """The transaction a planned query runs in: its tables are locked, and it is bound as they are then."""
        block = self._session.block
        transaction = block.open_transaction()
        self._bring_up_to_date(statement)
        while self._takes_locks(statement, transaction) and take_locks(transaction, statement.locks):
            catalog = transaction.catalog
            block.retake_snapshot()
            if transaction.catalog is catalog:
                break
            self._bring_up_to_date(statement)
        return transaction

    def _takes_locks(self, statement: PreparedStatement, transaction: Transaction) -> bool:
        """All but a query that is a transaction of its own, while nobody is in its way."""
        is_own = only_reads(statement.locks) and not self._session.block.is_explicit
        return not is_own or transaction.locks.may_block_readers()

    def is_up_to_date(self, statement: PreparedStatement) -> bool:
        """Whether catalog and settings are still those that the statement was bound with."""
        assert statement.place is not None
        seen = (self._session.catalog(), self._session.settings.mark())
        if statement.seen is not None and all(map(operator.is_, seen, statement.seen)):
            return True
        place = self._place(statement.text, statement.place.key.parameter_oids)
        if place.key != statement.place.key or place.own_catalog is not statement.place.own_catalog:
            return False
        statement.seen = seen
        return True

    def _bring_up_to_date(self, statement: PreparedStatement) -> None:
        """Bind the statement again if catalog or settings are no longer those it was bound with.

        Its parameter types stay: the client encodes values by them.
        """
        if self.is_up_to_date(statement):
            return
        place = self._place(statement.text, tuple(t.oid for t in statement.parameter_types))
        fresh = self._lookup(statement.text, place)
        if fresh is None:
            parsed = statement.parsed or parse_script(statement.text)[0]
            fresh = self._bind_and_plan(parsed, place)
        if _row_type(fresh.columns) != _row_type(statement.columns):
            raise ResultTypeChanged("cached plan must not change result type")
        statement.cached, statement.place, statement.seen = fresh.cached, fresh.place, None
        statement.columns = fresh.columns


def _writing_name(bound: BoundStatement, context: BindContext) -> str:
    """What a statement is called that a read-only transaction refuses; '' for one that only reads."""
    kind = kind_of(bound)
    if any(cte.change is not None for cte in bound.ctes):
        return kind.value
    if kind is not QueryKind.SELECT or not context.notes.locks_rows:
        return "" if kind is QueryKind.SELECT else kind.value
    locks = next(node.locks for node in walk(bound) if isinstance(node, Select) and node.locks)
    return f"SELECT {lock_name(locks[0].strength)}"


def _denied(bound: BoundStatement, context: BindContext, role_oid: int) -> str:
    """Why the current user may not execute a statement; '' where it may."""
    try:
        check_statement(bound, context.notes, Rights(context.catalog, context.database_oid, role_oid))
    except InsufficientPrivilege as error:
        return error.message
    return ""


def _keeps_rows(bound: BoundStatement, context: BindContext) -> TypeGuard[Insert]:
    """Whether it is an INSERT whose rows the commit leaves: ON COMMIT DELETE ROWS has no short way."""
    if not isinstance(bound, Insert):
        return False
    return context.catalog.table(bound.table_oid).on_commit is not OnCommit.DELETE_ROWS


def _is_temporary(template: RowTemplate, context: BindContext) -> bool:
    """A direct insertion waits for the disk, which rows of a temporary table need not."""
    table = context.catalog.table(template.statement.table_oid)
    return table.persistence is Persistence.TEMPORARY


def _row_type(columns: tuple[ResultColumn, ...] | None) -> tuple[tuple[str, SqlType], ...] | None:
    """What a client was told: not, in which form arrays come."""
    return None if columns is None else tuple((column.name, plain_type(column.type)) for column in columns)
