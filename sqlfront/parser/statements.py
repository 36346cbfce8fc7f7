"""What statements other than queries are parsed into: frozen dataclasses, one per statement.

Names are folded and cut. `QualifiedName` is (schema or None, name). An expression inside a statement is a
`SqlExpression`: its tree and its source text. Definitions of tables, indexes and sequences are in
`statements_schema`, of roles and other objects in `statements_objects`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Statement:
    """Base of all statements."""


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """One statement of a script.

    `text` is its source without the semicolon; `position_in_script` the 0-based character offset of `text` in
    the script. Positions inside `node` count from the start of the script.
    """

    text: str
    position_in_script: int
    node: Statement


@dataclass(frozen=True, slots=True)
class QualifiedName:
    """An object's name. `database` only when three parts were given. `position` is 1-based in the script."""

    name: str
    schema: str | None = None
    database: str | None = None
    position: int | None = None

    def __str__(self) -> str:
        return ".".join(part for part in (self.database, self.schema, self.name) if part is not None)


@dataclass(frozen=True, slots=True, eq=False)
class SqlExpression:
    """An expression inside a statement: its tree and its source text. Compares by text."""

    tree: exp.Expr
    sql: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SqlExpression) and self.sql == other.sql

    def __hash__(self) -> int:
        return hash(self.sql)


@dataclass(frozen=True, slots=True)
class Option:
    """`name = value` of a WITH (...) list; `value` None when only the name was given."""

    name: str
    value: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class QueryStatement(Statement):
    """SELECT, VALUES, TABLE, INSERT, UPDATE or DELETE: `expression` as `sqlfront.parser.nodes` describes."""

    expression: exp.Expr


# -- transactions


class IsolationLevel(Enum):
    READ_UNCOMMITTED = "read uncommitted"
    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"


@dataclass(frozen=True, slots=True)
class TransactionModes:
    """Modes of BEGIN and SET TRANSACTION; None = not said."""

    isolation: IsolationLevel | None = None
    read_only: bool | None = None
    deferrable: bool | None = None


@dataclass(frozen=True, slots=True)
class BeginStatement(Statement):
    """BEGIN or START TRANSACTION (`is_start` decides the command tag)."""

    modes: TransactionModes = TransactionModes()
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class CommitStatement(Statement):
    """COMMIT or END; `chain` with AND CHAIN."""

    chain: bool = False


@dataclass(frozen=True, slots=True)
class RollbackStatement(Statement):
    """ROLLBACK or ABORT."""

    chain: bool = False


@dataclass(frozen=True, slots=True)
class SavepointStatement(Statement):
    name: str


@dataclass(frozen=True, slots=True)
class ReleaseStatement(Statement):
    name: str


@dataclass(frozen=True, slots=True)
class RollbackToStatement(Statement):
    name: str


@dataclass(frozen=True, slots=True)
class SetTransactionStatement(Statement):
    """SET TRANSACTION, or with `is_session` SET SESSION CHARACTERISTICS AS TRANSACTION."""

    modes: TransactionModes
    is_session: bool = False


@dataclass(frozen=True, slots=True)
class SetConstraintsStatement(Statement):
    """SET CONSTRAINTS names {DEFERRED | IMMEDIATE}; no names = ALL."""

    names: tuple[QualifiedName, ...]
    is_deferred: bool


# -- settings


@dataclass(frozen=True, slots=True)
class SetStatement(Statement):
    """SET [SESSION | LOCAL] name = values; `values` None is DEFAULT.

    `values` are the texts of the list; SHOW's form of a list is their join by ", " with quoting where needed
    (`joined_value`). `SET TIME ZONE`, `SET NAMES`, `SET ROLE` and `SET SCHEMA` come with the setting's name.
    """

    name: str
    values: tuple[str, ...] | None
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class ShowStatement(Statement):
    """SHOW name; name "all" is SHOW ALL."""

    name: str


@dataclass(frozen=True, slots=True)
class ResetStatement(Statement):
    """RESET name; name "all" is RESET ALL."""

    name: str


class DiscardTarget(Enum):
    ALL = "ALL"
    PLANS = "PLANS"
    SEQUENCES = "SEQUENCES"
    TEMP = "TEMP"


@dataclass(frozen=True, slots=True)
class DiscardStatement(Statement):
    target: DiscardTarget


# -- cursors and prepared statements


@dataclass(frozen=True, slots=True)
class DeclareCursorStatement(Statement):
    """`scroll` None = neither SCROLL nor NO SCROLL."""

    name: str
    query: QueryStatement
    query_text: str
    binary: bool = False
    scroll: bool | None = None
    hold: bool = False


class FetchDirection(Enum):
    """How a count is meant. FIRST and LAST are ABSOLUTE 1 and -1; ALL is FORWARD or BACKWARD with count None."""

    FORWARD = "forward"
    BACKWARD = "backward"
    ABSOLUTE = "absolute"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class FetchStatement(Statement):
    """FETCH; `count` None = ALL."""

    cursor: str
    direction: FetchDirection = FetchDirection.FORWARD
    count: int | None = 1


@dataclass(frozen=True, slots=True)
class MoveStatement(Statement):
    """MOVE; `count` None = ALL."""

    cursor: str
    direction: FetchDirection = FetchDirection.FORWARD
    count: int | None = 1


@dataclass(frozen=True, slots=True)
class CloseStatement(Statement):
    """CLOSE; None = ALL."""

    cursor: str | None


@dataclass(frozen=True, slots=True)
class PrepareStatement(Statement):
    """PREPARE name (types) AS statement; types as text of TypeName.spelled()."""

    name: str
    types: tuple[object, ...]
    statement: QueryStatement
    statement_text: str


@dataclass(frozen=True, slots=True)
class ExecuteStatement(Statement):
    name: str
    arguments: tuple[SqlExpression, ...] = ()


@dataclass(frozen=True, slots=True)
class DeallocateStatement(Statement):
    """DEALLOCATE; None = ALL."""

    name: str | None


# -- notifications


@dataclass(frozen=True, slots=True)
class ListenStatement(Statement):
    channel: str


@dataclass(frozen=True, slots=True)
class NotifyStatement(Statement):
    channel: str
    payload: str = ""


@dataclass(frozen=True, slots=True)
class UnlistenStatement(Statement):
    """UNLISTEN; None = *."""

    channel: str | None


# -- EXPLAIN and COPY


@dataclass(frozen=True, slots=True)
class ExplainStatement(Statement):
    """EXPLAIN; `format` is text, json, xml or yaml; options that were not said are None."""

    inner: Statement
    inner_text: str
    analyze: bool = False
    verbose: bool = False
    costs: bool = True
    settings: bool = False
    buffers: bool = False
    wal: bool = False
    timing: bool | None = None
    summary: bool | None = None
    format: str = "text"


@dataclass(frozen=True, slots=True)
class CopyStatement(Statement):
    """COPY of a table or of a query, from STDIN or to STDOUT.

    `options` are (lower-case name, value) as written: format, freeze, delimiter, null, header, quote, escape,
    force_quote, force_not_null, force_null, encoding, default. A list of columns is a tuple, `*` is ("*",), an
    option without value True. Old-style options come under the new names.
    """

    table: QualifiedName | None
    columns: tuple[str, ...]
    query: QueryStatement | None
    query_text: str
    is_from: bool
    options: tuple[tuple[str, str | bool | tuple[str, ...]], ...] = ()
    where: SqlExpression | None = None


# -- maintenance


@dataclass(frozen=True, slots=True)
class TableColumns:
    table: QualifiedName
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VacuumStatement(Statement):
    """VACUUM; `options` are (name, value) as written."""

    targets: tuple[TableColumns, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def is_analyze(self) -> bool:
        return any(option.name == "analyze" for option in self.options)


@dataclass(frozen=True, slots=True)
class AnalyzeStatement(Statement):
    targets: tuple[TableColumns, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class ReindexStatement(Statement):
    """`kind` is INDEX, TABLE, SCHEMA, DATABASE or SYSTEM; name None with DATABASE or SYSTEM = the current one."""

    kind: str
    name: QualifiedName | None
    concurrently: bool = False


@dataclass(frozen=True, slots=True)
class ClusterStatement(Statement):
    table: QualifiedName | None = None
    index: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointStatement(Statement):
    """CHECKPOINT."""


@dataclass(frozen=True, slots=True)
class LockStatement(Statement):
    """LOCK TABLE; `mode` as in `ACCESS EXCLUSIVE`."""

    tables: tuple[QualifiedName, ...]
    mode: str = "ACCESS EXCLUSIVE"
    nowait: bool = False
    only: tuple[QualifiedName, ...] = ()
    """Those of the tables that were named with ONLY."""
