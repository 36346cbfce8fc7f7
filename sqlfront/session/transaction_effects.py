"""What a transaction does to its session besides rows and settings: LISTEN, UNLISTEN, NOTIFY.

They take effect when the transaction commits, in the order they were given, and go with the savepoint or
transaction that is rolled back. See https://www.postgresql.org/docs/15/sql-listen.html.
"""

from __future__ import annotations

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

    def mark(self) -> tuple[int, int]:
        """What a savepoint goes back to."""
        return len(self._notifications), len(self._changes)

    def rollback_to(self, mark: tuple[int, int]) -> None:
        notification_count, change_count = mark
        del self._notifications[notification_count:]
        del self._changes[change_count:]

    def rollback(self) -> None:
        self.rollback_to((0, 0))

    def commit(self, hub: NotificationHub, listener: Listener) -> None:
        """Change the channels, then send: a session hears what it sends itself."""
        notifications, changes = self._notifications, self._changes
        self._notifications, self._changes = [], []
        for change in changes:
            if change.is_listen and change.channel is not None:
                hub.listen(listener, change.channel)
            else:
                hub.unlisten(listener, change.channel)
        hub.publish(listener.database_oid, notifications)
