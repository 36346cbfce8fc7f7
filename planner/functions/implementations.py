"""Which functions the planner can evaluate itself, and how: the registry over the `implementations_*` files.

A kernel is found by pg_proc name alone where all overloads share it, else by `name(oid,oid)`. What is not here
runs in DuckDB or is refused; nothing is evaluated by a kernel of another meaning.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.version import version_text
from planner.functions.datum import CallSite, Datum, Kernel
from planner.functions.implementations_arithmetic import arithmetic_kernels
from planner.functions.implementations_array import array_kernels
from planner.functions.implementations_bits import bit_kernels
from planner.functions.implementations_compare import comparison_kernels
from planner.functions.implementations_datetime_format import datetime_format_kernels
from planner.functions.implementations_enum import enum_kernels
from planner.functions.implementations_float_functions import float_function_kernels
from planner.functions.implementations_interval import interval_kernels
from planner.functions.implementations_json import json_change_kernels
from planner.functions.implementations_json_parts import json_part_kernels
from planner.functions.implementations_json_reading import json_reading_kernels
from planner.functions.implementations_json_text import json_text_kernels
from planner.functions.implementations_money import money_kernels
from planner.functions.implementations_network import network_kernels
from planner.functions.implementations_number_format import number_format_kernels
from planner.functions.implementations_numeric import numeric_function_kernels
from planner.functions.implementations_ranges import range_kernels
from planner.functions.implementations_regex import regex_kernels
from planner.functions.implementations_sampling import sampling_kernels
from planner.functions.implementations_text import VARIADIC_TEXT, text_kernels
from planner.functions.implementations_text_forms import text_form_kernels
from planner.functions.implementations_text_search import text_search_kernels
from planner.functions.implementations_time import time_kernels
from planner.functions.implementations_timetz import timetz_kernels
from planner.functions.implementations_vector import vector_kernels
from planner.functions.implementations_vector_types import vector_type_kernels
from planner.functions.implementations_zones import zone_kernels
from planner.functions.json_path.kernels import json_path_kernels
from planner.functions.rowwise import null_aware_row_kernel
from planner.functions.signature import Function, FunctionKind
from planner.functions.signatures import functions_named

SESSION_FUNCTIONS = frozenset({
    "current_catalog", "current_database", "current_query", "current_role", "current_schema", "current_schemas",
    "current_setting", "current_user", "currval", "inet_client_addr", "inet_server_addr", "lastval", "nextval",
    "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_unlock", "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared", "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_backend_pid",
    "pg_cancel_backend", "pg_is_in_recovery", "pg_postmaster_start_time", "pg_sleep", "pg_terminate_backend",
    "pg_try_advisory_lock", "pg_try_advisory_lock_shared", "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared", "session_user", "set_config", "setseed", "setval", "user",
})  # fmt: skip
"""Functions the session answers (`SessionServices.call_function`), row by row where they have effects."""


def _version(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pa.array([version_text()] * site.row_count, pa.utf8())


def _random(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    numbers = site.context.session.call_function(functions_named("random")[0], (), site.row_count)
    return pa.array(np.random.default_rng().random(site.row_count)) if numbers is None else numbers


def _random_uuid(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    source = random.SystemRandom()
    values = [uuid.UUID(int=source.getrandbits(128), version=4).bytes for _ in range(site.row_count)]
    return pa.array(values, pa.binary(16))


def _other_kernels() -> dict[str, Kernel]:
    return {
        "random()": _random, "gen_random_uuid": _random_uuid, "uuid_generate_v4": _random_uuid,
        "version": _version,
    }  # fmt: skip


@cache
def kernels() -> dict[str, Kernel]:
    """All kernels by key."""
    return {
        **comparison_kernels(), **arithmetic_kernels(), **float_function_kernels(), **text_kernels(), **array_kernels(), **json_change_kernels(),
        **json_reading_kernels(), **json_part_kernels(), **json_text_kernels(), **json_path_kernels(),
        **time_kernels(), **regex_kernels(), **bit_kernels(), **interval_kernels(), **numeric_function_kernels(), **datetime_format_kernels(),
        **number_format_kernels(), **text_form_kernels(), **vector_kernels(), **vector_type_kernels(), **_other_kernels(),
        **timetz_kernels(), **zone_kernels(), **network_kernels(), **money_kernels(), **enum_kernels(), **sampling_kernels(),
        **range_kernels(), **text_search_kernels(),
    }  # fmt: skip


@cache
def kernel_of(function: Function) -> Kernel | None:
    """The kernel of a scalar function; None when it is not evaluated here."""
    if function.kind is not FunctionKind.SCALAR:
        return None
    found = kernels().get(function.name)
    if found is not None:
        return found
    return kernels().get(f"{function.name}({','.join(map(str, function.argument_types))})")


def is_session_function(function: Function) -> bool:
    """Whether the session answers calls of the function."""
    return function.kind is FunctionKind.SCALAR and function.name in SESSION_FUNCTIONS


def is_variadic_text(function: Function) -> bool:
    """Whether the function takes any number of arguments in their text form (concat, concat_ws, format)."""
    return function.name in VARIADIC_TEXT


def variadic_text_kernel(function: Function) -> Kernel:
    """The kernel of such a function; its arguments must be text already."""
    joined: Callable[..., Any] = VARIADIC_TEXT[function.name]
    return null_aware_row_kernel(joined)


__all__ = [
    "is_session_function",
    "is_variadic_text",
    "kernel_of",
    "kernels",
    "variadic_text_kernel",
]
