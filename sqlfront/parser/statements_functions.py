"""Statements about users' functions."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlfront.parser.statements import QualifiedName, SqlExpression, Statement
from sqlfront.parser.typenames import TypeName


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """`mode` is `in`, `out`, `inout` or `variadic`; `table` for a column of RETURNS TABLE."""

    name: str
    type: TypeName
    mode: str = "in"
    default: SqlExpression | None = None


@dataclass(frozen=True, slots=True)
class CreateFunctionStatement(Statement):
    """CREATE [OR REPLACE] FUNCTION.

    `returns` is None where the statement does not say. `options` are the rest in lower case: `language`, `volatility`, `strict`,
    `security`, `leakproof`, `parallel`, `cost`, `rows`. The body is text (AS '...') or an expression (RETURN).
    """

    name: QualifiedName
    parameters: tuple[ParameterDefinition, ...]
    returns: TypeName | None
    or_replace: bool = False
    options: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    result: SqlExpression | None = None


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function as DROP, ALTER and COMMENT name it; without `types` the name alone has to do."""

    name: QualifiedName
    types: tuple[TypeName, ...] | None = None


@dataclass(frozen=True, slots=True)
class DropFunctionStatement(Statement):
    """DROP FUNCTION or ROUTINE."""

    kind: str
    functions: tuple[FunctionName, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class AlterFunctionStatement(Statement):
    """ALTER FUNCTION: one of a new name, a new schema, a new owner, or options as in CREATE."""

    function: FunctionName
    new_name: str | None = None
    new_schema: str | None = None
    new_owner: str | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommentFunctionStatement(Statement):
    """COMMENT ON FUNCTION; `text` None removes it."""

    function: FunctionName
    text: str | None
