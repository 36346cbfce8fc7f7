"""Statements that define tables, indexes and sequences."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from sqlfront.parser.statements import (
    ExecuteStatement,
    Option,
    QualifiedName,
    QueryStatement,
    SqlExpression,
    Statement,
)
from sqlfront.parser.statements_partitions import PartitionOf, PartitionSpecification
from sqlfront.parser.typenames import TypeName
from storage.catalog import OnCommit, Persistence, ReferentialAction


class ConstraintKind(Enum):
    PRIMARY_KEY = "PRIMARY KEY"
    UNIQUE = "UNIQUE"
    CHECK = "CHECK"
    FOREIGN_KEY = "FOREIGN KEY"
    EXCLUDE = "EXCLUDE"


@dataclass(frozen=True, slots=True)
class ExclusionOperator:
    """The operator of a key of EXCLUDE; `schema` is that of OPERATOR(schema.name)."""

    name: str
    schema: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class ConstraintDefinition:
    """A table constraint, or a column constraint with that column in `columns`.

    `using_index` is the index name of ADD ... USING INDEX. `is_deferrable` is None when nothing was said.
    `set_columns` are those of ON DELETE SET NULL / SET DEFAULT (columns). `method`, `elements`, each with its one of
    `operators`, and `where` are those of EXCLUDE.
    """

    kind: ConstraintKind
    name: str | None = None
    columns: tuple[str, ...] = ()
    expression: SqlExpression | None = None
    references: QualifiedName | None = None
    referenced_columns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    is_match_full: bool = False
    on_update: ReferentialAction = ReferentialAction.NO_ACTION
    on_delete: ReferentialAction = ReferentialAction.NO_ACTION
    set_columns: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    is_deferrable: bool | None = None
    is_initially_deferred: bool = False
    is_not_valid: bool = False
    is_no_inherit: bool = False
    method: str = "btree"
    elements: tuple[IndexElement, ...] = ()
    operators: tuple[ExclusionOperator, ...] = ()
    where: SqlExpression | None = None
    using_index: str | None = None
    options: tuple[Option, ...] = ()
    position: int | None = None


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """Options of a sequence or identity column; None = not said, `no_minimum` etc. = NO MINVALUE.

    `name` is the SEQUENCE NAME that pg_dump gives an identity column's sequence.
    """

    type: TypeName | None = None
    increment: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    no_minimum: bool = False
    no_maximum: bool = False
    start: int | None = None
    restart: int | None = None
    is_restarted: bool = False
    cache: int | None = None
    cycle: bool | None = None
    owned_by: tuple[str, ...] | None = None
    """Dotted name of a column; ("none",) for OWNED BY NONE."""
    name: QualifiedName | None = None


@dataclass(frozen=True, slots=True)
class ColumnSpecification:
    """A column of CREATE TABLE or ADD COLUMN.

    `not_null` is True for NOT NULL, False for an explicit NULL, None when not said. `identity` is '', 'a'
    (ALWAYS) or 'd' (BY DEFAULT). `generated` is the expression of GENERATED ALWAYS AS (...) STORED.
    """

    name: str
    type: TypeName
    not_null: bool | None = None
    default: SqlExpression | None = None
    identity: str = ""
    identity_options: SequenceOptions = field(default_factory=SequenceOptions)
    generated: SqlExpression | None = None
    collation: str | None = None
    constraints: tuple[ConstraintDefinition, ...] = ()
    position: int | None = None


class LikeOption(Enum):
    """What LIKE ... INCLUDING may copy besides names, types and NOT NULL."""

    COMMENTS = "comments"
    COMPRESSION = "compression"
    CONSTRAINTS = "constraints"
    DEFAULTS = "defaults"
    GENERATED = "generated"
    IDENTITY = "identity"
    INDEXES = "indexes"
    STATISTICS = "statistics"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class LikeClause:
    """LIKE source INCLUDING ...: its columns come after the first `columns_before` of the statement's own."""

    source: QualifiedName
    columns_before: int
    including: frozenset[LikeOption] = frozenset()


@dataclass(frozen=True, slots=True)
class CreateTableStatement(Statement):
    name: QualifiedName
    columns: tuple[ColumnSpecification, ...] = ()
    constraints: tuple[ConstraintDefinition, ...] = ()
    options: tuple[Option, ...] = ()
    if_not_exists: bool = False
    tablespace: str | None = None
    likes: tuple[LikeClause, ...] = ()
    persistence: Persistence = Persistence.PERMANENT
    on_commit: OnCommit | None = None
    partition_by: PartitionSpecification | None = None
    partition_of: PartitionOf | None = None


@dataclass(frozen=True, slots=True)
class CreateTableAsStatement(Statement):
    """CREATE TABLE ... AS, or SELECT ... INTO with `is_select_into`.

    `columns` are the names given before AS. `source_text` is the source's own text, with blanks where an INTO clause was.
    """

    name: QualifiedName
    source: QueryStatement | ExecuteStatement
    source_text: str
    columns: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    if_not_exists: bool = False
    tablespace: str | None = None
    with_data: bool = True
    is_select_into: bool = False
    persistence: Persistence = Persistence.PERMANENT
    on_commit: OnCommit | None = None


@dataclass(frozen=True, slots=True)
class AlterAction:
    """Base of the actions of ALTER TABLE."""


@dataclass(frozen=True, slots=True)
class AddColumn(AlterAction):
    column: ColumnSpecification
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropColumn(AlterAction):
    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class SetDefault(AlterAction):
    """SET DEFAULT, or DROP DEFAULT when `default` is None."""

    column: str
    default: SqlExpression | None


@dataclass(frozen=True, slots=True)
class SetNotNull(AlterAction):
    column: str
    not_null: bool


@dataclass(frozen=True, slots=True)
class AlterColumnType(AlterAction):
    column: str
    type: TypeName
    using: SqlExpression | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class SetColumnStorage(AlterAction):
    """SET STORAGE, SET STATISTICS, SET COMPRESSION and SET (options): accepted, without effect."""

    column: str
    what: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class ChangeIdentity(AlterAction):
    """SET GENERATED (`identity` 'a' or 'd', None = not said), SET with options of the sequence, RESTART."""

    column: str
    identity: str | None
    options: SequenceOptions


@dataclass(frozen=True, slots=True)
class SetIdentity(AlterAction):
    """ADD GENERATED ... AS IDENTITY (`identity` 'a' or 'd'), DROP IDENTITY (`identity` '')."""

    column: str
    identity: str
    options: SequenceOptions = field(default_factory=SequenceOptions)
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AddConstraint(AlterAction):
    constraint: ConstraintDefinition


@dataclass(frozen=True, slots=True)
class ValidateConstraint(AlterAction):
    name: str


@dataclass(frozen=True, slots=True)
class AlterConstraint(AlterAction):
    """ALTER CONSTRAINT name [NOT] DEFERRABLE ...; `constraint` has the name and these attributes."""

    constraint: ConstraintDefinition


@dataclass(frozen=True, slots=True)
class DropExpression(AlterAction):
    """ALTER COLUMN ... DROP EXPRESSION: a generated column becomes an ordinary one."""

    column: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropConstraint(AlterAction):
    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class SetOptions(AlterAction):
    """SET (name = value, ...) or RESET (name, ...) of a table or index."""

    options: tuple[Option, ...]
    is_reset: bool = False


@dataclass(frozen=True, slots=True)
class SwitchTriggers(AlterAction):
    """ENABLE or DISABLE of a trigger or rule by its name; '' = TRIGGER ALL (`is_all`) or USER."""

    kind: str
    name: str
    is_enabled: bool
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class AlterNothing(AlterAction):
    """What is so of every table, DISABLE ROW LEVEL SECURITY for example; `words` are those of the action."""

    words: str


@dataclass(frozen=True, slots=True)
class SetOwner(AlterAction):
    role: str


@dataclass(frozen=True, slots=True)
class AlterTableStatement(Statement):
    """ALTER TABLE, or ALTER INDEX / SEQUENCE with table-like actions (`kind`)."""

    name: QualifiedName
    actions: tuple[AlterAction, ...]
    if_exists: bool = False
    kind: str = "TABLE"
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class RenameStatement(Statement):
    """ALTER kind name RENAME [COLUMN c | CONSTRAINT c] TO new_name.

    `kind` is TABLE, INDEX, SEQUENCE, SCHEMA, DATABASE, ROLE, TYPE, DOMAIN, COLUMN or CONSTRAINT; `part` the column's or
    constraint's name.
    """

    kind: str
    name: QualifiedName
    new_name: str
    part: str | None = None
    if_exists: bool = False
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class SetSchemaStatement(Statement):
    """ALTER TABLE / INDEX / SEQUENCE / TYPE / DOMAIN name SET SCHEMA schema."""

    kind: str
    name: QualifiedName
    schema: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class IndexElement:
    """One key of CREATE INDEX: a column or an expression."""

    column: str | None
    expression: SqlExpression | None = None
    operator_class: str | None = None
    collation: str | None = None
    is_descending: bool = False
    nulls_first: bool | None = None
    position: int | None = None
    operator_class_position: int | None = None


@dataclass(frozen=True, slots=True)
class CreateIndexStatement(Statement):
    table: QualifiedName
    elements: tuple[IndexElement, ...]
    name: str | None = None
    method: str = "btree"
    is_unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    include: tuple[IndexElement, ...] = ()
    nulls_not_distinct: bool = False
    options: tuple[Option, ...] = ()
    where: SqlExpression | None = None
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class CreateSequenceStatement(Statement):
    name: QualifiedName
    options: SequenceOptions = field(default_factory=SequenceOptions)
    if_not_exists: bool = False
    persistence: Persistence = Persistence.PERMANENT


@dataclass(frozen=True, slots=True)
class AlterSequenceStatement(Statement):
    name: QualifiedName
    options: SequenceOptions
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class TruncateStatement(Statement):
    tables: tuple[QualifiedName, ...]
    restart_identity: bool = False
    cascade: bool = False
    only: tuple[QualifiedName, ...] = ()
    """Those of the tables that were named with ONLY."""
