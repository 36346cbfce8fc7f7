"""Settings whose text has a grammar of its own: check functions by setting name.

A check takes the text given and the value in force (canonical), and returns the canonical value. What
PostgreSQL knows and Quiver does not do is refused by name (0A000); what PostgreSQL does not know is 22023.
"""

from __future__ import annotations

from collections.abc import Callable

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from foundation.text_search_names import configuration_oid
from foundation.time_zones import canonical_zone

_DATE_ORDERS = {
    "YMD": "YMD", "DMY": "DMY", "EURO": "DMY", "EUROPEAN": "DMY", "MDY": "MDY", "US": "MDY", "NONEURO": "MDY",
    "NONEUROPEAN": "MDY",
}  # fmt: skip
_DATE_STYLES_REFUSED = ("SQL", "POSTGRES", "GERMAN")
_DATE_ORDER_DEFAULT = "MDY"
_INTERVAL_STYLES_REFUSED = ("postgres_verbose", "sql_standard")


def check_client_encoding(text: str, _current: str) -> str:
    # asyncpg sends the name in quotes; PostgreSQL compares letters and digits alone.
    word = "".join(c for c in text.lower() if c.isalnum())
    if word not in ("utf8", "unicode", "sqlascii"):
        raise FeatureNotSupported(f'client_encoding "{text}" is not supported', hint="Use UTF8.")
    return "UTF8"


def check_date_style(text: str, current: str) -> str:
    """An output style and an order of input fields, either or both: what is not named stays as it is."""
    order = None
    for word in (part.strip().upper() for part in text.split(",")) if text.strip() else ():
        if word in _DATE_STYLES_REFUSED or word.startswith("POSTGRES"):
            raise FeatureNotSupported(f'DateStyle "{text}" is not supported', hint="Use ISO.")
        if word == "ISO":
            continue
        if word == "DEFAULT":
            order = order or _DATE_ORDER_DEFAULT
        elif word not in _DATE_ORDERS:
            raise InvalidParameterValue(
                f'invalid value for parameter "DateStyle": "{text}"',
                detail="List syntax is invalid."
                if " " in word
                else f'Unrecognized key word: "{word.lower()}".',
            )
        elif order not in (None, _DATE_ORDERS[word]):
            raise InvalidParameterValue(
                f'invalid value for parameter "DateStyle": "{text}"',
                detail='Conflicting "datestyle" specifications.',
            )
        else:
            order = _DATE_ORDERS[word]
    return f"ISO, {order or current.rpartition(', ')[2]}"


def check_interval_style(text: str, _current: str) -> str:
    if text in _INTERVAL_STYLES_REFUSED:
        raise FeatureNotSupported(
            f'IntervalStyle "{text}" is not supported', hint="Use postgres or iso_8601."
        )
    return text


def check_time_zone(text: str, _current: str) -> str:
    if text.upper() in ("UTC", "GMT", "DEFAULT", "LOCAL"):
        return "UTC" if text.upper() != "GMT" else "GMT"
    zone = canonical_zone(text)
    if zone is None:
        raise InvalidParameterValue(f'invalid value for parameter "TimeZone": "{text}"')
    return zone


def check_text_search_config(text: str, _current: str) -> str:
    schema, _, name = text.rpartition(".")
    if schema not in ("", "pg_catalog") or configuration_oid(name) is None:
        raise InvalidParameterValue(f'invalid value for parameter "default_text_search_config": "{text}"')
    return f"pg_catalog.{name}"


SETTING_CHECKS: dict[str, Callable[[str, str], str]] = {
    "client_encoding": check_client_encoding,
    "DateStyle": check_date_style,
    "IntervalStyle": check_interval_style,
    "TimeZone": check_time_zone,
    "default_text_search_config": check_text_search_config,
}
"""Run after the type's own check."""
