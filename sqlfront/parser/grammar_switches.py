"""ALTER TABLE ... ENABLE, DISABLE, FORCE, REPLICA IDENTITY, SET WITHOUT: what dumps and fixtures say of tables without triggers,
rules, policies and clustering.
"""

from __future__ import annotations

from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.statements_schema import AlterAction, AlterNothing, SwitchTriggers

_AS_IT_IS = (
    ("disable", "row", "level", "security"), ("no", "force", "row", "level", "security"), ("set", "without", "oids"),
    ("set", "without", "cluster"), ("replica", "identity", "default"),
)  # fmt: skip


def maybe_switch(grammar: DmlGrammar) -> AlterAction | None:
    """The action at the next token; None when it is none of these."""
    for words in _AS_IT_IS:
        if grammar.looking_at(*words):
            grammar.expect(*words)
            return AlterNothing(" ".join(words[:2]).upper())
    is_enabled = grammar.token.key == "enable"
    if not is_enabled and grammar.token.key != "disable":
        return None
    first = 2 if grammar.peek().key in ("replica", "always") else 1
    kind = grammar.peek(first).key
    if kind not in ("trigger", "rule"):
        return None
    for _ in range(first + 1):
        grammar.advance()
    if kind == "trigger" and first == 1:
        group = grammar.accept_any("all", "user")
        if group is not None:
            return SwitchTriggers(kind, "", is_enabled, is_all=group == "all")
    return SwitchTriggers(kind, grammar.name(), is_enabled)
