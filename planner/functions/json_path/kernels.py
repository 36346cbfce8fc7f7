"""The functions and operators over jsonb and jsonpath, as kernels and as set-returning functions.

Arguments are (target, path) for the operators @? and @@, (target, path, vars, silent) for the functions. Those ending in _tz may
depend on the session's time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.sqltypes import arrow_type
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.json_members import members
from planner.functions.json_path.evaluation import Mode, path_exists, path_match, path_query
from planner.functions.json_path.leading_members import leading_member
from planner.functions.rowwise import over_distinct, row_values

Function = Callable[[str, str, str | None, Mode], Any]

_OPERATOR_MODE = Mode(is_silent=True)
_CUT_DOCUMENTS_MIN = 64
"""Cutting members out of documents pays from so many on."""


def _operator_kernel(function: Function) -> Kernel:
    def over_rows(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        targets, paths = row_values(arguments, row_count_of(arguments, site.row_count))
        results = [
            None if target is None or path is None else function(target, path, None, _OPERATOR_MODE)
            for target, path in zip(targets, paths)
        ]
        return pa.array(results, arrow_type(site.result_type))

    over_values = over_distinct(over_rows)

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        targets, paths = arguments
        path = paths.array[0].as_py() if paths.is_constant else None
        if path is None or targets.is_constant or len(targets.array) < _CUT_DOCUMENTS_MIN:
            return over_rows(arguments, site)
        member = leading_member(path)
        if member is None:
            return over_values(arguments, site)
        name, path_of_member = member
        documents = targets.array
        pieces = members(documents.cast(pa.binary()), name).cast(pa.utf8())
        found = kernel([Datum(pieces), Datum(pa.array([path_of_member]), True)], site)
        has_none = pc.and_(documents.is_valid(), pieces.is_null())
        if not pc.any(has_none).as_py():
            return found
        # Objects without the member are like any other of them; what is no object is looked at as it is.
        others = documents.filter(has_none)
        others = pc.if_else(pc.starts_with(others, "{"), "{}", others)
        return pc.replace_with_mask(found, has_none, over_values([Datum(others), paths], site))

    return kernel


def _function_kernel(function: Function, *, uses_zone: bool) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        zone = site.context.settings.get("TimeZone") if uses_zone else None
        modes = {is_silent: Mode(is_silent, zone) for is_silent in (False, True)}
        columns = row_values(arguments, row_count_of(arguments, site.row_count))
        results = [
            None
            if target is None or path is None or variables is None or is_silent is None
            else function(target, path, variables, modes[is_silent])
            for target, path, variables, is_silent in zip(*columns)
        ]
        return pa.array(results, arrow_type(site.result_type))

    return kernel


def _query_array(document: str, path: str, variables: str | None, mode: Mode) -> str:
    return "[" + ", ".join(path_query(document, path, variables, mode)) + "]"


def _query_first(document: str, path: str, variables: str | None, mode: Mode) -> str | None:
    return next(iter(path_query(document, path, variables, mode)), None)


def json_path_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    functions: dict[str, Function] = {
        "jsonb_path_exists": path_exists, "jsonb_path_match": path_match, "jsonb_path_query_array": _query_array,
        "jsonb_path_query_first": _query_first,
    }  # fmt: skip
    return {
        "jsonb_path_exists_opr": _operator_kernel(path_exists),
        "jsonb_path_match_opr": _operator_kernel(path_match),
        **{name: _function_kernel(function, uses_zone=False) for name, function in functions.items()},
        **{f"{name}_tz": _function_kernel(function, uses_zone=True) for name, function in functions.items()},
    }


def json_path_rows(
    target: str, path: str, variables: str, is_silent: bool, zone: str | None = None
) -> Iterator[tuple[str]]:
    """Rows of jsonb_path_query, and of jsonb_path_query_tz with the session's zone."""
    return ((text,) for text in path_query(target, path, variables, Mode(is_silent, zone)))
