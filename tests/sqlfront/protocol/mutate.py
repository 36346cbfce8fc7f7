"""Sound streams of client messages, and what an unfriendly network could make of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sqlfront.protocol.copy import CopyData, CopyDone, CopyFail
from sqlfront.protocol.extended_query import Bind, Close, Describe, Execute, Flush, Parse, Sync, Target
from sqlfront.protocol.simple_query import FunctionCall, Query, Terminate

TEXTS = (
    "select 1", "rows 3", "rows 20", "echo $1 $2", "insert 2", "begin", "commit", "rollback", "error", "crash",
    "copy in", "copy out 3", "notice hi", "set application_name x", "show timezone", "declare c rows 9",
    "listen a", "notify a b", "select 1; select 2", "", ";", "fail at commit", "nonsense", "syntax",
)  # fmt: skip
NAMES = ("", "", "a", "b", "c", "ünïcode", "x" * 100)


def random_message(rng: random.Random, texts: Sequence[str] = TEXTS) -> Any:
    """One message of any kind; `texts` are the statements it may carry."""
    name, other = rng.choice(NAMES), rng.choice(NAMES)
    values = tuple(
        rng.choice((None, b"", b"7", b"\0\0\0\7", rng.randbytes(9))) for _ in range(rng.randrange(4))
    )
    formats = tuple(rng.choice((0, 1, 1, 2)) for _ in range(rng.randrange(4)))
    return rng.choice(
        (
            Query(rng.choice(texts)),
            Parse(name, rng.choice(texts), tuple(rng.choices((0, 23, 25, 701), k=rng.randrange(3)))),
            Bind(name, other, formats, values, formats[:1]),
            Describe(rng.choice(list(Target)), name),
            Execute(name, rng.choice((0, 0, 1, 5, -1))),
            Close(rng.choice(list(Target)), name),
            Flush(),
            Sync(),
            Sync(),
            CopyData(rng.choice((b"1\ta\n", b"bad", b"", rng.randbytes(50)))),
            CopyDone(),
            CopyFail("no"),
            FunctionCall(rng.randbytes(8)),
        )
    )


def sound_stream(rng: random.Random, texts: Sequence[str] = TEXTS) -> bytes:
    """Well-formed messages, in no sensible order; sometimes with a good-bye."""
    messages = [random_message(rng, texts) for _ in range(rng.randrange(1, 12))]
    if rng.random() < 0.1:
        messages.append(Terminate())
    return b"".join(message.encode() for message in messages)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One to four damages; now and then none."""
    damaged = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 4))):
        at = rng.randrange(len(damaged) + 1)
        match rng.randrange(7):
            case 0 if at < len(damaged):
                damaged[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(damaged):
                damaged[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 2:
                del damaged[at : at + rng.randrange(1, 9)]
            case 3:
                damaged[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 4:
                del damaged[at:]
            case 5:
                damaged[at : at + 4] = rng.randrange(1 << 32).to_bytes(4, "big")
            case 6:
                damaged[at:at] = random_message(rng).encode()
    return bytes(damaged)
