"""What running one statement gives: a command tag, and rows or a COPY stream where it has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from foundation.sqltypes import TEXT, SqlType
from sqlfront.backend import CopyIn, CopyOut, ResultColumn


@dataclass(slots=True)
class Outcome:
    """One statement's result.

    `batches` are pulled lazily; `tag` is asked for after the last one. `on_close` gives up what the statement
    holds when it is abandoned half way.
    """

    tag: str | Callable[[], str] = ""
    columns: tuple[ResultColumn, ...] | None = None
    batches: Iterator[pa.RecordBatch] = field(default_factory=lambda: iter(()))
    copy: CopyIn | CopyOut | None = None
    on_close: Callable[[], None] | None = None

    def final_tag(self) -> str:
        return self.tag if isinstance(self.tag, str) else self.tag()


def text_rows(names: tuple[str, ...], rows: list[tuple[str | None, ...]], tag: str) -> Outcome:
    """An outcome of text columns, as SHOW and EXPLAIN return."""
    columns = tuple(ResultColumn(name, TEXT) for name in names)
    arrays = [pa.array([row[i] for row in rows], pa.utf8()) for i in range(len(names))]
    batch = pa.RecordBatch.from_arrays(arrays, names=[f"c{i}" for i in range(len(names))])
    return Outcome(tag, columns, iter([batch]))


def result_columns(columns: tuple[tuple[str, SqlType, int, int], ...]) -> tuple[ResultColumn, ...]:
    return tuple(ResultColumn(*column) for column in columns)
