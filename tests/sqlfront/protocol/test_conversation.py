"""Goal: the dialogue is PostgreSQL's, message by message.

Method: golden traces (`golden/*.trace`, a line a message, F from the client, B from the server) of whole
dialogues on the null backend, and single checks for what a trace does not show. Run with
QUIVER_UPDATE_GOLDEN=1 to write the traces anew, and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from foundation.cancel import CANCEL_TIMEOUT, CancelToken
from foundation.errors import AdminShutdown
from sqlfront.protocol import ConversationOptions, make_verifier
from sqlfront.protocol.channel import CHUNK_BYTES
from sqlfront.protocol.copy import CopyData, CopyDone, CopyFail
from sqlfront.protocol.errors import TooManyConnections
from sqlfront.protocol.extended_query import Bind, Close, Describe, Execute, Flush, Parse, Sync, Target
from sqlfront.protocol.response import CommandComplete, ErrorResponse, ReadyForQuery
from sqlfront.protocol.simple_query import FunctionCall, Query, Terminate
from sqlfront.protocol.startup import (
    PROTOCOL_3_0,
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
)
from sqlfront.protocol.transitions import State
from tests.sqlfront.protocol.null_backend import NullFactory
from tests.sqlfront.protocol.trace import STARTUP, Client, kinds

GOLDEN = Path(__file__).parent / "golden"
S, P = Target.STATEMENT, Target.PORTAL


def prepared(text: str, *oids: int, name: str = "") -> tuple[Any, ...]:
    return (Parse(name, text, oids), Bind(name, name), Describe(P, name), Execute(name))


DIALOGUES: dict[str, list[list[Any]]] = {
    "startup": [],
    "simple_query": [
        [Query("select 1")],
        [Query("rows 2; insert 3; select 7")],
        [Query("")],
        [Query(" ; ")],
        [Query("notice look here; set application_name me")],
        [Query("error; select 1")],
        [Query("select 1; error; select 2")],
        [Query("syntax")],
        [Query("fail at commit")],
        [Query("begin"), Query("error"), Query("select 1"), Query("rollback")],
        [Terminate()],
    ],
    "extended_query": [
        [*prepared("select 1"), Sync()],
        [Parse("s", "echo $1 $2", (23, 25)), Describe(S, "s"), Flush()],
        [Bind("", "s", (1, 0), (b"\0\0\0\7", b"seven"), (1, 0)), Describe(P, ""), Execute(""), Sync()],
        [Bind("", "s", (), (None, b""), (1,)), Execute(""), Sync()],
        [Parse("i", "insert 4"), Describe(S, "i"), Bind("p", "i"), Describe(P, "p"), Execute("p"), Sync()],
        [Parse("", ""), Bind("", ""), Describe(P, ""), Execute(""), Sync()],
        [Close(S, "s"), Close(P, "nobody"), Close(S, "nobody"), Sync()],
        [Bind("", "s"), Sync()],
    ],
    "row_limit": [
        [Query("begin")],
        [Parse("", "rows 5"), Bind("c", ""), Execute("c", 2), Sync()],
        [Execute("c", 2), Flush()],
        [Execute("c", 2), Execute("c", 2), Sync()],
        [Query("declare d rows 3")],
        [Describe(P, "d"), Execute("d", 2), Execute("d"), Sync()],
        [Query("commit")],
        [Execute("c"), Sync()],
    ],
    "error_skip": [
        [*prepared("error"), *prepared("select 1"), Query("select 2"), FunctionCall(b""), Sync()],
        [Execute("nobody"), Describe(S, "nobody"), Sync()],
        [Parse("a", "select 1"), Parse("a", "select 2"), Sync()],
        [Query("begin")],
        [Bind("p", "a"), Bind("p", "a"), Sync()],
        [Execute("p"), Sync(), *prepared("rollback"), Sync()],
        [Parse("e", "echo $1", (23,)), Bind("", "e"), Sync()],
        [Bind("", "e", (0, 0), (b"1",)), Sync()],
        [Bind("", "e", (2,), (b"1",)), Sync()],
        [Bind("", "e", (), (b"1",), (0, 1)), Sync()],
        [Bind("", "e", (), (b"1",), (7,)), Sync()],
        [*prepared("fail at commit"), Sync()],
        [FunctionCall(b"\0\0")],
        [*prepared("crash"), Sync()],
    ],
    "pipeline": [
        [
            *prepared("select 1"), *prepared("select 2"), Sync(),
            *prepared("error"), *prepared("select 3"), Sync(),
            *prepared("select 4"), Sync(),
        ],
        [Parse("m", "insert 1"), *[Bind("", "m"), Execute("")] * 3, Sync()],
    ],
    "copy_in": [
        [Query("copy in")],
        [CopyData(b"1\ta\n2"), CopyData(b"\tb\n"), CopyDone()],
        [Query("copy in; select 1")],
        [CopyData(b"1\n"), CopyFail("changed my mind")],
        [Query("copy in")],
        [CopyData(b"1\n"), CopyData(b"bad\n"), CopyData(b"3\n"), CopyDone()],
        [Query("select 1")],
        [Query("copy in"), Flush(), Sync(), CopyData(b"1\n"), CopyDone()],
        [Query("copy in"), Query("select 2")],
        [*prepared("copy in"), Sync()],
        [CopyData(b"1\n"), CopyDone(), Sync()],
        [*prepared("copy in"), CopyData(b"bad"), CopyData(b"2\n"), CopyDone(), *prepared("select 1"), Sync()],
        [CopyData(b"late"), CopyDone(), CopyFail("late"), Query("select 3")],
        [Query("copy in"), CopyData(b"1\n"), Terminate()],
    ],
    "copy_out": [
        [Query("copy out 2")],
        [*prepared("copy out 1"), Sync()],
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", DIALOGUES)
def test_golden_trace(name: str) -> None:
    client = Client(is_started=False)
    client.send(STARTUP)
    if name != "startup":
        client.transcript.clear()
    for messages in DIALOGUES[name]:
        client.send(*messages)
    text = "\n".join(client.transcript) + "\n"
    path = GOLDEN / f"{name}.trace"
    if os.environ.get("QUIVER_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()
    client.conversation.close()
    assert client.session.close_count == 1


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue_does_not_depend_on_how_bytes_are_cut(name: str) -> None:
    whole, cut = Client(), Client()
    for messages in DIALOGUES[name]:
        data = b"".join(message.encode() for message in messages)
        expected = whole.send_bytes(data)
        answered = b"".join(cut.send_bytes(data[i : i + 1]) for i in range(len(data)))
        assert answered == expected


def test_ssl_and_gss_requests_are_answered_without_tls() -> None:
    client = Client(is_started=False)
    assert client.send_bytes(GSSENCRequest().encode()) == b"N"
    assert client.send_bytes(SSLRequest().encode()) == b"N"
    assert kinds(client.send(STARTUP)).startswith("RS")


def test_second_ssl_request_is_a_wrong_protocol_version() -> None:
    client = Client(is_started=False)
    client.send_bytes(SSLRequest().encode())
    (error,) = client.send(SSLRequest())
    assert error.fields["C"] == "0A000"
    assert error.fields["M"] == "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0"
    assert client.conversation.is_closed


def test_bytes_behind_an_ssl_request_are_refused() -> None:
    client = Client(options=ConversationOptions(is_tls_available=True), is_started=False)
    (error,) = client.take(client.send_bytes(SSLRequest().encode() + b"early"))
    assert (error.fields["S"], error.fields["C"]) == ("FATAL", "08P01")


def test_tls_is_waited_for() -> None:
    client = Client(options=ConversationOptions(is_tls_available=True), is_started=False)
    assert client.send_bytes(SSLRequest().encode()) == b"S"
    assert client.conversation.wants_tls
    client.conversation.tls_established(None)
    assert not client.conversation.wants_tls
    assert kinds(client.send(STARTUP)).endswith("Z")
    assert client.session.startup.is_tls


def test_newer_minor_version_and_options_are_negotiated() -> None:
    client = Client(is_started=False)
    startup = StartupMessage(PROTOCOL_3_0 + 2, {"user": "a", "_pq_.command_tag_format": "x"})
    negotiation = client.send(startup)[0]
    assert negotiation.version == PROTOCOL_3_0
    assert negotiation.unknown_options == ("_pq_.command_tag_format",)
    assert client.session.startup.settings == {}


@pytest.mark.parametrize(
    ("parameters", "sqlstate", "text"),
    [
        ({}, "28000", "no PostgreSQL user name specified in startup packet"),
        ({"user": "a", "database": "missing"}, "3D000", 'database "missing" does not exist'),
        ({"user": "a", "replication": "database"}, "0A000", "replication connections are not supported"),
        ({"user": "a", "options": "-c work_mem"}, "42601", "-c work_mem requires a value"),
        ({"user": "a", "options": "-B 4"}, "42601", "invalid command-line argument for server process: -B"),
    ],
)
def test_startup_errors_are_fatal(parameters: dict[str, str], sqlstate: str, text: str) -> None:
    client = Client(is_started=False)
    error = client.send(StartupMessage(parameters=parameters))[-1]
    assert (error.fields["S"], error.fields["C"], error.fields["M"]) == ("FATAL", sqlstate, text)
    assert client.conversation.is_closed
    assert client.send(STARTUP) == []


def test_startup_settings_reach_the_session_and_asyncpg_quotes_the_encoding() -> None:
    client = Client(is_started=False)
    parameters = {"user": "alice", "client_encoding": "'utf-8'", "options": r"-c search_path=a\ b --geqo=off"}
    answers = client.send(StartupMessage(parameters=parameters))
    statuses = {message.name: message.value for message in answers if message.kind == b"S"}
    assert statuses["client_encoding"] == "UTF8"
    assert statuses["session_authorization"] == "alice"
    assert client.session.startup.settings["search_path"] == "a b"
    assert client.session.startup.database == "alice"
    # The thirteen that PostgreSQL 15 reports.
    assert set(statuses) == {
        "application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby",
        "integer_datetimes", "IntervalStyle", "is_superuser", "server_encoding", "server_version",
        "session_authorization", "standard_conforming_strings", "TimeZone",
    }  # fmt: skip


def test_cancel_request_needs_the_secret_and_closes() -> None:
    factory = NullFactory()
    victim = Client(factory)
    session = victim.session
    for secret, is_cancelled in ((session.secret_key + 1, False), (session.secret_key, True)):
        other = Client(factory, is_started=False)
        assert other.send_bytes(CancelRequest(session.process_id, secret).encode()) == b""
        assert other.conversation.is_closed
        assert session.cancel_token.is_cancelled() is is_cancelled
    # An idle session is not affected by a cancellation.
    assert kinds(victim.query("select 1")) == "TDCZ"


def test_admission_is_refused_after_the_startup_packet() -> None:
    def refuse() -> None:
        raise TooManyConnections("sorry, too many clients already")

    client = Client(options=ConversationOptions(admit=refuse), is_started=False)
    (error,) = client.send(STARTUP)
    assert (error.fields["S"], error.fields["C"]) == ("FATAL", "53300")
    canceller = Client(options=ConversationOptions(admit=refuse), is_started=False)
    assert canceller.send_bytes(CancelRequest(1, 2).encode()) == b""


def test_deallocate_reaches_statements_of_messages() -> None:
    client = Client()
    client.send(Parse("s", "select 1"), Sync())
    client.query("deallocate s")
    (error, _) = client.send(Bind("", "s"), Sync())
    assert error.fields["M"] == 'prepared statement "s" does not exist'


def test_unnamed_statement_and_portal_end_with_a_simple_query() -> None:
    client = Client()
    client.query("begin")
    client.send(Parse("", "rows 5"), Bind("", ""), Execute("", 1), Sync())
    portal = client.session.portals[""]
    client.query("select 1")
    assert portal.is_closed  # type: ignore[attr-defined]
    for message, sqlstate in ((Execute(""), "34000"), (Bind("", ""), "26000")):
        assert client.send(message, Sync())[0].fields["C"] == sqlstate


def test_portals_end_with_their_transaction() -> None:
    client = Client()
    client.send(Parse("", "rows 5"), Bind("p", ""), Execute("p", 1), Sync())
    assert client.session.portals == {}


def test_portal_with_hold_survives() -> None:
    client = Client()
    client.query("begin; declare h rows 3")
    client.session.portals["h"].is_holdable = True
    client.query("commit")
    assert kinds(client.send(Execute("h"), Sync())) == "DDDCZ"


def test_finished_portals() -> None:
    client = Client()
    client.query("begin")
    client.send(
        Parse("", "rows 1"), Bind("r", ""), Execute("r"), Parse("", "insert 1"), Bind("i", ""), Execute("i")
    )
    again = client.send(Execute("r"))
    assert again == [CommandComplete("SELECT 0")]
    (error,) = client.send(Execute("i"))
    assert (error.fields["C"], error.fields["M"]) == ("55000", 'portal "i" cannot be run')


def test_statement_with_rows_is_not_described_in_a_failed_transaction() -> None:
    client = Client()
    client.send(Parse("r", "rows 1"), Parse("i", "insert 1"), Sync())
    client.query("begin; error")
    assert kinds(client.send(Describe(S, "i"), Sync())) == "tnZ"
    assert client.send(Describe(S, "r"), Sync())[0].fields["C"] == "25P02"


def test_large_result_leaves_in_bounded_chunks() -> None:
    client = Client()
    client.conversation.receive_data(Query("rows 300000").encode())
    sizes = [len(chunk) for chunk in client.conversation.run()]
    assert len(sizes) > 50
    assert max(sizes) <= 4 * CHUNK_BYTES


def test_copy_in_is_fed_in_runs_not_in_messages() -> None:
    client = Client()
    client.query("copy in")
    copy_in = client.session.copy_in
    assert copy_in is not None
    feeds: list[int] = []
    original = copy_in.feed
    copy_in.feed = lambda data: (feeds.append(len(data)), original(data))[1]  # type: ignore[func-returns-value,method-assign]
    row = CopyData(b"1\tabc\n").encode()
    client.send_bytes(row * 100_000)
    assert sum(feeds) == 600_000
    assert len(feeds) == 3
    assert client.send(CopyDone())[0] == CommandComplete("COPY 100000")


@pytest.mark.parametrize("query", [[Query("copy in")], [*prepared("copy in")]])
def test_vanishing_in_copy_in_fails_the_copy(query: list[Any]) -> None:
    client = Client()
    client.send(*query, CopyData(b"1\n"))
    assert client.conversation.state is State.COPY_IN
    client.conversation.close()
    copy_in = client.session.copy_in
    assert copy_in is not None
    assert copy_in.failure == "unexpected EOF on client connection with an open transaction"
    assert client.session.close_count == 1
    client.conversation.close()
    assert client.session.close_count == 1


def test_cancel_during_copy_in_takes_effect_at_the_next_data() -> None:
    client = Client()
    client.query("copy in")
    client.session.cancel_token.cancel(CANCEL_TIMEOUT)
    error, ready = client.send(CopyData(b"1\n"), CopyDone())
    assert error.fields["M"] == "canceling statement due to statement timeout"
    assert ready == ReadyForQuery(b"I")


def test_notification_wakes_an_idle_client_only() -> None:
    factory = NullFactory()
    listener, notifier = Client(factory), Client(factory)
    listener_session = factory.all_sessions[0]
    listener.query("listen jobs")
    woken: list[bool] = []
    listener_session.set_wakeup(lambda: woken.append(True))
    notifier.query("notify jobs hello")
    assert woken == [True]
    (note,) = listener.take(listener.conversation.wake())
    assert (note.channel, note.payload) == ("jobs", "hello")
    listener.send(Parse("", "select 1"), Flush())
    notifier.query("notify jobs later")
    assert listener.conversation.wake() == b""
    assert kinds(listener.send(Sync())) == "AZ"


def test_termination_ends_an_idle_client() -> None:
    client = Client()
    session = client.session
    session.terminate()
    (error,) = client.take(client.conversation.wake())
    assert (error.fields["S"], error.fields["C"]) == ("FATAL", "57P01")
    assert client.conversation.is_closed
    assert session.close_count == 1


def test_termination_stops_a_running_statement() -> None:
    client = Client()
    session = client.session
    session.terminate()
    (error,) = client.query("sleep 60000")
    assert (error.fields["S"], error.fields["C"]) == ("FATAL", "57P01")
    assert session.close_count == 1


def test_end_from_outside_during_copy() -> None:
    client = Client()
    client.query("copy in")
    (error,) = client.take(client.conversation.end(AdminShutdown("terminating")))
    assert error.fields["S"] == "FATAL"
    assert client.session.close_count == 1
    assert client.conversation.end(AdminShutdown("again")) == b""


class RecordingWatch:
    """Notes what a conversation asks of the clock."""

    def __init__(self) -> None:
        self.armed: list[int] = []
        self.disarm_count = 0

    def arm(self, token: CancelToken, timeout_ms: int) -> None:
        self.armed.append(timeout_ms)

    def disarm(self) -> None:
        self.disarm_count += 1


def test_watch_is_armed_for_each_statement_and_disarmed() -> None:
    watch = RecordingWatch()
    client = Client(options=ConversationOptions(watch=watch))
    client.query("set statement_timeout 5s")
    watch.armed.clear()
    client.query("select 1; insert 1")
    # Whether the whole is a read in one step is asked with the clock running, too.
    assert watch.armed == [5000] * 3
    disarm_count = watch.disarm_count
    client.query("error")
    client.send(*prepared("select 1"))
    assert watch.disarm_count == disarm_count + 2


def test_unknown_exception_is_xx000_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    error, _ = client.query("crash")
    assert isinstance(error, ErrorResponse)
    assert (error.fields["C"], error.fields["M"]) == ("XX000", "internal error: RuntimeError: a bug")
    assert error.fields["R"] == "run_command"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "data", [b"\x00", b"z\0\0\0\4", b"Q\0\0\0\3", b"Q\x7f\xff\xff\xff", b"X\x80\0\0\0", b"S\0\1\0\0"]
)
def test_broken_framing_is_fatal_before_anything_is_collected(data: bytes) -> None:
    client = Client()
    (error,) = client.take(client.send_bytes(data))
    assert (error.fields["S"], error.fields["C"]) == ("FATAL", "08P01")
    assert client.session.close_count == 1


@pytest.mark.parametrize(
    ("data", "sqlstate"),
    [
        (b"Q\0\0\0\5\xff", "08P01"),
        (b"Q\0\0\0\6\xff\0", "22021"),
        (b"Q\0\0\0\7a\0b", "08P01"),
        (b"P\0\0\0\7\0\0\1", "08P01"),
        (b"B\0\0\0\x0a\0\0\0\0\xff\xff", "08P01"),
        (b"D\0\0\0\6X\0", "08P01"),
        (b"E\0\0\0\5\0", "08P01"),
    ],
)
def test_broken_bodies_are_errors_and_the_conversation_goes_on(data: bytes, sqlstate: str) -> None:
    client = Client()
    answers = client.take(client.send_bytes(data + Sync().encode()))
    assert answers[0].fields["C"] == sqlstate
    assert answers[-1] == ReadyForQuery(b"I")
    assert kinds(client.query("select 1")) == "TDCZ"


def test_scram_needs_a_password_message() -> None:
    client = Client(NullFactory({"alice": make_verifier("secret")}), is_started=False)
    (offer,) = client.send(STARTUP)
    assert offer.mechanisms == ("SCRAM-SHA-256",)
    (error,) = client.query("select 1")
    assert (error.fields["S"], error.fields["C"]) == ("FATAL", "08P01")
    assert client.factory.all_sessions == []
