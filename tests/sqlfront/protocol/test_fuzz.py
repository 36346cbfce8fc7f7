"""Goal: any bytes end in messages or an error; the conversation never raises, never leaks, and output is bounded.

Method: seeded mutations (bit flips, cuts, insertions, swaps, repeated and foreign messages, wrong lengths) of
sound message streams, fed in random pieces to the protocol on the null backend. Whatever comes back must be a
sequence of well-formed server messages, and the session must be closed exactly once in the end.
"""

from __future__ import annotations

import logging
import random

import pytest

from sqlfront.protocol import Conversation, ConversationOptions, make_verifier
from sqlfront.protocol.response import ErrorResponse
from sqlfront.protocol.startup import CancelRequest, GSSENCRequest, SSLRequest
from tests.sqlfront.protocol.mutate import mutate, sound_stream
from tests.sqlfront.protocol.null_backend import CODECS, NullFactory
from tests.sqlfront.protocol.trace import STARTUP, decode_backend

STREAM_COUNT = 10_000
OUTPUT_BYTES_MAX = 1 << 20
VERIFIER = make_verifier("secret", iterations=1)


def converse(data: bytes, rng: random.Random, factory: NullFactory) -> bytes:
    options = ConversationOptions(message_bytes_max=1 << 16)
    conversation = Conversation(factory, CODECS, options)
    output = []
    while data and not conversation.is_closed:
        piece = rng.choice((len(data), rng.randrange(1, 40)))
        conversation.receive_data(data[:piece])
        data = data[piece:]
        output += conversation.run()
    conversation.close()
    assert conversation.is_closed
    return b"".join(output)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_mutated_streams(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "sqlfront.protocol.error_report")
    rng = random.Random(seed)
    endings = {"fatal": 0, "open": 0}
    for _ in range(STREAM_COUNT // 10):
        factory = NullFactory()
        data = STARTUP.encode() + mutate(sound_stream(rng), rng)
        output = converse(data, rng, factory)
        assert len(output) < OUTPUT_BYTES_MAX
        answers = decode_backend(output)
        last = answers[-1]
        is_fatal = isinstance(last, ErrorResponse) and last.fields["S"] == "FATAL"
        endings["fatal" if is_fatal else "open"] += 1
        assert [session.close_count for session in factory.all_sessions] == [1]
        assert factory.sessions == {}
    # The mutations reach both broken framing and broken content.
    assert min(endings.values()) > STREAM_COUNT // 100


@pytest.mark.parametrize("seed", range(4))
def test_mutated_startup(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "sqlfront.protocol.error_report")
    rng = random.Random(seed)
    openings = [SSLRequest(), GSSENCRequest(), CancelRequest(1, 2), STARTUP]
    for _ in range(250):
        factory = NullFactory({"*": VERIFIER} if rng.random() < 0.5 else {})
        opening = b"".join(packet.encode() for packet in rng.sample(openings, rng.randrange(1, 4)))
        output = converse(mutate(opening, rng) + sound_stream(rng), rng, factory)
        answers = decode_backend(
            output.lstrip(b"N") if output[:1] == b"N" and output[1:2] != b"\0" else output
        )
        assert len(answers) < 1000
        assert [session.close_count for session in factory.all_sessions] in ([], [1])
