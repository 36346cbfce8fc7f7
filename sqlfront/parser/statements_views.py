"""Statements about views and materialized views."""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.parser.nodes import QueryNode
from sqlfront.parser.statements import Option, QualifiedName, Statement
from sqlfront.parser.statements_schema import CreateTableAsStatement
from storage.catalog import Persistence


@dataclass(frozen=True, slots=True)
class CreateViewStatement(Statement):
    """CREATE VIEW; a RECURSIVE one's query is the WITH RECURSIVE that it stands for.

    `columns` are the names that were given, () = those of the query.
    """

    name: QualifiedName
    query: QueryNode
    columns: tuple[str, ...] = ()
    or_replace: bool = False
    options: tuple[Option, ...] = ()
    persistence: Persistence = Persistence.PERMANENT


@dataclass(frozen=True, slots=True)
class CreateMaterializedViewStatement(CreateTableAsStatement):
    """CREATE MATERIALIZED VIEW; its source is a query."""


@dataclass(frozen=True, slots=True)
class RefreshMaterializedViewStatement(Statement):
    """REFRESH MATERIALIZED VIEW; not `with_data` empties it."""

    name: QualifiedName
    concurrently: bool = False
    with_data: bool = True
