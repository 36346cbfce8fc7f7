"""A client without a socket: drives a session of an `Instance` in the order in which the wire protocol does.

Rows come back as Python values of the Arrow columns, one list of tuples a statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from foundation.errors import QuiverError
from quiver.instance import Instance
from sqlfront.backend import CopyIn, CopyOut, Notification, Portal, StartupParameters, TransactionStatus
from sqlfront.session.session import LocalSession


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement gave: its command tag, its rows, or the bytes of a COPY TO."""

    tag: str
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    copied: bytes = b""


class Client:
    """One session, with the conveniences of a driver."""

    def __init__(self, instance: Instance, **settings: str) -> None:
        session = instance.sessions.connect(StartupParameters("postgres", "postgres", settings))
        assert isinstance(session, LocalSession)
        self.session = session

    @property
    def status(self) -> str:
        """I, T or E: the byte of ReadyForQuery."""
        return str(self.session.transaction_status().value.decode())

    def script(self, text: str, copy_data: Sequence[bytes] = ()) -> list[Result]:
        """A simple query message. `copy_data` feeds its COPY FROM."""
        session = self.session
        try:
            results = []
            statements = session.split_script(text)
            if not statements:
                session.sync()
            for number, parsed in enumerate(statements, 1):
                is_last = number == len(statements)
                portal = session.run_parsed(parsed, is_last=is_last)
                try:
                    results.append(self._run(portal, copy_data))
                finally:
                    portal.close()
                if is_last:
                    session.sync()
            self._ready()
            return results
        except Exception as error:
            session.statement_failed(error)
            self._ready()
            raise

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """The rows of a script's last statement."""
        return self.script(text)[-1].rows

    def value(self, text: str) -> Any:
        """The one value of a script's last statement."""
        ((value,),) = self.rows(text)
        return value

    def tags(self, text: str) -> list[str]:
        return [result.tag for result in self.script(text)]

    def sqlstate(self, text: str, copy_data: Sequence[bytes] = ()) -> str:
        """The SQLSTATE a script ends with, '00000' when it does not fail."""
        try:
            self.script(text, copy_data)
        except QuiverError as error:
            return error.sqlstate
        return "00000"

    def extended(self, text: str, *parameters: Any) -> Result:
        """Parse, Bind, Execute, Sync of the unnamed statement."""
        return self.pipeline((text, parameters))[0]

    def pipeline(self, *statements: tuple[str, Sequence[Any]]) -> list[Result]:
        """Several statements by extended query before one Sync."""
        session = self.session
        try:
            results = []
            for text, parameters in statements:
                portal = session.bind(session.prepare(text, ()), parameters)
                try:
                    results.append(self._run(portal, ()))
                finally:
                    portal.close()
            session.sync()
            self._ready()
            return results
        except Exception as error:
            session.statement_failed(error)
            session.sync()
            self._ready()
            raise

    def execute_prepared(self, name: str, *parameters: Any) -> Result:
        """Bind, Execute, Sync of a statement that was prepared by `prepare`."""
        session = self.session
        try:
            result = self._run(session.bind(session.statements[name], parameters), ())
            session.sync()
            self._ready()
            return result
        except Exception as error:
            session.statement_failed(error)
            session.sync()
            self._ready()
            raise

    def read_directly(self, name: str, *parameters: Any) -> list[tuple[Any, ...]] | None:
        """The rows of a prepared statement without a portal; None where it needs one."""
        batch = self.session.read_directly(self.session.statements[name], parameters)
        return None if batch is None else _tuples(batch)

    def prepare(self, name: str, text: str) -> None:
        """Parse and Sync of a named statement."""
        self.session.statements[name] = self.session.prepare(text, ())
        self.session.sync()

    def _run(self, portal: Portal, copy_data: Sequence[bytes]) -> Result:
        stream = portal.start()
        if isinstance(stream, CopyOut):
            copied = b"".join(stream.frames())
            return Result(portal.command_tag(), copied=copied)
        if isinstance(stream, CopyIn):
            for chunk in copy_data:
                stream.feed(chunk)
            return Result(stream.finish())
        rows: list[tuple[Any, ...]] = []
        while (batch := portal.next_batch(0)) is not None:
            rows += _tuples(batch)
        return Result(portal.command_tag(), rows)

    def _ready(self) -> None:
        """ReadyForQuery: portals of an ended transaction go."""
        if self.session.transaction_status() is TransactionStatus.IDLE:
            for name, portal in list(self.session.portals.items()):
                if not portal.is_holdable:
                    self.session.portals.pop(name).close()

    def notices(self) -> list[str]:
        return [f"{n.severity}: {n.message}" for n in self.session.drain_notices()]

    def notifications(self) -> list[Notification]:
        return self.session.drain_notifications()

    def close(self) -> None:
        self.session.close()


def _tuples(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    if not batch.num_columns:
        return [()] * batch.num_rows
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


@contextmanager
def opened(path: Path, **settings: str) -> Iterator[Instance]:
    """An instance whose background work stands still, so that tests see only what they do themselves.

    Clients of one thread that wait for each other fail instead of waiting for ever.
    """
    instance = Instance.open(path, {"lock_timeout": "5000", **settings})
    instance.maintenance.stop()
    try:
        yield instance
    finally:
        for session in instance.sessions.sessions():
            session.close()
        instance.close()
