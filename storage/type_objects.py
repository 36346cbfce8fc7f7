"""Users' types as objects of the catalog: enums, domains, composite types.

Their OIDs and those of their array types are random, from 2^30 on (`storage.user_types`), and never used twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from foundation.sqltypes import TEXT, SqlType
from storage.catalog_object import PUBLIC_SCHEMA_OID, CatalogObject


@dataclass(frozen=True, slots=True)
class UserType(CatalogObject):
    """A type that a user made; types of a schema share one namespace."""

    schema_oid: int = PUBLIC_SCHEMA_OID
    array_oid: int = 0


@dataclass(frozen=True, slots=True)
class EnumLabel:
    """A label of an enum; `position` is what is stored for it (`foundation.enum_types`)."""

    oid: int
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class EnumType(UserType):
    """CREATE TYPE ... AS ENUM. `labels` are in their order."""

    kind: ClassVar[str] = "enum"

    labels: tuple[EnumLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainConstraint:
    """CHECK of a domain: SQL text over VALUE. With NOT VALID (`is_validated` False) stored values were never looked at."""

    oid: int
    name: str
    expression_sql: str
    is_validated: bool = True


@dataclass(frozen=True, slots=True)
class DomainType(UserType):
    """CREATE DOMAIN. `base` is the type it was made over, itself perhaps a domain; constraints are in name order."""

    kind: ClassVar[str] = "domain"

    base: SqlType = TEXT
    not_null: bool = False
    default_sql: str | None = None
    constraints: tuple[DomainConstraint, ...] = ()

    @property
    def type(self) -> SqlType:
        """What a value of the domain has as its type."""
        return SqlType(self.base.oid, self.base.typmod, self.oid)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of a composite type."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class CompositeType(UserType):
    """CREATE TYPE ... AS (...). `relation_oid` is that of its row in pg_class; a column may have the type only as it is."""

    kind: ClassVar[str] = "composite"

    relation_oid: int = 0
    attributes: tuple[Attribute, ...] = ()


TYPE_CLASSES: tuple[type[UserType], ...] = (EnumType, DomainType, CompositeType)


def type_fields(cls: type[Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a type's record that are no plain values, as the object has them."""
    if cls is EnumType:
        return {"labels": tuple(EnumLabel(**label) for label in record["labels"])}
    if cls is DomainType:
        constraints = tuple(DomainConstraint(**constraint) for constraint in record["constraints"])
        return {"base": SqlType(**record["base"]), "constraints": constraints}
    if cls is CompositeType:
        found = ((attribute["name"], SqlType(**attribute["type"])) for attribute in record["attributes"])
        return {"attributes": tuple(Attribute(*pair) for pair in found)}
    return {}
