"""The one text a SET list stands for."""

from __future__ import annotations

from foundation.errors import InvalidParameterValue
from sqlfront.parser import SetStatement
from sqlfront.parser.grammar_session import joined_value

_NAME_LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries")
_PLAIN_LISTS = ("datestyle", "log_destination", "synchronous_standby_names")


def setting_text(statement: SetStatement) -> str:
    """Values of SET as one text; elements of a list of names are quoted where needed.

    Raises:
        InvalidParameterValue: 22023, several values for a setting that takes one.
    """
    values = statement.values
    assert values is not None
    name = statement.name.lower()
    if name in _NAME_LISTS:
        return joined_value(values, is_list=True)
    if len(values) > 1 and name not in _PLAIN_LISTS:
        raise InvalidParameterValue(f"SET {statement.name} takes only one argument")
    return joined_value(values, is_list=False)
