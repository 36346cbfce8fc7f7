"""A server on the null backend in a thread of the test process, for tests with real clients and raw sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from quiver.server import Server, ServerOptions, new_event_loop
from sqlfront.protocol.framing import Frame
from sqlfront.protocol.startup import StartupMessage
from tests.sqlfront.protocol.null_backend import CODECS, NullFactory


class LiveServer:
    """A running server, its factory, and calls into its event loop."""

    def __init__(self, options: ServerOptions, factory: NullFactory | None = None) -> None:
        self.factory = factory or NullFactory()
        self.loop = new_event_loop()
        self.server = Server(self.factory, CODECS, replace(options, port=0))
        self._thread = threading.Thread(target=self.loop.run_forever, name="live-server")

    def start(self) -> None:
        self._thread.start()
        self.call(self.server.start())

    def stop(self) -> None:
        self.call(self.server.abort())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.loop.close()

    def submit(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.submit(coroutine).result(30)

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.server.port} user=alice dbname=db connect_timeout=10"

    def wait_until_empty(self, timeout_s: float = 10.0) -> None:
        """Until every connection has ended."""

        async def wait() -> None:
            while self.server.connection_count:
                await asyncio.sleep(0.002)

        self.call(asyncio.wait_for(wait(), timeout_s))


@contextmanager
def live_server(
    options: ServerOptions | None = None, factory: NullFactory | None = None
) -> Iterator[LiveServer]:
    live = LiveServer(options or ServerOptions(), factory)
    live.start()
    try:
        yield live
    finally:
        live.stop()


class RawClient:
    """A socket that sends bytes and reads messages."""

    def __init__(self, live: LiveServer, *, is_started: bool = True, **parameters: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", live.server.port), timeout=10)
        self._buffer = b""
        if is_started:
            self.send(StartupMessage(parameters={"user": "alice", "database": "db", **parameters}).encode())
            self.read_until(b"Z")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_frame(self) -> Frame | None:
        """The next message, None at the end of the stream."""
        while len(self._buffer) < 5 or len(self._buffer) < 1 + int.from_bytes(self._buffer[1:5], "big"):
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._buffer += data
        end = 1 + int.from_bytes(self._buffer[1:5], "big")
        frame = Frame(self._buffer[0], self._buffer[5:end])
        self._buffer = self._buffer[end:]
        return frame

    def read_until(self, kind: bytes) -> list[Frame]:
        """Messages up to one of the given type, or to the end of the stream."""
        frames = []
        while (frame := self.read_frame()) is not None:
            frames.append(frame)
            if frame.kind == kind[0]:
                break
        return frames
