"""PostgreSQL's frontend/backend protocol 3.0, without I/O: bytes in, messages out (see DESIGN.md here)."""

from sqlfront.protocol.conversation import Conversation
from sqlfront.protocol.options import Codecs, ConversationOptions, StatementWatch
from sqlfront.protocol.scram import is_password, is_verifier, make_verifier, mock_verifier

__all__ = [
    "Codecs",
    "Conversation",
    "ConversationOptions",
    "StatementWatch",
    "is_password",
    "is_verifier",
    "make_verifier",
    "mock_verifier",
]
