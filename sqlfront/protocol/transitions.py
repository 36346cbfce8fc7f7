"""The states of a conversation and everything that is legal in them, as data.

`ACCEPTED` says what happens to each message type in each state and how large its body may be; a type that is
missing from a state ends the connection. `TRANSITIONS` says which event leads from which state to which; a
pair that is missing is a bug of ours.
"""

from __future__ import annotations

from enum import Enum

SMALL_MESSAGE_BYTES_MAX = 30_000
"""PostgreSQL's PQ_SMALL_MESSAGE_LIMIT."""
AUTH_MESSAGE_BYTES_MAX = 65_535
"""PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH."""
LARGE_MESSAGE_BYTES_MAX = 256 << 20
"""Default bound of Query, Parse, Bind and CopyData. PostgreSQL allows 1 GiB; a client's COPY is cut in pieces
of kilobytes and the largest sensible statement stays far below this."""


class State(Enum):
    STARTUP = "startup"
    TLS_HANDSHAKE = "tls handshake"
    AUTHENTICATION = "authentication"
    READY = "ready"
    SKIPPING = "skipping to sync"
    COPY_IN = "copy in"
    CLOSED = "closed"


class Event(Enum):
    TLS_ACCEPTED = "tls accepted"
    TLS_ESTABLISHED = "tls established"
    PASSWORD_REQUESTED = "password requested"
    SESSION_STARTED = "session started"
    EXTENDED_QUERY_FAILED = "extended query failed"
    SYNC = "sync"
    COPY_IN_STARTED = "copy in started"
    COPY_IN_ENDED = "copy in ended"
    ENDED = "ended"


class Action(Enum):
    HANDLE = "handle"
    IGNORE = "ignore"
    REFUSE = "refuse"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.STARTUP, Event.TLS_ACCEPTED): State.TLS_HANDSHAKE,
    (State.TLS_HANDSHAKE, Event.TLS_ESTABLISHED): State.STARTUP,
    (State.STARTUP, Event.PASSWORD_REQUESTED): State.AUTHENTICATION,
    (State.STARTUP, Event.SESSION_STARTED): State.READY,
    (State.AUTHENTICATION, Event.SESSION_STARTED): State.READY,
    (State.READY, Event.EXTENDED_QUERY_FAILED): State.SKIPPING,
    (State.READY, Event.SYNC): State.READY,
    (State.SKIPPING, Event.SYNC): State.READY,
    (State.READY, Event.COPY_IN_STARTED): State.COPY_IN,
    (State.COPY_IN, Event.COPY_IN_ENDED): State.READY,
    **{(state, Event.ENDED): State.CLOSED for state in State},
}

_LARGE = "QPBFdf"
_SMALL = "EDCHSXc"
_CLIENT_TYPES = _LARGE + _SMALL

ACCEPTED: dict[State, dict[str, Action]] = {
    State.STARTUP: {},
    State.TLS_HANDSHAKE: {},
    State.AUTHENTICATION: {"p": Action.HANDLE},
    # CopyData, CopyDone and CopyFail after a failed COPY: the client sent them before it heard of the error.
    State.READY: {kind: Action.IGNORE if kind in "dcf" else Action.HANDLE for kind in _CLIENT_TYPES},
    State.SKIPPING: {kind: Action.HANDLE if kind in "SX" else Action.IGNORE for kind in _CLIENT_TYPES},
    # Flush and Sync are ignored: drivers send them before they know that their statement was a COPY.
    State.COPY_IN: {
        kind: Action.HANDLE if kind in "dcfX" else Action.IGNORE if kind in "HS" else Action.REFUSE
        for kind in _CLIENT_TYPES
    },
    State.CLOSED: {},
}


def message_limits(state: State, large_bytes_max: int) -> dict[int, int]:
    """Largest body in bytes by message type, for the types that a state knows at all."""
    limits = {"p": AUTH_MESSAGE_BYTES_MAX, **dict.fromkeys(_LARGE, large_bytes_max)}
    return {ord(kind): limits.get(kind, SMALL_MESSAGE_BYTES_MAX) for kind in ACCEPTED[state]}


class Machine:
    """The state of one conversation; it changes only along `TRANSITIONS`."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = State.STARTUP

    def move(self, event: Event) -> None:
        assert (self.state, event) in TRANSITIONS, f"{event} in state {self.state}"
        self.state = TRANSITIONS[self.state, event]

    def action(self, kind: int) -> Action:
        """What becomes of a message whose type `message_limits` let through."""
        return ACCEPTED[self.state][chr(kind)]
