"""What a conversation is given: value codecs, facts about its transport, limits and services of the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from foundation.cancel import CancelToken
from foundation.sqltypes import SqlType
from sqlfront.backend import Endpoints, Format, ResultColumn
from sqlfront.protocol.transitions import LARGE_MESSAGE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Codecs:
    """The two value codecs that the protocol needs; `sqlfront.types` provides them.

    The last argument is `Session.codec_context()`.
    """

    decode_parameter: Callable[[SqlType, Format, bytes | None, Any], Any]
    """A Bind parameter as a Python value. Raises 22P02, 22P03, 22003 and others."""
    decode_parameter_column: Callable[[SqlType, Format, Sequence[bytes | None], Any], pa.Array]
    """One parameter of n Bind messages as an (n,) column of `arrow_type(sql_type)`. Raises as the other does."""
    encode_data_rows: Callable[[pa.RecordBatch, Sequence[ResultColumn], Sequence[Format], Any], bytes]
    """Complete DataRow messages of all rows of a batch."""


class StatementWatch(Protocol):
    """Enforces statement_timeout: sets CANCEL_TIMEOUT on the token unless disarmed in time."""

    def arm(self, token: CancelToken, timeout_ms: int) -> None: ...

    def disarm(self) -> None: ...


class NoWatch:
    """For conversations without a clock."""

    def arm(self, token: CancelToken, timeout_ms: int) -> None: ...

    def disarm(self) -> None: ...


def _admit_all() -> None: ...


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """Everything about one connection besides sessions and codecs.

    `admit` is called once the start-up packet is read and raises TooManyConnections (53300) when the server is
    full; a CancelRequest never needs admission.
    """

    endpoints: Endpoints = field(default_factory=Endpoints)
    is_tls_available: bool = False
    message_bytes_max: int = LARGE_MESSAGE_BYTES_MAX
    admit: Callable[[], None] = _admit_all
    watch: StatementWatch = field(default_factory=NoWatch)
