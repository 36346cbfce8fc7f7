"""Kinds of objects that PostgreSQL has and this version has not: refused by name with what to do instead, where they would be
made; where scripts make sure that there are none, DROP ... IF EXISTS, that is so.
"""

from __future__ import annotations

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_functions import function_name
from sqlfront.parser.names import cascade, if_exists, relation_name, role_name
from sqlfront.parser.statements import Statement
from sqlfront.parser.statements_objects import DropAbsentStatement

_NO_TRIGGER = "Use a DEFAULT, a generated column, a CHECK or a foreign key, or change the rows together with those that you write."
_NO_LANGUAGE = "Functions can be written in LANGUAGE sql."
_NO_FOREIGN = "Bring the rows in with COPY ... FROM STDIN."
_NO_OPERATOR = "Call a function in LANGUAGE sql by its name."
_NO_REPLICATION = "Read changed rows with a query, or LISTEN to what writers NOTIFY."

_KINDS: dict[str, str] = {
    "foreign table": _NO_FOREIGN, "foreign data wrapper": _NO_FOREIGN,
    "text search configuration": "", "text search dictionary": "", "text search parser": "", "text search template": "",
    "event trigger": "", "user mapping": _NO_FOREIGN, "operator class": _NO_OPERATOR, "operator family": _NO_OPERATOR,
    "large object": "Store what is large in a column of type bytea.", "access method": "",
    "procedure": "Create a function in LANGUAGE sql, and BEGIN and COMMIT around its call.",
    "aggregate": "Give array_agg() of the values to a function in LANGUAGE sql.",
    "trigger": _NO_TRIGGER, "rule": "Use a view, through which rows are inserted, updated and deleted.",
    "cast": _NO_OPERATOR, "collation": 'The collations "C", "C.UTF-8", "POSIX" and "ucs_basic" are there.', "conversion": "",
    "language": _NO_LANGUAGE, "operator": _NO_OPERATOR, "policy": "Use a view that shows the rows which a role may see.",
    "publication": _NO_REPLICATION, "subscription": _NO_REPLICATION, "server": _NO_FOREIGN,
    "statistics": "Plans do without them.", "tablespace": "All files are in the data directory.", "transform": "",
    "constraint trigger": _NO_TRIGGER, "trusted language": _NO_LANGUAGE, "procedural language": _NO_LANGUAGE,
}  # fmt: skip
"""Kinds of objects by the words that name them, longer ones first, and what to do instead."""

STATEMENTS: dict[str, tuple[str, str]] = {
    "call": ("CALL", "Call a function with SELECT."),
    "do": ("DO", "Send the statements of the block one by one."),
    "load": ("LOAD", ""),
    "import": ("IMPORT FOREIGN SCHEMA", _NO_FOREIGN),
    "security": ("SECURITY LABEL", ""),
}
"""Statements by their first word: what they are called, and what to do instead."""

_ON_RELATION = ("trigger", "rule", "policy")
_WITH_PARAMETERS = ("procedure", "aggregate")
_NAMED = (
    "foreign table", "foreign data wrapper", "event trigger", "collation", "conversion", "language", "publication",
    "subscription", "server", "statistics", "tablespace", "access method",
)  # fmt: skip
_THERE = frozenset(("plpgsql", "sql", "c", "internal", "pg_default", "pg_global", "default", "posix", "c.utf-8", "ucs_basic",
                    "heap", "btree", "hash", "gin", "gist", "spgist", "brin"))  # fmt: skip
"""Names of objects of these kinds that are there nevertheless."""


def refuse_kind(grammar: DmlGrammar, verb: str) -> Statement:
    """Refuse CREATE / ALTER / DROP of a kind we lack, by name; anything else is a syntax error."""
    for kind, hint in _KINDS.items():
        if grammar.looking_at(*kind.split()):
            grammar.unsupported(f"{verb} {kind.upper()}", hint=hint)
    grammar.error()


def drop_absent(grammar: DmlGrammar) -> Statement:
    """After DROP, of a kind of which there are no objects. Raises FeatureNotSupported (0A000) for the others."""
    kind = next((kind for kind in _KINDS if grammar.looking_at(*kind.split())), "")
    if kind not in (*_ON_RELATION, *_WITH_PARAMETERS, *_NAMED, "user mapping"):
        return refuse_kind(grammar, "DROP")
    first = grammar.token
    grammar.expect(*kind.split())
    exists = if_exists(grammar)
    if kind == "user mapping":
        grammar.expect("for")
        role_name(grammar)
        grammar.expect("server")
        return DropAbsentStatement(kind, (grammar.name(),), exists)
    if kind in _ON_RELATION:
        names = (grammar.name(),)
        grammar.expect("on")
        statement = DropAbsentStatement(kind, names, exists, relation_name(grammar))
    elif kind in _WITH_PARAMETERS:
        if not exists:
            grammar.unsupported(f"DROP {kind.upper()}", first)
        statement = DropAbsentStatement(kind, tuple(grammar.comma_list(lambda: _signature(grammar))), exists)
    else:
        named = tuple(grammar.comma_list(grammar.qualified_name))
        if any(parts[-1].lower() in _THERE for parts in named):
            grammar.unsupported(f"DROP {kind.upper()}", first)
        statement = DropAbsentStatement(kind, tuple(".".join(parts) for parts in named), exists)
    cascade(grammar)
    return statement


def _signature(grammar: DmlGrammar) -> str:
    """A function as messages name it: `f(pg_catalog.int4)`."""
    function = function_name(grammar)
    types = ",".join(kind.spelled() for kind in function.types or ())
    return f"{function.name}({types})"
