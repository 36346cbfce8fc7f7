"""Users' functions in the catalogs, and functions that describe functions.

https://www.postgresql.org/docs/15/catalog-pg-proc.html, https://www.postgresql.org/docs/15/infoschema-routines.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from foundation.errors import QuiverError
from foundation.sqltypes import SqlType, format_type
from planner.functions.signatures import functions_named
from sqlfront.binder.catalog_names import named_functions
from sqlfront.binder.type_names import find_user_type
from sqlfront.parser import parse_type
from sqlfront.parser.typenames import resolve_type
from sqlfront.pg_catalog.descriptions import signature_text
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.information_schema import data_type_name, location, type_location
from sqlfront.pg_catalog.privileges import shown_acl
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.relations import Row, builtin_by_oid, rows_of
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.session.names import split_qualified_name
from storage.function_objects import FunctionParameter, UserFunction

_SQL_LANGUAGE_OID = 14
_VOLATILITY = {"i": "IMMUTABLE", "s": "STABLE", "v": "VOLATILE"}
_PARALLEL = {"s": "SAFE", "r": "RESTRICTED", "u": "UNSAFE"}
_COST_DEFAULT, _ROWS_DEFAULT = 100.0, 1000.0


@rows_of("pg_proc")
def pg_proc(view: CatalogView) -> Iterator[Row]:
    for function in view.objects(UserFunction):
        inputs, parameters = function.inputs, function.parameters
        names = [parameter.name for parameter in parameters]
        defaults = [p.default_sql for p in inputs if p.default_sql is not None]
        yield {
            "oid": function.oid, "proname": function.name, "pronamespace": function.schema_oid,
            "proowner": function.owner_oid, "prolang": _SQL_LANGUAGE_OID, "procost": function.cost,
            "prorows": function.rows, "provariadic": 0, "prosupport": 0, "prokind": "f",
            "prosecdef": False, "proleakproof": function.is_leakproof,
            "proisstrict": function.is_strict, "proretset": function.returns_set, "provolatile": function.volatility,
            "proparallel": function.parallel, "pronargs": len(inputs), "pronargdefaults": len(defaults),
            "prorettype": function.returns.oid, "proargtypes": [p.type.oid for p in inputs],
            "proallargtypes": [p.type.oid for p in parameters] if function.columns else None,
            "proargmodes": ["t" if p.is_column else "i" for p in parameters] if function.columns else None,
            "proargnames": names if any(names) else None,
            "proargdefaults": ", ".join(defaults) if defaults else None, "prosrc": _source(function),
            "proacl": shown_acl(view, function),
        }  # fmt: skip


@rows_of("routines", schema="information_schema")
def routines(view: CatalogView) -> Iterator[Row]:
    for function in view.objects(UserFunction):
        is_table = len(function.columns) > 1
        yield {
            **location(view, "specific", function.schema_oid, specific_name(function)),
            **location(view, "routine", function.schema_oid, function.name),
            "routine_type": "FUNCTION",
            **{f"type_{key}": value for key, value in type_location(view, function.returns).items()},
            "data_type": "record" if is_table else data_type_name(function.returns), "dtd_identifier": "0",
            "routine_body": "SQL", "routine_definition": _source(function), "external_language": "SQL",
            "parameter_style": "SQL", "is_deterministic": "YES" if function.volatility == "i" else "NO",
            "sql_data_access": "MODIFIES", "is_null_call": "YES" if function.is_strict else "NO",
            "schema_level_routine": "YES", "max_dynamic_result_sets": 0,
            "security_type": "INVOKER", "as_locator": "NO",
            "is_udt_dependent": "NO",
        }  # fmt: skip


@rows_of("parameters", schema="information_schema")
def parameters(view: CatalogView) -> Iterator[Row]:
    for function in view.objects(UserFunction):
        for number, parameter in enumerate(function.parameters, 1):
            yield {
                **location(view, "specific", function.schema_oid, specific_name(function)), "ordinal_position": number,
                "parameter_mode": "OUT" if parameter.is_column else "IN", "is_result": "NO", "as_locator": "NO",
                "parameter_name": parameter.name or None, "data_type": data_type_name(parameter.type),
                **type_location(view, parameter.type), "dtd_identifier": str(number),
                "parameter_default": parameter.default_sql,
            }  # fmt: skip


def specific_name(function: UserFunction) -> str:
    """What tells functions of one name apart in the standard's views."""
    return f"{function.name}_{function.oid}"


def _source(function: UserFunction) -> str:
    """The body; that of a RETURN is not kept as source."""
    return "" if function.body_path is not None else function.body_sql


# -- functions over functions -------------------------------------------------------------------------------


def user_function(view: CatalogView, oid: int) -> UserFunction | None:
    found = view.catalog.get(oid)
    return found if isinstance(found, UserFunction) and found.database_oid == view.database_oid else None


def builtin_function(oid: int) -> dict[str, Any] | None:
    return builtin_by_oid("pg_proc").get(oid)


def function_signature(view: CatalogView, oid: int, *, has_types: bool) -> str | None:
    """A function as regproc, or with `has_types` as regprocedure shows it; None for no function."""
    found = user_function(view, oid)
    if found is not None:
        types = [parameter.type.oid for parameter in found.inputs]
        is_bare = is_function_visible(view, found) and (has_types or _is_only(view, found))
        schema = "" if is_bare else f"{quote_identifier(view.schema_names[found.schema_oid])}."
        name = schema + quote_identifier(found.name)
        return signature_text(name, types) if has_types else name
    row = builtin_function(oid)
    if row is None:
        return None
    return signature_text(row["proname"], row["proargtypes"] or ()) if has_types else str(row["proname"])


def _is_only(view: CatalogView, function: UserFunction) -> bool:
    """Whether the bare name means no other function."""
    found = named_functions(view.catalog, view.database_oid, view.search_path, (function.name,))
    return len(found) == 1 and not functions_named(function.name)


def find_functions(view: CatalogView, name: str) -> list[int]:
    """OIDs of the users' functions that `schema.name`, `name` or either with its types in parentheses means."""
    qualified, _, types = name.partition("(")
    try:
        parts = split_qualified_name(qualified.strip())
        wanted = None if not types else _type_oids(view, types.removesuffix(")"))
    except QuiverError:
        return []
    found = named_functions(view.catalog, view.database_oid, view.search_path, parts)
    return [function.oid for function in found if wanted is None or function.input_oids == wanted]


def _type_oids(view: CatalogView, text: str) -> tuple[int, ...]:
    names = [part.strip() for part in text.split(",")] if text.strip() else []
    oids = []
    for name in names:
        parsed = parse_type(name)
        found = find_user_type(view.catalog, view.database_oid, view.search_path, parsed)
        oids.append((found or resolve_type(parsed)).oid)
    return tuple(oids)


def is_function_visible(view: CatalogView, function: UserFunction) -> bool:
    """Whether a call by the bare name with the function's types finds it."""
    return function in named_functions(view.catalog, view.database_oid, view.search_path, (function.name,))


@catalog_function("pg_function_is_visible")
def pg_function_is_visible(view: CatalogView, oid: int) -> bool | None:
    found = user_function(view, oid)
    return (
        is_function_visible(view, found) if found is not None else builtin_function(oid) is not None or None
    )


@catalog_function("pg_get_function_result")
def pg_get_function_result(view: CatalogView, oid: int) -> str | None:
    found = user_function(view, oid)
    if found is None:
        row = builtin_function(oid)
        return (
            ("SETOF " if row["proretset"] else "") + format_type(SqlType(row["prorettype"])) if row else None
        )
    if found.columns:
        return f"TABLE({', '.join(_shown(column) for column in found.columns)})"
    return ("SETOF " if found.returns_set else "") + format_type(found.returns)


@catalog_function("pg_get_function_arguments")
def pg_get_function_arguments(view: CatalogView, oid: int) -> str | None:
    return _arguments(view, oid, has_defaults=True)


@catalog_function("pg_get_function_identity_arguments")
def pg_get_function_identity_arguments(view: CatalogView, oid: int) -> str | None:
    return _arguments(view, oid, has_defaults=False)


def _arguments(view: CatalogView, oid: int, *, has_defaults: bool) -> str | None:
    found = user_function(view, oid)
    if found is None:
        row = builtin_function(oid)
        return ", ".join(format_type(SqlType(t)) for t in row["proargtypes"] or ()) if row else None
    return _listed(found.inputs, has_defaults=has_defaults)


def _listed(inputs: Sequence[FunctionParameter], *, has_defaults: bool) -> str:
    return ", ".join(
        _shown(p) + (f" DEFAULT {p.default_sql}" if has_defaults and p.default_sql is not None else "")
        for p in inputs
    )


def _shown(parameter: FunctionParameter) -> str:
    name = f"{quote_identifier(parameter.name)} " if parameter.name else ""
    return name + format_type(parameter.type)


@catalog_function("pg_get_function_sqlbody")
def pg_get_function_sqlbody(view: CatalogView, oid: int) -> str | None:
    found = user_function(view, oid)
    return (
        None
        if found is None or found.body_path is None
        else f"RETURN {found.body_sql.removeprefix('SELECT ')}"
    )


@catalog_function("pg_get_functiondef")
def pg_get_functiondef(view: CatalogView, oid: int) -> str | None:
    """CREATE OR REPLACE FUNCTION as ruleutils.c writes it; None for a built-in function."""
    found = user_function(view, oid)
    if found is None:
        return None
    name = f"{quote_identifier(view.schema_names[found.schema_oid])}.{quote_identifier(found.name)}"
    head = f"CREATE OR REPLACE FUNCTION {name}({_listed(found.inputs, has_defaults=True)})"
    lines = [head, f" RETURNS {pg_get_function_result(view, oid)}", " LANGUAGE sql"]
    options = [
        "" if found.volatility == "v" else _VOLATILITY[found.volatility],
        "" if found.parallel == "u" else f"PARALLEL {_PARALLEL[found.parallel]}",
        "STRICT" if found.is_strict else "",
        "LEAKPROOF" if found.is_leakproof else "",
        "" if found.cost == _COST_DEFAULT else f"COST {found.cost:g}",
        "" if found.rows in (0.0, _ROWS_DEFAULT) else f"ROWS {found.rows:g}",
    ]
    if any(options):
        lines.append(" " + " ".join(option for option in options if option))
    body = pg_get_function_sqlbody(view, oid) or f"AS $function${found.body_sql}$function$"
    return "\n".join([*lines, body, ""])
