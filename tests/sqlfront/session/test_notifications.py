"""Goal: notifications reach the listeners of their channel and database, once, in order. Method: direct use."""

import pytest

from foundation.errors import InvalidParameterValue
from sqlfront.backend import Notification
from sqlfront.session.notifications import Listener, NotificationHub, check_notification


def test_delivery_by_channel_and_database() -> None:
    hub = NotificationHub()
    here, there = Listener(5, 1), Listener(6, 2)
    woken = []
    here.on_arrival = lambda: woken.append("here")
    hub.listen(here, "jobs")
    hub.listen(there, "jobs")
    first, second = Notification(9, "jobs", "a"), Notification(9, "other", "b")
    hub.publish(5, [first, second])
    assert here.drain() == [first] and here.drain() == []
    assert there.drain() == [] and woken == ["here"]


def test_unlisten() -> None:
    hub = NotificationHub()
    listener = Listener(5, 1)
    hub.listen(listener, "a")
    hub.listen(listener, "b")
    hub.unlisten(listener, "a")
    hub.publish(5, [Notification(1, "a", ""), Notification(1, "b", "")])
    assert [n.channel for n in listener.drain()] == ["b"]
    hub.unlisten(listener, None)
    hub.publish(5, [Notification(1, "b", "")])
    assert listener.drain() == []


@pytest.mark.parametrize(("channel", "payload"), [("", "x"), ("c" * 64, ""), ("c", "x" * 8000)])
def test_limits(channel: str, payload: str) -> None:
    with pytest.raises(InvalidParameterValue):
        check_notification(channel, payload)
