"""The other sessions of a database, for commands that want it to themselves: DROP and ALTER DATABASE ... RENAME."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

# As long as PostgreSQL waits (CountOtherDBBackends), and how often it looks.
_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.02


class DatabasePeers:
    """Implements `sqlfront.commands.context.Peers` for one session's command."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session

    def end(self, database_oid: int) -> None:
        """Ask all of them to end; running statements are stopped."""
        for peer in self._of(database_oid):
            self._session.signal_peer(peer.process_id, terminate=True)

    def remaining(self, database_oid: int) -> int:
        """How many there are after a wait of up to five seconds for those that are about to leave.

        Raises:
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """
        end = time.monotonic() + _WAIT_SECONDS
        while (count := len(self._of(database_oid))) and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
            self._session.cancel_token.check()
        return count

    def _of(self, database_oid: int) -> list[LocalSession]:
        session = self._session
        return [
            peer
            for peer in session.registry.sessions()
            if peer.identity.database_oid == database_oid and peer is not session
        ]
