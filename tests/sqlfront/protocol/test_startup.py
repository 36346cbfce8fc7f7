"""Goal: start-up packets are understood as PostgreSQL does. Method: examples of pg_split_opts and its switches."""

from __future__ import annotations

import pytest

from foundation.errors import QuiverError
from sqlfront.protocol.startup import (
    PROTOCOL_3_0,
    StartupMessage,
    decode_startup_packet,
    parse_options,
    read_session_request,
)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("   ", {}),
        ("-c work_mem=1MB", {"work_mem": "1MB"}),
        ("-cwork_mem=1MB  -c a.b=", {"work_mem": "1MB", "a.b": ""}),
        ("--work-mem=1MB", {"work_mem": "1MB"}),
        (r"-c search_path=a\ b,\\c", {"search_path": r"a b,\c"}),
        ("-c a=b=c", {"a": "b=c"}),
        ("-c a=1 -c a=2", {"a": "2"}),
        ("-c\ta=1\n--b=2\\", {"a": "1", "b": "2"}),
    ],
)
def test_options(text: str, settings: dict[str, str]) -> None:
    assert parse_options(text) == settings


@pytest.mark.parametrize("text", ["-c", "-c a", "--a", "--=1", "-B 4", "geqo=off", "-d 5"])
def test_wrong_options_are_refused(text: str) -> None:
    with pytest.raises(QuiverError) as caught:
        parse_options(text)
    assert caught.value.sqlstate == "42601"


def test_parameters_win_over_options_and_names_are_cut() -> None:
    startup = StartupMessage(
        parameters={"user": "ü" * 40, "options": "-c a=1 -c b=2", "b": "3", "replication": "off"}
    )
    request = read_session_request(startup)
    assert request.settings == {"a": "1", "b": "3"}
    assert request.user == request.database == "ü" * 31


@pytest.mark.parametrize("version", [2 << 16, 4 << 16, 0, 1234 << 16])
def test_other_major_versions_are_refused(version: int) -> None:
    with pytest.raises(QuiverError, match="unsupported frontend protocol") as caught:
        decode_startup_packet(StartupMessage(version).encode()[4:])
    assert caught.value.sqlstate == "0A000"


@pytest.mark.parametrize("body", [b"", b"user\0a\0", b"user\0a", b"user\0", b"\0rest"])
def test_packets_without_terminator_are_refused(body: bytes) -> None:
    with pytest.raises(QuiverError) as caught:
        decode_startup_packet(PROTOCOL_3_0.to_bytes(4, "big") + body)
    assert caught.value.sqlstate == "08P01"
