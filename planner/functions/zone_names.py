"""The time zones that SET TimeZone takes, as pg_timezone_names lists them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta


def time_zone_rows(at: datetime | None = None) -> Iterator[tuple[str, str, tuple[int, int, int], bool]]:
    """(name, abbreviation, offset from UTC as (months, days, nanoseconds), is daylight saving time), by name.

    `at` is the moment the offsets are of; now by default.
    """
    moment = at or datetime.now(UTC)
    for name in sorted(zoneinfo.available_timezones()):
        local = moment.astimezone(zoneinfo.ZoneInfo(name))
        offset = local.utcoffset() or timedelta()
        nanoseconds = int(offset.total_seconds()) * 1_000_000_000
        yield name, local.tzname() or name, (0, 0, nanoseconds), bool(local.dst())
