"""Bytes to and from a conversation over an `Instance`, driven as an event loop drives it."""

from __future__ import annotations

from collections.abc import Iterator

from quiver.instance import Instance
from sqlfront.backend import Joinable, UnfinishedCommit
from sqlfront.protocol import Codecs, Conversation
from sqlfront.protocol.channel import Pause
from sqlfront.protocol.startup import StartupMessage
from sqlfront.types import decode_parameter, decode_parameter_column, encode_data_rows


def conversation(instance: Instance) -> Conversation:
    """One that has got as far as ReadyForQuery."""
    made = Conversation(
        instance.sessions, Codecs(decode_parameter, decode_parameter_column, encode_data_rows)
    )
    exchange(made, StartupMessage(parameters={"user": "postgres", "database": "postgres"}).encode())
    return made


def exchange(made: Conversation, data: bytes, *, piece_bytes: int | None = None) -> bytes:
    """The answer to some messages, which arrive whole or in pieces."""
    answers = []
    for start in range(0, len(data), piece_bytes or len(data)):
        made.receive_data(data[start : start + (piece_bytes or len(data))])
        answers += [step for step in steps(made) if isinstance(step, bytes)]
    return b"".join(answers)


def steps(made: Conversation) -> Iterator[bytes | Pause | Joinable | UnfinishedCommit]:
    """What the conversation does next; nobody waits before a pause."""
    if made.session is not None:
        made.session.may_block = False
    for step in made.steps():
        if isinstance(step, Pause) and made.session is not None:
            made.session.may_block = True
        yield step
    if made.session is not None:
        made.session.may_block = True
