"""What binding needs to know of its surroundings, and what it finds out about parameters.

A `BindContext` serves one statement: it is made, given to `bind_query`, and asked for `parameter_types()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from foundation.settings import SettingValues
from foundation.sqltypes import DOMAINS, TYPES, UNKNOWN, SqlType
from planner.bound import RelationColumn
from sqlfront.binder.errors import IndeterminateType, UndefinedParameter
from sqlfront.privileges.notes import AccessNotes
from sqlfront.privileges.rights import Rights
from sqlfront.session.names import with_extension_schema, with_system_catalog
from storage.catalog import Catalog
from storage.type_objects import DomainType

PARAMETERS_MAX = 65535


@dataclass(frozen=True, slots=True)
class VirtualRelation:
    """A relation whose rows are computed when it is read. Its columns have attnums 1, 2, ..."""

    schema: str
    name: str
    columns: tuple[RelationColumn, ...]
    oid: int = 0


class VirtualRelations(Protocol):
    """The computed relations: pg_catalog, information_schema, quiver_index_status."""

    def lookup(self, schema: str, name: str) -> VirtualRelation | None:
        """The relation of that name in that schema, or None."""


@dataclass(slots=True)
class BindContext:
    """Surroundings of one statement.

    `search_path` holds schema names in order; when pg_catalog is not among them it comes before them,
    but behind temporary objects.
    `parameter_oids` are the types a client declared, 0 = to be inferred."""

    catalog: Catalog
    database_oid: int
    search_path: tuple[str, ...] = ("public",)
    role_name: str = "postgres"
    parameter_oids: Sequence[int] = ()
    virtual_relations: VirtualRelations | None = None
    settings: SettingValues = field(default_factory=SettingValues)
    allows_parameters: bool = True
    """False for text that is kept (defaults, checks, definitions): `$1` is then 42P02."""
    is_kept: bool = False
    """Whether what is bound is kept as text: functions that may change are not written out into it."""
    function_depth: int = 0
    """How many users' functions the body that is bound is inside of."""
    rights: Rights | None = None
    """Those of the current user, where names that a schema is written with are looked for; None = everything may be named."""
    notes: AccessNotes = field(default_factory=AccessNotes)
    """What is found out about what the statement needs rights for."""
    _parameters: dict[int, SqlType] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for index, oid in enumerate(self.parameter_oids):
            self._parameters[index] = self._declared(oid)

    def _declared(self, oid: int) -> SqlType:
        """The type of a parameter by its OID; that of a domain is the type below."""
        domain = self.catalog.get(oid) if oid in DOMAINS else None
        if isinstance(domain, DomainType):
            return SqlType(domain.base.oid)
        return SqlType(oid) if oid in TYPES else UNKNOWN

    def schemas_searched(self) -> tuple[str, ...]:
        """The search path as PostgreSQL uses it, pg_catalog first unless it is named."""
        return with_system_catalog(self.search_path)

    def for_kept_text(self) -> BindContext:
        """The surroundings of a definition's text, which means the same under every search path."""
        path = with_extension_schema(self.search_path)
        if path == self.search_path and self.rights is None:
            return self
        return replace(self, search_path=path, rights=None)

    def check_schema(self, name: str) -> None:
        """Raises InsufficientPrivilege (42501) for a schema that the current user may not look into."""
        if self.rights is not None:
            self.rights.check_schema(name)

    def parameter(self, index: int, position: int | None = None) -> SqlType:
        """The type so far of `$index+1`; a new parameter is UNKNOWN. Raises 42P02 for an impossible number."""
        if not self.allows_parameters or not 0 <= index < PARAMETERS_MAX:
            raise UndefinedParameter(f"there is no parameter ${index + 1}", position=position)
        return self._parameters.setdefault(index, UNKNOWN)

    def check_parameter_count(self, count: int) -> None:
        """Raises UndefinedParameter (42P02) when a parameter beyond so many was met."""
        highest = max(self._parameters, default=-1)
        if highest >= count:
            raise UndefinedParameter(f"there is no parameter ${highest + 1}")

    def infer_parameter(self, index: int, sql_type: SqlType) -> None:
        """Give an UNKNOWN parameter its type."""
        self._parameters[index] = sql_type.without_typmod()

    def parameter_types(self) -> tuple[SqlType, ...]:
        """Types of $1, $2, ... after binding.

        Raises:
            IndeterminateType: 42P18, a parameter's type was never decided.
        """
        count = max(self._parameters, default=-1) + 1
        types = tuple(self._parameters.get(index, UNKNOWN) for index in range(count))
        for index, sql_type in enumerate(types):
            if sql_type == UNKNOWN:
                raise IndeterminateType(f"could not determine data type of parameter ${index + 1}")
        return types
