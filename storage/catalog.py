"""The catalog: immutable objects by OID, and immutable snapshots of all of them.

Every object carries its database (0 = shared by all) and its owner. A `Catalog` is never changed: DDL makes a
copy with some objects put or dropped (`with_changes`), a transaction keeps its own copy until commit, and
readers hold the one they started with. In the log and in the manifest an object is its `to_record()` form.

It does not decide what DDL means (cascades, name checks, defaults): that is the caller's work. It enforces
only that names are unique where PostgreSQL wants them unique.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Any, ClassVar, TypeVar, cast

from foundation.sqltypes import SqlType
from storage.acl import Acl
from storage.catalog_object import BOOTSTRAP_ROLE_OID as BOOTSTRAP_ROLE_OID
from storage.catalog_object import PUBLIC_SCHEMA_OID as PUBLIC_SCHEMA_OID
from storage.catalog_object import CatalogObject as CatalogObject
from storage.function_objects import UserFunction
from storage.object_set import ObjectSet
from storage.partition_objects import PartitionBound, PartitionKey
from storage.role_objects import PREDEFINED_ROLES, DefaultPrivileges
from storage.role_objects import Role as Role
from storage.role_objects import RoleDefaults as RoleDefaults
from storage.type_objects import UserType

SHARED_DATABASE = 0
DEFAULT_DATABASE_OID = 5
PG_CATALOG_SCHEMA_OID = 11
INFORMATION_SCHEMA_OID = 13000
TEMPORARY_SCHEMA_PREFIX = "pg_temp_"
"""Schemas of this beginning are each a session's, with its temporary objects, and end with it."""


class Persistence(StrEnum):
    """How long an object lasts; values as in pg_class.relpersistence. What is unlogged is kept as all else is."""

    PERMANENT = "p"
    UNLOGGED = "u"
    TEMPORARY = "t"


class OnCommit(StrEnum):
    """What the end of a transaction does to a temporary table."""

    PRESERVE_ROWS = "preserve rows"
    DELETE_ROWS = "delete rows"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Database(CatalogObject):
    kind: ClassVar[str] = "database"

    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Schema(CatalogObject):
    kind: ClassVar[str] = "schema"


@dataclass(frozen=True, slots=True)
class Extension(CatalogObject):
    kind: ClassVar[str] = "extension"

    schema_oid: int = PUBLIC_SCHEMA_OID
    version: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. `attnum` counts from 1, is never reused and names the column in segment files.

    `default_sql` is the default expression's SQL text. `missing_value` is what rows stored before the column
    was added read as (the column's value in PostgreSQL text form, None = NULL). `identity` is '' (none),
    'a' (ALWAYS) or 'd' (BY DEFAULT). `generated_sql` is the expression of a stored generated column. `collation`
    is the declared name, '' for that of the type.
    """

    attnum: int
    name: str
    type: SqlType
    not_null: bool = False
    default_sql: str | None = None
    missing_value: str | None = None
    identity: str = ""
    generated_sql: str | None = None
    is_dropped: bool = False
    comment: str | None = None
    collation: str = ""
    acl: Acl | None = None


@dataclass(frozen=True, slots=True)
class ColumnRelation(CatalogObject):
    """A relation with columns. `type_oid` is the OID of the row type that pg_class.reltype shows."""

    schema_oid: int = PUBLIC_SCHEMA_OID
    columns: tuple[Column, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    type_oid: int = 0

    def live_columns(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.is_dropped)

    def column(self, name: str) -> Column | None:
        """The live column of that name."""
        return next((c for c in self.columns if c.name == name and not c.is_dropped), None)

    def column_at(self, attnum: int) -> Column:
        return self.columns[attnum - 1]


@dataclass(frozen=True, slots=True)
class Table(ColumnRelation):
    """A relation whose rows are stored.

    With a `partition_key` it has none of its own: they are those of its partitions, which are tables with a `parent_oid` and a
    `partition_bound`.
    """

    kind: ClassVar[str] = "table"

    persistence: Persistence = Persistence.PERMANENT
    on_commit: OnCommit = OnCommit.PRESERVE_ROWS
    partition_key: PartitionKey | None = None
    parent_oid: int = 0
    partition_bound: PartitionBound | None = None


@dataclass(frozen=True, slots=True)
class View(ColumnRelation):
    """A query with a name. `definition_sql` names every relation with its schema.

    `references` are the relations that the query itself reads, (OID, attnums in ascending order) in OID order; what a
    view among them reads is not repeated.
    """

    kind: ClassVar[str] = "view"

    persistence: Persistence = Persistence.PERMANENT
    definition_sql: str = ""
    references: tuple[tuple[int, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class MaterializedView(Table):
    """A query with a name and with its rows, stored as they were when it was refreshed last.

    `definition_sql` and `references` are as a view's. Before it `is_populated` it has no rows, and reading it is an error.
    """

    kind: ClassVar[str] = "materialized view"

    definition_sql: str = ""
    references: tuple[tuple[int, tuple[int, ...]], ...] = ()
    is_populated: bool = True


AnyView = View | MaterializedView


@dataclass(frozen=True, slots=True)
class IndexKey:
    """One key of an index: a column (`attnum` > 0) or an expression (`attnum` 0, `expression_sql` set).

    `expression_attnums` are the columns that the expression reads, ascending; `collation` is what COLLATE named, '' for none.
    """

    attnum: int
    operator_class: str = ""
    expression_sql: str | None = None
    is_descending: bool = False
    nulls_first: bool = False
    expression_attnums: tuple[int, ...] = ()
    collation: str = ""
    exclusion_operator: int = 0
    """OID of the operator of an EXCLUDE constraint."""


@dataclass(frozen=True, slots=True)
class Index(CatalogObject):
    """An index, or the index behind a PRIMARY KEY, UNIQUE or EXCLUDE constraint (then `constraint_oid` is not 0).

    `comment` is that of the index, `constraint_comment` that of its constraint.

    `family` is 'btree', 'flat', 'hnsw', ...; `metric` is set for vector families: 'l2', 'ip', 'cosine', 'l1'.
    """

    kind: ClassVar[str] = "index"

    schema_oid: int = PUBLIC_SCHEMA_OID
    table_oid: int = 0
    family: str = "btree"
    keys: tuple[IndexKey, ...] = ()
    is_unique: bool = False
    is_primary: bool = False
    constraint_oid: int = 0
    metric: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    predicate_sql: str | None = None
    predicate_attnums: tuple[int, ...] = ()
    """The columns that the predicate of a vector index or an EXCLUDE constraint reads, ascending."""
    nulls_not_distinct: bool = False
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    included: tuple[int, ...] = ()
    """The columns of INCLUDE, as they were written: they end with the index and are otherwise nothing to it."""
    constraint_comment: str | None = None
    parent_oid: int = 0
    """The index of the partitioned table that this one is a part of."""

    @property
    def is_exclusion(self) -> bool:
        """Whether it is that of an EXCLUDE constraint."""
        return any(key.exclusion_operator for key in self.keys)

    def key_attnums(self) -> tuple[int, ...]:
        """The keys' columns, 0 for an expression."""
        return tuple(key.attnum for key in self.keys)

    def read_attnums(self) -> tuple[int, ...]:
        """The columns that the keys' values are made of."""
        read = (
            key.expression_attnums if key.expression_sql is not None else (key.attnum,) for key in self.keys
        )
        return tuple(itertools.chain.from_iterable(read))


@dataclass(frozen=True, slots=True)
class CheckConstraint(CatalogObject):
    """CHECK of a table. `expression_sql` is its SQL text, without the word CHECK and the outer parentheses.

    `attnums` are the columns it reads; with NOT VALID (`is_validated` False) older rows were never looked at.
    """

    kind: ClassVar[str] = "check"

    table_oid: int = 0
    expression_sql: str = ""
    attnums: tuple[int, ...] = ()
    is_validated: bool = True
    is_no_inherit: bool = False
    is_inherited: bool = False
    """It is a partition's, and the parent's as well."""


class ReferentialAction(Enum):
    """What happens to referencing rows; values as in pg_constraint.confupdtype and confdeltype."""

    NO_ACTION = "a"
    RESTRICT = "r"
    CASCADE = "c"
    SET_NULL = "n"
    SET_DEFAULT = "d"


@dataclass(frozen=True, slots=True)
class ForeignKey(CatalogObject):
    """FOREIGN KEY of `table_oid` to the columns of a unique index of `referenced_oid`.

    `attnums` and `referenced_attnums` are paired. `is_match_full`: all or none of the columns NULL. `set_attnums`
    are the columns that ON DELETE SET NULL / SET DEFAULT changes; empty = all.
    """

    kind: ClassVar[str] = "foreign_key"

    table_oid: int = 0
    attnums: tuple[int, ...] = ()
    referenced_oid: int = 0
    referenced_attnums: tuple[int, ...] = ()
    referenced_index_oid: int = 0
    on_update: ReferentialAction = ReferentialAction.NO_ACTION
    on_delete: ReferentialAction = ReferentialAction.NO_ACTION
    set_attnums: tuple[int, ...] = ()
    is_match_full: bool = False
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    is_validated: bool = True
    parent_oid: int = 0
    """The foreign key of the partitioned table that this one is a part of."""

    def to_record(self) -> dict[str, Any]:
        record = CatalogObject.to_record(self)
        return {**record, "on_update": self.on_update.value, "on_delete": self.on_delete.value}


@dataclass(frozen=True, slots=True)
class Sequence(CatalogObject):
    """Definition of a sequence; its current value is storage state, not catalog.

    `owned_by` is (table OID, attnum) for serial and identity columns.
    """

    kind: ClassVar[str] = "sequence"

    schema_oid: int = PUBLIC_SCHEMA_OID
    type: SqlType = field(default_factory=lambda: SqlType(20))
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 9223372036854775807
    cache: int = 1
    cycle: bool = False
    owned_by: tuple[int, int] | None = None
    persistence: Persistence = Persistence.PERMANENT


_T = TypeVar("_T", bound=CatalogObject)

TableConstraint = CheckConstraint | ForeignKey

RELATION_KINDS = ("table", "view", "materialized view", "index", "sequence")
"""Kinds that share one namespace per schema, as pg_class does."""


class _Group(StrEnum):
    """What objects are looked up by besides OID and name."""

    INDEXES = "indexes of a table"
    CONSTRAINTS = "constraints of a table"
    REFERENCES = "foreign keys to a table"
    FUNCTIONS = "functions of a name"
    VIEWS = "views over a relation"
    PARTITIONS = "partitions of a table"


class Catalog(ObjectSet):
    """An immutable set of catalog objects. Look-ups are by OID, or by (database, schema, name)."""

    __slots__ = ()

    def __init__(self, objects: Mapping[int, CatalogObject], version: int = 0) -> None:
        super().__init__({**PREDEFINED_ROLES, **objects}, version)

    @staticmethod
    def name_key(obj: CatalogObject) -> tuple[str, int, int, str]:
        if isinstance(obj, ColumnRelation | Index | Sequence):
            return ("relation", obj.database_oid, obj.schema_oid, obj.name)
        if isinstance(obj, UserType):
            return ("type", obj.database_oid, obj.schema_oid, obj.name)
        if isinstance(obj, UserFunction):
            inputs = ",".join(str(oid) for oid in obj.input_oids)
            return ("function", obj.database_oid, obj.schema_oid, f"{obj.name}({inputs})")
        if isinstance(obj, CheckConstraint | ForeignKey):
            return ("constraint", obj.database_oid, obj.table_oid, obj.name)
        return (obj.kind, obj.database_oid, 0, obj.name)

    @staticmethod
    def group_keys(obj: CatalogObject) -> list[Hashable]:
        if isinstance(obj, Index):
            return [(_Group.INDEXES, obj.table_oid)]
        if isinstance(obj, ForeignKey):
            return [(_Group.CONSTRAINTS, obj.table_oid), (_Group.REFERENCES, obj.referenced_oid)]
        if isinstance(obj, CheckConstraint):
            return [(_Group.CONSTRAINTS, obj.table_oid)]
        if isinstance(obj, UserFunction):
            return [(_Group.FUNCTIONS, (obj.database_oid, obj.name))]
        if isinstance(obj, AnyView):
            return [(_Group.VIEWS, oid) for oid, _ in obj.references]
        if isinstance(obj, Table) and obj.parent_oid:
            return [(_Group.PARTITIONS, obj.parent_oid)]
        return []

    def table(self, oid: int) -> Table:
        """The table of that OID; a KeyError here is our own mistake."""
        obj = self._objects[oid]
        assert isinstance(obj, Table)
        return obj

    def views(self, database_oid: int | None = None) -> Iterator[AnyView]:
        """Views and materialized views, in OID order, of one database or of all."""
        for relation in self.objects(ColumnRelation, database_oid):
            if isinstance(relation, AnyView):
                yield relation

    def all_objects(self) -> Iterator[CatalogObject]:
        """Everything, in OID order."""
        return self.objects(CatalogObject)

    def stored_objects(self) -> Iterator[CatalogObject]:
        """All but the predefined roles that are as they are everywhere, in OID order."""
        return (obj for obj in self.all_objects() if PREDEFINED_ROLES.get(obj.oid) != obj)

    def indexes_of(self, table_oid: int) -> tuple[Index, ...]:
        return cast(tuple[Index, ...], self.group((_Group.INDEXES, table_oid)))

    def constraints_of(self, table_oid: int) -> tuple[TableConstraint, ...]:
        """CHECK and FOREIGN KEY constraints of a table; the others are indexes."""
        return cast(tuple[TableConstraint, ...], self.group((_Group.CONSTRAINTS, table_oid)))

    def foreign_keys_to(self, table_oid: int) -> tuple[ForeignKey, ...]:
        """Foreign keys that reference a table."""
        return cast(tuple[ForeignKey, ...], self.group((_Group.REFERENCES, table_oid)))

    def views_over(self, oid: int) -> tuple[AnyView, ...]:
        """Views and materialized views whose own query reads a relation."""
        return cast(tuple[AnyView, ...], self.group((_Group.VIEWS, oid)))

    def partitions_of(self, table_oid: int) -> tuple[Table, ...]:
        """The partitions of a table, not those of its partitions."""
        return cast(tuple[Table, ...], self.group((_Group.PARTITIONS, table_oid)))

    def primary_key_of(self, table_oid: int) -> Index | None:
        return next((index for index in self.indexes_of(table_oid) if index.is_primary), None)

    def find_relation(self, database_oid: int, schema_oid: int, name: str) -> CatalogObject | None:
        """Table, view, materialized view, index or sequence of that name in a schema."""
        return self.named(("relation", database_oid, schema_oid, name))

    def find_type(self, database_oid: int, schema_oid: int, name: str) -> UserType | None:
        """The user's type of that name in a schema."""
        obj = self.named(("type", database_oid, schema_oid, name))
        return obj if isinstance(obj, UserType) else None

    def functions_named(self, database_oid: int, name: str) -> tuple[UserFunction, ...]:
        """Users' functions of a name in all schemas."""
        return cast(tuple[UserFunction, ...], self.group((_Group.FUNCTIONS, (database_oid, name))))

    def find_schema(self, database_oid: int, name: str) -> Schema | None:
        obj = self.named(("schema", database_oid, 0, name))
        return obj if isinstance(obj, Schema) else None

    def find_extension(self, database_oid: int, name: str) -> Extension | None:
        obj = self.named(("extension", database_oid, 0, name))
        return obj if isinstance(obj, Extension) else None

    def find_role(self, name: str) -> Role | None:
        obj = self.named(("role", SHARED_DATABASE, 0, name))
        return obj if isinstance(obj, Role) else None

    def find_role_defaults(self) -> RoleDefaults | None:
        obj = self.named((RoleDefaults.kind, SHARED_DATABASE, 0, RoleDefaults.kind))
        return obj if isinstance(obj, RoleDefaults) else None

    def find_default_privileges(self, database_oid: int, name: str) -> DefaultPrivileges | None:
        obj = self.named((DefaultPrivileges.kind, database_oid, 0, name))
        return obj if isinstance(obj, DefaultPrivileges) else None

    def find_database(self, name: str) -> Database | None:
        obj = self.named(("database", SHARED_DATABASE, 0, name))
        return obj if isinstance(obj, Database) else None

    def named_like(self, obj: CatalogObject) -> CatalogObject | None:
        """The object that has the name `obj` wants, perhaps `obj` itself."""
        return self.named(self.name_key(obj))


def replaced(obj: _T, **changes: Any) -> _T:
    """A copy of an object with some fields changed."""
    return replace(obj, **changes)
