"""like_regex: XQuery's flags over PostgreSQL's regular expressions, run by Python's `re`.

Flags: i ignores case; without s neither `.` nor a negated class matches a newline; m lets `^` and `$` match at every line;
q makes the pattern plain text, and the others but i meaningless.
"""

from __future__ import annotations

import re
from functools import lru_cache

from planner.functions.patterns import python_regex


@lru_cache(maxsize=256)
def compiled_regex(pattern: str, flags: str) -> re.Pattern[str]:
    """The regular expression of `like_regex "pattern" flag "flags"`.

    Raises:
        InvalidRegularExpression: 2201B.
    """
    ignores_case = "i" in flags
    if "q" in flags:
        return re.compile(re.escape(pattern), re.IGNORECASE if ignores_case else 0)
    return python_regex(pattern, ignores_case, newline_stops="s" not in flags, newline_anchors="m" in flags)
