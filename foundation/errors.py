"""The error every package raises: a message a PostgreSQL client already knows, with its SQLSTATE.

Each package's `errors.py` defines its own classes on top of `QuiverError`; the ones here are shared by
several packages. A class fixes the SQLSTATE and the `Fault`; an instance carries message, detail, hint and
position. `sqlfront` turns an instance into an ErrorResponse; nothing else looks at the text.

Codes: https://www.postgresql.org/docs/15/errcodes-appendix.html
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Fault(Enum):
    """Who can do something about an error; retry logic reads this, never the message."""

    CALLER = "caller"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


class WouldBlock(Exception):
    """A step that must not wait would have to. It left nothing behind, and may be taken again by who may wait.

    No QuiverError: it is never a statement's outcome.
    """


class QuiverError(Exception):
    """Base of all errors that reach a client.

    Args:
        message: lower case, one fact, the offending value and the expected one, no full stop.
        detail: PostgreSQL's DETAIL field.
        hint: an action for the reader.
        position: 1-based character offset into the statement's text.
        context: PostgreSQL's CONTEXT field (`COPY t, line 3, column v: "x"`).
        schema, table, column, datatype, constraint: object names, as ErrorResponse fields s, t, c, d, n.
        schema_oid: the schema of `table`, where its name is not known; the session fills in `schema`.
    """

    sqlstate: ClassVar[str] = "XX000"
    fault: ClassVar[Fault] = Fault.CALLER
    routine: ClassVar[str | None] = None
    """PostgreSQL's C function that raises it, ErrorResponse field R, for errors that clients know by it."""

    def __init__(
        self,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        position: int | None = None,
        context: str | None = None,
        schema: str | None = None,
        table: str | None = None,
        column: str | None = None,
        datatype: str | None = None,
        constraint: str | None = None,
        schema_oid: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint
        self.position = position
        self.context = context
        self.schema = schema
        self.table = table
        self.column = column
        self.datatype = datatype
        self.constraint = constraint
        self.schema_oid = schema_oid


class InternalError(QuiverError):
    sqlstate = "XX000"
    fault = Fault.PERMANENT


class FeatureNotSupported(QuiverError):
    sqlstate = "0A000"


class ArrayShapeNotSupported(FeatureNotSupported):
    """An array has several dimensions, or a lower bound other than 1, where only the plain form of arrays is known."""

    attnum = 0
    """The column that COPY would store it in."""


class SyntaxErrorInStatement(QuiverError):
    sqlstate = "42601"


class DataException(QuiverError):
    sqlstate = "22000"


class InvalidTextRepresentation(QuiverError):
    sqlstate = "22P02"


class InvalidBinaryRepresentation(QuiverError):
    sqlstate = "22P03"


class NumericValueOutOfRange(QuiverError):
    sqlstate = "22003"


class DivisionByZero(QuiverError):
    sqlstate = "22012"


class DatetimeFieldOverflow(QuiverError):
    sqlstate = "22008"


class InvalidDatetimeFormat(QuiverError):
    sqlstate = "22007"


class InvalidTimeZoneDisplacement(QuiverError):
    sqlstate = "22009"


class StringDataRightTruncation(QuiverError):
    sqlstate = "22001"


class CharacterNotInRepertoire(QuiverError):
    sqlstate = "22021"


class UntranslatableCharacter(QuiverError):
    sqlstate = "22P05"


class InvalidParameterValue(QuiverError):
    sqlstate = "22023"


class InvalidName(QuiverError):
    sqlstate = "42602"


class NullValueNotAllowed(QuiverError):
    sqlstate = "22004"


class ArraySubscriptError(QuiverError):
    sqlstate = "2202E"


class ProgramLimitExceeded(QuiverError):
    sqlstate = "54000"


class StatementTooComplex(QuiverError):
    sqlstate = "54001"


class CardinalityViolation(QuiverError):
    sqlstate = "21000"


class UndefinedTable(QuiverError):
    sqlstate = "42P01"


class UndefinedColumn(QuiverError):
    sqlstate = "42703"


class UndefinedFunction(QuiverError):
    sqlstate = "42883"


class UndefinedObject(QuiverError):
    sqlstate = "42704"


class UndefinedSchema(QuiverError):
    sqlstate = "3F000"


class UndefinedDatabase(QuiverError):
    sqlstate = "3D000"


class DuplicateObject(QuiverError):
    sqlstate = "42710"


class DuplicateTable(QuiverError):
    sqlstate = "42P07"


class DuplicateColumn(QuiverError):
    sqlstate = "42701"


class DuplicateSchema(QuiverError):
    sqlstate = "42P06"


class DuplicateDatabase(QuiverError):
    sqlstate = "42P04"


class DependentObjectsStillExist(QuiverError):
    sqlstate = "2BP01"


class WrongObjectType(QuiverError):
    sqlstate = "42809"


class DatatypeMismatch(QuiverError):
    sqlstate = "42804"


class CannotCoerce(QuiverError):
    sqlstate = "42846"


class InsufficientPrivilege(QuiverError):
    sqlstate = "42501"


class ObjectInUse(QuiverError):
    sqlstate = "55006"


class ObjectNotInPrerequisiteState(QuiverError):
    sqlstate = "55000"


class NotNullViolation(QuiverError):
    sqlstate = "23502"


class CheckViolation(QuiverError):
    sqlstate = "23514"


class ForeignKeyViolation(QuiverError):
    sqlstate = "23503"


class UniqueViolation(QuiverError):
    sqlstate = "23505"


class SerializationFailure(QuiverError):
    sqlstate = "40001"
    fault = Fault.TRANSIENT


class QueryCanceled(QuiverError):
    sqlstate = "57014"


class AdminShutdown(QuiverError):
    sqlstate = "57P01"


class OutOfMemory(QuiverError):
    sqlstate = "53200"
    fault = Fault.TRANSIENT
