"""Messages the server sends unasked: notices, changed parameters, notifications."""

from __future__ import annotations

from sqlfront.backend import Session
from sqlfront.protocol.channel import Channel
from sqlfront.protocol.error_report import is_wanted, notice_response
from sqlfront.protocol.response import NotificationResponse
from sqlfront.protocol.startup import ParameterStatus


def send_notices(channel: Channel, session: Session) -> None:
    """Notices that client_min_messages lets pass; allowed at any time."""
    notices = encoded_notices(session)
    if notices:
        channel.send_bytes(notices)


def encoded_notices(session: Session) -> bytes:
    """NoticeResponses that wait to be sent."""
    notices = session.drain_notices()
    if not notices:
        return b""
    threshold = session.settings.get("client_min_messages")
    return b"".join(notice_response(notice).encode() for notice in notices if is_wanted(notice, threshold))


def send_asynchronous(channel: Channel, session: Session) -> None:
    """Everything that goes out before ReadyForQuery, or to an idle client."""
    send_notices(channel, session)
    for name, value in session.drain_parameter_changes():
        channel.send(ParameterStatus(name, value))
    for note in session.drain_notifications():
        channel.send(NotificationResponse(note.process_id, note.channel, note.payload))
