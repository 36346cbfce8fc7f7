"""What a transaction does besides rows and settings: LISTEN, UNLISTEN, NOTIFY, and restarts of sequences.

The first three take effect when the transaction commits, in the order they were given, and go with the savepoint or
transaction that is rolled back. A sequence is restarted at once, because its own transaction must see it, and set back
by a rollback; values that other sessions took meanwhile may then come again, where PostgreSQL makes them wait. See https://www.postgresql.org/docs/15/sql-listen.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlfront.backend import Notification
from sqlfront.session.notifications import Listener, NotificationHub, check_notification


@dataclass(frozen=True, slots=True)
class _ChannelChange:
    """LISTEN or UNLISTEN. `channel` None = all."""

    is_listen: bool
    channel: str | None


@dataclass(slots=True)
class TransactionEffects:
    """Held until `commit`."""

    _notifications: list[Notification] = field(default_factory=list)
    _changes: list[_ChannelChange] = field(default_factory=list)
    _restarts: list[Callable[[], None]] = field(default_factory=list)

    def notify(self, process_id: int, channel: str, payload: str) -> None:
        """NOTIFY: equal ones are sent once. Raises InvalidParameterValue (22023)."""
        check_notification(channel, payload)
        notification = Notification(process_id, channel, payload)
        if notification not in self._notifications:
            self._notifications.append(notification)

    def listen(self, channel: str) -> None:
        self._changes.append(_ChannelChange(True, channel))

    def unlisten(self, channel: str | None) -> None:
        self._changes.append(_ChannelChange(False, channel))

    def restarted(self, undo: Callable[[], None]) -> None:
        """A sequence was restarted; `undo` sets it back."""
        self._restarts.append(undo)

    def mark(self) -> tuple[int, int, int]:
        """What a savepoint goes back to."""
        return len(self._notifications), len(self._changes), len(self._restarts)

    def rollback_to(self, mark: tuple[int, int, int]) -> None:
        notification_count, change_count, restart_count = mark
        del self._notifications[notification_count:]
        del self._changes[change_count:]
        while len(self._restarts) > restart_count:
            self._restarts.pop()()

    def rollback(self) -> None:
        self.rollback_to((0, 0, 0))

    def commit(self, hub: NotificationHub, listener: Listener) -> None:
        """Change the channels, then send: a session hears what it sends itself."""
        notifications, changes = self._notifications, self._changes
        self._notifications, self._changes, self._restarts = [], [], []
        for change in changes:
            if change.is_listen and change.channel is not None:
                hub.listen(listener, change.channel)
            else:
                hub.unlisten(listener, change.channel)
        hub.publish(listener.database_oid, notifications)
