"""What was decided of a search of one view of a table, and one run of it through all segments.

`planner.repeated_topk` decides and keeps; here segments are searched for one query, with a bound on the distance or without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from planner.repeated_parts import Column, Found, Part
from planner.repeated_ranges import UpperBound, Within
from planner.repeated_reads import TakesLong

if TYPE_CHECKING:
    from storage import SegmentView


@dataclass(slots=True)
class Habit:
    """What the last search of an entry met with. Threads may overwrite each other's: it decides the order of the work alone."""

    falls_short: bool = False
    """Fewer rows than wanted were within the bound."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A search of one view: `segments[i]` by `parts[i]`, cut to rows `offset` to `stop`."""

    index_oid: int
    """0 where all segments are scanned."""
    visible_count: int
    segments: tuple[SegmentView, ...]
    parts: tuple[Part, ...]
    columns: tuple[tuple[Column | None, ...], ...]
    """For each segment its columns of the select list; None for the distance."""
    offset: int
    stop: int
    withins: tuple[Within | None, ...]
    """How all rows within a bound are found; None where there is no bound, and where a part compares all rows anyway."""
    habit: Habit = field(default_factory=Habit)

    @property
    def expected_distances(self) -> float:
        """Of a search that meets with what the last one did."""
        if not self.habit.falls_short:
            return sum(part.expected_distances for part in self.parts)
        return sum((within or part).expected_distances for part, within in zip(self.parts, self.withins))


class Attempt(NamedTuple):
    """One query: (1, d) float32 and contiguous. `budget`: how many distances there is time for; 0 = all."""

    entry: Entry
    query: npt.NDArray[np.float32]
    cancel: npt.NDArray[np.int32]
    budget: int


def nearest(attempt: Attempt) -> Sequence[Found] | None:
    """The nearest rows of each segment; None when they are too few.

    Raises:
        TakesLong: beyond the budget. QueryCanceled: 57014.
    """
    found = _of_parts(attempt)
    return None if found is None or _count(found) < attempt.entry.stop else found


def nearest_within(attempt: Attempt, bounding: UpperBound, radius: float) -> Sequence[Found] | None:
    """The nearest rows within a radius, complete where they are fewer than wanted; None and errors as `nearest`.

    What the last search met with says what is tried first, not what is answered: as many rows as wanted are those that the
    index finds, fewer are those that a comparison of all rows finds.
    """
    entry = attempt.entry
    was_short = entry.habit.falls_short
    if not was_short:
        near = _cut(_of_parts(attempt), bounding, radius)
        if near is None or _count(near) >= entry.stop or not any(entry.withins):
            return near
        entry.habit.falls_short = True
        if attempt.budget and entry.expected_distances > attempt.budget:
            raise TakesLong
    whole = _all_within(attempt, bounding, radius)
    if whole is None:
        return None
    entry.habit.falls_short = _count(whole) < entry.stop
    if was_short and not entry.habit.falls_short:
        near = _cut(_of_parts(attempt), bounding, radius)
        if near is None or _count(near) >= entry.stop:
            return near
    return whole


def _of_parts(attempt: Attempt) -> Sequence[Found] | None:
    found = []
    for part in attempt.entry.parts:
        answer = _answer(attempt, part)
        if answer is None:
            return None
        found.append(answer)
    return found


def _all_within(attempt: Attempt, bounding: UpperBound, radius: float) -> Sequence[Found] | None:
    found = []
    for part, within in zip(attempt.entry.parts, attempt.entry.withins, strict=True):
        if within is not None:
            found.append(within.run(attempt.query, bounding, radius, attempt.cancel))
            continue
        answer = _answer(attempt, part)
        if answer is None:
            return None
        found.append(_cut_part(answer, bounding, radius))
    return found


def _answer(attempt: Attempt, part: Part) -> Found | None:
    answer = part.run(attempt.query, attempt.cancel, 2 * attempt.budget)
    if answer is None and attempt.budget:
        raise TakesLong
    return answer


def _cut(found: Sequence[Found] | None, bounding: UpperBound, radius: float) -> Sequence[Found] | None:
    return None if found is None else [_cut_part(part, bounding, radius) for part in found]


def _cut_part(part: Found, bounding: UpperBound, radius: float) -> Found:
    count = bounding.count(part[0], radius)
    return part[0][:count], part[1][:count]


def _count(found: Sequence[Found]) -> int:
    return sum(len(part[1]) for part in found)
