"""Enum types of this process: their labels, by type OID.

A value of an enum is stored and carried as an int64 *position*: positions are `POSITION_STEP` apart when the type is
made, and a label that is added between two others takes the middle of the gap. So integers order as the labels do, and
every key, index and kernel sorts an enum as it sorts a bigint. The text of a label is here alone.

`register_enum` makes a type known to `foundation.sqltypes`, under its OID and its array type's. OIDs of enums are
random and never used twice, so the types of several open directories and databases do not meet. Storage registers
what is committed, and new types at once: a label added by a transaction becomes known when that one commits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidTextRepresentation, ProgramLimitExceeded
from foundation.sqltypes import TYPES, TypeInfo, register_type, sql_identifier

POSITION_STEP = 1 << 32


@dataclass(frozen=True)
class EnumLabels:
    """The labels of an enum in its order. `positions` are (n,) ascending, paired with `labels`."""

    type_name: str
    labels: tuple[str, ...]
    positions: tuple[int, ...]

    @cached_property
    def _position_of(self) -> dict[str, int]:
        return dict(zip(self.labels, self.positions, strict=True))

    @cached_property
    def _arrays(self) -> tuple[pa.Array, pa.Array]:
        return pa.array(self.labels, pa.utf8()), pa.array(self.positions, pa.int64())

    def position(self, label: str) -> int:
        """The stored value of a label. Raises InvalidTextRepresentation (22P02)."""
        position = self._position_of.get(label)
        if position is None:
            raise self.unknown(label)
        return position

    def label(self, position: int) -> str:
        """The label at a stored position."""
        return self.labels[bisect_left(self.positions, position)]

    def to_positions(self, strings: pa.Array) -> pa.Array:
        """(n,) utf8 -> (n,) int64; NULL stays NULL. Raises InvalidTextRepresentation (22P02) for the first stranger."""
        labels, positions = self._arrays
        found = pc.index_in(strings, value_set=labels)
        if found.null_count != strings.null_count:
            strange = pc.and_(found.is_null(), strings.is_valid())
            raise self.unknown(strings[pc.index(strange, True).as_py()].as_py())
        return positions.take(found)

    def to_labels(self, column: pa.Array) -> pa.Array:
        """(n,) int64 -> (n,) utf8; NULL stays NULL."""
        labels, positions = self._arrays
        return labels.take(pc.index_in(column, value_set=positions))

    def unknown(self, text: str) -> InvalidTextRepresentation:
        return InvalidTextRepresentation(f'invalid input value for enum {self.type_name}: "{text}"')


ENUMS: dict[int, EnumLabels] = {}
"""By type OID."""


def register_enum(oids: tuple[int, int], name: str, schema: str, labels: Iterable[tuple[int, str]]) -> None:
    """Make an enum known, or what is known of it new.

    Args:
        oids: the type's and its array type's.
        labels: (position, label), ascending.
    """
    pairs = list(labels)
    shown = sql_identifier(name)
    ENUMS[oids[0]] = EnumLabels(name, tuple(text for _, text in pairs), tuple(at for at, _ in pairs))
    register_type(TypeInfo(oids[0], name, shown, 4, "E", array_oid=oids[1], schema=schema), pa.int64())
    array = TypeInfo(oids[1], "_" + name, shown + "[]", -1, "A", element_oid=oids[0], schema=schema)
    register_type(array, None)


def is_enum(oid: int) -> bool:
    return oid in ENUMS


def is_enum_or_array(oid: int) -> bool:
    info = TYPES.get(oid)
    return info is not None and (oid in ENUMS or info.element_oid in ENUMS)


def first_positions(count: int) -> list[int]:
    """The positions of a new type's labels."""
    return np.arange(0, count * POSITION_STEP, POSITION_STEP, dtype=np.int64).tolist()


def position_between(before: int | None, after: int | None) -> int:
    """A position for a label between two others; None stands for an end.

    Raises:
        ProgramLimitExceeded: 54000, no integer is left between the two.
    """
    if before is None:
        return 0 if after is None else after - POSITION_STEP
    if after is None:
        return before + POSITION_STEP
    middle = (before + after) // 2
    if middle == before:
        raise ProgramLimitExceeded(
            "too many enum labels were added at one place",
            hint="Create another type with the labels in their order and convert the columns.",
        )
    return middle
