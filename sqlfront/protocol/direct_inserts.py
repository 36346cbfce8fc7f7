"""Prepared INSERTs in one step: what `direct_shapes` recognises, for statements that insert directly.

The session inserts and logs the row, alone or with those of other sessions; the answers leave as one piece when the disk has
it. Where anything is out of the ordinary nothing has happened, and the messages are handled one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError
from sqlfront.backend import Joinable, Session
from sqlfront.protocol.asynchronous import send_notices
from sqlfront.protocol.channel import Channel, Flow, settled
from sqlfront.protocol.direct_shapes import DirectShape
from sqlfront.protocol.options import Codecs, StatementWatch
from sqlfront.protocol.response import CommandComplete
from sqlfront.protocol.timeouts import arm


@dataclass(frozen=True, slots=True)
class DirectInserts:
    """Of one session."""

    channel: Channel
    session: Session
    codecs: Codecs
    watch: StatementWatch

    def answer(self, shape: DirectShape, body: bytes, *, is_described: bool) -> Flow[bool]:
        """Send BindComplete to CommandComplete of an INSERT, notices included; False where nothing was done.

        Raises:
            QuiverError: whatever the INSERT raises.
        """
        session = self.session
        if not shape.statement.inserts_directly or "" in session.portals:
            return False
        arm(self.watch, session)
        insert = self._insert(shape, body)
        if insert is None:
            return False
        opening = shape.opening(is_described=is_described)
        try:
            if not session.may_block:
                yield insert
            tag = insert.take_tag()
        except QuiverError:
            self.channel.send_bytes(opening)
            raise
        finally:
            insert.close()
        if tag is None:
            return False
        yield from settled(session)
        self.watch.disarm()
        self.channel.send_bytes(opening)
        send_notices(self.channel, session)
        self.channel.send(CommandComplete(tag))
        return True

    def _insert(self, shape: DirectShape, body: bytes) -> Joinable | None:
        try:
            values = shape.values(body, self.session, self.codecs)
            return None if values is None else self.session.insert_directly(shape.statement, values)
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            return None  # It is raised again by the message that it belongs to.
