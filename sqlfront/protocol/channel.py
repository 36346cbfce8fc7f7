"""The two byte queues of a conversation, and how its flows wait and send without doing I/O.

A *flow* is a generator that yields bytes to be sent or `None` when it cannot go on without more input. The
server moves the bytes; a flow that yields a chunk goes on only when the transport has room for more, which is
all the back-pressure there is: output waits here, never in an unbounded queue.

It also yields a `Pause` before what may take long, a `Joinable` before it executes that, and an `UnfinishedCommit` before
it finishes that. Who drives it on a thread of its own may ignore them; an event loop goes on elsewhere, when others had
the chance to join, or when the disk has answered.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from enum import Enum
from typing import Protocol, TypeAlias, TypeVar

from foundation.errors import WouldBlock
from sqlfront.backend import Joinable, Session, UnfinishedCommit
from sqlfront.protocol.framing import Frame, FrameReader

CHUNK_BYTES = 1 << 16
"""Output is handed on whenever at least this much has gathered."""

T = TypeVar("T")


class Pause(Enum):
    """Why a flow stops for a moment."""

    LONG = "what follows may take long, or wait"


Flow: TypeAlias = Generator[bytes | Pause | Joinable | UnfinishedCommit | None, None, T]


class Encodable(Protocol):
    def encode(self) -> bytes: ...


class Channel:
    """Unread input and unsent output of one connection."""

    def __init__(self) -> None:
        self.reader = FrameReader()
        self._output: list[bytes] = []
        self._output_bytes = 0

    def send(self, message: Encodable) -> None:
        self.send_bytes(message.encode())

    def send_bytes(self, data: bytes) -> None:
        """Queue complete messages."""
        self._output.append(data)
        self._output_bytes += len(data)

    @property
    def is_full(self) -> bool:
        return self._output_bytes >= CHUNK_BYTES

    def take_output(self) -> bytes:
        data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output.clear()
        self._output_bytes = 0
        return data

    def drain(self) -> Flow[None]:
        """Hand on the output if there is enough of it."""
        if self._output_bytes >= CHUNK_BYTES:
            yield self.take_output()

    def flush(self) -> Flow[None]:
        """Hand on what there is."""
        if self._output:
            yield self.take_output()

    def await_input(self) -> Flow[None]:
        """Hand on all output, then wait."""
        yield from self.flush()
        yield None

    def receive(self, limits: Mapping[int, int]) -> Flow[Frame]:
        """The next message of a type that `limits` names (largest body in bytes by type).

        Raises:
            FatalProtocolViolation: 08P01, framing is lost.
        """
        while (frame := self.reader.next_frame(limits)) is None:
            yield from self.await_input()
        return frame

    def receive_startup_packet(self) -> Flow[bytes]:
        while (packet := self.reader.next_startup_packet()) is None:
            yield from self.await_input()
        return packet


def unhurried(call: Callable[[], T]) -> Flow[T]:
    """Call something; again after a pause where it would have to wait."""
    try:
        return call()
    except WouldBlock:
        pass
    yield Pause.LONG
    return call()


def settled(session: Session) -> Flow[None]:
    """Finish a commit, before anything is said about it."""
    commit = session.unfinished_commit
    if commit is not None:
        yield commit
        session.finish_commit()
