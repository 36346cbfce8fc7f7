"""Definition texts: what pg_get_indexdef, pg_get_constraintdef and pg_get_expr print.

https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-CATALOG-TABLE
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from foundation.errors import QuiverError
from foundation.sqltypes import EXTENSION_SCHEMA, TYPES
from planner.functions.signature import Function, Operator
from planner.functions.signatures import all_functions, all_operators, operator_of_oid
from sqlfront.binder import BindContext, key_text, key_type, shown_condition
from sqlfront.commands.operator_classes import OWN_FAMILIES, is_default_class
from sqlfront.parser.pretty_expressions import pretty_expression
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.standard_domains import all_domains
from sqlfront.pg_catalog.user_types import with_short_type_names
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.session.names import split_qualified_name
from storage.catalog import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    IndexKey,
    ReferentialAction,
    Sequence,
    Table,
)
from storage.type_objects import DomainConstraint, DomainType


def qualified_name(view: CatalogView, oid: int) -> str:
    """schema.name, as pg_get_indexdef writes it outside pretty mode."""
    named = view.relation_name(oid)
    return ".".join(quote_identifier(part) for part in named) if named else str(oid)


def shown_name(view: CatalogView, oid: int) -> str | None:
    """A relation's name, qualified only where a bare name would not find it: the text form of regclass."""
    named = view.relation_name(oid)
    if named is None:
        return None
    return quote_identifier(named[1]) if view.is_visible(named[1], oid) else qualified_name(view, oid)


_BARE_FUNCTIONS = frozenset(
    ("current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
     "current_user", "localtime", "localtimestamp", "session_user")
)  # fmt: skip
_CLASS_LITERAL = re.compile(r"'((?:[^']|'')*)'::regclass")


def shown_expression(view: CatalogView, text: str, owner_oid: int = 0) -> str:
    """A stored expression as PostgreSQL prints it: names are qualified only where bare ones would not be found.

    Stored expressions are SQL text already, with every relation qualified so that they mean the same under any
    search path; what belongs to the extension `vector` is not, so it is where its schema is not searched. `owner_oid`
    names the table whose columns are read, or the domain. Functions that are called without parentheses print in capitals.
    """
    if text.lower() in _BARE_FUNCTIONS:
        return text.upper()
    if EXTENSION_SCHEMA not in view.search_path and _extension_names().search(text):
        text = _with_extension_schema(view, text, owner_oid)

    def shown(match: re.Match[str]) -> str:
        oid = view.find_relation_oid(split_qualified_name(match[1].replace("''", "'")))
        name = shown_name(view, oid) if oid is not None else None
        return match[0] if name is None else "'" + name.replace("'", "''") + "'::regclass"

    return with_short_type_names(view, _CLASS_LITERAL.sub(shown, text))


def relations_named(view: CatalogView, text: str) -> set[int]:
    """OIDs of the relations that a stored expression names, as in nextval('public.s'::regclass)."""
    names = (match[1].replace("''", "'") for match in _CLASS_LITERAL.finditer(text))
    found = (view.find_relation_oid(split_qualified_name(name)) for name in names)
    return {oid for oid in found if oid is not None}


@cache
def _extension_names() -> re.Pattern[str]:
    """Finds names of types and functions, and operators, that the extension alone has."""
    functions, operators = _names_of_extension(all_functions()), _names_of_extension(all_operators())
    types = {info.name for info in TYPES.values() if info.schema == EXTENSION_SCHEMA}
    symbols = "|".join(re.escape(name) for name in sorted(operators))
    return re.compile(rf"\b(?:{'|'.join(sorted(types | functions))})\b|{symbols}")


def _names_of_extension(known: Iterable[Function | Operator]) -> set[str]:
    schemas: dict[str, set[str]] = {}
    for item in known:
        schemas.setdefault(item.name, set()).add(item.schema)
    return {name for name, found in schemas.items() if found == {EXTENSION_SCHEMA}}


def _with_extension_schema(view: CatalogView, text: str, owner_oid: int) -> str:
    owner = view.catalog.get(owner_oid)
    if not isinstance(owner, Table | DomainType):
        owner = Table(0, "", 0, 0)
    context = BindContext(view.catalog, view.database_oid, tuple(view.search_path))
    try:
        return shown_condition(context, owner, text)
    except QuiverError:
        # pg_index.indexprs may hold several expressions, which nothing reads back.
        return text


def constraint_name(index: Index) -> str:
    """A constraint is named like its index."""
    return index.name


def index_definition(view: CatalogView, index: Index, *, pretty: bool = False) -> str:
    """CREATE INDEX ..., one line."""
    table = view.catalog.table(index.table_oid)
    name = (shown_name(view, table.oid) if pretty else None) or qualified_name(view, table.oid)
    unique = "UNIQUE " if index.is_unique else ""
    keys = ", ".join(_key_definition(view, index, key, pretty=pretty) for key in index.keys)
    only = "ONLY " if table.partition_key is not None else ""
    text = (
        f"CREATE {unique}INDEX {quote_identifier(index.name)} ON {only}{name} USING {index.family} ({keys})"
    )
    text += _included(view, index)
    if index.nulls_not_distinct:
        text += " NULLS NOT DISTINCT"
    text += _index_options(index)
    if index.predicate_sql:
        text += f" WHERE {_printed(view, index.predicate_sql, table.oid, pretty=pretty)}"
    return text


def _index_options(index: Index) -> str:
    options = ", ".join(f"{name}={_option_value(value)}" for name, value in index.options)
    return f" WITH ({options})" if options else ""


def _option_value(value: str) -> str:
    """In quotes unless it is a plain name, as get_reloptions() in PostgreSQL's ruleutils.c does it."""
    return value if quote_identifier(value) == value else "'" + value.replace("'", "''") + "'"


def index_key_definition(view: CatalogView, index: Index, number: int, *, pretty: bool) -> str:
    """The n-th key alone, as pg_get_indexdef(oid, n, pretty) prints it."""
    if not 1 <= number <= len(index.keys):
        table = view.catalog.table(index.table_oid)
        return "".join(
            quote_identifier(table.column_at(attnum).name)
            for place, attnum in enumerate(index.included, len(index.keys) + 1)
            if place == number
        )
    key = index.keys[number - 1]
    return _key_text(view, key, index.table_oid, pretty=pretty)


def _key_definition(view: CatalogView, index: Index, key: IndexKey, *, pretty: bool) -> str:
    text = _key_text(view, key, index.table_oid, pretty=pretty)
    if key.collation:
        text += f" COLLATE {quote_identifier(key.collation)}"
    table = view.catalog.table(index.table_oid)
    if key.operator_class and not _has_default_class(index, key, table):
        # The classes of PostgreSQL's own families are its own, those of the others the extension's.
        is_found = index.family in OWN_FAMILIES or EXTENSION_SCHEMA in view.search_path
        text += f" {'' if is_found else EXTENSION_SCHEMA + '.'}{key.operator_class}"
    if key.is_descending:
        return text + (" DESC" if key.nulls_first else " DESC NULLS LAST")
    return text + (" NULLS FIRST" if key.nulls_first else "")


def _key_text(view: CatalogView, key: IndexKey, table_oid: int, *, pretty: bool) -> str:
    if key.attnum:
        return quote_identifier(view.catalog.table(table_oid).column_at(key.attnum).name)
    return key_text(_printed(view, key.expression_sql or "", table_oid, pretty=pretty))


def _printed(view: CatalogView, expression_sql: str, owner_oid: int, *, pretty: bool) -> str:
    shown = shown_expression(view, expression_sql, owner_oid)
    return pretty_expression(shown) if pretty else shown


def _has_default_class(index: Index, key: IndexKey, table: Table) -> bool:
    return is_default_class(index.family, key.operator_class or "", key_type(table, key))


def constraint_definition(view: CatalogView, constraint_oid: int, *, pretty: bool = False) -> str | None:
    """PRIMARY KEY (a, b), UNIQUE (a), EXCLUDE ..., CHECK ((a > 0)) or FOREIGN KEY (a) REFERENCES t(b)."""
    stored = view.catalog.get(constraint_oid)
    if isinstance(stored, CheckConstraint):
        return _check_definition(view, stored, stored.table_oid, pretty=pretty)
    if isinstance(stored, ForeignKey):
        return _foreign_key_definition(view, stored)
    for domain in all_domains(view):
        for constraint in domain.constraints:
            if constraint.oid == constraint_oid:
                return _check_definition(view, constraint, domain.oid, pretty=pretty)
    for index in view.objects(Index):
        if index.constraint_oid == constraint_oid:
            return _key_constraint_definition(view, index, pretty=pretty)
    return None


def _included(view: CatalogView, index: Index) -> str:
    return f" INCLUDE ({_columns(view, index.table_oid, index.included)})" if index.included else ""


def _exclusion_definition(view: CatalogView, index: Index, *, pretty: bool) -> str:
    keys = ", ".join(
        f"{_key_definition(view, index, key, pretty=pretty)} WITH {operator_of_oid(key.exclusion_operator).name}"
        for key in index.keys
    )
    text = f"EXCLUDE USING {index.family} ({keys}){_included(view, index)}{_index_options(index)}"
    if index.predicate_sql:
        text += f" WHERE ({_printed(view, index.predicate_sql, index.table_oid, pretty=pretty)})"
    return text + _deferral(index)


def _key_constraint_definition(view: CatalogView, index: Index, *, pretty: bool) -> str:
    if index.is_exclusion:
        return _exclusion_definition(view, index, pretty=pretty)
    columns = _columns(view, index.table_oid, index.key_attnums())
    distinct = " NULLS NOT DISTINCT" if index.nulls_not_distinct else ""
    return f"{'PRIMARY KEY' if index.is_primary else 'UNIQUE'}{distinct} ({columns}){_included(view, index)}{_deferral(index)}"


def _check_definition(
    view: CatalogView, check: CheckConstraint | DomainConstraint, owner_oid: int, *, pretty: bool
) -> str:
    text = f"CHECK ({_printed(view, check.expression_sql, owner_oid, pretty=pretty)})"
    if isinstance(check, CheckConstraint) and check.is_no_inherit:
        text += " NO INHERIT"
    return text if check.is_validated else text + " NOT VALID"


def _foreign_key_definition(view: CatalogView, key: ForeignKey) -> str:
    text = f"FOREIGN KEY ({_columns(view, key.table_oid, key.attnums)})"
    referenced = shown_name(view, key.referenced_oid)
    text += f" REFERENCES {referenced}({_columns(view, key.referenced_oid, key.referenced_attnums)})"
    if key.is_match_full:
        text += " MATCH FULL"
    if key.on_update is not ReferentialAction.NO_ACTION:
        text += f" ON UPDATE {_ACTION_WORDS[key.on_update]}"
    if key.on_delete is not ReferentialAction.NO_ACTION:
        text += f" ON DELETE {_ACTION_WORDS[key.on_delete]}"
    if key.set_attnums:
        text += f" ({_columns(view, key.table_oid, key.set_attnums)})"
    text += _deferral(key)
    return text if key.is_validated else text + " NOT VALID"


_ACTION_WORDS = {action: action.name.replace("_", " ") for action in ReferentialAction}


def _columns(view: CatalogView, table_oid: int, attnums: Iterable[int]) -> str:
    table = view.catalog.table(table_oid)
    return ", ".join(quote_identifier(table.column_at(attnum).name) for attnum in attnums)


def _deferral(constraint: Index | ForeignKey) -> str:
    if not constraint.is_deferrable:
        return ""
    return " DEFERRABLE INITIALLY DEFERRED" if constraint.is_initially_deferred else " DEFERRABLE"


def owned_sequence(view: CatalogView, table_oid: int, column: Column) -> Sequence | None:
    """The sequence behind a serial or identity column."""
    wanted = (table_oid, column.attnum)
    return next((s for s in view.objects(Sequence) if s.owned_by == wanted), None)


def type_name(oid: int) -> str | None:
    """pg_type.typname's text form as regtype prints it."""
    info = TYPES.get(oid)
    return info.sql_name if info else None
