"""Goal: connections, limits, timeouts, cancellation, start and stop of the server.

Method: a server on the null backend inside the test process, raw sockets that read single messages, and events
instead of sleeping. The null session's `sleep` polls its cancel token, so it ends early when it is cancelled.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from foundation.cancel import CancelToken
from quiver.server import Server, ServerOptions, ServerStartError
from quiver.statement_timer import StatementTimer
from sqlfront.protocol.extended_query import Bind, Execute, Parse, Sync
from sqlfront.protocol.framing import Frame
from sqlfront.protocol.response import ErrorResponse
from sqlfront.protocol.simple_query import Query, Terminate
from sqlfront.protocol.startup import BackendKeyData, CancelRequest, StartupMessage
from tests.quiver.live_server import LiveServer, RawClient, live_server
from tests.sqlfront.protocol.null_backend import CODECS

SLEEP = Query("sleep 60000").encode()
ONE = Query("select 1").encode()


@pytest.fixture(scope="module")
def live() -> Any:
    with live_server() as server:
        yield server


def kinds(frames: list[Frame]) -> str:
    return "".join(chr(frame.kind) for frame in frames)


def error_of(frames: list[Frame]) -> dict[str, str]:
    (body,) = [frame.body for frame in frames if frame.kind == ord("E")]
    return ErrorResponse.decode(body).fields


def fatal(frames: list[Frame]) -> tuple[str, str]:
    fields = error_of(frames)
    return fields["S"], fields["C"]


def test_query_and_good_bye(live: LiveServer) -> None:
    with RawClient(live) as client:
        client.send(ONE)
        assert kinds(client.read_until(b"Z")) == "TDCZ"
        client.send(Terminate().encode())
        assert client.read_frame() is None
    live.wait_until_empty()
    assert live.factory.sessions == {}


def test_answers_to_a_half_closed_client(live: LiveServer) -> None:
    with RawClient(live) as client:
        client.send(ONE + ONE + Terminate().encode())
        client.socket.shutdown(socket.SHUT_WR)
        assert kinds(client.read_until(b"\0")) == "TDCZTDCZ"


def test_too_many_clients() -> None:
    with live_server(ServerOptions(max_connections=2)) as live:
        first, second = RawClient(live), RawClient(live)
        with first, second:
            with RawClient(live, is_started=False) as third:
                third.send(StartupMessage(parameters={"user": "a"}).encode())
                fields = error_of(third.read_until(b"\0"))
                assert (fields["S"], fields["C"]) == ("FATAL", "53300")
                assert fields["M"] == "sorry, too many clients already"
            # A cancellation gets through although the server is full.
            live.factory.sleeping.clear()
            first.send(SLEEP)
            assert live.factory.sleeping.wait(5)
            session = next(iter(live.factory.sessions.values()))
            with RawClient(live, is_started=False) as canceller:
                canceller.send(CancelRequest(session.process_id, session.secret_key).encode())
                assert canceller.read_frame() is None
            assert fatal(first.read_until(b"Z")) == ("ERROR", "57014")
        live.wait_until_empty()
        with RawClient(live) as fourth:
            fourth.send(ONE)
            assert kinds(fourth.read_until(b"Z")) == "TDCZ"


def test_sockets_that_say_nothing_are_bounded_and_time_out() -> None:
    options = ServerOptions(max_connections=1, authentication_timeout_ms=150)
    with live_server(options) as live:
        silent = [RawClient(live, is_started=False) for _ in range(70)]
        answers = [client.read_until(b"\0") for client in silent]
        states = [fatal(frames) for frames in answers]
        assert states.count(("FATAL", "53300")) == 70 - 66
        assert states.count(("FATAL", "57014")) == 66
        for client in silent:
            client.socket.close()


def test_cancel_needs_the_secret(live: LiveServer) -> None:
    with RawClient(live, is_started=False) as client:
        client.send(StartupMessage(parameters={"user": "a"}).encode())
        key = BackendKeyData.decode(next(f.body for f in client.read_until(b"Z") if f.kind == ord("K")))
        live.factory.sleeping.clear()
        client.send(SLEEP)
        assert live.factory.sleeping.wait(5)
        for secret in (key.secret_key ^ 1, key.secret_key):
            with RawClient(live, is_started=False) as canceller:
                canceller.send(CancelRequest(key.process_id, secret).encode())
                assert canceller.read_frame() is None
            is_cancelled = live.factory.all_sessions[-1].cancel_token.is_cancelled()
            assert is_cancelled is (secret == key.secret_key)
        fields = error_of(client.read_until(b"Z"))
        assert fields["M"] == "canceling statement due to user request"
        client.send(ONE)
        assert kinds(client.read_until(b"Z")) == "TDCZ"


@pytest.mark.parametrize("is_extended", [False, True])
def test_statement_timeout(live: LiveServer, is_extended: bool) -> None:
    sleep = b"".join(m.encode() for m in (Parse("", "sleep 60000"), Bind("", ""), Execute(""), Sync()))
    with RawClient(live) as client:
        client.send(Query("set statement_timeout 20").encode())
        client.read_until(b"Z")
        for _ in range(2):
            client.send(sleep if is_extended else SLEEP)
            fields = error_of(client.read_until(b"Z"))
            assert (fields["S"], fields["C"]) == ("ERROR", "57014")
            assert fields["M"] == "canceling statement due to statement timeout"
            client.send(ONE)
            assert kinds(client.read_until(b"Z")) == "TDCZ"


def test_statement_timer_reuses_one_loop_timer() -> None:
    class Loop:
        calls = 0

        def call_soon_threadsafe(self, callback: Any) -> None:
            self.calls += 1

    loop = Loop()
    timer = StatementTimer(loop)  # type: ignore[arg-type]
    token = CancelToken()
    for _ in range(1000):
        timer.arm(token, 60_000)
        timer.disarm()
    assert loop.calls == 1
    timer.arm(token, 10)
    assert loop.calls == 2
    timer.arm(token, 0)
    assert not token.is_cancelled()


def test_idle_timeouts(live: LiveServer) -> None:
    for setting, begin, sqlstate in (
        ("idle_session_timeout", b"", "57P05"),
        ("idle_in_transaction_session_timeout", Query("begin").encode(), "25P03"),
    ):
        with RawClient(live) as client:
            client.send(Query(f"set {setting} 20").encode() + begin)
            frames = client.read_until(b"\0")
            assert fatal(frames) == ("FATAL", sqlstate)
    live.wait_until_empty()
    assert live.factory.sessions == {}


def test_notifications_reach_idle_clients(live: LiveServer) -> None:
    with RawClient(live) as listener, RawClient(live) as notifier:
        listener.send(Query("listen jobs").encode())
        listener.read_until(b"Z")
        notifier.send(Query("notify jobs hello").encode())
        notifier.read_until(b"Z")
        frame = listener.read_frame()
        assert frame is not None
        assert frame.kind == ord("A")
        assert frame.body.endswith(b"jobs\0hello\0")


@pytest.mark.parametrize("state", ["idle", "running"])
def test_terminate_backend(live: LiveServer, state: str) -> None:
    with RawClient(live) as victim, RawClient(live) as admin:
        victim_session = live.factory.all_sessions[-2]
        live.factory.sleeping.clear()
        if state == "running":
            victim.send(SLEEP)
            assert live.factory.sleeping.wait(5)
        admin.send(Query(f"terminate {victim_session.process_id}").encode())
        admin.read_until(b"Z")
        assert fatal(victim.read_until(b"\0")) == ("FATAL", "57P01")
        assert victim_session.close_count == 1


def test_graceful_shutdown_finishes_statements() -> None:
    with live_server() as live:
        idle, running = RawClient(live), RawClient(live)
        with idle, running:
            running.send(Query("sleep 150").encode() + ONE)
            assert live.factory.sleeping.wait(5)
            stopping = live.submit(live.server.shutdown())
            assert fatal(idle.read_until(b"\0")) == ("FATAL", "57P01")
            frames = running.read_until(b"\0")
            assert kinds(frames) == "CZTDCZE"
            assert fatal(frames) == ("FATAL", "57P01")
            stopping.result(10)
        with pytest.raises(OSError):
            RawClient(live)
        assert live.factory.sessions == {}


def test_graceful_shutdown_gives_up_after_the_grace() -> None:
    with live_server() as live, RawClient(live) as client:
        client.send(SLEEP)
        assert live.factory.sleeping.wait(5)
        started = time.monotonic()
        live.call(live.server.shutdown(grace_s=0.05))
        assert time.monotonic() - started < 5
        assert live.factory.all_sessions[0].close_count == 1


def test_abort_cancels() -> None:
    with live_server() as live, RawClient(live) as client:
        client.send(SLEEP)
        assert live.factory.sleeping.wait(5)
        live.call(live.server.abort())
        assert live.factory.all_sessions[0].close_count == 1
        assert client.read_frame() is None


def test_unix_socket(tmp_path: Path) -> None:
    with live_server(ServerOptions(socket_dir=tmp_path)) as live:
        path = tmp_path / f".s.PGSQL.{live.server.port}"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(path))
            client.sendall(StartupMessage(parameters={"user": "a"}).encode() + ONE + Terminate().encode())
            with client.makefile("rb") as stream:
                assert stream.read().endswith(b"SELECT 1\0Z\0\0\0\5I")
        assert live.factory.all_sessions[0].startup.endpoints.peer_host == ""
        with pytest.raises(ServerStartError, match="another server uses it"):
            other = Server(live.factory, CODECS, ServerOptions(port=0))
            live.call(other._listen_on_unix_socket(live.loop, path))
    assert not path.exists()


def test_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stale = tmp_path / f".s.PGSQL.{port}"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(stale))
    live = LiveServer(ServerOptions(socket_dir=tmp_path))
    live.server = Server(live.factory, CODECS, ServerOptions(socket_dir=tmp_path, port=port))
    live.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(stale))
    live.stop()


def test_port_in_use_is_one_sentence(live: LiveServer) -> None:
    other = Server(live.factory, CODECS, ServerOptions(port=live.server.port))
    with pytest.raises(ServerStartError, match=r"could not listen on .* port \d+"):
        live.call(other.start())


SERVE = """
import sys
from quiver.server import Server, ServerOptions, run
from tests.sqlfront.protocol.null_backend import CODECS, NullFactory
server = Server(NullFactory(), CODECS, ServerOptions(port=0))
run(server, lambda: print(server.port, flush=True))
print("stopped", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_signals(signals: list[signal.Signals]) -> None:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(StartupMessage(parameters={"user": "a"}).encode())
            if len(signals) == 2:
                client.sendall(SLEEP)
            client.recv(1 << 16)
            for number in signals:
                process.send_signal(number)
                # The second signal counts only after the first was taken: then nobody listens any more.
                while is_listening(port):
                    pass
            assert process.wait(10) == 0
        assert process.stdout.read() == "stopped\n"
    finally:
        process.kill()
        process.communicate()


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionError:
        return False
    return True
