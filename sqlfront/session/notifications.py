"""LISTEN / NOTIFY within one server.

A `NotificationHub` belongs to the server; sessions register channels with it. A NOTIFY is held by the session
until its transaction commits, duplicates removed, then handed to the queue of every listener of the same
database. Delivery to the socket is the connection's work, woken by `on_arrival`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from foundation.errors import InvalidParameterValue
from sqlfront.backend import Notification

CHANNEL_BYTES_MAX = 63
PAYLOAD_BYTES_MAX = 7999


class Listener:
    """One session's channels and the notifications that wait for it."""

    def __init__(self, database_oid: int, process_id: int) -> None:
        self.database_oid = database_oid
        self.process_id = process_id
        self.channels: set[str] = set()
        self.on_arrival: Callable[[], None] | None = None
        """Called from any thread when a notification was queued."""
        self._queue: deque[Notification] = deque()

    def put(self, notification: Notification) -> None:
        self._queue.append(notification)
        if self.on_arrival is not None:
            self.on_arrival()

    def drain(self) -> list[Notification]:
        drained = []
        while self._queue:
            drained.append(self._queue.popleft())
        return drained


class NotificationHub:
    """All listeners of a server, safe from any thread."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()

    def listen(self, listener: Listener, channel: str) -> None:
        with self._lock:
            listener.channels.add(channel)
            self._listeners.add(listener)

    def unlisten(self, listener: Listener, channel: str | None) -> None:
        """Give up one channel, or all with None."""
        with self._lock:
            if channel is None:
                listener.channels.clear()
            else:
                listener.channels.discard(channel)
            if not listener.channels:
                self._listeners.discard(listener)

    def publish(self, database_oid: int, notifications: list[Notification]) -> None:
        """Queue committed notifications, in order, for every listener of their channels."""
        with self._lock:
            listeners = [x for x in self._listeners if x.database_oid == database_oid]
        for notification in notifications:
            for listener in listeners:
                if notification.channel in listener.channels:
                    listener.put(notification)


def check_notification(channel: str, payload: str) -> None:
    """Raises InvalidParameterValue (22023) in PostgreSQL's words."""
    if not channel:
        raise InvalidParameterValue("channel name cannot be empty")
    if len(channel.encode()) > CHANNEL_BYTES_MAX:
        raise InvalidParameterValue("channel name too long")
    if len(payload.encode()) > PAYLOAD_BYTES_MAX:
        raise InvalidParameterValue("payload string too long")
