"""Goal: the tables of states are complete and consistent. Method: walk them."""

from __future__ import annotations

import pytest

from sqlfront.protocol.simple_query import FunctionCall
from sqlfront.protocol.transitions import (
    ACCEPTED,
    SMALL_MESSAGE_BYTES_MAX,
    TRANSITIONS,
    Action,
    Event,
    Machine,
    State,
    message_limits,
)
from tests.sqlfront.protocol.trace import FRONTEND


def test_every_state_is_reached_and_can_end() -> None:
    reached = {State.STARTUP}
    while (further := {to for (state, _), to in TRANSITIONS.items() if state in reached}) - reached:
        reached |= further
    assert reached == set(State)
    assert all((state, Event.ENDED) in TRANSITIONS for state in State)
    assert {event for _, event in TRANSITIONS} == set(Event)


@pytest.mark.parametrize("state", [State.READY, State.SKIPPING, State.COPY_IN])
def test_an_authenticated_client_may_send_every_message_in_every_state(state: State) -> None:
    assert {kind.encode() for kind in ACCEPTED[state]} == set(FRONTEND)
    assert ACCEPTED[state]["X"] is Action.HANDLE


def test_only_copy_in_refuses() -> None:
    refusing = {state for state, table in ACCEPTED.items() if Action.REFUSE in table.values()}
    assert refusing == {State.COPY_IN}


def test_limits() -> None:
    limits = message_limits(State.READY, 1000)
    assert limits[ord("Q")] == limits[ord("d")] == limits[FunctionCall.kind[0]] == 1000
    assert limits[ord("S")] == SMALL_MESSAGE_BYTES_MAX
    assert message_limits(State.STARTUP, 1000) == {}
    assert set(message_limits(State.AUTHENTICATION, 1000)) == {ord("p")}


def test_illegal_transition_is_our_bug() -> None:
    with pytest.raises(AssertionError):
        Machine().move(Event.SYNC)
