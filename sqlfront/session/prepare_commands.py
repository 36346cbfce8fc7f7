"""SQL's PREPARE, EXECUTE, DEALLOCATE, and DISCARD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import ArrayShapeNotSupported, SyntaxErrorInStatement
from foundation.shaped_arrays import from_stored
from foundation.sqltypes import element_type, is_shaped, shaped_type
from foundation.vector_elements import python_value
from planner import plan_statement
from planner.bound import Expression, Select, Target
from sqlfront.binder import Clause, bind_expression
from sqlfront.binder.type_names import resolve_type_name
from sqlfront.commands.temporary_objects import discard_temporary
from sqlfront.errors import DuplicatePreparedStatement
from sqlfront.parser import (
    DeallocateStatement,
    DiscardStatement,
    DiscardTarget,
    ExecuteStatement,
    ParsedStatement,
    PrepareStatement,
)
from sqlfront.parser.typenames import TypeName
from sqlfront.session.errors import ActiveTransaction
from sqlfront.session.outcome import Outcome
from sqlfront.session.temporary import has_temporary

if TYPE_CHECKING:
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession


def run_prepare(session: LocalSession, node: PrepareStatement) -> Outcome:
    if node.name in session.statements:
        raise DuplicatePreparedStatement(f'prepared statement "{node.name}" already exists')
    oids = tuple(
        resolve_type_name(session.bind_context(), name).oid
        for name in node.types
        if isinstance(name, TypeName)
    )
    parsed = ParsedStatement(node.statement_text, 0, node.statement)
    statement = session.prepare_nested(parsed, oids)
    statement.made_by = session.current_query
    session.statements[node.name] = statement
    return Outcome("PREPARE")


def run_execute(session: LocalSession, node: ExecuteStatement) -> Outcome:
    statement = session.prepared_statement(node.name)
    try:
        values = execute_values(session, node, statement)
    except ArrayShapeNotSupported:
        types = [shaped_type(t) if element_type(t) is not None else t for t in statement.parameter_types]
        statement = session.retyped(statement, types)
        values = execute_values(session, node, statement)
    return session.run_prepared(statement, values)


def execute_values(session: LocalSession, node: ExecuteStatement, statement: PreparedStatement) -> list[Any]:
    """The parameters' values that EXECUTE gives. Raises SyntaxErrorInStatement (42601) for another number of them."""
    expected = len(statement.parameter_types)
    if len(node.arguments) != expected:
        raise SyntaxErrorInStatement(
            f'wrong number of parameters for prepared statement "{node.name}"',
            detail=f"Expected {expected} parameters but got {len(node.arguments)}.",
        )
    context = session.bind_context()
    arguments = [
        bind_expression(argument.tree, context, sql_type, clause=Clause.EXECUTE)
        for argument, sql_type in zip(node.arguments, statement.parameter_types)
    ]
    return evaluate_row(session, arguments)


def evaluate_row(session: LocalSession, expressions: list[Expression]) -> list[Any]:
    """Values of expressions over no table, as one-row SELECT would give them."""
    if not expressions:
        return []
    targets = tuple(Target(e, f"c{i}") for i, e in enumerate(expressions))
    transaction = session.block.open_transaction()
    execution = plan_statement(Select(targets)).execute(session.execution_context(transaction))
    table = pa.Table.from_batches(list(execution.batches()))
    values = [python_value(table.column(i)[0]) for i in range(table.num_columns)]
    return [
        from_stored(value) if is_shaped(expression.sql_type) and value is not None else value
        for value, expression in zip(values, expressions, strict=True)
    ]


def run_deallocate(session: LocalSession, node: DeallocateStatement) -> Outcome:
    if node.name is None:
        session.statements.clear()
        return Outcome("DEALLOCATE ALL")
    session.prepared_statement(node.name)
    del session.statements[node.name]
    return Outcome("DEALLOCATE")


def run_discard(session: LocalSession, node: DiscardStatement) -> Outcome:
    """DISCARD ALL is a session as new; a pool calls it between two users."""
    match node.target:
        case DiscardTarget.ALL:
            if session.block.is_explicit:
                raise ActiveTransaction("DISCARD ALL cannot run inside a transaction block")
            session.cursors.close_all()
            session.statements.clear()
            session.settings.reset_all()
            session.roles.set_session_authorization(None)
            session.shared.hub.unlisten(session.listener, None)
            session.advisory_locks.unlock_all()
            session.forget_sequences()
            _discard_temporary(session)
        case DiscardTarget.SEQUENCES:
            session.forget_sequences()
        case DiscardTarget.TEMP:
            _discard_temporary(session)
        case DiscardTarget.PLANS:
            # They are kept by catalog version.
            pass
    return Outcome(f"DISCARD {node.target.value}")


def _discard_temporary(session: LocalSession) -> None:
    if has_temporary(session):
        discard_temporary(session.command_context(session.block.open_transaction()))
