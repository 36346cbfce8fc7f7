"""Casts of types that have files of their own: (source OID, target OID) -> the function that converts a column.

`planner.evaluate.casts` asks here before the text forms and the conversions of common types, which it has itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import pyarrow as pa

from planner.functions.char_conversions import char_conversions
from planner.functions.datum import CallSite
from planner.functions.implementations_money import money_conversions
from planner.functions.implementations_network import network_conversions
from planner.functions.implementations_ranges import range_conversions
from planner.functions.implementations_timetz import timetz_conversions

Conversion: TypeAlias = Callable[[pa.Array, CallSite], pa.Array]
"""(n,) column of the source's Arrow type -> (n,) of the target's, both without typmod."""


@cache
def conversions() -> dict[tuple[int, int], Conversion]:
    """All of them."""
    return {
        **timetz_conversions(), **money_conversions(), **network_conversions(), **char_conversions(),
        **range_conversions(),
    }  # fmt: skip
