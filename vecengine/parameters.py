"""Parameters of index families as data, and their check in the words of PostgreSQL's storage parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from vecengine.errors import BuildParameterError


@dataclass(frozen=True)
class ParameterInfo:
    """One build parameter: an integer, or one of some names, which are the numbers from 0 on.

    Attributes:
        choices: the names in their order; none of an integer.
    """

    name: str
    default: int
    minimum: int
    maximum: int
    help: str
    choices: tuple[str, ...] = ()


def choice(name: str, names: type[IntEnum], default: IntEnum, help: str) -> ParameterInfo:
    """A parameter whose values are the members of an enum that counts from 0, in lower case."""
    choices = tuple(member.name.lower() for member in names)
    return ParameterInfo(name, int(default), 0, len(choices) - 1, help, choices)


def check_parameters(parameters: tuple[ParameterInfo, ...], given: Mapping[str, str | int]) -> dict[str, int]:
    """All parameters with the given values, which may be text as in `WITH (m = '16')`, or their defaults.

    Source: PostgreSQL's src/backend/access/common/reloptions.c, `parseRelOptions`.

    Raises:
        BuildParameterError: 22023, an unknown name, no integer, out of bounds, or none of the choices.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in by_name:
            raise BuildParameterError(f'unrecognized parameter "{name}"')
    return {name: _check_value(parameter, given.get(name)) for name, parameter in by_name.items()}


def _check_value(parameter: ParameterInfo, given: str | int | None) -> int:
    if given is None:
        return parameter.default
    if parameter.choices and isinstance(given, str):
        return _check_choice(parameter, given)
    try:
        value = parse_integer(str(given))
    except ValueError:
        raise BuildParameterError(f'invalid value for integer option "{parameter.name}": {given}') from None
    if not parameter.minimum <= value <= parameter.maximum:
        raise BuildParameterError(
            f'value {given} out of bounds for option "{parameter.name}"',
            detail=f'Valid values are between "{parameter.minimum}" and "{parameter.maximum}".',
        )
    return value


def _check_choice(parameter: ParameterInfo, given: str) -> int:
    if given.lower() not in parameter.choices:
        valid = " and ".join(f'"{name}"' for name in parameter.choices)
        raise BuildParameterError(
            f'invalid value for enum option "{parameter.name}": {given}', detail=f"Valid values are {valid}."
        )
    return parameter.choices.index(given.lower())


def parse_integer(text: str) -> int:
    """An integer as PostgreSQL's `parse_int` reads it: decimal, octal, hexadecimal, or a real number rounded."""
    text = text.strip()
    digits = text.lstrip("+-").lower()
    if not digits or not (digits[0].isdigit() or digits[0] == ".") or "_" in digits:
        raise ValueError(text)
    if digits.startswith("0x"):
        return int(text, 16)
    if digits.isdigit() and len(digits) > 1 and digits.startswith("0"):
        return int(text, 8)
    if digits.isdigit():
        return int(text)
    value = float(text)
    if abs(value) > 2**31:
        raise ValueError(text)
    return round(value)
