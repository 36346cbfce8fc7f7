"""PARTITION BY, bounds of partitions, and the statements that attach and detach them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sqlfront.parser.statements import QualifiedName, SqlExpression, Statement
from sqlfront.parser.typenames import TypeName

INHERITED_TYPE = TypeName("inherited")
"""The type of a column of PARTITION OF, which is the parent's."""


@dataclass(frozen=True, slots=True)
class PartitionElement:
    """One column of a partition key, or an expression in its place."""

    column: str | None
    expression: SqlExpression | None = None
    collation: str | None = None
    operator_class: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionSpecification:
    """PARTITION BY strategy (elements); `strategy` as it was written, in lower case."""

    strategy: str
    elements: tuple[PartitionElement, ...]


@dataclass(frozen=True, slots=True)
class DefaultBound:
    """DEFAULT."""


@dataclass(frozen=True, slots=True)
class ListBound:
    """FOR VALUES IN (values)."""

    values: tuple[SqlExpression, ...]
    position: int | None = None


@dataclass(frozen=True, slots=True)
class RangeBound:
    """FOR VALUES FROM (lower) TO (upper); 'MINVALUE' and 'MAXVALUE' are themselves."""

    lower: tuple[SqlExpression | str, ...]
    upper: tuple[SqlExpression | str, ...]
    position: int | None = None


@dataclass(frozen=True, slots=True)
class HashBound:
    """FOR VALUES WITH (MODULUS modulus, REMAINDER remainder)."""

    modulus: int
    remainder: int
    position: int | None = None


BoundSpecification: TypeAlias = DefaultBound | ListBound | RangeBound | HashBound


@dataclass(frozen=True, slots=True)
class PartitionOf:
    """What CREATE TABLE ... PARTITION OF says instead of the columns."""

    parent: QualifiedName
    bound: BoundSpecification


@dataclass(frozen=True, slots=True)
class AttachPartitionStatement(Statement):
    """ALTER TABLE table ATTACH PARTITION partition bound; with `is_index` ALTER INDEX, which has no bound."""

    table: QualifiedName
    partition: QualifiedName
    bound: BoundSpecification | None = None
    if_exists: bool = False
    is_index: bool = False


@dataclass(frozen=True, slots=True)
class DetachPartitionStatement(Statement):
    """ALTER TABLE table DETACH PARTITION partition."""

    table: QualifiedName
    partition: QualifiedName
    if_exists: bool = False
