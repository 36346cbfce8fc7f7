"""Statements about users' types."""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.parser.statements import QualifiedName, SqlExpression, Statement
from sqlfront.parser.statements_schema import ColumnSpecification, ConstraintDefinition
from sqlfront.parser.typenames import TypeName


@dataclass(frozen=True, slots=True)
class CreateEnumStatement(Statement):
    """CREATE TYPE name AS ENUM (labels)."""

    name: QualifiedName
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddEnumLabelStatement(Statement):
    """ALTER TYPE name ADD VALUE label [BEFORE | AFTER neighbour]; without a neighbour at the end."""

    name: QualifiedName
    label: str
    if_not_exists: bool = False
    neighbour: str | None = None
    is_before: bool = False


@dataclass(frozen=True, slots=True)
class RenameEnumLabelStatement(Statement):
    """ALTER TYPE name RENAME VALUE label TO new_label."""

    name: QualifiedName
    label: str
    new_label: str


@dataclass(frozen=True, slots=True)
class CreateDomainStatement(Statement):
    """CREATE DOMAIN. `specification` is what a column of the domain would be, with the domain's name."""

    name: QualifiedName
    specification: ColumnSpecification


@dataclass(frozen=True, slots=True)
class DomainAction:
    """Base of what ALTER DOMAIN does."""


@dataclass(frozen=True, slots=True)
class SetDomainDefault(DomainAction):
    """SET DEFAULT; None is DROP DEFAULT."""

    default: SqlExpression | None


@dataclass(frozen=True, slots=True)
class SetDomainNotNull(DomainAction):
    not_null: bool


@dataclass(frozen=True, slots=True)
class AddDomainConstraint(DomainAction):
    constraint: ConstraintDefinition


@dataclass(frozen=True, slots=True)
class DropDomainConstraint(DomainAction):
    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class ValidateDomainConstraint(DomainAction):
    name: str


@dataclass(frozen=True, slots=True)
class AlterDomainStatement(Statement):
    """ALTER DOMAIN name action."""

    name: QualifiedName
    action: DomainAction


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """An attribute of a composite type."""

    name: str
    type: TypeName
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class CreateCompositeStatement(Statement):
    """CREATE TYPE name AS (attributes)."""

    name: QualifiedName
    attributes: tuple[AttributeDefinition, ...]


@dataclass(frozen=True, slots=True)
class AttributeAction:
    """Base of what ALTER TYPE does to attributes."""


@dataclass(frozen=True, slots=True)
class AddAttribute(AttributeAction):
    attribute: AttributeDefinition


@dataclass(frozen=True, slots=True)
class DropAttribute(AttributeAction):
    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterAttributeType(AttributeAction):
    attribute: AttributeDefinition


@dataclass(frozen=True, slots=True)
class AlterCompositeStatement(Statement):
    """ALTER TYPE name action, ..."""

    name: QualifiedName
    actions: tuple[AttributeAction, ...]
