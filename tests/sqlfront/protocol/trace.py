"""A client without a socket: sends message objects to a conversation and shows the dialogue, a line a message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlfront.protocol import (
    Conversation,
    ConversationOptions,
    copy,
    extended_query,
    response,
    simple_query,
    startup,
)
from sqlfront.protocol import authentication as auth
from sqlfront.protocol.framing import Frame
from tests.sqlfront.protocol.null_backend import CODECS, NullFactory, NullSession

BACKEND: dict[bytes, Any] = {
    cls.kind: cls.decode  # type: ignore[attr-defined]
    for cls in (
        response.RowDescription, response.DataRow, response.CommandComplete, response.EmptyQueryResponse,
        response.ReadyForQuery, response.ErrorResponse, response.NoticeResponse, response.NotificationResponse,
        extended_query.ParseComplete, extended_query.BindComplete, extended_query.CloseComplete,
        extended_query.NoData, extended_query.PortalSuspended, extended_query.ParameterDescription,
        copy.CopyInResponse, copy.CopyOutResponse, copy.CopyData, copy.CopyDone,
        startup.NegotiateProtocolVersion, startup.ParameterStatus, startup.BackendKeyData,
    )
} | {b"R": auth.decode_authentication}  # fmt: skip
"""Decoder by type byte of everything a server sends."""

FRONTEND: dict[bytes, Any] = {
    cls.kind: cls.decode  # type: ignore[attr-defined]
    for cls in (
        simple_query.Query, simple_query.FunctionCall, simple_query.Terminate, extended_query.Parse,
        extended_query.Bind, extended_query.Describe, extended_query.Execute, extended_query.Close,
        extended_query.Flush, extended_query.Sync, copy.CopyData, copy.CopyDone, copy.CopyFail,
    )
}  # fmt: skip
"""Decoder by type byte of everything an authenticated client sends."""

STARTUP = startup.StartupMessage(parameters={"user": "alice", "database": "db"})


def split_frames(data: bytes) -> list[Frame]:
    """All messages of a server's byte stream, which must be complete."""
    frames = []
    while data:
        end = 1 + int.from_bytes(data[1:5], "big")
        assert 5 <= end <= len(data), "incomplete message"
        frames.append(Frame(data[0], data[5:end]))
        data = data[end:]
    return frames


def decode_backend(data: bytes) -> list[Any]:
    return [BACKEND[bytes([frame.kind])](frame.body) for frame in split_frames(data)]


def show(message: Any) -> str:
    """One readable line; the place in our source that raised an error is left out."""
    match message:
        case response.RowDescription(fields):
            columns = ", ".join(
                f"{f.name} table={f.table_oid}.{f.attnum} type={f.type_oid}/{f.type_bytes}/{f.typmod} "
                f"{'binary' if f.format else 'text'}"
                for f in fields
            )
            return f"RowDescription({columns})"
        case response.ErrorResponse(fields) | response.NoticeResponse(fields):
            shown = " ".join(f"{code}={text!r}" for code, text in fields.items() if code not in "FLR")
            return f"{type(message).__name__}({shown})"
    return repr(message)


class Client:
    """Talks to a conversation of its own and keeps the transcript."""

    def __init__(
        self,
        factory: NullFactory | None = None,
        options: ConversationOptions | None = None,
        *,
        is_started: bool = True,
    ) -> None:
        self.factory = factory or NullFactory()
        self.conversation = Conversation(self.factory, CODECS, options)
        self.transcript: list[str] = []
        if is_started:
            self.send(STARTUP)
            self.transcript.clear()

    @property
    def session(self) -> NullSession:
        return self.factory.all_sessions[-1]

    def send_bytes(self, data: bytes) -> bytes:
        self.conversation.receive_data(data)
        return b"".join(self.conversation.run())

    def send(self, *messages: Any) -> list[Any]:
        """Send messages in one piece; the answers decoded."""
        self.transcript += [f"F {show(message)}" for message in messages]
        return self.take(self.send_bytes(b"".join(message.encode() for message in messages)))

    def take(self, data: bytes) -> list[Any]:
        answers = decode_backend(data)
        self.transcript += [f"B {show(answer)}" for answer in answers]
        return answers

    def query(self, text: str) -> list[Any]:
        return self.send(simple_query.Query(text))


def kinds(messages: Iterable[Any]) -> str:
    """The type bytes of messages as one word."""
    return "".join(message.kind.decode() for message in messages)
