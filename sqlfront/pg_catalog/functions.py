"""Functions over the catalogs: definitions, visibility, names, privileges.

Each is `(view, *arguments) -> value` under its SQL name; a NULL argument gives NULL before it is called.
https://www.postgresql.org/docs/15/functions-info.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foundation.errors import InvalidName, UndefinedColumn, UndefinedFunction, UndefinedObject, UndefinedTable
from foundation.sqltypes import (
    BPCHAR,
    EXTENSION_SCHEMA,
    PSEUDO_TYPES,
    SQL_SPELLINGS,
    TYPES,
    TYPES_BY_NAME,
    UNKNOWN_TYPE,
    SqlType,
    array_type,
    format_type,
)
from sqlfront.parser.pretty_expressions import pretty_expression
from sqlfront.pg_catalog.cluster import TEMPLATE_COMMENTS
from sqlfront.pg_catalog.definitions import (
    constraint_definition,
    index_definition,
    index_key_definition,
    owned_sequence,
    qualified_name,
    shown_expression,
    shown_name,
)
from sqlfront.pg_catalog.dependencies import is_of_extension
from sqlfront.pg_catalog.descriptions import builtin_comments, object_description, signature_text
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.objects import PG_CONSTRAINT_OID, class_oid_of
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.relations import builtin_by_oid, builtin_rows
from sqlfront.pg_catalog.text_search import TEMPLATE_FUNCTIONS
from sqlfront.pg_catalog.user_functions import find_functions, function_signature
from sqlfront.pg_catalog.user_types import (
    FUNCTION_NAMES,
    is_type_visible,
    user_type,
    user_type_name,
    user_type_oid,
)
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.session.names import split_qualified_name
from storage.catalog import (
    CheckConstraint,
    Database,
    Extension,
    ForeignKey,
    Index,
    Role,
    Schema,
    Sequence,
    Table,
    View,
)
from storage.function_objects import UserFunction
from storage.type_objects import UserType

# -- definitions --------------------------------------------------------------------------------------------


_BLANK_PADDED = {BPCHAR.oid: "character", array_type(BPCHAR).oid: "character[]"}
"""Types that have another name when no modifier is asked for than when there is none."""


@catalog_function("format_type")
def sql_format_type(view: CatalogView, oid: int | None, typmod: int | None = None) -> str | None:
    if oid is None:
        return None
    if typmod is None and oid in _BLANK_PADDED:
        return _BLANK_PADDED[oid]
    named = user_type_name(view, oid)
    if named is not None:
        return named
    if not oid:
        return "-"
    is_hidden = oid in TYPES and TYPES[oid].schema not in view.search_path
    shown = format_type(SqlType(oid, -1 if typmod is None else typmod))
    return f"{quote_identifier(TYPES[oid].schema)}.{shown}" if is_hidden else shown


@catalog_function("pg_get_indexdef")
def pg_get_indexdef(view: CatalogView, oid: int, column: int = 0, pretty: bool = False) -> str | None:
    index = view.catalog.get(oid)
    if not isinstance(index, Index):
        return None
    if column:
        return index_key_definition(view, index, column, pretty=pretty)
    return index_definition(view, index, pretty=pretty)


@catalog_function("pg_get_constraintdef")
def pg_get_constraintdef(view: CatalogView, oid: int, pretty: bool = False) -> str | None:
    return constraint_definition(view, oid, pretty=pretty)


@catalog_function("pg_get_expr")
def pg_get_expr(view: CatalogView, text: str, relation_oid: int, pretty: bool = False) -> str:
    if text == "DEFAULT" or text.startswith("FOR VALUES "):
        return text
    shown = shown_expression(view, text, relation_oid)
    return pretty_expression(shown) if pretty else shown


@catalog_function(
    "pg_get_triggerdef", "pg_get_ruledef", "pg_get_statisticsobjdef_columns", "pg_get_statisticsobjdef",
)  # fmt: skip
def no_definition(view: CatalogView, oid: Any, *more: Any) -> None:
    """There are no triggers, rules or extended statistics."""


@catalog_function("pg_get_serial_sequence")
def pg_get_serial_sequence(view: CatalogView, table_name: str, column_name: str) -> str | None:
    table = view.catalog.get(_relation_oid(view, table_name))
    if not isinstance(table, Table):
        raise UndefinedTable(f'relation "{table_name}" does not exist')
    column = table.column(column_name)
    if column is None:
        raise UndefinedColumn(f'column "{column_name}" of relation "{table.name}" does not exist')
    sequence = owned_sequence(view, table.oid, column)
    return qualified_name(view, sequence.oid) if sequence else None


@catalog_function("pg_get_userbyid")
def pg_get_userbyid(view: CatalogView, oid: int) -> str:
    return view.role_name(oid) or f"unknown (OID={oid})"


# -- comments -----------------------------------------------------------------------------------------------


_DESCRIBED = (
    Table,
    View,
    Index,
    Sequence,
    Schema,
    Extension,
    CheckConstraint,
    ForeignKey,
    UserType,
    UserFunction,
)


@catalog_function("obj_description")
def obj_description(view: CatalogView, oid: int, catalog_name: str | None = None) -> str | None:
    """The comment on an object; without a catalog's name, on whatever object has the OID."""
    catalog_oid = view.find_relation_oid(("pg_catalog", catalog_name)) if catalog_name else None
    stored = view.catalog.get(oid)
    if isinstance(stored, _DESCRIBED):
        return stored.comment if catalog_oid in (None, class_oid_of(stored)) else None
    if stored is None and catalog_oid in (None, PG_CONSTRAINT_OID):
        for index in view.objects(Index):
            if index.constraint_oid == oid and index.constraint_comment is not None:
                return index.constraint_comment
    if catalog_oid is not None:
        return builtin_comments().get((catalog_oid, oid))
    return next((text for (_, described), text in builtin_comments().items() if described == oid), None)


@catalog_function("col_description")
def col_description(view: CatalogView, table_oid: int, attnum: int) -> str | None:
    table = view.catalog.get(table_oid)
    if not isinstance(table, Table | View) or not 0 <= attnum <= len(table.columns):
        return None
    return table.column_at(attnum).comment if attnum else table.comment


@catalog_function("shobj_description")
def shobj_description(view: CatalogView, oid: int, catalog_name: str) -> str | None:
    shared = view.catalog.get(oid)
    if isinstance(shared, Database | Role):
        return shared.comment
    return TEMPLATE_COMMENTS.get(oid) if catalog_name == "pg_database" else None


# -- visibility and names -----------------------------------------------------------------------------------


@catalog_function("pg_table_is_visible")
def pg_table_is_visible(view: CatalogView, oid: int) -> bool | None:
    named = view.relation_name(oid)
    return view.is_visible(named[1], oid) if named else None


@catalog_function("pg_type_is_visible")
def pg_type_is_visible(view: CatalogView, oid: int) -> bool | None:
    found = user_type(view, oid)
    if found is not None:
        return is_type_visible(view, found)
    info = TYPES.get(oid)
    return info.schema in view.search_path if info else None


@catalog_function(
    "pg_operator_is_visible", "pg_opclass_is_visible", "pg_opfamily_is_visible",
    "pg_collation_is_visible", "pg_conversion_is_visible", "pg_ts_config_is_visible", "pg_ts_dict_is_visible",
    "pg_statistics_obj_is_visible", "pg_ts_parser_is_visible", "pg_ts_template_is_visible",
)  # fmt: skip
def builtin_is_visible(view: CatalogView, oid: int) -> bool:
    """All of these are built in or the extension's: in pg_catalog, which is always searched, or in the schema public."""
    return not is_of_extension(oid) or EXTENSION_SCHEMA in view.search_path


@catalog_function("pg_relation_is_publishable")
def pg_relation_is_publishable(view: CatalogView, oid: int) -> bool:
    return False


@catalog_function("to_regclass")
def to_regclass(view: CatalogView, name: str) -> int | None:
    return view.find_relation_oid(_parts(name))


@catalog_function("to_regtype")
def to_regtype(view: CatalogView, name: str) -> int | None:
    found = type_oid(name)
    return user_type_oid(view, name) if found is None else found


@catalog_function("to_regnamespace")
def to_regnamespace(view: CatalogView, name: str) -> int | None:
    wanted = _parts(name)[-1]
    return next((oid for oid, schema in view.schema_names.items() if schema == wanted), None)


@catalog_function("to_regrole")
def to_regrole(view: CatalogView, name: str) -> int | None:
    role = view.catalog.find_role(_parts(name)[-1])
    return role.oid if role else None


@catalog_function("to_regproc", "to_regprocedure")
def to_regproc(view: CatalogView, name: str) -> int | None:
    wanted = _parts(name.partition("(")[0])[-1]
    rows = builtin_rows("pg_proc")
    matches = [oid for oid, n in zip(rows["oid"].to_pylist(), rows["proname"].to_pylist()) if n == wanted]
    own = find_functions(view, name)
    if own and "(" in name:
        return own[0]
    matches += own
    return matches[0] if len(matches) == 1 or ("(" in name and matches) else None


@catalog_function("to_regoper")
def to_regoper(view: CatalogView, name: str) -> int | None:
    found = [
        oid for oid, row in builtin_by_oid("pg_operator").items() if row["oprname"] == _bare_operator(name)
    ]
    return found[0] if len(found) == 1 else None


@catalog_function("to_regoperator")
def to_regoperator(view: CatalogView, name: str) -> int | None:
    """By name(left, right); NONE is the left side of a prefix operator."""
    operator, _, sides = name.partition("(")
    words = [side.strip() for side in sides.removesuffix(")").split(",")]
    types = [0 if word.lower() == "none" else type_oid(word) for word in words]
    for oid, row in builtin_by_oid("pg_operator").items():
        if row["oprname"] == _bare_operator(operator) and [row["oprleft"], row["oprright"]] == types:
            return oid
    return None


def _bare_operator(name: str) -> str:
    return name.strip().rpartition(".")[2]


def _parts(name: str) -> tuple[str, ...]:
    try:
        return split_qualified_name(name)
    except InvalidName:
        return (name,)


def type_oid(name: str) -> int | None:
    """The OID a type's SQL or catalog name means, arrays and schemas included; None when there is none."""
    text = name.strip()
    is_array = text.endswith("[]")
    text = text.removesuffix("[]").strip().partition("(")[0].strip()
    is_quoted = '"' in text
    schema, _, bare = ".".join(_parts(text)).rpartition(".") if is_quoted else text.lower().rpartition(".")
    text = bare if schema in ("", "pg_catalog", "public") else f"{schema}.{bare}"
    oid = None if is_quoted else SQL_SPELLINGS.get(text)
    if oid is None and not is_array:
        oid = next((pseudo for pseudo, known in PSEUDO_TYPES.items() if known == text), None)
    if oid is None:
        info = TYPES_BY_NAME.get(text) or next(
            (t for t in TYPES_BY_NAME.values() if t.sql_name == text), None
        )
        oid = info.oid if info else None
    if oid is not None and is_array:
        oid = TYPES[oid].array_oid or None
    return oid


def reg_name(view: CatalogView, type_oid_: int, oid: int) -> str | None:
    """The text form of a reg* value: a name, or None where the OID is unknown (the number is shown then)."""
    match TYPES[type_oid_].name:
        case "regclass":
            return shown_name(view, oid)
        case "regtype":
            shown = sql_format_type(view, oid)
            return None if shown in ("-", UNKNOWN_TYPE) else shown
        case "regnamespace":
            name = view.schema_names.get(oid)
            return quote_identifier(name) if name else None
        case "regrole":
            role = view.role_name(oid)
            return quote_identifier(role) if role else None
        case "regproc":
            names = {**FUNCTION_NAMES, **TEMPLATE_FUNCTIONS}
            return function_signature(view, oid, has_types=False) or names.get(oid)
        case "regprocedure":
            return function_signature(view, oid, has_types=True)
        case "regoper":
            operator = builtin_by_oid("pg_operator").get(oid)
            return str(operator["oprname"]) if operator else None
        case "regoperator":
            operator = builtin_by_oid("pg_operator").get(oid)
            sides = operator and (operator["oprleft"], operator["oprright"])
            return signature_text(operator["oprname"], sides) if operator and sides else None
        case _:
            return None


def reg_oid(view: CatalogView, type_oid_: int, name: str) -> int:
    """The OID a reg* text means.

    Raises:
        UndefinedTable: 42P01, no such relation.
        UndefinedFunction: 42883, no such operator.
        UndefinedObject: 42704, no such type, schema, role or function.
    """
    if name.strip().isdigit():
        return int(name)
    kind = TYPES[type_oid_].name
    found = _REG_INPUTS[kind](view, name)
    if found is None:
        if kind == "regclass":
            raise UndefinedTable(f'relation "{name}" does not exist')
        if kind in ("regoper", "regoperator"):
            raise UndefinedFunction(f"operator does not exist: {name}")
        noun = {"regtype": "type", "regnamespace": "schema", "regrole": "role"}.get(kind, "function")
        raise UndefinedObject(f'{noun} "{name}" does not exist')
    return found


_REG_INPUTS: dict[str, Callable[[CatalogView, str], int | None]] = {
    "regclass": to_regclass, "regtype": to_regtype, "regnamespace": to_regnamespace, "regrole": to_regrole,
    "regproc": to_regproc, "regprocedure": to_regproc, "regoper": to_regoper, "regoperator": to_regoperator,
}  # fmt: skip


def _relation_oid(view: CatalogView, name: str) -> int:
    oid = view.find_relation_oid(_parts(name))
    if oid is None:
        raise UndefinedTable(f'relation "{name}" does not exist')
    return oid


# -- encodings, the rest -----------------------------------------------------------------------------


@catalog_function("pg_encoding_to_char", "getdatabaseencoding", "pg_client_encoding")
def encoding_name(view: CatalogView, encoding: int = 6) -> str:
    return {6: "UTF8", 0: "SQL_ASCII"}.get(encoding, "")


@catalog_function("pg_char_to_encoding")
def pg_char_to_encoding(view: CatalogView, name: str) -> int:
    return 6 if name.lower().replace("-", "") in ("utf8", "unicode") else -1


@catalog_function("pg_tablespace_location")
def pg_tablespace_location(view: CatalogView, oid: int) -> str:
    return ""


@catalog_function("pg_describe_object")
def pg_describe_object(view: CatalogView, class_oid: int, oid: int, attnum: int) -> str | None:
    return object_description(view, class_oid, oid, attnum)


@catalog_function("pg_index_column_has_property", "pg_index_has_property", "pg_indexam_has_property")
def index_property(view: CatalogView, *arguments: Any) -> bool | None:
    return None
