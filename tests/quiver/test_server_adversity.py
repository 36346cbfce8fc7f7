"""Goal: clients that vanish, dawdle or send rubbish leave nothing behind: no session, no COPY, no memory.

Method: raw sockets closed at bad moments against a server on the null backend, whose sessions count how often
they were closed; a reader that does not read; 1,000 seeded mutated message streams with a look at the resident
memory of this process, in which the server runs.
"""

from __future__ import annotations

import gc
import logging
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from quiver.connection import WRITE_BUFFER_BYTES
from quiver.server import ServerOptions
from sqlfront.protocol.copy import CopyData
from sqlfront.protocol.extended_query import Bind, Execute, Parse
from sqlfront.protocol.simple_query import Query
from sqlfront.protocol.startup import SSLRequest, StartupMessage
from tests.quiver.live_server import LiveServer, RawClient, live_server
from tests.sqlfront.protocol.mutate import mutate, sound_stream
from tests.sqlfront.protocol.null_backend import NullFactory

STARTUP = StartupMessage(parameters={"user": "alice", "database": "db"}).encode()
MEMORY_GROWTH_BYTES_MAX = 20 << 20


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


def vanish(client: RawClient, *, is_reset: bool) -> None:
    """Close the socket, politely (FIN) or as a crash does (RST)."""
    if is_reset:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize(
    "last_words",
    [
        b"",
        b"Q",
        Query("select 1").encode()[:-3],
        Query("begin").encode(),
        Query("copy in").encode(),
        Query("copy in").encode() + CopyData(b"1\n").encode() * 100 + b"d\0\0",
        Parse("s", "rows 5").encode() + Bind("p", "s").encode() + Execute("p", 1).encode(),
        Query("sleep 60000").encode(),
        Query("rows 10000000").encode(),
        Query("copy out 10000000").encode(),
    ],
)
def test_vanishing_clients_leave_nothing(live: LiveServer, last_words: bytes, is_reset: bool) -> None:
    client = RawClient(live)
    client.send(last_words)
    if b"sleep" in last_words:
        assert live.factory.sleeping.wait(5)
    elif b"copy in" in last_words:
        assert client.read_until(b"G")[-1].kind == ord("G")
    vanish(client, is_reset=is_reset)
    live.wait_until_empty()
    (session,) = live.factory.all_sessions
    assert session.close_count == 1
    assert live.factory.sessions == {}
    if session.copy_in is not None:
        assert session.copy_in.failure is not None


@pytest.mark.parametrize(
    "first_words", [b"", b"\0\0", SSLRequest().encode(), STARTUP[:20], STARTUP, b"GET / HTTP/1.1\r\n\r\n"]
)
def test_vanishing_before_the_session(live: LiveServer, first_words: bytes) -> None:
    client = RawClient(live, is_started=False)
    client.send(first_words)
    vanish(client, is_reset=False)
    live.wait_until_empty()
    assert live.factory.sessions == {}


@pytest.mark.slow
def test_slow_reader_is_waited_for_and_holds_no_thread() -> None:
    with live_server(ServerOptions(max_connections=1)) as live:
        connections = live.server._connections
        with RawClient(live) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
            client.send(Query("rows 400000").encode())
            first = client.read_frame()
            assert first is not None
            (connection,) = connections
            transport = connection._transport
            assert transport is not None
            # The result has some 11 MB; what waits in this process is a write buffer and a chunk.
            largest = 0
            count = 0
            while (frame := client.read_frame()) is not None and frame.kind != ord("Z"):
                count += 1
                if count % 1000 == 0:
                    largest = max(largest, transport.get_write_buffer_size())
            assert count == 400_001
            assert largest <= 3 * WRITE_BUFFER_BYTES
            client.send(Query("select 1").encode())
            assert client.read_until(b"Z")[-1].body == b"I"


def test_client_that_never_reads_does_not_stop_the_server(live: LiveServer) -> None:
    deaf = RawClient(live)
    deaf.socket.settimeout(0.2)
    try:
        # Requests without end: the server stops reading once its answers are not taken.
        with pytest.raises(TimeoutError):
            while True:
                deaf.send(Query("rows 1000").encode() * 1000)
        with RawClient(live) as other:
            other.send(Query("select 1").encode())
            assert other.read_until(b"Z")[-1].body == b"I"
    finally:
        deaf.socket.close()
    live.wait_until_empty()
    assert live.factory.sessions == {}


def test_shutdown_does_not_wait_for_a_client_that_never_reads(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quiver.connection._LINGER_S", 0.02)
    with RawClient(live) as deaf:
        deaf.send(Query("copy out 10000000").encode())
        assert deaf.read_frame() is not None
        live.call(live.server.shutdown())
    assert live.factory.all_sessions[0].close_count == 1


def test_message_beyond_the_limit_is_refused_before_it_arrives() -> None:
    with live_server(ServerOptions(message_bytes_max=1000)) as live, RawClient(live) as client:
        client.send(Query("x" * 900).encode())
        assert client.read_until(b"Z")[-1].kind == ord("Z")
        client.send(Query("x" * 1001).encode()[:5])
        frames = client.read_until(b"\0")
        assert b"invalid message length" in frames[-1].body


def resident_bytes() -> int:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


@pytest.mark.slow
def test_mutated_streams_against_a_running_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    rng = random.Random(20)
    factory = NullFactory(keeps_sessions=False)
    memory_after: dict[int, int] = {}
    with live_server(ServerOptions(message_bytes_max=1 << 16), factory) as live:
        for number in range(1, 1001):
            client = RawClient(live, is_started=False)
            client.socket.settimeout(10)
            with client:
                opening = mutate(STARTUP, rng) if rng.random() < 0.2 else STARTUP
                client.send(opening + mutate(sound_stream(rng), rng))
                if rng.random() < 0.7:
                    # End of input: the server answers what it can, then closes.
                    client.socket.shutdown(socket.SHUT_WR)
                    with suppress(ConnectionResetError):
                        while client.socket.recv(1 << 16):
                            pass
            if number in (200, 1000):
                live.wait_until_empty()
                gc.collect()
                memory_after[number] = resident_bytes()
        live.wait_until_empty()
        assert factory.sessions == {}
        with RawClient(live) as client:
            client.send(Query("select 1").encode())
            assert client.read_until(b"Z")[-1].body == b"I"
    assert memory_after[1000] - memory_after[200] < MEMORY_GROWTH_BYTES_MAX
