"""Settings as text: reading what a client gives, and writing what SHOW answers.

A value is kept in canonical text without its unit (`'8GB'` of a kB setting is `'8388608'`). Numbers are read as
PostgreSQL reads them, with C's strtol (base 0) and strtod; see `parse_int` and `parse_real` in
postgres/postgres:src/backend/utils/misc/guc.c.
"""

from __future__ import annotations

import math
import re

from foundation.errors import InvalidParameterValue
from foundation.setting_checks import SETTING_CHECKS
from foundation.setting_definitions import Setting, SettingType, Unit

_FACTORS: dict[str, tuple[Unit, float]] = {
    "us": (Unit.MS, 0.001), "ms": (Unit.MS, 1), "s": (Unit.MS, 1000), "min": (Unit.MS, 60_000),
    "h": (Unit.MS, 3_600_000), "d": (Unit.MS, 86_400_000),
    "B": (Unit.BYTE, 1), "kB": (Unit.BYTE, 1024), "MB": (Unit.BYTE, 1024**2), "GB": (Unit.BYTE, 1024**3),
    "TB": (Unit.BYTE, 1024**4),
}  # fmt: skip
_TRUE, _FALSE = ("on", "true", "yes", "1"), ("off", "false", "no", "0")
_MS_SHOWN = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))
_KB_SHOWN = ((1024**3, "TB"), (1024**2, "GB"), (1024, "MB"), (1, "kB"))
_INT_MIN, _INT_MAX = -(1 << 31), (1 << 31) - 1
_LONG_MAX = (1 << 63) - 1
_STRTOL = re.compile(r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_STRTOD = re.compile(
    r"\s*([+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan))",
    re.IGNORECASE,
)


def parse_setting(setting: Setting, text: str, current: str | None = None, *, spelled: str = "") -> str:
    """Check a value and bring it to canonical text without unit (`'8GB'` -> `'8388608'` for a kB setting).

    Args:
        setting: whose value it is.
        text: as given.
        current: canonical value in force, which parts of a value may be kept of (DateStyle); None = default.
        spelled: the name as given, for messages; '' = the setting's own spelling.

    Raises:
        InvalidParameterValue: 22023, in PostgreSQL's words.
        FeatureNotSupported: 0A000, PostgreSQL knows the value, Quiver does not.
    """
    name = spelled or setting.name
    match setting.type:
        case SettingType.BOOL:
            text = _parse_bool(name, text)
        case SettingType.ENUM:
            text = _parse_enum(setting, name, text)
        case SettingType.INTEGER:
            text = _parse_integer(setting, name, text)
        case SettingType.REAL:
            text = _parse_real(setting, name, text)
        case SettingType.STRING:
            pass
    check = SETTING_CHECKS.get(setting.name)
    return check(text, setting.default if current is None else current) if check else text


def show_setting(setting: Setting, value: str) -> str:
    """SHOW's form of a canonical value: `'8388608'` of a kB setting is `8GB`."""
    if setting.type is SettingType.REAL:
        return plain_value(setting, value)
    if setting.unit is Unit.NONE or value == "0" or value.startswith("-"):
        return value
    number = int(value)
    for factor, unit in _MS_SHOWN if setting.unit is Unit.MS else _KB_SHOWN:
        if number % factor == 0:
            return f"{number // factor}{unit}"
    return value


def plain_value(setting: Setting, value: str) -> str:
    """pg_settings' form of a canonical value: no unit, six significant digits of a real number."""
    return f"{float(value):g}" if setting.type is SettingType.REAL else value


def bound_text(setting: Setting, bound: float | None) -> str | None:
    """A limit of a numeric setting as messages and pg_settings have it; None when there is none."""
    if bound is None:
        return None
    return f"{bound:g}" if setting.type is SettingType.REAL else str(int(bound))


def _invalid(name: str, text: str, hint: str | None = None) -> InvalidParameterValue:
    return InvalidParameterValue(f'invalid value for parameter "{name}": "{text}"', hint=hint)


def _parse_bool(name: str, text: str) -> str:
    word = text.lower()
    if word:
        matches = {value in _TRUE for value in (*_TRUE, *_FALSE) if value.startswith(word)}
        if len(matches) == 1:
            return "on" if matches.pop() else "off"
    raise InvalidParameterValue(f'parameter "{name}" requires a Boolean value')


def _parse_enum(setting: Setting, name: str, text: str) -> str:
    word = text.lower()
    if word in setting.values:
        return word
    if word in (*_TRUE, *_FALSE) and "on" in setting.values and "off" in setting.values:
        return "on" if word in _TRUE else "off"
    raise _invalid(name, text, f"Available values: {', '.join(setting.values)}.")


def _parse_integer(setting: Setting, name: str, text: str) -> str:
    found = _STRTOL.match(text)
    number, end = (0.0, 0) if found is None else (_strtol(found), found.end())
    if text[end : end + 1] in (".", "e", "E") or abs(number) > _LONG_MAX:
        number, end = _strtod(text)
    if end == 0 or math.isnan(number):
        raise _invalid(name, text)
    number *= _unit_factor(setting, name, text, text[end:].strip())
    if not _INT_MIN <= number <= _INT_MAX or not _INT_MIN <= round(number) <= _INT_MAX:
        raise _invalid(name, text, "Value exceeds integer range.")
    whole = round(number)
    _check_range(setting, name, whole, str(whole))
    return str(whole)


def _parse_real(setting: Setting, name: str, text: str) -> str:
    number, end = _strtod(text)
    if end == 0 or math.isnan(number):
        raise _invalid(name, text)
    number *= _unit_factor(setting, name, text, text[end:].strip())
    _check_range(setting, name, number, f"{number:g}" if math.isfinite(number) else _infinity(number))
    return repr(number).removesuffix(".0")


def _infinity(number: float) -> str:
    return "Infinity" if number > 0 else "-Infinity"


def _strtol(found: re.Match[str]) -> float:
    sign, hexadecimal, octal, decimal = found.groups()
    digits, base = (hexadecimal, 16) if hexadecimal else (octal, 8) if octal else (decimal, 10)
    return -int(digits, base) if sign == "-" else int(digits, base)


def _strtod(text: str) -> tuple[float, int]:
    """The number a text begins with and where it ends; (0, 0) when there is none or it is too large."""
    found = _STRTOD.match(text)
    if found is None:
        return 0.0, 0
    digits = found[1].lower()
    number = float.fromhex(digits) if "x" in digits else float(digits)
    is_overflow = math.isinf(number) and "inf" not in digits
    return (0.0, 0) if is_overflow else (number, found.end())


def _check_range(setting: Setting, name: str, number: float, shown: str) -> None:
    assert setting.minimum is not None and setting.maximum is not None
    if not setting.minimum <= number <= setting.maximum:
        suffix = f" {setting.unit.value}" if setting.unit is not Unit.NONE else ""
        raise InvalidParameterValue(
            f'{shown}{suffix} is outside the valid range for parameter "{name}" '
            f"({bound_text(setting, setting.minimum)} .. {bound_text(setting, setting.maximum)})"
        )


def _unit_factor(setting: Setting, name: str, text: str, unit: str) -> float:
    if not unit:
        return 1
    known = _FACTORS.get(unit)
    family = Unit.MS if setting.unit is Unit.MS else Unit.BYTE
    if setting.unit is Unit.NONE or known is None or known[0] is not family:
        hint = None
        if setting.unit is Unit.MS:
            hint = 'Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".'
        elif setting.unit is not Unit.NONE:
            hint = 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".'
        raise _invalid(name, text, hint)
    return known[1] / 1024 if setting.unit is Unit.KILOBYTE else known[1]
