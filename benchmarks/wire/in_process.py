"""A server without sockets: one conversation that is fed bytes, so that nothing but our own work is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import vecengine
from benchmarks.wire.clients import vector_bytes
from benchmarks.wire.data_sets import BINARY_COPY_HEADER, BINARY_COPY_TRAILER, COLUMNS, INDEX, DataSet, K
from quiver.instance import Instance
from sqlfront.protocol import Codecs, Conversation
from sqlfront.protocol.extended_query import Bind, Execute, Parse, Sync
from sqlfront.protocol.query_loop import QueryLoop
from sqlfront.protocol.simple_query import Query
from sqlfront.protocol.startup import StartupMessage
from sqlfront.protocol.wire import message
from sqlfront.types import decode_parameter, decode_parameter_column, encode_data_rows


class Client:
    """Sends messages and reads answers of one conversation, as a connection on the event loop does."""

    def __init__(self, instance: Instance) -> None:
        codecs = Codecs(decode_parameter, decode_parameter_column, encode_data_rows)
        self.conversation = Conversation(instance.sessions, codecs)
        self.ask(StartupMessage(parameters={"user": "postgres", "database": "postgres"}).encode())

    def ask(self, data: bytes) -> bytes:
        """What is answered to some bytes."""
        conversation = self.conversation
        answer = conversation.read_directly(data)
        if answer is not None:
            return answer
        conversation.receive_data(data)
        return b"".join(step for step in conversation.steps() if isinstance(step, bytes))

    def run(self, text: str, copy_data: bytes = b"") -> bytes:
        """A simple query, which must succeed."""
        answer = self.ask(Query(text).encode() + copy_data)
        if b"SERROR" in answer:
            raise RuntimeError(answer.decode(errors="replace"))
        return answer

    @property
    def codecs(self) -> Codecs:
        """By which prepared searches are answered in this conversation."""
        return self._loop._reads.codecs

    @codecs.setter
    def codecs(self, codecs: Codecs) -> None:
        self._loop._reads = replace(self._loop._reads, codecs=codecs)

    @property
    def _loop(self) -> QueryLoop:
        loop = self.conversation._loop
        assert loop is not None
        return loop

    def close(self) -> None:
        self.conversation.close()

    def prepare(self, name: str, text: str) -> None:
        self.ask(Parse(name, text).encode() + Sync().encode())


def execution(statement: str, *parameters: bytes) -> bytes:
    """The messages by which drivers execute a prepared statement: binary parameters and results."""
    bind = Bind("", statement, (1,), parameters, (1,))
    return bind.encode() + Execute("").encode() + Sync().encode()


def searches(data: DataSet, statement: str) -> list[bytes]:
    """An execution for each query of a data set."""
    return [execution(statement, vector_bytes(query)) for query in data.queries]


def search_text(data: DataSet, where: str = "") -> str:
    return f"SELECT id FROM {data.table} {where} ORDER BY e <-> $1 LIMIT {K}"


@contextmanager
def served(data: DataSet) -> Iterator[Client]:
    """A client of a new server that holds a data set, indexed."""
    vecengine.warm_up()
    with tempfile.TemporaryDirectory() as directory, Instance.open(Path(directory) / "data") as instance:
        client = Client(instance)
        dimensions = data.vectors.shape[1]
        client.run(f"CREATE TABLE {data.table} {COLUMNS.format(dimensions=dimensions)}")
        client.run(f"COPY {data.table} FROM STDIN (FORMAT binary)", _copy_data(data))
        client.run(f"CREATE INDEX ON {data.table} (bucket)")
        client.run(INDEX.format(table=data.table))
        yield client
        client.close()


def _copy_data(data: DataSet) -> bytes:
    pieces = (BINARY_COPY_HEADER, *data.binary_rows(), BINARY_COPY_TRAILER)
    return b"".join(message(b"d", piece) for piece in pieces) + message(b"c")
