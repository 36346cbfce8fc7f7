"""CREATE, ALTER, DROP FUNCTION and comments on functions. https://www.postgresql.org/docs/15/sql-createfunction.html

Only LANGUAGE sql: a body is one query, which calls are written out into (`sqlfront.binder.user_functions`). It is bound when the
function is made, as PostgreSQL does with check_function_bodies, and kept as it was written; what it reads may be dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foundation.errors import (
    DependentObjectsStillExist,
    FeatureNotSupported,
    InvalidParameterValue,
    SyntaxErrorInStatement,
    UndefinedFunction,
    UndefinedObject,
)
from foundation.sqltypes import RECORD, SqlType, format_type, plain_type
from planner.bound import TableScan, VirtualScan, walk
from planner.functions.quoting import quote_ident
from planner.functions.signatures import functions_named
from sqlfront.binder import bind_expression
from sqlfront.binder.catalog_names import named_functions
from sqlfront.binder.errors import AmbiguousFunction, DuplicateFunction, InvalidFunctionDefinition
from sqlfront.binder.type_names import resolve_type_name
from sqlfront.binder.user_functions import bind_body_alone
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.lookup import (
    BUILTIN_SCHEMAS,
    check_may_create_in,
    check_new_owner,
    check_owner,
    creation_schema,
    find_role,
    find_schema,
    usable_type,
)
from sqlfront.commands.ownership import check_may_own, owned_by
from sqlfront.parser import (
    AlterFunctionStatement,
    CommentFunctionStatement,
    CreateFunctionStatement,
    DropFunctionStatement,
    FunctionName,
    ParameterDefinition,
)
from sqlfront.parser.typenames import TypeName
from storage.catalog import Schema, replaced
from storage.function_objects import FunctionParameter, UserFunction
from storage.user_types import FIRST_TYPE_OID

_OTHER_LANGUAGES = ("plpgsql", "c", "internal", "plpython3u", "plperl", "pltcl", "plperlu", "pltclu")
_VOLATILITY = {"immutable": "i", "stable": "s", "volatile": "v"}
_PARALLEL = {"safe": "s", "restricted": "r", "unsafe": "u"}
_ROWS_OF_SETS = 1000.0


def execute_create_function(statement: CreateFunctionStatement, context: CommandContext) -> CommandResult:
    """Create or replace a function.

    Raises:
        FeatureNotSupported: 0A000, another language, parameters and bodies that are not supported.
        DuplicateFunction: 42723. InvalidFunctionDefinition: 42P13, the signature, the body, or what may not be replaced.
        UndefinedObject: 42704, a language or type. Whatever binding the body raises.
    """
    language = statement.options.get("language")
    if language is None and statement.result is None:
        raise InvalidFunctionDefinition("no language specified")
    _check_language(language or "sql")
    schema = creation_schema(context, statement.name)
    body_sql = statement.body
    if statement.result is not None:
        if body_sql is not None:
            raise InvalidFunctionDefinition("duplicate function body specified")
        body_sql = f"SELECT {statement.result.sql}"
    if body_sql is None:
        raise InvalidFunctionDefinition("no function body specified")
    parameters = tuple(_parameter(context, definition) for definition in statement.parameters)
    _check_parameters(parameters)
    returns, returns_set = _result(context, statement, parameters)
    function = UserFunction(
        context.storage.allocate_oid(), statement.name.name, context.database_oid, context.role_oid,
        schema_oid=schema.oid, parameters=parameters, returns=returns, returns_set=returns_set, body_sql=body_sql,
        body_path=context.search_path if statement.result is not None else None,
        rows=_ROWS_OF_SETS if returns_set else 0.0,
    )  # fmt: skip
    function = _with_options(function, statement.options)
    _check_body(context, function, is_expression=statement.result is not None)
    function = with_default_acl(context, function)
    existing = context.catalog.named_like(function)
    if isinstance(existing, UserFunction):
        if not statement.or_replace:
            raise DuplicateFunction(f'function "{function.name}" already exists with same argument types')
        check_owner(context, existing)
        _check_replacement(existing, function)
        function = replaced(
            function,
            oid=existing.oid,
            owner_oid=existing.owner_oid,
            comment=existing.comment,
            acl=existing.acl,
        )
    context.transaction.put(function)
    return CommandResult("CREATE FUNCTION")


def _check_language(name: str) -> None:
    word = name.lower()
    if word == "sql":
        return
    if word in _OTHER_LANGUAGES:
        raise FeatureNotSupported(
            f"language {word} is not supported", hint="Functions can be written in LANGUAGE sql."
        )
    raise UndefinedObject(f'language "{name}" does not exist')


def _parameter(context: CommandContext, definition: ParameterDefinition) -> FunctionParameter:
    if definition.mode not in ("in", "table"):
        raise FeatureNotSupported(f"{definition.mode.upper()} parameters of functions are not supported")
    sql_type = _type(context, definition.type)
    default = None
    if definition.default is not None:
        bind_expression(
            definition.default.tree, context.bind_context(), sql_type, column_name=definition.name
        )
        default = definition.default.sql
    return FunctionParameter(definition.name, sql_type, default, is_column=definition.mode == "table")


def _type(context: CommandContext, name: TypeName) -> SqlType:
    """A type of a parameter or result, which has no modifier."""
    try:
        found = usable_type(context, name)
    except UndefinedObject:
        raise UndefinedObject(f"type {name.spelled()} does not exist", position=name.position) from None
    found = plain_type(found)
    if found.domain_oid or found.oid >= FIRST_TYPE_OID:
        raise FeatureNotSupported(
            "functions over types of your own are not supported", position=name.position
        )
    if format_type(found) == "???" or found.oid == RECORD.oid:
        raise FeatureNotSupported(
            f"functions over type {name.spelled()} are not supported", position=name.position
        )
    return found.without_typmod()


def _check_parameters(parameters: Sequence[FunctionParameter]) -> None:
    names = [parameter.name for parameter in parameters if parameter.name]
    for name in names:
        if names.count(name) > 1:
            raise InvalidFunctionDefinition(f'parameter name "{name}" used more than once')
    has_default = False
    for parameter in parameters:
        if has_default and parameter.default_sql is None and not parameter.is_column:
            raise InvalidFunctionDefinition(
                "input parameters after one with a default value must also have defaults"
            )
        has_default = has_default or parameter.default_sql is not None


def _result(
    context: CommandContext, statement: CreateFunctionStatement, parameters: Sequence[FunctionParameter]
) -> tuple[SqlType, bool]:
    """The type of the result, of a row where there are several, and whether there are rows."""
    columns = [parameter for parameter in parameters if parameter.is_column]
    if columns:
        return (columns[0].type if len(columns) == 1 else RECORD), True
    if statement.returns is None:
        raise InvalidFunctionDefinition("function result type must be specified")
    if statement.returns.name in ("trigger", "event_trigger", "void"):
        raise FeatureNotSupported(f"functions that return {statement.returns.name} are not supported")
    return _type(context, statement.returns), statement.returns.is_setof


def _with_options(function: UserFunction, options: Mapping[str, str]) -> UserFunction:
    changes: dict[str, Any] = {}
    for name, value in options.items():
        match name:
            case "volatility":
                changes["volatility"] = _VOLATILITY[value]
            case "strict":
                changes["is_strict"] = value == "true"
            case "leakproof":
                changes["is_leakproof"] = value == "true"
            case "security" if value == "definer":
                raise FeatureNotSupported("SECURITY DEFINER is not supported")
            case "parallel":
                if value not in _PARALLEL:
                    raise SyntaxErrorInStatement('parameter "parallel" must be SAFE, RESTRICTED, or UNSAFE')
                changes["parallel"] = _PARALLEL[value]
            case "cost" | "rows":
                changes[name] = _positive(function, name, value)
    return replaced(function, **changes)


def _positive(function: UserFunction, name: str, value: str) -> float:
    if float(value) <= 0:
        raise InvalidParameterValue(f"{name.upper()} must be positive")
    if name == "rows" and not function.returns_set:
        raise InvalidParameterValue("ROWS is not applicable when function does not return a set")
    return float(value)


def _check_body(context: CommandContext, function: UserFunction, *, is_expression: bool) -> None:
    body = bind_body_alone(context.bind_context(), function)
    if is_expression and any(isinstance(node, TableScan | VirtualScan) for node in walk(body.query)):
        raise FeatureNotSupported(
            "RETURN of what a table holds is not supported", hint="Write the body as text, AS '...'."
        )


def _check_replacement(old: UserFunction, new: UserFunction) -> None:
    hint = f"Use DROP FUNCTION {signature(old)} first."
    old_columns, new_columns = ([(c.name, c.type) for c in f.columns] for f in (old, new))
    if (old.returns, old.returns_set) != (new.returns, new.returns_set) or old_columns != new_columns:
        raise InvalidFunctionDefinition("cannot change return type of existing function", hint=hint)
    for before, after in zip(old.inputs, new.inputs, strict=True):
        if before.name and before.name != after.name:
            raise InvalidFunctionDefinition(
                f'cannot change name of input parameter "{before.name}"', hint=hint
            )
        if before.default_sql is not None and after.default_sql is None:
            raise InvalidFunctionDefinition(
                "cannot remove parameter defaults from existing function", hint=hint
            )


def signature(function: UserFunction) -> str:
    """name(types), as messages name a function."""
    return f"{quote_ident(function.name)}({', '.join(format_type(p.type) for p in function.inputs)})"


# -- finding one --------------------------------------------------------------------------------------------


def find_function(context: CommandContext, named: FunctionName, *, is_dropped: bool = False) -> UserFunction:
    """The user's function that a statement names.

    Raises:
        UndefinedFunction: 42883. AmbiguousFunction: 42725, the name alone does not tell. DependentObjectsStillExist: 2BP01 and
            FeatureNotSupported: 0A000, a built-in one.
    """
    found = _matching(context, named)
    shown = _shown(context, named)
    if len(found) > 1:
        raise AmbiguousFunction(
            f'function name "{named.name}" is not unique',
            hint="Specify the argument list to select the function unambiguously.",
        )
    if not found:
        if named.name.schema in (None, "pg_catalog") and functions_named(named.name.name):
            if not is_dropped:
                raise FeatureNotSupported(f"changing the built-in function {shown} is not supported")
            raise DependentObjectsStillExist(
                f"cannot drop function {shown} because it is required by the database system"
            )
        if named.types is None:
            raise UndefinedFunction(f'could not find a function named "{named.name}"')
        raise UndefinedFunction(f"function {shown} does not exist")
    return found[0]


def _matching(context: CommandContext, named: FunctionName) -> list[UserFunction]:
    name = named.name
    parts = (name.name,) if name.schema is None else (name.schema, name.name)
    found = named_functions(context.catalog, context.database_oid, context.search_path, parts)
    if named.types is None:
        return found
    oids = tuple(resolve_type_name(context.bind_context(), type_name).oid for type_name in named.types)
    return [function for function in found if function.input_oids == oids]


def _shown(context: CommandContext, named: FunctionName) -> str:
    if named.types is None:
        return str(named.name)
    types = (format_type(resolve_type_name(context.bind_context(), name)) for name in named.types)
    return f"{named.name}({', '.join(types)})"


# -- ALTER, DROP, COMMENT -----------------------------------------------------------------------------------


def execute_alter_function(statement: AlterFunctionStatement, context: CommandContext) -> CommandResult:
    """ALTER FUNCTION. Raises as `find_function`, DuplicateFunction (42723), InsufficientPrivilege (42501)."""
    function = find_function(context, statement.function)
    check_owner(context, function)
    changed = _with_options(function, statement.options)
    if statement.new_name is not None:
        changed = replaced(function, name=statement.new_name)
    if statement.new_schema is not None:
        schema = find_schema(context, statement.new_schema)
        check_may_create_in(context, schema)
        changed = replaced(function, schema_oid=schema.oid)
    if statement.new_owner is not None:
        role = find_role(context, statement.new_owner)
        check_new_owner(context, role)
        check_may_own(context, function, role.oid)
        changed = owned_by(function, role.oid)
    other = context.catalog.named_like(changed)
    if other is not None and other.oid != function.oid:
        place = context.catalog.get(changed.schema_oid)
        assert isinstance(place, Schema), "a function is in a schema"
        raise DuplicateFunction(f'function {signature(changed)} already exists in schema "{place.name}"')
    context.transaction.put(changed)
    return CommandResult("ALTER FUNCTION")


def execute_drop_function(statement: DropFunctionStatement, context: CommandContext) -> CommandResult:
    """DROP FUNCTION; nothing depends on a function. Raises as `find_function`."""
    for named in statement.functions:
        if statement.if_exists and _is_missing(context, named):
            continue
        function = find_function(context, named, is_dropped=True)
        check_owner(context, function)
        context.transaction.drop(function.oid)
    return CommandResult(f"DROP {statement.kind}")


def _is_missing(context: CommandContext, named: FunctionName) -> bool:
    """Whether a function of DROP IF EXISTS is not there, with the NOTICE that says so."""
    try:
        if _matching(context, named):
            return False
        shown = f"{_shown(context, named)}" if named.types is not None else f"{named.name}()"
    except UndefinedObject as error:
        context.notice(f"{error}, skipping")
        return True
    is_built_in = named.name.schema in (None, *BUILTIN_SCHEMAS) and functions_named(named.name.name)
    if is_built_in and named.types is not None:
        return False
    context.notice(f"function {shown} does not exist, skipping")
    return True


def execute_comment_on_function(
    statement: CommentFunctionStatement, context: CommandContext
) -> CommandResult:
    """COMMENT ON FUNCTION. Raises as `find_function`."""
    function = find_function(context, statement.function)
    check_owner(context, function)
    context.transaction.put(replaced(function, comment=statement.text or None))
    return CommandResult("COMMENT")
