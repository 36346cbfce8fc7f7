"""Goal: every message survives encode and decode, and any bytes end in a message or an error.

Method: one example or more of each message class, both directions; then every body cut short at every length,
and with a byte too many, must raise a QuiverError or, where the body is free, decode.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from foundation.errors import QuiverError
from foundation.sqltypes import INT4, TEXT, VECTOR, SqlType
from sqlfront.backend import Format, ResultColumn
from sqlfront.protocol import authentication, copy, extended_query, response, simple_query, startup
from sqlfront.protocol.extended_query import Target
from sqlfront.protocol.wire import Body
from tests.sqlfront.protocol.trace import BACKEND, FRONTEND

FRONTEND_MESSAGES = [
    simple_query.Query("select 'ünïcode 🐘'"),
    simple_query.FunctionCall(b"\0\1\2"),
    simple_query.Terminate(),
    extended_query.Parse("", ""),
    extended_query.Parse("s", "select $1", (0, 23, 4_294_967_295)),
    extended_query.Bind("", ""),
    extended_query.Bind("p", "s", (0, 1, 0), (b"", None, b"\0\xff"), (1, 0)),
    extended_query.Describe(Target.STATEMENT, "s"),
    extended_query.Describe(Target.PORTAL, ""),
    extended_query.Close(Target.PORTAL, "p"),
    extended_query.Execute("p", 2_147_483_647),
    extended_query.Execute("", -1),
    extended_query.Flush(),
    extended_query.Sync(),
    copy.CopyData(b"\0\1"),
    copy.CopyDone(),
    copy.CopyFail("weil nicht"),
]

BACKEND_MESSAGES = [
    authentication.AuthenticationOk(),
    authentication.AuthenticationSASL(("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")),
    authentication.AuthenticationSASLContinue(b"r=a,s=b,i=4096"),
    authentication.AuthenticationSASLFinal(b"v=a"),
    startup.NegotiateProtocolVersion(startup.PROTOCOL_3_0, ("_pq_.a", "_pq_.b")),
    startup.ParameterStatus("TimeZone", "UTC"),
    startup.BackendKeyData(4711, -5),
    extended_query.ParseComplete(),
    extended_query.BindComplete(),
    extended_query.CloseComplete(),
    extended_query.NoData(),
    extended_query.PortalSuspended(),
    extended_query.ParameterDescription((23, 16385)),
    copy.CopyInResponse(1, 3),
    copy.CopyOutResponse(0, 0),
    copy.CopyData(b"1\n"),
    copy.CopyDone(),
    response.RowDescription(()),
    response.RowDescription.of(
        (
            ResultColumn("id", INT4, 20001, 1),
            ResultColumn("e", SqlType(VECTOR.oid, 3)),
            ResultColumn("", TEXT),
        ),
        (Format.TEXT, Format.BINARY, Format.TEXT),
    ),
    response.DataRow((b"1", None, b"")),
    response.CommandComplete("SELECT 1"),
    response.EmptyQueryResponse(),
    response.ReadyForQuery(b"T"),
    response.ErrorResponse({"S": "ERROR", "C": "XX000", "M": "ünïcode"}),
    response.NoticeResponse({"S": "NOTICE", "C": "00000", "M": ""}),
    response.NotificationResponse(7, "channel", "payload"),
]

PASSWORD_MESSAGES = [
    authentication.SASLInitialResponse("SCRAM-SHA-256", b"n,,n=,r=x"),
    authentication.SASLInitialResponse("SCRAM-SHA-256", None),
    authentication.SASLResponse(b"c=biws"),
]


def body_of(message: Any) -> bytes:
    data: bytes = message.encode()
    kind, length = struct.unpack_from("!ci", data)
    assert kind == message.kind
    assert length == len(data) - 1
    return data[5:]


def name_of(message: Any) -> str:
    return type(message).__name__


@pytest.mark.parametrize("message", FRONTEND_MESSAGES, ids=name_of)
def test_frontend_round_trip(message: Any) -> None:
    assert FRONTEND[message.kind](body_of(message)) == message


@pytest.mark.parametrize("message", BACKEND_MESSAGES, ids=name_of)
def test_backend_round_trip(message: Any) -> None:
    assert BACKEND[message.kind](body_of(message)) == message


@pytest.mark.parametrize("message", PASSWORD_MESSAGES, ids=name_of)
def test_password_round_trip(message: Any) -> None:
    assert type(message).decode(body_of(message)) == message


def test_every_message_class_has_an_example() -> None:
    assert {m.kind for m in FRONTEND_MESSAGES} == set(FRONTEND)
    assert {m.kind for m in BACKEND_MESSAGES} == set(BACKEND)


@pytest.mark.parametrize("message", [*FRONTEND_MESSAGES, *BACKEND_MESSAGES], ids=name_of)
def test_damaged_bodies_end_in_a_message_or_an_error(message: Any) -> None:
    decode = (FRONTEND if message in FRONTEND_MESSAGES else BACKEND)[message.kind]
    body = body_of(message)
    for damaged in [*(body[:length] for length in range(len(body))), body + b"\0", body + b"\xff" * 5]:
        try:
            decode(damaged)
        except QuiverError as error:
            assert error.sqlstate in ("08P01", "22021")


@pytest.mark.parametrize(
    "message",
    [
        startup.SSLRequest(),
        startup.GSSENCRequest(),
        startup.CancelRequest(-1, 2_147_483_647),
        startup.StartupMessage(startup.PROTOCOL_3_0, {"user": "ü", "options": ""}),
        startup.StartupMessage(startup.PROTOCOL_3_0 + 2, {}),
    ],
    ids=name_of,
)
def test_startup_round_trip(message: Any) -> None:
    data = message.encode()
    assert struct.unpack_from("!i", data)[0] == len(data)
    assert startup.decode_startup_packet(data[4:]) == message
    for length in range(4, len(data)):
        try:
            startup.decode_startup_packet(data[4:length])
        except QuiverError as error:
            assert error.sqlstate == "08P01"


def test_row_description_carries_length_and_typmod_of_the_type() -> None:
    columns = (ResultColumn("e", SqlType(VECTOR.oid, 768), 20001, 4), ResultColumn("n", INT4))
    fields = response.RowDescription.of(columns, (Format.BINARY, Format.TEXT)).fields
    assert fields[0] == response.Field("e", 20001, 4, VECTOR.oid, -1, 768, 1)
    assert fields[1] == response.Field("n", 0, 0, 23, 4, -1, 0)


def test_zero_bytes_in_text_cannot_break_the_framing() -> None:
    data = response.ErrorResponse({"M": "a\0b"}).encode()
    assert response.ErrorResponse.decode(data[5:]).fields == {"M": "ab"}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\xffb\0", "0xff 0x62"),
        (b"\xe2\x28\xa1\0", "0xe2 0x28 0xa1"),
        (b"\x80\0", "0x80"),
        (b"\xc3\0", "0xc3"),
    ],
)
def test_invalid_utf8_is_named_as_postgresql_does(raw: bytes, shown: str) -> None:
    with pytest.raises(QuiverError) as caught:
        Body(raw).cstring()
    assert caught.value.sqlstate == "22021"
    assert caught.value.message == f'invalid byte sequence for encoding "UTF8": {shown}'


@pytest.mark.parametrize("count", [0, 1, 65_535])
def test_largest_counts(count: int) -> None:
    bind = extended_query.Bind("", "", (1,), (b"",) * count)
    assert extended_query.Bind.decode(body_of(bind)) == bind
    parse = extended_query.Parse("", "x", tuple(range(count)))
    assert extended_query.Parse.decode(body_of(parse)) == parse
