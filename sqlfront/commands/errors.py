"""Errors of commands that no other package raises."""

from __future__ import annotations

from foundation.errors import QuiverError


class InvalidTableDefinition(QuiverError):
    sqlstate = "42P16"


class InvalidSchemaName(QuiverError):
    sqlstate = "3F000"


class ReservedName(QuiverError):
    sqlstate = "42939"


class TooManyColumns(QuiverError):
    sqlstate = "54011"


class InvalidColumnReference(QuiverError):
    sqlstate = "42P10"


class InvalidForeignKey(QuiverError):
    sqlstate = "42830"


class InvalidColumnDefinition(QuiverError):
    sqlstate = "42611"
