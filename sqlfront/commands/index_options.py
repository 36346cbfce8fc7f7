"""Storage parameters of indexes: each access method has its own.

https://www.postgresql.org/docs/15/sql-createindex.html#SQL-CREATEINDEX-STORAGE-PARAMETERS
"""

from __future__ import annotations

from foundation.errors import InvalidParameterValue
from sqlfront.commands.context import CommandContext
from sqlfront.commands.operator_classes import BTREE, GIN, GIST, HASH, SPGIST
from sqlfront.parser.keywords import words

_OPTIONS_OF_FAMILY = {
    BTREE: words("fillfactor deduplicate_items"), HASH: words("fillfactor"), GIN: words("fastupdate gin_pending_list_limit"),
    GIST: words("fillfactor buffering"), SPGIST: words("fillfactor"),
}  # fmt: skip


def check_index_options(context: CommandContext, family: str, options: dict[str, str]) -> None:
    """Raises InvalidParameterValue (22023) for an option the family does not have or a value out of range."""
    known = _OPTIONS_OF_FAMILY.get(family)
    if known is None:
        context.check_build_params(family, options)
        return
    for name in options:
        if name not in known:
            raise InvalidParameterValue(f'unrecognized parameter "{name}"')
