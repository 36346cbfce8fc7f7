"""~ ~* !~ !~*: whether a regular expression matches, over a column of texts.

A constant pattern runs as one RE2 kernel of Arrow where RE2 means the same: patterns without look-around, over ASCII where
classes of characters are in them. Other texts go one by one (`search`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from planner.functions.datum import Datum, contiguous, row_count_of
from planner.functions.posix_regex.emission import Emitted, emit
from planner.functions.posix_regex.options import RegexOptions, without_director
from planner.functions.posix_regex.parser import parse_regex
from planner.functions.posix_regex.search import compiled_regex


@lru_cache(maxsize=512)
def _for_re2(pattern: str, options: RegexOptions) -> Emitted | None:
    parsed = parse_regex(*without_director(pattern, options))
    return None if parsed is None else emit(parsed[0], for_re2=True)


def regex(strings: Datum, pattern: Datum, *, ignore_case: bool = False, is_negated: bool = False) -> pa.Array:
    """(n,) bool: strings ~ pattern.

    Raises:
        InvalidRegularExpression: 2201B.
    """
    options = RegexOptions(ignores_case=ignore_case)
    if pattern.is_constant:
        text = pattern.array[0].as_py()
        if text is None:
            return pa.nulls(row_count_of((strings,)), pa.bool_())
        result = _matched(strings.array, text, options)
    else:
        result = _row_by_row(strings, pattern, options)
    return contiguous(pc.invert(result)) if is_negated else contiguous(result)


def _matched(texts: pa.Array, pattern: str, options: RegexOptions) -> pa.Array:
    emitted = _for_re2(pattern, options)
    if emitted is None:
        return _one_by_one(texts, pattern, options)
    try:
        result = pc.match_substring_regex(texts, emitted.text)
    except pa.ArrowInvalid:
        # RE2 refuses what would take too much memory, such as large repetition counts.
        return _one_by_one(texts, pattern, options)
    if not emitted.needs_ascii:
        return result
    is_ascii = np.asarray(pc.string_is_ascii(texts).fill_null(True))
    if is_ascii.all():
        return result
    others = pa.array(~is_ascii)
    return pc.replace_with_mask(
        contiguous(result), others, _one_by_one(texts.filter(others), pattern, options)
    )


def _one_by_one(texts: pa.Array, pattern: str, options: RegexOptions) -> pa.Array:
    compiled = compiled_regex(pattern, options)
    found = [None if text is None else compiled.first(text) is not None for text in texts.to_pylist()]
    return pa.array(found, pa.bool_())


def _row_by_row(strings: Datum, patterns: Datum, options: RegexOptions) -> pa.Array:
    row_count = row_count_of((strings, patterns))
    texts, expressions = strings.array.to_pylist(), patterns.array.to_pylist()
    texts = texts * row_count if strings.is_constant else texts
    rows = zip(texts, expressions * row_count if patterns.is_constant else expressions)
    found = [
        None if None in row else compiled_regex(row[1], options).first(row[0]) is not None for row in rows
    ]
    return pa.array(found, pa.bool_())
