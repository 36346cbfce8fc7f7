"""Full text search: functions and operators on tsvector and tsquery.

Values are in the stored forms of `planner.text_search`. Functions that take a configuration may be given none; then it is that of
default_text_search_config. https://www.postgresql.org/docs/16/functions-textsearch.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from foundation.errors import InvalidParameterValue
from foundation.sqltypes import JSON, JSONB, REGCONFIG, TEXT, TSQUERY, TSVECTOR, arrow_type
from foundation.text_search_names import DICTIONARY_NAMES
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.rowwise import over_distinct, row_kernel, row_values
from planner.text_search.column_matching import match_column
from planner.text_search.configurations import Configuration, configuration, configuration_set
from planner.text_search.dictionaries import dictionary
from planner.text_search.documents import text_vector, texts_vector
from planner.text_search.headline_options import parse_options
from planner.text_search.headlines import headline
from planner.text_search.json_documents import json_texts, kinds_of, with_strings
from planner.text_search.query_building import Notation, build_query
from planner.text_search.query_text import print_node
from planner.text_search.ranking import DEFAULT_WEIGHTS, Weights, checked_weights, rank, rank_by_covers
from planner.text_search.rewriting import rewritten
from planner.text_search.tsqueries import (
    Kind,
    Node,
    joined,
    negated,
    node_count,
    operands,
    pack_query,
    unpack_query,
    without_negations,
)
from planner.text_search.tsvectors import POSITION_END, Lexemes, lexeme_count, unpack_vector
from planner.text_search.vector_changes import (
    concatenated,
    filtered,
    lexeme_array,
    stripped,
    vector_of_array,
    with_weight,
    with_weight_of,
    without,
)

ConfiguredFunction = Callable[..., Any]
"""(configuration, session's notice, values of one row) -> value."""

_STRINGS = frozenset(("string",))


def _session_configuration(site: CallSite) -> Configuration:
    return configuration_set(str(site.context.settings.get("default_text_search_config")))


def _configured(function: ConfiguredFunction) -> Kernel:
    """A strict kernel of a function whose first argument, if it is a regconfig, is the configuration."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        columns = row_values(arguments, row_count_of(arguments, site.row_count))
        notice = site.context.session.notice
        if site.argument_types[0] != REGCONFIG.oid:
            columns = [[_session_configuration(site).oid] * len(columns[0]), *columns]
        results = [
            None if None in row else function(configuration(row[0]), notice, *row[1:])
            for row in zip(*columns)
        ]
        return pa.array(results, arrow_type(site.result_type))

    return over_distinct(kernel)


# ---------------------------------------------------------------------------------------------------------
# Texts to vectors and queries


def _to_vector(chosen: Configuration, notice: Any, text: str) -> bytes:
    return text_vector(chosen, text)


def _json_to_vector(chosen: Configuration, notice: Any, text: str, kinds: str | None = None) -> bytes:
    return texts_vector(chosen, json_texts(text, _STRINGS if kinds is None else kinds_of(kinds)))


def _to_query(notation: Notation) -> ConfiguredFunction:
    def function(chosen: Configuration, notice: Any, text: str) -> bytes:
        return pack_query(build_query(chosen, text, notation, notice))

    return function


def _current_configuration(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pa.array([_session_configuration(site).oid] * site.row_count, pa.uint32())


def _lexized(oid: int, text: str) -> list[str]:
    """ts_lexize(): the lexemes of a dictionary, none for a stop word."""
    name = DICTIONARY_NAMES.get(oid)
    if name is None:
        raise InvalidParameterValue(f"cache lookup failed for text search dictionary {oid}")
    lexeme = dictionary(name).lexeme(text)
    return [lexeme.decode()] if lexeme else []


# ---------------------------------------------------------------------------------------------------------
# Matching


def _match(vectors: Datum, queries: Datum, site: CallSite) -> pa.Array:
    """(n,) whether vectors match queries, one query for all rows or one for each."""
    row_count = row_count_of((vectors, queries), site.row_count)
    if vectors.is_null_constant() or queries.is_null_constant():
        return pa.nulls(row_count, pa.bool_())
    if queries.is_constant:
        return match_column(vectors.array, unpack_query(queries.array[0].as_py()))
    answers: list[bool | None] = []
    column = vectors.spread(row_count)
    for row, query in enumerate(queries.array.to_pylist()):
        found = None if query is None else match_column(column.slice(row, 1), unpack_query(query))
        answers.append(None if found is None else found[0].as_py())
    return pa.array(answers, pa.bool_())


def _match_vector(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    first, second = arguments
    is_query_first = site.argument_types[0] != TSVECTOR.oid
    return _match(second, first, site) if is_query_first else _match(first, second, site)


def _text_vectors(texts: Datum, site: CallSite) -> Datum:
    to_vector = _configured(_to_vector)
    inner = CallSite(site.context, row_count_of((texts,)), TSVECTOR, (TEXT.oid,))
    return Datum(to_vector([texts], inner), texts.is_constant)


def _match_text_query(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return _match(_text_vectors(arguments[0], site), arguments[1], site)


def _match_texts(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    texts, queries = arguments
    to_query = _configured(_to_query(Notation.PLAIN))
    inner = CallSite(site.context, row_count_of((queries,)), TSVECTOR, (TEXT.oid,))
    return _match(_text_vectors(texts, site), Datum(to_query([queries], inner), queries.is_constant), site)


# ---------------------------------------------------------------------------------------------------------
# Queries


def _joined(kind: Kind, distance: int = 0) -> Callable[[bytes, bytes], bytes]:
    return lambda left, right: pack_query(joined(kind, unpack_query(left), unpack_query(right), distance))


def _phrase(left: bytes, right: bytes, distance: int = 1) -> bytes:
    if not 0 <= distance <= POSITION_END:
        raise InvalidParameterValue(
            f"distance in phrase operator must be an integer value between zero and {POSITION_END} inclusive"
        )
    return _joined(Kind.PHRASE, distance)(left, right)


def _query_tree(value: bytes) -> str:
    node = unpack_query(value)
    if node is None:
        return ""
    positive = without_negations(node)
    return "T" if positive is None else print_node(positive)


def _contains(left: bytes, right: bytes) -> bool:
    """Whether the left query has every lexeme of the right one."""
    wanted = {operand.lexeme for operand in operands(unpack_query(right))}
    return wanted <= {operand.lexeme for operand in operands(unpack_query(left))}


def _rewritten(query: bytes, target: bytes, substitute: bytes) -> bytes:
    return pack_query(rewritten(unpack_query(query), unpack_query(target), unpack_query(substitute)))


# ---------------------------------------------------------------------------------------------------------
# Ranks and headlines


def _ranked(function: Callable[[Weights, Lexemes, Node | None, int], float]) -> Callable[..., float]:
    """Over (weights, vector, query, method), the first and the last of which may be left out."""

    def ranked(*arguments: Any) -> float:
        weights = DEFAULT_WEIGHTS
        if isinstance(arguments[0], list):
            weights, arguments = checked_weights(arguments[0]), arguments[1:]
        vector, query, *method = arguments
        return function(weights, unpack_vector(vector), unpack_query(query), *(method or (0,)))

    return ranked


def _headline(chosen: Configuration, notice: Any, text: str, query: bytes, options: str = "") -> str:
    return headline(chosen, text, unpack_query(query), parse_options(options))


def _json_headline(is_compact: bool) -> ConfiguredFunction:
    def function(chosen: Configuration, notice: Any, text: str, query: bytes, options: str = "") -> str:
        parsed = parse_options(options)
        node = unpack_query(query)
        return with_strings(
            text, lambda string: headline(chosen, string, node, parsed), is_compact=is_compact
        )

    return function


# ---------------------------------------------------------------------------------------------------------
# Tables


def _configured_kernels() -> dict[str, Kernel]:
    kernels = {notation.value: _configured(_to_query(notation)) for notation in Notation}
    for kind in (JSON, JSONB):
        kernels[f"to_tsvector({kind.oid})"] = _configured(_json_to_vector)
        kernels[f"to_tsvector({REGCONFIG.oid},{kind.oid})"] = _configured(_json_to_vector)
    for name in ("json_to_tsvector", "jsonb_to_tsvector"):
        kernels[name] = _configured(_json_to_vector)
    headlines = {TEXT: _headline, JSON: _json_headline(True), JSONB: _json_headline(False)}
    for kind, function in headlines.items():
        for given in ("", f"{REGCONFIG.oid},"):
            for options in ("", f",{TEXT.oid}"):
                kernels[f"ts_headline({given}{kind.oid},{TSQUERY.oid}{options})"] = _configured(function)
    kernels[f"to_tsvector({TEXT.oid})"] = _configured(_to_vector)
    kernels[f"to_tsvector({REGCONFIG.oid},{TEXT.oid})"] = _configured(_to_vector)
    return kernels


def text_search_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name; overloads of several families are `name(oid,...)`."""
    functions: dict[str, Callable[..., Any]] = {
        "length(3614)": lexeme_count, "setweight(3614,18)": with_weight, "setweight(3614,18,1009)": with_weight_of,
        "strip": stripped, "ts_delete": without, "ts_filter": filtered, "tsvector_to_array": lexeme_array,
        "array_to_tsvector": vector_of_array, "tsvector_concat": concatenated,
        "numnode": lambda value: node_count(unpack_query(value)), "querytree": _query_tree,
        "tsquery_and": _joined(Kind.AND), "tsquery_or": _joined(Kind.OR), "tsquery_phrase": _phrase,
        "tsquery_not": lambda value: pack_query(negated(unpack_query(value))),
        "tsq_mcontains": _contains, "tsq_mcontained": lambda left, right: _contains(right, left),
        "ts_lexize": _lexized, "ts_rank": _ranked(rank), "ts_rank_cd": _ranked(rank_by_covers),
        "ts_rewrite(3615,3615,3615)": _rewritten,
    }  # fmt: skip
    return {
        **{name: row_kernel(function) for name, function in functions.items()},
        **_configured_kernels(),
        "get_current_ts_config": _current_configuration,
        "ts_match_vq": _match_vector, "ts_match_qv": _match_vector, "ts_match_tq": _match_text_query,
        "ts_match_tt": _match_texts,
    }  # fmt: skip
