"""Scalar functions that neither DuckDB nor the native evaluator has, computed row by row.

All are strict: NULL in any argument gives NULL. Keys are PostgreSQL's function names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa

from foundation.errors import FeatureNotSupported, QuiverError
from foundation.sqltypes import SqlType, arrow_type
from planner.functions.patterns import python_regex

_SIZE_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_SIZE_STEP_LIMIT = 10 * 1024


class InvalidEscapeCharacter(QuiverError):
    sqlstate = "22019"


def _pg_size_pretty(size: Any) -> str:
    """Halves the way pg_size_pretty() does: below 10 kB the plain number, then the nearest larger unit."""
    number = Decimal(size)
    for unit in _SIZE_UNITS:
        if abs(number) < _SIZE_STEP_LIMIT or unit == _SIZE_UNITS[-1]:
            return f"{number.quantize(Decimal(1), rounding=ROUND_HALF_UP)} {unit}"
        number /= 1024
    raise AssertionError("unreachable")


def _similar_to_escape(pattern: str, escape: str = "\\") -> str:
    """The regular expression of a SIMILAR TO pattern (similar_escape_internal in PostgreSQL's regexp.c)."""
    if len(escape) > 1:
        raise InvalidEscapeCharacter(
            "invalid escape string", hint="Escape string must be empty or one character."
        )
    parts = ["^(?:"]
    is_escaped = in_set = False
    for character in pattern:
        if is_escaped:
            parts.append("\\" + character if not character.isalnum() else character)
            is_escaped = False
        elif character == escape:
            is_escaped = True
        elif in_set:
            parts.append("\\\\" if character == "\\" else character)
            in_set = character != "]"
        else:
            in_set = character == "["
            parts.append({"%": ".*", "_": ".", "(": "(?:"}.get(character, _literal(character)))
    return "".join([*parts, ")$"])


def _literal(character: str) -> str:
    return "\\" + character if character in "\\.^$" else character


def _regexp_replace(text: str, pattern: str, replacement: str, flags: str = "") -> str:
    unknown = set(flags) - set("gi")
    if unknown:
        raise FeatureNotSupported(f'regular expression option "{min(unknown)}" is not supported')
    compiled = python_regex(pattern, "i" in flags)
    return compiled.sub(lambda match: _expanded(replacement, match), text, count=0 if "g" in flags else 1)


def _expanded(replacement: str, match: re.Match[str]) -> str:
    r"""A replacement with \1 ... \9, \& and \\ filled in."""

    def piece(found: re.Match[str]) -> str:
        code = found.group(1)
        if code == "&":
            return match.group()
        if code.isdigit():
            return (match.group(int(code)) or "") if int(code) <= match.re.groups else ""
        return "\\" if code == "\\" else found.group()

    return re.sub(r"\\(.)", piece, replacement, flags=re.DOTALL)


def _regexp_match(text: str, pattern: str, flags: str = "") -> list[str | None] | None:
    if set(flags) - {"i", "c"}:
        raise FeatureNotSupported(f'regular expression option "{min(set(flags))}" is not supported')
    compiled = python_regex(pattern, "i" in flags)
    match = compiled.search(text)
    if match is None:
        return None
    return list(match.groups()) if compiled.groups else [match.group()]


SCALAR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pg_size_pretty": _pg_size_pretty,
    "similar_to_escape": _similar_to_escape,
    "regexp_replace": _regexp_replace,
    "regexp_match": _regexp_match,
}


def row_evaluator(name: str, result: SqlType) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator of a function of SCALAR_FUNCTIONS over argument columns."""
    function = SCALAR_FUNCTIONS[name]
    wanted = arrow_type(result)

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows], wanted)

    return evaluate
