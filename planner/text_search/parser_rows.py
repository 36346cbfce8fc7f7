"""The parser and the configurations at work, as rows: ts_parse(), ts_token_type() and ts_debug().

https://www.postgresql.org/docs/16/textsearch-debugging.html
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.errors import InternalError, UndefinedObject
from foundation.text_search_names import dictionary_oid
from planner.text_search.configurations import configuration, configuration_set
from planner.text_search.parser import parse_tokens
from planner.text_search.token_types import DESCRIPTIONS, TokenType

_PARSER_OID = 3722


def _check_parser(parser: str | int) -> None:
    """Raises UndefinedObject (42704) for the name, InternalError (XX000) for the OID of no parser."""
    if isinstance(parser, int):
        if parser != _PARSER_OID:
            raise InternalError(f"cache lookup failed for text search parser {parser}")
    elif parser.removeprefix("pg_catalog.") != "default":
        raise UndefinedObject(f'text search parser "{parser}" does not exist')


def parsed(parser: str | int, text: str) -> Iterator[tuple[int, str]]:
    """(number of the kind, token) of a text."""
    _check_parser(parser)
    return ((int(kind), token) for kind, token in parse_tokens(text))


def token_types(parser: str | int) -> Iterator[tuple[int, str, str]]:
    """(number, alias, description) of the kinds of tokens."""
    _check_parser(parser)
    return ((int(kind), kind.alias, DESCRIPTIONS[kind]) for kind in TokenType)


def debugged(*arguments: int | str, default: str) -> Iterator[tuple[object, ...]]:
    """(alias, description, token, dictionaries, the one that knew the token, lexemes) of the tokens of a text.

    `arguments` are the OID of a configuration, if it is not to be the default one, and the text.
    """
    *given, text = arguments
    chosen = configuration(int(given[0])) if given else configuration_set(default)
    dictionaries = chosen.loaded()
    for kind, token in parse_tokens(str(text)):
        oids: list[int] = []
        oid = lexemes = None
        known = dictionaries[kind]
        if known is not None:
            oid = dictionary_oid(chosen.dictionaries[kind])
            oids = [oid] if oid else []
            lexeme = known.lexeme(token)
            lexemes = [lexeme.decode()] if lexeme else []
        yield kind.alias, DESCRIPTIONS[kind], token, oids, oid, lexemes
