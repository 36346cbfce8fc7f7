"""Prepared statements and portals of one session, as messages name them.

The maps live in the session (SQL's PREPARE, DEALLOCATE, DECLARE and CLOSE use the same names); here are the
rules of the messages about them, and what a message adds to a portal: result formats and how far it has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from foundation.errors import InvalidParameterValue
from sqlfront.backend import Format, Portal, Session, Statement, TransactionStatus
from sqlfront.errors import (
    DuplicatePortal,
    DuplicatePreparedStatement,
    TransactionAborted,
    UndefinedPortal,
    UndefinedPreparedStatement,
)
from sqlfront.protocol.errors import ProtocolViolation


@dataclass(slots=True)
class PortalRun:
    """A portal and its progress. `formats` has one entry a column."""

    name: str
    portal: Portal
    formats: tuple[Format, ...]
    is_started: bool = False
    is_done: bool = False
    was_suspended: bool = False


@dataclass(slots=True)
class Registry:
    """Look-ups with PostgreSQL's errors."""

    session: Session
    _runs: dict[str, PortalRun] = field(default_factory=dict)

    def statement(self, name: str) -> Statement:
        """Raises UndefinedPreparedStatement (26000)."""
        statement = self.session.statements.get(name)
        if statement is None:
            if name:
                raise UndefinedPreparedStatement(f'prepared statement "{name}" does not exist')
            raise UndefinedPreparedStatement("unnamed prepared statement does not exist")
        return statement

    def add_statement(self, name: str, statement: Statement) -> None:
        self.session.statements[name] = statement

    def check_statement_name_free(self, name: str) -> None:
        """Raises DuplicatePreparedStatement (42P05). The unnamed statement is simply replaced."""
        if not name:
            self.session.statements.pop("", None)
        elif name in self.session.statements:
            raise DuplicatePreparedStatement(f'prepared statement "{name}" already exists')

    def close_statement(self, name: str) -> None:
        """Closing what does not exist is no error."""
        self.session.statements.pop(name, None)

    def run_of(self, name: str) -> PortalRun:
        """Raises UndefinedPortal (34000)."""
        portal = self.session.portals.get(name)
        if portal is None:
            raise UndefinedPortal(f'portal "{name}" does not exist')
        run = self._runs.get(name)
        if run is None or run.portal is not portal:
            # A cursor that SQL declared: its rows have text format.
            run = self._runs[name] = PortalRun(name, portal, (Format.TEXT,) * len(portal.columns or ()))
        return run

    def check_portal_name_free(self, name: str) -> None:
        """Raises DuplicatePortal (42P03). The unnamed portal is simply replaced."""
        if not name:
            self.close_portal("")
        elif name in self.session.portals:
            raise DuplicatePortal(f'cursor "{name}" already exists')

    def add_portal(self, run: PortalRun) -> None:
        self.session.portals[run.name] = run.portal
        self._runs[run.name] = run

    def close_portal(self, name: str) -> None:
        """Closing what does not exist is no error."""
        self._runs.pop(name, None)
        portal = self.session.portals.pop(name, None)
        if portal is not None:
            portal.close()

    def close_portals_of_transaction(self) -> None:
        """The transaction is over: all portals go but those WITH HOLD."""
        if not self.session.portals and not self._runs:
            return
        for name, portal in list(self.session.portals.items()):
            if not portal.is_holdable:
                self.close_portal(name)
        for name in [name for name in self._runs if name not in self.session.portals]:
            del self._runs[name]

    def check_not_aborted(self) -> None:
        """Raises TransactionAborted (25P02)."""
        if self.session.transaction_status() is TransactionStatus.FAILED:
            raise TransactionAborted()


_FORMATS = {0: Format.TEXT, 1: Format.BINARY}


def _format_of(code: int) -> Format:
    result = _FORMATS.get(code)
    if result is None:
        raise InvalidParameterValue(f"unsupported format code: {code}")
    return result


def parameter_formats(codes: Sequence[int], parameter_count: int) -> tuple[Format, ...]:
    """One format a parameter from a Bind message's codes.

    Raises:
        ProtocolViolation: 08P01, neither none, one nor one each.
        InvalidParameterValue: 22023, a code that is not 0 or 1.
    """
    if len(codes) > 1 and len(codes) != parameter_count:
        raise ProtocolViolation(
            f"bind message has {len(codes)} parameter formats but {parameter_count} parameters"
        )
    return _spread(codes, parameter_count)


def result_formats(codes: Sequence[int], column_count: int | None) -> tuple[Format, ...]:
    """One format a result column; a statement without rows (None) ignores the codes. Raises as above."""
    if column_count is None:
        return ()
    if len(codes) > 1 and len(codes) != column_count:
        raise ProtocolViolation(
            f"bind message has {len(codes)} result formats but query has {column_count} columns"
        )
    return _spread(codes, column_count)


def _spread(codes: Sequence[int], count: int) -> tuple[Format, ...]:
    if not codes:
        return (Format.TEXT,) * count
    if len(codes) == 1:
        return (_format_of(codes[0]),) * count
    return tuple(map(_format_of, codes))
