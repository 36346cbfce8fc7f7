"""The extended query conversation: what Parse, Bind, Describe, Execute and Close do with a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from foundation.errors import AdminShutdown, ArrayShapeNotSupported, QueryCanceled, QuiverError
from foundation.sqltypes import shaped_type
from sqlfront.backend import Format, Statement
from sqlfront.protocol.asynchronous import send_notices
from sqlfront.protocol.bind_runs import BindRun, RunCollector
from sqlfront.protocol.channel import Channel, Flow, Pause, settled, unhurried
from sqlfront.protocol.direct_shapes import SHORT_BIND_BYTES
from sqlfront.protocol.errors import ProtocolViolation
from sqlfront.protocol.execution import Executor
from sqlfront.protocol.extended_query import (
    Bind,
    BindComplete,
    Close,
    CloseComplete,
    Describe,
    Execute,
    Flush,
    NoData,
    ParameterDescription,
    Parse,
    ParseComplete,
    Target,
)
from sqlfront.protocol.options import Codecs, StatementWatch
from sqlfront.protocol.portals import PortalRun, Registry, parameter_formats, result_formats
from sqlfront.protocol.response import CommandComplete, RowDescription
from sqlfront.protocol.timeouts import arm

_SYNC = ord("S")


@dataclass(slots=True)
class ExtendedQuery:
    """Handlers of the extended query messages; errors leave as exceptions."""

    channel: Channel
    registry: Registry
    executor: Executor
    codecs: Codecs
    watch: StatementWatch
    single_binds: int = 0
    """How many of the next Binds belong to a run that could not be executed together."""

    def handle(self, kind: str, body: bytes) -> None:
        """Any message but Bind and Execute, which may take long and are flows."""
        match kind:
            case "P":
                self._arm()
                self._parse(Parse.decode(body))
            case "D":
                self._arm()
                self._describe(Describe.decode(body))
            case "C":
                self._close(Close.decode(body))
            case "H":
                Flush.decode(body)  # The loop hands on the output.
            case _:
                raise AssertionError(f"message type {kind} is not part of the extended query conversation")

    def bind(self, body: bytes) -> Flow[None]:
        self._arm()
        bind = Bind.decode(body)
        is_done = yield from self._run_together(bind)
        if not is_done:
            self._bind(bind)

    def execute(self, body: bytes) -> Flow[None]:
        execute = Execute.decode(body)
        run = self.registry.run_of(execute.portal)
        self._arm()
        session = self.registry.session
        session.is_sync_next = execute.rows_max <= 0 and self.channel.reader.is_next(_SYNC)
        tag = yield from self.executor.run(run, max(0, execute.rows_max), is_described=False)
        yield from settled(session)
        self.watch.disarm()
        self.executor.complete(tag)

    def _arm(self) -> None:
        """The timeout runs from the first message of a statement to the end of its Execute."""
        arm(self.watch, self.registry.session)

    def _parse(self, parse: Parse) -> None:
        self.registry.check_statement_name_free(parse.name)
        statement = self.registry.session.prepare(parse.text, parse.parameter_oids)
        self.registry.add_statement(parse.name, statement)
        self.channel.send(ParseComplete())

    def _bind(self, bind: Bind) -> None:
        session = self.registry.session
        statement = self.registry.statement(bind.statement)
        formats = parameter_formats(bind.parameter_formats, len(bind.parameters))
        types = statement.parameter_types
        if len(bind.parameters) != len(types):
            raise ProtocolViolation(
                f"bind message supplies {len(bind.parameters)} parameters, "
                f'but prepared statement "{bind.statement}" requires {len(types)}'
            )
        self.registry.check_portal_name_free(bind.portal)
        statement, values = self._decoded(statement, formats, bind.parameters)
        portal = session.bind(statement, values)
        try:
            columns = portal.columns
            row_formats = result_formats(bind.result_formats, None if columns is None else len(columns))
        except BaseException:
            portal.close()
            raise
        self.registry.add_portal(PortalRun(bind.portal, portal, row_formats))
        self.channel.send(BindComplete())

    def _decoded(
        self, statement: Statement, formats: Sequence[Format], cells: Sequence[bytes | None]
    ) -> tuple[Statement, list[Any]]:
        """The values of a Bind, and the statement, bound anew where an array has a shape that its type did not foresee."""
        session = self.registry.session
        decode, settings = self.codecs.decode_parameter, session.codec_context()
        types, values = list(statement.parameter_types), []
        for number, (parameter_format, data) in enumerate(zip(formats, cells, strict=True)):
            try:
                values.append(decode(types[number], parameter_format, data, settings))
            except ArrayShapeNotSupported:
                types[number] = shaped_type(types[number])
                values.append(decode(types[number], parameter_format, data, settings))
        if tuple(types) != statement.parameter_types:
            statement = session.retyped(statement, types)
        return statement, values

    def _run_together(self, first: Bind) -> Flow[bool]:
        """Execute what is pipelined with a Bind as one change; False when nothing was done."""
        if self.single_binds:
            self.single_binds -= 1
            return False
        statement = self.registry.session.statements.get(first.statement)
        if statement is None or not statement.runs_together:
            return False
        collector = RunCollector(first, self.channel.reader)
        while collector.collect():
            yield from self.channel.await_input()
        run = collector.run()
        if run is None:
            return False
        if run.unread_bytes > SHORT_BIND_BYTES:
            yield Pause.LONG
        tag = yield from unhurried(partial(self._execute_run, statement, run))
        if tag is None:
            self.single_binds = run.count - 1
            return False
        self.watch.disarm()
        self.registry.close_portal("")
        self.channel.reader.skip(run.unread_bytes)
        send_notices(self.channel, self.registry.session)
        described = NoData().encode() if run.is_described else b""
        self.channel.send_bytes(
            (BindComplete().encode() + described + CommandComplete(tag).encode()) * run.count
        )
        return True

    def _execute_run(self, statement: Statement, run: BindRun) -> str | None:
        """The command tag of each execution; None when the sets are to be executed one by one."""
        session, types = self.registry.session, statement.parameter_types
        if len(run.columns) != len(types):
            return None
        formats = parameter_formats(run.first.parameter_formats, len(types))
        settings = session.codec_context()
        try:
            columns = [
                self.codecs.decode_parameter_column(sql_type, parameter_format, cells, settings)
                for sql_type, parameter_format, cells in zip(types, formats, run.columns, strict=True)
            ]
            return session.run_together(statement, columns, run.count)
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            # Whose error it is, and what was done before it, comes out when they are executed singly.
            return None

    def _describe(self, describe: Describe) -> None:
        if describe.target is Target.STATEMENT:
            statement = self.registry.statement(describe.name)
            if statement.columns is not None:
                self.registry.check_not_aborted()
            self.channel.send(ParameterDescription(tuple(t.oid for t in statement.parameter_types)))
            columns, formats = statement.columns, (Format.TEXT,) * len(statement.columns or ())
        else:
            run = self.registry.run_of(describe.name)
            columns, formats = run.portal.columns, run.formats
            if columns is not None:
                self.registry.check_not_aborted()
        self.channel.send(NoData() if columns is None else RowDescription.of(columns, formats))

    def _close(self, close: Close) -> None:
        if close.target is Target.STATEMENT:
            self.registry.close_statement(close.name)
        else:
            self.registry.close_portal(close.name)
        self.channel.send(CloseComplete())
