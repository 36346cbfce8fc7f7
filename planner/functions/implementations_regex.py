"""Functions that return what a regular expression matches: regexp_replace, regexp_match, regexp_substr, substring, ...

Arguments and errors as in PostgreSQL's regexp.c; what is matched is the business of `posix_regex`.
https://www.postgresql.org/docs/15/functions-string.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from foundation.errors import InvalidParameterValue
from planner.functions.datum import Kernel
from planner.functions.posix_regex.matching import RegexMatch
from planner.functions.posix_regex.options import RegexOptions, options_of
from planner.functions.posix_regex.search import compiled_regex
from planner.functions.rowwise import row_kernel

_PLAIN = RegexOptions()
_REPLACEMENT = re.compile(r"\\(.)", re.DOTALL)


def _check_least(least: int, **parameters: int) -> None:
    for name, value in parameters.items():
        if value < least:
            raise InvalidParameterValue(f'invalid value for parameter "{name}": {value}')


def _single_options(function: str, flags: str, hint: str | None = None) -> RegexOptions:
    """The options of a function for which flag g has no meaning."""
    options = options_of(flags)
    if options.is_global:
        raise InvalidParameterValue(f'{function} does not support the "global" option', hint=hint)
    return options


def _part(text: str, match: RegexMatch | None, group: int = 0) -> str | None:
    span = match.spans[group] if match is not None and group < len(match.spans) else None
    return None if span is None else text[slice(*span)]


def _groups(text: str, match: RegexMatch) -> list[str | None]:
    """The captured groups, or the whole match where there are none."""
    if len(match.spans) == 1:
        return [_part(text, match)]
    return [_part(text, match, group) for group in range(1, len(match.spans))]


def _nth(text: str, pattern: str, options: RegexOptions, start: int, number: int) -> RegexMatch | None:
    found = compiled_regex(pattern, options).find(text, start - 1) if start <= len(text) + 1 else iter(())
    return next(islice(found, number - 1, None), None)


def substring(text: str, pattern: str) -> str | None:
    """substring(text from pattern): the first group, or the whole match."""
    match = compiled_regex(pattern, _PLAIN).first(text)
    return None if match is None else _groups(text, match)[0]


def split(text: str, pattern: str, options: RegexOptions) -> list[str]:
    """The pieces between matches; an empty match at the ends or right after a match does not split."""
    parts, start = [], 0
    for match in compiled_regex(pattern, options).find(text):
        if match.end == match.start and match.start in (start, len(text)):
            continue
        parts.append(text[start : match.start])
        start = match.end
    return [*parts, text[start:]]


def _split_to_array(text: str, pattern: str, flags: str = "") -> list[str]:
    return split(text, pattern, _single_options("regexp_split_to_array()", flags))


def split_to_table(text: str, pattern: str, flags: str = "") -> Iterator[tuple[str]]:
    """Rows of regexp_split_to_table()."""
    return ((piece,) for piece in split(text, pattern, _single_options("regexp_split_to_table()", flags)))


def matches(text: str, pattern: str, flags: str = "") -> Iterator[tuple[list[str | None]]]:
    """Rows of regexp_matches(): the groups of the first match, of every match with flag g."""
    options = options_of(flags)
    found = compiled_regex(pattern, options).find(text)
    for match in found if options.is_global else islice(found, 1):
        yield (_groups(text, match),)


def _match(text: str, pattern: str, flags: str = "") -> list[str | None] | None:
    options = _single_options("regexp_match()", flags, "Use the regexp_matches function instead.")
    match = compiled_regex(pattern, options).first(text)
    return None if match is None else _groups(text, match)


def _count(text: str, pattern: str, start: int = 1, flags: str = "") -> int:
    _check_least(1, start=start)
    options = _single_options("regexp_count()", flags)
    if start > len(text) + 1:
        return 0
    return sum(1 for _ in compiled_regex(pattern, options).find(text, start - 1))


def _like(text: str, pattern: str, flags: str = "") -> bool:
    return compiled_regex(pattern, _single_options("regexp_like()", flags)).first(text) is not None


def _substr(
    text: str, pattern: str, start: int = 1, number: int = 1, flags: str = "", group: int = 0
) -> str | None:
    _check_least(1, start=start, n=number)
    _check_least(0, subexpr=group)
    options = _single_options("regexp_substr()", flags)
    return _part(text, _nth(text, pattern, options, start, number), group)


def _instr(text: str, pattern: str, *rest: Any) -> int:
    defaults: tuple[Any, ...] = (1, 1, 0, "", 0)
    start, number, is_end, flags, group = (*rest, *defaults[len(rest) :])
    _check_least(1, start=start, n=number)
    if is_end not in (0, 1):
        raise InvalidParameterValue(f'invalid value for parameter "endoption": {is_end}')
    _check_least(0, subexpr=group)
    options = _single_options("regexp_instr()", flags)
    match = _nth(text, pattern, options, start, number)
    span = match.spans[group] if match is not None and group < len(match.spans) else None
    return 0 if span is None else span[is_end] + 1


def _replace(text: str, pattern: str, replacement: str, flags: str = "") -> str:
    if flags[:1].isdigit():
        raise InvalidParameterValue(
            f'invalid regular expression option: "{flags[0]}"',
            hint="If you meant to use regexp_replace() with a start parameter, "
            "cast the fourth argument to integer explicitly.",
        )
    options = options_of(flags)
    return _replaced(text, pattern, replacement, options, 1, 0 if options.is_global else 1)


def _replace_from(
    text: str, pattern: str, replacement: str, start: int, number: int = 1, flags: str = ""
) -> str:
    _check_least(1, start=start)
    _check_least(0, n=number)
    return _replaced(text, pattern, replacement, options_of(flags), start, number)


def _replaced(
    text: str, pattern: str, replacement: str, options: RegexOptions, start: int, number: int
) -> str:
    """The match of that number replaced, counted from `start`; all of them for 0."""
    if start > len(text) + 1:
        return text
    found = compiled_regex(pattern, options).find(text, start - 1)
    pieces, done = [], 0
    for match in found if not number else islice(found, number - 1, number):
        pieces += [text[done : match.start], _expanded(replacement, text, match)]
        done = match.end
    return "".join([*pieces, text[done:]])


def _expanded(replacement: str, text: str, match: RegexMatch) -> str:
    r"""A replacement with \1 ... \9, \& and \\ filled in."""

    def piece(found: re.Match[str]) -> str:
        code = found.group(1)
        if code == "&":
            return _part(text, match) or ""
        if "1" <= code <= "9":
            return _part(text, match, int(code)) or ""
        return "\\" if code == "\\" else found.group()

    return _REPLACEMENT.sub(piece, replacement) if "\\" in replacement else replacement


def regex_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    functions: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
        "substring": (substring, ("25,25",)), "textregexsubstr": (substring, ("25,25",)),
        "regexp_split_to_array": (_split_to_array, ("25,25", "25,25,25")),
        "regexp_like": (_like, ("25,25", "25,25,25")), "regexp_match": (_match, ("25,25", "25,25,25")),
        "regexp_count": (_count, ("25,25", "25,25,23", "25,25,23,25")),
        "regexp_substr": (
            _substr, ("25,25", "25,25,23", "25,25,23,23", "25,25,23,23,25", "25,25,23,23,25,23"),
        ),
        "regexp_instr": (
            _instr, ("25,25", "25,25,23", "25,25,23,23", "25,25,23,23,23", "25,25,23,23,23,25", "25,25,23,23,23,25,23"),
        ),
    }  # fmt: skip
    kernels = {
        f"{name}({types})": row_kernel(function)
        for name, (function, overloads) in functions.items()
        for types in overloads
    }
    for types in ("25,25,25", "25,25,25,25"):
        kernels[f"regexp_replace({types})"] = row_kernel(_replace)
    for types in ("25,25,25,23", "25,25,25,23,23", "25,25,25,23,23,25"):
        kernels[f"regexp_replace({types})"] = row_kernel(_replace_from)
    return kernels
