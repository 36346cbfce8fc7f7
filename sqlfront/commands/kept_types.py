"""Users' types in the texts that the catalog keeps: queries of views, defaults, conditions, index expressions.

The texts name types and labels as they were called when they were written, so what they may name cannot be called
otherwise: it is refused (0A000).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foundation.errors import FeatureNotSupported
from sqlfront.commands.context import CommandContext
from sqlfront.commands.lookup import described, schema_of
from sqlfront.commands.naming import quote_identifier
from storage.catalog import CatalogObject, CheckConstraint, Table
from storage.type_objects import DomainType, UserType


def named(word: str) -> re.Pattern[str]:
    """Finds a word in kept SQL text."""
    return re.compile(rf"(?<![\w]){re.escape(word)}(?![\w])")


def naming_type(context: CommandContext, found: UserType) -> re.Pattern[str]:
    """Finds the places of kept SQL text where a type's name may be meant: `schema.name`, `::name`, `AS name`, `name 'text'`."""
    schema = re.escape(quote_identifier(schema_of(context, found.schema_oid).name))
    name = re.escape(quote_identifier(found.name))
    return re.compile(
        rf"(?:(?<!\w){schema}\.|::\s*|\bAS\s+){name}(?!\w)|(?<!\w){name}(?=\s*\')", re.IGNORECASE
    )


def check_not_kept(context: CommandContext, pattern: re.Pattern[str], what: str) -> None:
    """Raises FeatureNotSupported (0A000) when a text of the catalog may mean what is to be called otherwise."""
    for view in context.catalog.views(context.database_oid):
        if pattern.search(view.definition_sql):
            raise FeatureNotSupported(
                f"changing a {what} that {described(context, view)} may use is not supported"
            )
    for user in (*context.catalog.objects(Table, context.database_oid), *_domains(context)):
        if any(pattern.search(text) for text in _kept_texts(context, user)):
            raise FeatureNotSupported(
                f"changing a {what} that an expression or default of {described(context, user)} may use is not supported"
            )


def _domains(context: CommandContext) -> Iterator[DomainType]:
    return context.catalog.objects(DomainType, context.database_oid)


def _kept_texts(context: CommandContext, user: CatalogObject) -> Iterator[str]:
    if isinstance(user, DomainType):
        yield from filter(None, (user.default_sql, *(check.expression_sql for check in user.constraints)))
    if not isinstance(user, Table):
        return
    for column in user.live_columns():
        yield from filter(None, (column.default_sql, column.missing_value, column.generated_sql))
    for constraint in context.catalog.constraints_of(user.oid):
        if isinstance(constraint, CheckConstraint):
            yield constraint.expression_sql
    for index in context.catalog.indexes_of(user.oid):
        yield from filter(None, (index.predicate_sql, *(key.expression_sql for key in index.keys)))
