"""Text and bytea functions with PostgreSQL's meaning: positions count characters from 1, lengths in characters."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    InvalidParameterValue,
    ProgramLimitExceeded,
)
from foundation.sqltypes import BPCHAR
from planner.errors import SubstringError
from planner.functions import text_columns
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of
from planner.functions.patterns import like, like_escape
from planner.functions.posix_regex.columns import regex
from planner.functions.quoting import format_text, quote_ident, quote_literal, quote_nullable
from planner.functions.rowwise import null_aware_row_kernel, row_kernel
from planner.functions.text_columns import column_kernel

_TEXT_BYTES_MAX = (1 << 30) - 1


def _match_kernel(match: Any, *, ignore_case: bool, is_negated: bool) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        left, right = arguments
        if left.is_constant and not right.is_constant:
            left = Datum(left.spread(len(right.array)))
        result: pa.Array = match(left, right, ignore_case=ignore_case, is_negated=is_negated)
        return result

    return kernel


def _arrow_kernel(function: Any, target: pa.DataType) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        return contiguous(function(arguments[0].array).cast(target))

    return kernel


def _concatenate(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    operands = [a.operand() if row_count > 1 else a.array for a in arguments]
    empty = b"" if pa.types.is_binary(arguments[0].array.type) else ""
    return contiguous(pc.binary_join_element_wise(*operands, empty))


def _bpchar_length(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return contiguous(pc.utf8_length(pc.utf8_rtrim(arguments[0].array, " ")))


def _substring(text: Any, start: int, length: int | None = None) -> Any:
    if length is None:
        return text[max(start - 1, 0) :]
    if length < 0:
        raise SubstringError("negative substring length not allowed")
    stop = start - 1 + length
    return text[max(start - 1, 0) : max(stop, 0)]


def _left(text: str, count: int) -> str:
    return text[:count]


def _right(text: str, count: int) -> str:
    if count < 0:
        return text[-count:]
    return text[len(text) - count :] if count < len(text) else text


def _pad(text: str, length: int, fill: str, *, is_left: bool) -> str:
    length = max(length, 0)
    if len(text) >= length or not fill:
        return text[:length]
    missing = length - len(text)
    padding = (fill * (missing // len(fill) + 1))[:missing]
    return padding + text if is_left else text + padding


def _lpad(text: str, length: int, fill: str = " ") -> str:
    return _pad(text, length, fill, is_left=True)


def _rpad(text: str, length: int, fill: str = " ") -> str:
    return _pad(text, length, fill, is_left=False)


def _split_part(text: str, separator: str, field: int) -> str:
    if field == 0:
        raise InvalidParameterValue("field position must not be zero")
    parts = text.split(separator) if separator else [text]
    position = field - 1 if field > 0 else len(parts) + field
    return parts[position] if 0 <= position < len(parts) and text else ""


def _repeat(text: str, count: int) -> str:
    if count > 0 and len(text.encode()) * count > _TEXT_BYTES_MAX:
        raise ProgramLimitExceeded("requested length too large")
    return text * max(count, 0)


def _initcap(text: str) -> str:
    result, in_word = [], False
    for character in text:
        result.append(character.lower() if in_word else character.upper())
        in_word = character.isalnum()
    return "".join(result)


def _translate(text: str, source: str, target: str) -> str:
    table: dict[int, str | None] = {}
    for position, character in enumerate(source):
        table.setdefault(ord(character), target[position] if position < len(target) else None)
    return text.translate(table)


def _simple_case(text: str, *, upper: bool) -> str:
    # C.UTF-8 maps one character to one character: upper('ß') stays 'ß', lower('İ') is 'i'.
    mapped = (c.upper() if upper else c.lower() for c in text.replace("İ", "İ" if upper else "i"))
    return "".join(m if len(m) == 1 else c for c, m in zip(text, mapped))


def _concat(*values: str | None) -> str:
    return "".join(value for value in values if value is not None)


def _concat_ws(separator: str | None, *values: str | None) -> str | None:
    return None if separator is None else separator.join(v for v in values if v is not None)


def _ascii(text: str) -> int:
    return ord(text[0]) if text else 0


def _chr(code: int) -> str:
    if code == 0:
        raise ProgramLimitExceeded("null character not permitted")
    if not 0 < code <= 0x10FFFF:
        raise ProgramLimitExceeded(f"requested character too large for encoding: {code}")
    return chr(code)


def _overlay(text: str, replacement: str, start: int, length: int | None = None) -> str:
    if start <= 0:
        raise SubstringError("negative substring length not allowed")
    count = len(replacement) if length is None else length
    return text[: start - 1] + replacement + text[max(start - 1 + count, 0) :]


def _encode(data: bytes, encoding: str) -> str:
    match encoding.lower():
        case "hex":
            return data.hex()
        case "base64":
            text = base64.b64encode(data).decode()
            return "\n".join(text[i : i + 76] for i in range(0, len(text), 76))
        case "escape":
            return "".join("\\\\" if b == 92 else chr(b) if 0 < b < 128 else f"\\{b:03o}" for b in data)
    raise InvalidParameterValue(f'unrecognized encoding: "{encoding}"')


def _decode(text: str, encoding: str) -> bytes:
    match encoding.lower():
        case "hex":
            return _decode_hex(text)
        case "base64":
            return _decode_base64(text)
    raise InvalidParameterValue(f'unrecognized encoding: "{encoding}"')


def _decode_hex(text: str) -> bytes:
    digits = "".join(text.split())
    wrong = next((c for c in digits if c not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        raise InvalidParameterValue(f'invalid hexadecimal digit: "{wrong}"')
    if len(digits) % 2:
        raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
    return bytes.fromhex(digits)


def _decode_base64(text: str) -> bytes:
    symbols = "".join(text.split())
    wrong = next((c for c in symbols if not (c.isascii() and (c.isalnum() or c in "+/="))), None)
    if wrong is not None:
        raise InvalidParameterValue(f'invalid symbol "{wrong}" found while decoding base64 sequence')
    try:
        return base64.b64decode(symbols)
    except binascii.Error:
        raise InvalidParameterValue(
            "invalid base64 end sequence",
            hint="Input data is missing padding, is truncated, or is otherwise corrupted.",
        ) from None


def _trim(function: Any) -> Kernel:
    """btrim, ltrim, rtrim with a constant or per-row character set; blanks without one."""
    rows = row_kernel(lambda text, characters: function(text, characters) if characters else text)

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        if len(arguments) == 1:
            arguments = (arguments[0], Datum(pa.array([" "]), True))
        return rows(arguments, site)

    return kernel


def _to_hex(value: int, bits: int) -> str:
    return format(value & ((1 << bits) - 1), "x")


def _column_kernels() -> dict[str, Kernel]:
    """Those that Arrow has for a whole column."""
    sub = column_kernel(text_columns.substring, _substring)
    position = column_kernel(text_columns.position, lambda text, part: text.find(part) + 1, needs_ascii=True)
    kernels = {
        "upper(25)": column_kernel(text_columns.upper, lambda text: _simple_case(text, upper=True), needs_ascii=True),
        "lower(25)": column_kernel(text_columns.lower, lambda text: _simple_case(text, upper=False), needs_ascii=True),
        "replace(25,25,25)": column_kernel(text_columns.replace, lambda text, old, new: text.replace(old, new) if old else text),
        "left(25,23)": column_kernel(text_columns.left, _left), "right(25,23)": column_kernel(text_columns.right, _right),
        "starts_with(25,25)": column_kernel(text_columns.starts_with, str.startswith),
        "position(25,25)": position, "strpos(25,25)": position,
    }  # fmt: skip
    for name in ("substring", "substr"):
        for oid, kernel in ((25, sub), (17, row_kernel(_substring))):
            kernels[f"{name}({oid},23)"] = kernels[f"{name}({oid},23,23)"] = kernel
    return kernels


def text_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name; overloads of several families are `name(oid,...)`."""
    kernels: dict[str, Kernel] = {}
    for base in ("text", "bpchar", "name"):
        kernels[f"{base}like"] = _match_kernel(like, ignore_case=False, is_negated=False)
        kernels[f"{base}nlike"] = _match_kernel(like, ignore_case=False, is_negated=True)
        kernels[f"{base}iclike"] = _match_kernel(like, ignore_case=True, is_negated=False)
        kernels[f"{base}icnlike"] = _match_kernel(like, ignore_case=True, is_negated=True)
        kernels[f"{base}regexeq"] = _match_kernel(regex, ignore_case=False, is_negated=False)
        kernels[f"{base}regexne"] = _match_kernel(regex, ignore_case=False, is_negated=True)
        kernels[f"{base}icregexeq"] = _match_kernel(regex, ignore_case=True, is_negated=False)
        kernels[f"{base}icregexne"] = _match_kernel(regex, ignore_case=True, is_negated=True)
    kernels |= {
        "like(25,25)": kernels["textlike"], "notlike(25,25)": kernels["textnlike"],
        "like_escape(25,25)": row_kernel(like_escape),
        "textcat": _concatenate, "byteacat": _concatenate,
        "length(25)": _arrow_kernel(pc.utf8_length, pa.int32()), "char_length(25)": _arrow_kernel(pc.utf8_length, pa.int32()),
        "character_length(25)": _arrow_kernel(pc.utf8_length, pa.int32()),
        "length(17)": _arrow_kernel(pc.binary_length, pa.int32()), "octet_length(25)": _arrow_kernel(pc.binary_length, pa.int32()),
        "octet_length(17)": _arrow_kernel(pc.binary_length, pa.int32()),
        "reverse(25)": _arrow_kernel(pc.utf8_reverse, pa.utf8()),
        "initcap(25)": row_kernel(_initcap), "ascii(25)": row_kernel(_ascii), "chr(23)": row_kernel(_chr),
        "repeat(25,23)": row_kernel(_repeat), "split_part(25,25,23)": row_kernel(_split_part),
        "translate(25,25,25)": row_kernel(_translate),
        "md5(25)": row_kernel(lambda text: hashlib.md5(text.encode()).hexdigest()),
        "md5(17)": row_kernel(lambda data: hashlib.md5(data).hexdigest()),
        "sha256(17)": row_kernel(lambda data: hashlib.sha256(data).digest()),
        "encode(17,25)": row_kernel(_encode), "decode(25,25)": row_kernel(_decode),
        "to_hex(23)": row_kernel(lambda v: _to_hex(v, 32)), "to_hex(20)": row_kernel(lambda v: _to_hex(v, 64)),
        "quote_ident(25)": row_kernel(quote_ident), "quote_literal(25)": row_kernel(quote_literal),
        "quote_nullable(25)": null_aware_row_kernel(quote_nullable),
    }  # fmt: skip
    for oid in (BPCHAR.oid,):
        for name in ("length", "char_length", "character_length"):
            kernels[f"{name}({oid})"] = _bpchar_length
    for name, trim in (("btrim", str.strip), ("ltrim", str.lstrip), ("rtrim", str.rstrip)):
        kernels[f"{name}(25)"] = kernels[f"{name}(25,25)"] = _trim(trim)
    for name, pad in (("lpad", _lpad), ("rpad", _rpad)):
        kernels[f"{name}(25,23)"] = kernels[f"{name}(25,23,25)"] = row_kernel(pad)
    for extra in ("", ",23"):
        kernels[f"overlay(25,25,23{extra})"] = row_kernel(_overlay)
    return kernels | _column_kernels()


def _joined(left: str | None, right: str | None) -> str | None:
    return None if left is None or right is None else left + right


VARIADIC_TEXT: dict[str, Callable[..., Any]] = {
    "concat": _concat, "concat_ws": _concat_ws, "format": format_text, "anytextcat": _joined, "textanycat": _joined,
    "quote_literal": lambda value: None if value is None else quote_literal(value), "quote_nullable": quote_nullable,
}  # fmt: skip
"""Functions of any number of arguments of any type; each argument reaches them in its text form."""
