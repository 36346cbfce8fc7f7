"""What the text forms of values depend on beside the value: the session's settings and names of catalog objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from foundation.settings import SettingValues


@dataclass(frozen=True, slots=True)
class CodecContext:
    """Settings that codecs read, and the resolvers of names for reg* types.

    `reg_names(type_oid, oid)` gives the name a regclass, regtype, ... prints as, None when there is no such
    object; `reg_oids(type_oid, name)` is its inverse for input. Without them numbers are printed and read.
    """

    time_zone: str = "UTC"
    date_order: str = "MDY"
    bytea_output: str = "hex"
    interval_style: str = "postgres"
    extra_float_digits: int = 1
    reg_names: Callable[[int, int], str | None] | None = None
    reg_oids: Callable[[int, str], int | None] | None = None

    @classmethod
    def of(
        cls,
        settings: SettingValues,
        reg_names: Callable[[int, int], str | None] | None = None,
        reg_oids: Callable[[int, str], int | None] | None = None,
    ) -> CodecContext:
        """The context of a session with these settings."""
        plain = settings.derived(_without_names)
        if reg_names is None and reg_oids is None:
            return plain
        return cls(
            plain.time_zone,
            plain.date_order,
            plain.bytea_output,
            plain.interval_style,
            plain.extra_float_digits,
            reg_names,
            reg_oids,
        )


def _without_names(settings: SettingValues) -> CodecContext:
    return CodecContext(
        time_zone=settings.get("TimeZone"),
        date_order=date_order_of(settings.get("DateStyle")),
        bytea_output=settings.get("bytea_output"),
        interval_style=settings.get("IntervalStyle"),
        extra_float_digits=settings.integer("extra_float_digits"),
    )


CodecSettings: TypeAlias = CodecContext | SettingValues
"""What the public functions take: a ready context, or the settings to make one from."""

DEFAULT_CONTEXT = CodecContext()


def context_of(settings: CodecSettings) -> CodecContext:
    return settings if isinstance(settings, CodecContext) else CodecContext.of(settings)


def date_order_of(date_style: str) -> str:
    """'MDY', 'DMY' or 'YMD' out of a DateStyle value (`ISO, DMY`)."""
    words = {word.strip().upper() for word in date_style.split(",")}
    if words & {"DMY", "EURO", "EUROPEAN"}:
        return "DMY"
    return "YMD" if "YMD" in words else "MDY"
