"""Statements about users' types."""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.parser.statements import QualifiedName, Statement


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
