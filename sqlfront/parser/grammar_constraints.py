"""Grammar of table and column constraints. https://www.postgresql.org/docs/15/sql-createtable.html"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.index_elements import index_element
from sqlfront.parser.lexer import OPERATOR, Token
from sqlfront.parser.names import option_list, relation_name
from sqlfront.parser.statements_schema import ConstraintDefinition, ConstraintKind, ExclusionOperator
from storage.catalog import ReferentialAction


def maybe_table_constraint(grammar: DmlGrammar) -> ConstraintDefinition | None:
    """A table constraint, if one is next."""
    first, name = grammar.token, None
    if grammar.accept("constraint"):
        name = grammar.name()
    elif grammar.token.key not in ("primary", "unique", "check", "foreign", "exclude"):
        return None
    kind = _constraint_kind(grammar)
    constraint = ConstraintDefinition(kind, name, position=first.start + 1)
    if kind is ConstraintKind.CHECK:
        constraint = _check_body(grammar, constraint)
    elif kind is ConstraintKind.FOREIGN_KEY:
        columns = tuple(grammar.parenthesized(grammar.name))
        constraint = _references(grammar, replace(constraint, columns=columns))
    elif kind is ConstraintKind.EXCLUDE:
        constraint = _exclusion_body(grammar, constraint)
    else:
        constraint = _key_body(grammar, constraint)
    return _table_attributes(grammar, constraint)


def maybe_column_constraint(
    grammar: DmlGrammar, name: str | None, column: str
) -> ConstraintDefinition | None:
    """CHECK, UNIQUE, PRIMARY KEY or REFERENCES of a column, if one is next; `name` is that of CONSTRAINT name."""
    if grammar.token.key == "references":
        return _references(grammar, ConstraintDefinition(ConstraintKind.FOREIGN_KEY, name, (column,)))
    if grammar.token.key not in ("primary", "unique", "check"):
        return None
    constraint = ConstraintDefinition(_constraint_kind(grammar), name, (column,))
    if constraint.kind is ConstraintKind.CHECK:
        constraint = _check_body(grammar, constraint)
        is_no_inherit = grammar.accept("no", "inherit")
        return replace(constraint, is_no_inherit=is_no_inherit)
    return _key_options(grammar, _nulls_distinct(grammar, constraint))


def _constraint_kind(grammar: DmlGrammar) -> ConstraintKind:
    if grammar.accept("primary"):
        grammar.expect("key")
        return ConstraintKind.PRIMARY_KEY
    if grammar.accept("unique"):
        return ConstraintKind.UNIQUE
    if grammar.accept("check"):
        return ConstraintKind.CHECK
    if grammar.accept("foreign"):
        grammar.expect("key")
        return ConstraintKind.FOREIGN_KEY
    if grammar.accept("exclude"):
        return ConstraintKind.EXCLUDE
    grammar.error()


def _check_body(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    grammar.expect("(")
    expression = grammar.sql_expression()
    grammar.expect(")")
    return replace(constraint, expression=expression)


def _key_body(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    """Columns and options of PRIMARY KEY or UNIQUE in table form."""
    if grammar.accept("using"):
        grammar.expect("index")
        return replace(constraint, using_index=grammar.name())
    constraint = _nulls_distinct(grammar, constraint)
    constraint = replace(constraint, columns=tuple(grammar.parenthesized(grammar.name)))
    return _key_options(grammar, constraint)


def _exclusion_body(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    """[USING method] (key WITH operator, ...) [options of the index] [WHERE (condition)]."""
    method = grammar.name() if grammar.accept("using") else constraint.method
    keys = grammar.parenthesized(lambda: (index_element(grammar), _exclusion_operator(grammar)))
    elements, operators = tuple(element for element, _ in keys), tuple(operator for _, operator in keys)
    constraint = replace(constraint, method=method, elements=elements, operators=operators)
    constraint = _key_options(grammar, constraint)
    if grammar.accept("where"):
        grammar.expect("(")
        constraint = replace(constraint, where=grammar.sql_expression())
        grammar.expect(")")
    return constraint


def _exclusion_operator(grammar: DmlGrammar) -> ExclusionOperator:
    grammar.expect("with")
    position = grammar.token.start + 1
    if grammar.token.key == "operator" and grammar.peek().key == "(":
        grammar.advance()
        name, schema = grammar.qualified_operator()
        return ExclusionOperator(name, schema, position)
    if grammar.token.kind != OPERATOR:
        grammar.error()
    return ExclusionOperator(grammar.advance().key, position=position)


def _nulls_distinct(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    if constraint.kind is not ConstraintKind.UNIQUE or not grammar.accept("nulls"):
        return constraint
    negated = grammar.accept("not")
    grammar.expect("distinct")
    return replace(constraint, nulls_not_distinct=negated)


def _key_options(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    if grammar.accept("include"):
        constraint = replace(constraint, include=tuple(grammar.parenthesized(grammar.name)))
    if grammar.token.key == "with" and grammar.peek().key == "(":
        grammar.advance()
        constraint = replace(constraint, options=option_list(grammar))
    if grammar.accept("using"):
        grammar.expect("index", "tablespace")
        grammar.name()
    return constraint


# -- REFERENCES


def _references(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    grammar.expect("references")
    table = relation_name(grammar)
    columns = tuple(grammar.parenthesized(grammar.name)) if grammar.token.key == "(" else ()
    constraint = replace(constraint, references=table, referenced_columns=columns)
    first = grammar.token
    if grammar.accept("match"):
        kind = grammar.accept_any("full", "partial", "simple")
        if kind is None:
            grammar.error()
        if kind == "partial":
            raise FeatureNotSupported("MATCH PARTIAL not yet implemented", position=first.start + 1)
        constraint = replace(constraint, is_match_full=kind == "full")
    while grammar.token.key == "on":
        constraint = _on_change(grammar, constraint)
    return constraint


def _on_change(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    """ON DELETE action or ON UPDATE action."""
    first = grammar.expect("on")
    event = grammar.accept_any("delete", "update")
    if event is None:
        grammar.error()
    action, columns = _referential_action(grammar)
    if event == "delete":
        return replace(constraint, on_delete=action, set_columns=columns)
    if columns:
        word = "NULL" if action is ReferentialAction.SET_NULL else "DEFAULT"
        raise FeatureNotSupported(
            f"a column list with SET {word} is only supported for ON DELETE actions",
            position=first.start + 1,
        )
    return replace(constraint, on_update=action)


def _referential_action(grammar: DmlGrammar) -> tuple[ReferentialAction, tuple[str, ...]]:
    if grammar.accept("no"):
        grammar.expect("action")
        return ReferentialAction.NO_ACTION, ()
    if grammar.accept("restrict"):
        return ReferentialAction.RESTRICT, ()
    if grammar.accept("cascade"):
        return ReferentialAction.CASCADE, ()
    grammar.expect("set")
    word = grammar.accept_any("null", "default")
    if word is None:
        grammar.error()
    columns = tuple(grammar.parenthesized(grammar.name)) if grammar.token.key == "(" else ()
    return (ReferentialAction.SET_NULL if word == "null" else ReferentialAction.SET_DEFAULT), columns


# -- what follows a constraint


def deferral(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    """[NOT] DEFERRABLE and INITIALLY ..., in any order. Raises 42601 where they contradict each other."""
    while (first := _deferral_word(grammar)) is not None:
        token, word = first
        constraint = _with_deferral(constraint, word, token)
    return constraint


def _deferral_word(grammar: DmlGrammar) -> tuple[Token, str] | None:
    token = grammar.token
    for words in (
        ("deferrable",),
        ("not", "deferrable"),
        ("initially", "deferred"),
        ("initially", "immediate"),
    ):
        if grammar.accept(*words):
            return token, " ".join(words)
    return None


def _with_deferral(constraint: ConstraintDefinition, word: str, token: Token) -> ConstraintDefinition:
    if word == "initially deferred":
        if constraint.is_deferrable is False:
            raise SyntaxErrorInStatement(
                "constraint declared INITIALLY DEFERRED must be DEFERRABLE", position=token.start + 1
            )
        return replace(constraint, is_deferrable=True, is_initially_deferred=True)
    if word == "not deferrable":
        if constraint.is_initially_deferred:
            raise SyntaxErrorInStatement(
                "constraint declared INITIALLY DEFERRED must be DEFERRABLE", position=token.start + 1
            )
        return replace(constraint, is_deferrable=False)
    return replace(constraint, is_deferrable=True) if word == "deferrable" else constraint


def _table_attributes(grammar: DmlGrammar, constraint: ConstraintDefinition) -> ConstraintDefinition:
    """What may follow a table constraint. Raises 0A000 where its kind cannot have it, as PostgreSQL."""
    kind = constraint.kind
    while True:
        token = grammar.token
        if grammar.accept("not", "valid"):
            if kind not in (ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY):
                raise _cannot_be_marked(kind, "NOT VALID")
            constraint = replace(constraint, is_not_valid=True)
        elif grammar.accept("no", "inherit"):
            if kind is not ConstraintKind.CHECK:
                raise _cannot_be_marked(kind, "NO INHERIT")
            constraint = replace(constraint, is_no_inherit=True)
        elif (deferred := _deferral_word(grammar)) is not None:
            constraint = _with_deferral(constraint, deferred[1], token)
            if kind is ConstraintKind.CHECK and constraint.is_deferrable:
                raise _cannot_be_marked(kind, "DEFERRABLE")
        else:
            return constraint


def _cannot_be_marked(kind: ConstraintKind, what: str) -> FeatureNotSupported:
    return FeatureNotSupported(f"{kind.value} constraints cannot be marked {what}")
