"""Errors of GRANT and REVOKE."""

from __future__ import annotations

from foundation.errors import QuiverError


class InvalidGrant(QuiverError):
    sqlstate = "0LP01"
