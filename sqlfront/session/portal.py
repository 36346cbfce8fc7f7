"""A portal: one bound statement on its way through execution, as the protocol pulls it.

Nothing runs before `start`. Batches of any size come from the outcome; `next_batch` cuts them to the row limit
of an Execute message and keeps the rest.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from sqlfront.backend import CopyIn, CopyOut, ResultColumn
from sqlfront.session.joint_inserts import JoinableInsert
from sqlfront.session.outcome import Outcome


def _alone() -> None:
    return None


class LazyPortal:
    """Runs `run()` at the first Execute.

    `finish` is called once, after the last row and before the command tag is given out: it commits where the
    statement is a transaction of its own, so that no client reads success before the rows are on disk.
    """

    def __init__(
        self,
        columns: tuple[ResultColumn, ...] | None,
        run: Callable[[], Outcome],
        finish: Callable[[], None],
        *,
        is_short: bool = False,
        join: Callable[[], JoinableInsert | None] = _alone,
    ) -> None:
        self.columns = columns
        self.is_short = is_short
        self._join = join
        self._joined: JoinableInsert | None = None
        self.is_holdable = False
        self._run = run
        self._finish = finish
        self._outcome: Outcome | None = None
        self._rest: pa.RecordBatch | None = None
        self._tag: str | None = None

    def joinable(self) -> JoinableInsert | None:
        self._joined = self._join() if self._outcome is None else None
        return self._joined

    def start(self) -> CopyIn | CopyOut | None:
        if self._outcome is not None:
            return None
        joined, self._joined = self._joined or self._join(), None
        tag = None if joined is None else joined.take_tag()
        self._outcome = self._run() if tag is None else Outcome(tag)
        if self._outcome.columns is not None:
            self.columns = self._outcome.columns
        copy = self._outcome.copy
        if copy is None:
            return None
        return _FinishingCopyIn(copy, self._finish) if isinstance(copy, CopyIn) else copy

    def next_batch(self, rows_max: int) -> pa.RecordBatch | None:
        if self._outcome is None:
            self.start()
        assert self._outcome is not None
        batch = self._rest if self._rest is not None else self._pull()
        self._rest = None
        if batch is not None and 0 < rows_max < batch.num_rows:
            self._rest = batch.slice(rows_max)
            batch = batch.slice(0, rows_max)
        return batch

    def _pull(self) -> pa.RecordBatch | None:
        assert self._outcome is not None
        for batch in self._outcome.batches:
            if batch.num_rows:
                return batch
        return None

    def command_tag(self) -> str:
        assert self._outcome is not None
        if self._tag is None:
            tag = self._outcome.final_tag()
            self._finish()
            self._tag = tag
        return self._tag

    def close(self) -> None:
        if self._joined is not None:
            self._joined.close()
            self._joined = None
        if self._outcome is not None and self._outcome.on_close is not None:
            self._outcome.on_close()
            self._outcome.on_close = None


class _FinishingCopyIn:
    """A CopyIn whose success is told only after `finish`."""

    def __init__(self, inner: CopyIn, finish: Callable[[], None]) -> None:
        self.format = inner.format
        self.column_count = inner.column_count
        self._inner = inner
        self._finish = finish

    def feed(self, data: bytes) -> None:
        self._inner.feed(data)

    def finish(self) -> str:
        tag = self._inner.finish()
        self._finish()
        return tag

    def fail(self, message: str) -> None:
        self._inner.fail(message)
