"""The one place where an exception becomes an ErrorResponse, and a notice a NoticeResponse.

Fields: https://www.postgresql.org/docs/15/protocol-error-fields.html. An exception that is no QuiverError is a
bug of ours: it becomes XX000 and is logged with its traceback. F, L and R name the place that raised.
"""

from __future__ import annotations

import logging
import os

from foundation.errors import AdminShutdown, OutOfMemory, QuiverError, StatementTooComplex
from sqlfront.backend import Notice
from sqlfront.protocol.errors import FatalError
from sqlfront.protocol.response import ErrorResponse, NoticeResponse

_log = logging.getLogger(__name__)

_LEVELS = ("DEBUG", "LOG", "NOTICE", "WARNING", "ERROR")
_SETTING_LEVELS = {"debug": 0, "log": 1, "notice": 2, "warning": 3, "error": 4}


def is_fatal(error: BaseException) -> bool:
    """Whether the connection ends with this error."""
    return isinstance(error, FatalError | AdminShutdown)


def as_quiver_error(error: BaseException) -> QuiverError:
    """The error as a client may see it."""
    if isinstance(error, QuiverError):
        return error
    known: QuiverError
    if isinstance(error, MemoryError):
        known = OutOfMemory("out of memory")
    elif isinstance(error, RecursionError):
        known = StatementTooComplex("stack depth limit exceeded", hint="Simplify the statement.")
    else:
        _log.error("internal error", exc_info=error)
        known = QuiverError(f"internal error: {type(error).__name__}: {error}")
    return known.with_traceback(error.__traceback__)


def error_response(error: BaseException, *, is_startup: bool = False) -> ErrorResponse:
    """ErrorResponse of any exception; every error before the session is ready is FATAL."""
    known = as_quiver_error(error)
    severity = "FATAL" if is_startup or is_fatal(known) else "ERROR"
    fields = {"S": severity, "V": severity, "C": known.sqlstate, "M": known.message}
    optional = {
        "D": known.detail,
        "H": known.hint,
        "P": None if known.position is None else str(known.position),
        "W": known.context,
        "s": known.schema,
        "t": known.table,
        "c": known.column,
        "d": known.datatype,
        "n": known.constraint,
        **_raised_at(error),
    }
    if known.routine is not None:
        optional["R"] = known.routine
    fields.update((code, text) for code, text in optional.items() if text)
    return ErrorResponse(fields)


def _raised_at(error: BaseException) -> dict[str, str]:
    """File, line and routine of the innermost frame."""
    trace = error.__traceback__
    if trace is None:
        return {}
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return {"F": os.path.basename(code.co_filename), "L": str(trace.tb_lineno), "R": code.co_name}


def notice_response(notice: Notice) -> NoticeResponse:
    fields = {"S": notice.severity, "V": notice.severity, "C": notice.sqlstate, "M": notice.message}
    if notice.detail:
        fields["D"] = notice.detail
    if notice.hint:
        fields["H"] = notice.hint
    return NoticeResponse(fields)


def is_wanted(notice: Notice, client_min_messages: str) -> bool:
    """Whether the client's threshold lets a notice pass; INFO always does."""
    if notice.severity == "INFO":
        return True
    level = notice.severity.rstrip("12345")
    threshold = _SETTING_LEVELS.get(client_min_messages.rstrip("12345"), 2)
    return level not in _LEVELS or _LEVELS.index(level) >= threshold
