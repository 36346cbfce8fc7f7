"""Paths over documents: whether one exists, matches, and what it finds.

Texts in, values out. A path is parsed and compiled once for all rows and statements that use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from foundation.errors import InvalidParameterValue, StatementTooComplex
from planner.errors import SingletonJsonItemRequired
from planner.functions.implementations_json import canonical_jsonb, parse_json
from planner.functions.json_path import accessors, methods, predicates
from planner.functions.json_path.datetime_value import DatetimeValue
from planner.functions.json_path.parser import parse_json_path
from planner.functions.json_path.steps import SUPPRESSIBLE, Found, Run, Step, compile_item

_STEP_MODULES = (accessors, methods, predicates)
"""Imported for what they register."""


@dataclass(frozen=True, slots=True)
class CompiledPath:
    """A path as a function."""

    step: Step
    is_lax: bool


@dataclass(frozen=True, slots=True)
class Mode:
    """How a call runs: whether it keeps quiet about errors, and the time zone it may use, if any."""

    is_silent: bool = False
    zone: str | None = None


@lru_cache(maxsize=1024)
def compiled_path(text: str) -> CompiledPath:
    """The compiled form of a path. Raises what `parse_json_path` raises."""
    path = parse_json_path(text)
    try:
        return CompiledPath(compile_item(path.first), path.is_lax)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None


def path_exists(document: str, path: str, variables: str | None, mode: Mode) -> bool | None:
    """Whether the path finds something; None for an error that is not told."""
    compiled = compiled_path(path)
    try:
        if compiled.is_lax:
            return _execute(compiled, document, variables, mode, None)
        found: list[Any] = []
        _execute(compiled, document, variables, mode, found)
        return bool(found)
    except SUPPRESSIBLE:
        if mode.is_silent:
            return None
        raise


def path_match(document: str, path: str, variables: str | None, mode: Mode) -> bool | None:
    """The truth value that the path finds; None for unknown and for an error that is not told.

    Raises:
        SingletonJsonItemRequired: 22038, it finds something else.
    """
    found = found_values(document, path, variables, mode)
    if len(found) == 1 and (found[0] is None or isinstance(found[0], bool)):
        return found[0]
    if mode.is_silent:
        return None
    raise SingletonJsonItemRequired("single boolean result is expected")


def path_query(document: str, path: str, variables: str | None, mode: Mode) -> list[str]:
    """jsonb texts of what the path finds."""
    return [_text(value) for value in found_values(document, path, variables, mode)]


def found_values(document: str, path: str, variables: str | None, mode: Mode) -> list[Any]:
    """What the path finds; in silent mode what it found before an error."""
    found: list[Any] = []
    try:
        _execute(compiled_path(path), document, variables, mode, found)
    except SUPPRESSIBLE:
        if not mode.is_silent:
            raise
    return found


def _execute(path: CompiledPath, document: str, variables: str | None, mode: Mode, found: Found) -> bool:
    root = parse_json(document)
    run = Run(root, _variables(variables), mode.zone, is_lax=path.is_lax, throws=not mode.is_silent)
    try:
        return path.step(run, root, found, path.is_lax)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None


def _variables(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    variables = parse_json(text)
    if not isinstance(variables, dict):
        raise InvalidParameterValue(
            '"vars" argument is not an object',
            detail='Jsonpath parameters should be encoded as key-value pairs of "vars" object.',
        )
    return variables


def _text(value: Any) -> str:
    return canonical_jsonb(str(value) if isinstance(value, DatetimeValue) else value)
