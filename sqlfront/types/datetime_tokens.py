"""The words and tokens that texts of dates and times are made of. Data only; `datetime_input` gives them their meaning."""

from __future__ import annotations

import re

_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = {name[:3]: i + 1 for i, name in enumerate(_MONTH_NAMES)}
MONTHS |= {name: i + 1 for i, name in enumerate(_MONTH_NAMES)} | {"sept": 9}
IGNORED = {name[:3] for name in _DAY_NAMES} | set(_DAY_NAMES)
IGNORED |= {"tues", "weds", "thur", "thurs", "at", "on"}
RELATIVE_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}

ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)
TOKEN = re.compile(
    r"(?P<time>\d+:[\d:.]*)"
    r"|(?P<date>\d+([-/.])(?:\d+(?:\3\d*)+|[A-Za-z]+(?:\3?[0-9A-Za-z]+)*)"
    r"|[A-Za-z]+([-/.])\d+\4\d+|\d+[-/]\d+(?=\s|$|[A-Za-z,]))"
    r"|(?P<number>\d+(?:\.\d*)?|\.\d+)"
    r"|(?P<zone>[+-]\d[\d:]*)"
    r"|(?P<sign>[+-]\s*[A-Za-z]+)"
    r"|(?P<word>[A-Za-z]{3,}\d{1,2}[A-Za-z]{3,}|[A-Za-z]+(?:/[A-Za-z_/+\-0-9]+)?)"
    r"|(?P<skip>[\s,;]+|[^\w\s+\-.:/])",
    re.ASCII,
)
COMPACT_TIME = re.compile(r"\s*(?:[Tt]\s*)?(\d{4}|\d{6})(?:\.(\d*))?\s*([+-]\d[\d:]*)?\s*", re.ASCII)
DATE_PARTS = re.compile(r"\d+|[A-Za-z]+", re.ASCII)
