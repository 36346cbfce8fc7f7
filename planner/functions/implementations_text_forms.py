"""Rarer functions of text: format() templates, Unicode escapes and normal forms, SIMILAR substrings, sizes in words."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa

from foundation.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    NumericValueOutOfRange,
    SyntaxErrorInStatement,
)
from foundation.sqltypes import TYPES
from foundation.time_zones import zone_of
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.identifiers import parse_identifier
from planner.functions.posix_regex.options import RegexOptions
from planner.functions.posix_regex.search import compiled_regex
from planner.functions.rowwise import row_kernel
from planner.functions.similar_patterns import similar_regex
from planner.functions.text_hashes import hash_text, hash_text_extended

_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
_UNICODE_ESCAPE = re.compile(
    r"\\(?:(?P<backslash>\\)|u(?P<u>[0-9A-Fa-f]{4})|U(?P<U>[0-9A-Fa-f]{8})|\+(?P<plus>[0-9A-Fa-f]{6})|(?P<x>[0-9A-Fa-f]{4}))"
)
_SIZE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL | re.ASCII)
_UNITS = ("bytes", "kb", "mb", "gb", "tb", "pb")
_INT8 = range(-(2**63), 2**63)


def _form(form: str) -> Any:
    if form.upper() not in _FORMS:
        raise InvalidParameterValue(f"invalid normalization form: {form}")
    return form.upper()


def _normalize(text: str, form: str) -> str:
    return unicodedata.normalize(_form(form), text)


def _is_normalized(text: str, form: str) -> bool:
    return unicodedata.is_normalized(_form(form), text)


def _unistr(text: str) -> str:
    r"""Text with \XXXX, \+XXXXXX, \uXXXX and \UXXXXXXXX read; two of them may be a surrogate pair.

    Raises:
        SyntaxErrorInStatement: 42601, a bad escape; InvalidParameterValue: 22023, no such code point.
    """
    pieces: list[str] = []
    at, high = 0, None
    while at < len(text):
        if text[at] != "\\":
            if high is not None:
                raise SyntaxErrorInStatement("invalid Unicode surrogate pair")
            pieces.append(text[at])
            at += 1
            continue
        match = _UNICODE_ESCAPE.match(text, at)
        if match is None:
            raise SyntaxErrorInStatement(
                "invalid Unicode escape",
                hint="Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.",
            )
        at = match.end()
        if match["backslash"]:
            if high is not None:
                raise SyntaxErrorInStatement("invalid Unicode surrogate pair")
            pieces.append("\\")
            continue
        code = int(match["u"] or match["U"] or match["plus"] or match["x"], 16)
        high, character = _decoded(code, high)
        pieces.append(character)
    if high is not None:
        raise SyntaxErrorInStatement("invalid Unicode surrogate pair")
    return "".join(pieces)


def _decoded(code: int, high: int | None) -> tuple[int | None, str]:
    """(high surrogate that waits for its low one, character)."""
    if not 0 < code <= 0x10FFFF:
        raise InvalidParameterValue(f"invalid Unicode code point: {code:04X}")
    is_low = 0xDC00 <= code < 0xE000
    if (high is not None) is not is_low:
        raise SyntaxErrorInStatement("invalid Unicode surrogate pair")
    if high is not None:
        return None, chr(0x10000 + ((high & 0x3FF) << 10) + (code & 0x3FF))
    return (code, "") if 0xD800 <= code < 0xDC00 else (None, chr(code))


def _size_bytes(text: str) -> int:
    """pg_size_bytes(): a size as pg_size_pretty() writes it, to a bigint."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InvalidParameterValue(f'invalid size: "{text}"')
    unit = match[2].lower()
    if unit and unit not in _UNITS:
        raise InvalidParameterValue(
            f'invalid size: "{text}"',
            detail=f'Invalid size unit: "{match[2]}".',
            hint='Valid units are "bytes", "kB", "MB", "GB", "TB", and "PB".',
        )
    size = Decimal(match[1]) * 1024 ** (_UNITS.index(unit) if unit else 0)
    if size.adjusted() > 20:
        raise NumericValueOutOfRange("bigint out of range")
    whole = int(size.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if whole not in _INT8:
        raise NumericValueOutOfRange("bigint out of range")
    return whole


def _column_size(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """pg_column_size(): the length of types of fixed length; others depend on how PostgreSQL stores the row."""
    info = TYPES[site.argument_types[0]]
    if info.length < 0:
        raise FeatureNotSupported(f"pg_column_size of type {info.sql_name} is not supported")
    (argument,) = arguments
    is_valid = argument.spread(row_count_of(arguments, site.row_count)).is_valid().to_pylist()
    return pa.array([info.length if valid else None for valid in is_valid], pa.int32())


def _time_of_day(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    zone = zone_of(site.context.settings.get("TimeZone"))
    texts = [
        datetime.datetime.now(zone).strftime("%a %b %d %H:%M:%S.%f %Y %Z") for _ in range(site.row_count)
    ]
    return pa.array(texts, pa.utf8())


def _similar_substring(text: str, pattern: str, escape: str) -> str | None:
    r"""substring(text SIMILAR pattern ESCAPE '#'): the part between `#"` and `#"`, the whole match without them."""
    match = compiled_regex(similar_regex(pattern, escape), RegexOptions()).first(text)
    if match is None:
        return None
    span = match.spans[1] if len(match.spans) > 1 else match.spans[0]
    return None if span is None else text[slice(*span)]


def text_form_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    return {
        "normalize(25,25)": row_kernel(_normalize), "is_normalized(25,25)": row_kernel(_is_normalized),
        "unistr(25)": row_kernel(_unistr), "pg_size_bytes(25)": row_kernel(_size_bytes),
        "hashtext(25)": row_kernel(hash_text), "hashtextextended(25,20)": row_kernel(hash_text_extended),
        "parse_ident(25,16)": row_kernel(parse_identifier), "pg_column_size(2276)": _column_size,
        "timeofday()": _time_of_day, "substring(25,25,25)": row_kernel(_similar_substring),
    }  # fmt: skip
