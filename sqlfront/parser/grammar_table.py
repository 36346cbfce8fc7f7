"""Grammar of CREATE TABLE and ALTER TABLE. https://www.postgresql.org/docs/15/sql-createtable.html"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import SyntaxErrorInStatement
from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_constraints import deferral, maybe_column_constraint, maybe_table_constraint
from sqlfront.parser.grammar_partitions import (
    bound_specification,
    maybe_partition_by,
    parse_attach_or_detach,
)
from sqlfront.parser.grammar_switches import maybe_switch
from sqlfront.parser.grammar_table_as import parse_table_as, table_tail
from sqlfront.parser.lexer import STRING
from sqlfront.parser.names import cascade, if_exists, if_not_exists, option_list, relation_name, role_name
from sqlfront.parser.sequence_grammar import sequence_option, sequence_options
from sqlfront.parser.statements import QualifiedName, SqlExpression, Statement
from sqlfront.parser.statements_partitions import INHERITED_TYPE, PartitionOf
from sqlfront.parser.statements_schema import (
    AddColumn,
    AddConstraint,
    AlterAction,
    AlterColumnType,
    AlterConstraint,
    AlterTableStatement,
    ChangeIdentity,
    ColumnSpecification,
    ConstraintDefinition,
    ConstraintKind,
    CreateTableStatement,
    DropColumn,
    DropConstraint,
    DropExpression,
    LikeClause,
    LikeOption,
    RenameStatement,
    SequenceOptions,
    SetColumnStorage,
    SetDefault,
    SetIdentity,
    SetNotNull,
    SetOptions,
    SetOwner,
    SetSchemaStatement,
    ValidateConstraint,
)

# -- CREATE TABLE


def parse_create_table(grammar: DmlGrammar) -> Statement:
    """After CREATE [UNLOGGED] TABLE."""
    skip = if_not_exists(grammar)
    name = relation_name(grammar)
    if grammar.token.key in ("as", "with", "without", "on", "using", "tablespace"):
        return parse_table_as(grammar, name, (), skip)
    if grammar.token.key == "of":
        grammar.unsupported("CREATE TABLE OF")
    if grammar.accept("partition"):
        return _partition_of(grammar, name, skip)
    columns: list[ColumnSpecification] = []
    constraints: list[ConstraintDefinition] = []
    likes: list[LikeClause] = []
    grammar.expect("(")
    if grammar.token.key != ")":
        if _is_name_without_type(grammar):
            names = grammar.names()
            grammar.expect(")")
            return parse_table_as(grammar, name, names, skip)
        for element in grammar.comma_list(lambda: _table_element(grammar)):
            if isinstance(element, ColumnSpecification):
                columns.append(element)
            elif isinstance(element, LikeClause):
                likes.append(replace(element, columns_before=len(columns)))
            else:
                constraints.append(element)
    grammar.expect(")")
    statement = CreateTableStatement(name, tuple(columns), tuple(constraints), (), skip, None, tuple(likes))
    return _with_tail(grammar, statement)


def _with_tail(grammar: DmlGrammar, statement: CreateTableStatement) -> CreateTableStatement:
    if grammar.token.key == "inherits":
        grammar.unsupported("INHERITS")
    partition_by = maybe_partition_by(grammar)
    tail = table_tail(grammar)
    return replace(
        statement, options=tail.options, on_commit=tail.on_commit, tablespace=tail.tablespace,
        partition_by=partition_by,
    )  # fmt: skip


def _partition_of(grammar: DmlGrammar, name: QualifiedName, skip: bool) -> CreateTableStatement:
    """After CREATE TABLE name PARTITION."""
    grammar.expect("of")
    parent = relation_name(grammar)
    columns: list[ColumnSpecification] = []
    constraints: list[ConstraintDefinition] = []
    if grammar.accept("("):
        for element in grammar.comma_list(lambda: _inherited_element(grammar)):
            if isinstance(element, ColumnSpecification):
                columns.append(element)
            else:
                constraints.append(element)
        grammar.expect(")")
    partition_of = PartitionOf(parent, bound_specification(grammar))
    statement = CreateTableStatement(
        name, tuple(columns), tuple(constraints), if_not_exists=skip, partition_of=partition_of
    )
    return _with_tail(grammar, statement)


def _inherited_element(grammar: DmlGrammar) -> ColumnSpecification | ConstraintDefinition:
    """A constraint, or a column of the parent with what it has besides."""
    constraint = maybe_table_constraint(grammar)
    if constraint is not None:
        return constraint
    first = grammar.token
    column = ColumnSpecification(grammar.name(), INHERITED_TYPE, position=first.start + 1)
    grammar.accept("with", "options")
    return _with_clauses(grammar, column)


def _is_name_without_type(grammar: DmlGrammar) -> bool:
    """As in `CREATE TABLE t (a, b) AS ...`."""
    return grammar.is_name() and grammar.peek().key in (",", ")")


def _table_element(grammar: DmlGrammar) -> ColumnSpecification | ConstraintDefinition | LikeClause:
    if grammar.accept("like"):
        return _like(grammar)
    constraint = maybe_table_constraint(grammar)
    return constraint if constraint is not None else column_specification(grammar)


def _like(grammar: DmlGrammar) -> LikeClause:
    source = relation_name(grammar)
    including: set[LikeOption] = set()
    while word := grammar.accept_any("including", "excluding"):
        what = grammar.accept_any("all", *(option.value for option in LikeOption)) or grammar.error()
        options = set(LikeOption) if what == "all" else {LikeOption(what)}
        including = including | options if word == "including" else including - options
    return LikeClause(source, 0, frozenset(including))


# -- columns


def column_specification(grammar: DmlGrammar) -> ColumnSpecification:
    """name type [storage] [collation] constraints."""
    first = grammar.token
    name = grammar.name()
    return _with_clauses(grammar, ColumnSpecification(name, grammar.type_name(), position=first.start + 1))


def _with_clauses(grammar: DmlGrammar, column: ColumnSpecification) -> ColumnSpecification:
    while True:
        changed = _column_clause(grammar, column)
        if changed is None:
            return column
        column = changed


def _column_clause(grammar: DmlGrammar, column: ColumnSpecification) -> ColumnSpecification | None:
    """One clause of a column definition, None when there is no more."""
    if grammar.accept("collate"):
        return replace(column, collation=".".join(grammar.qualified_name()))
    if grammar.accept_any("storage", "compression"):
        grammar.label()
        return column
    if grammar.token.key in ("deferrable", "initially") or grammar.looking_at("not", "deferrable"):
        return _late_attribute(grammar, column)
    start = grammar.token
    name = grammar.name() if grammar.accept("constraint") else None
    changed = _column_constraint(grammar, column, name)
    if changed is None and name is not None:
        grammar.error()
    if changed is not None and changed.constraints != column.constraints:
        last = replace(changed.constraints[-1], position=start.start + 1)
        changed = replace(changed, constraints=(*changed.constraints[:-1], last))
    return changed


def _late_attribute(grammar: DmlGrammar, column: ColumnSpecification) -> ColumnSpecification:
    """DEFERRABLE and its kin belong to the UNIQUE, PRIMARY KEY or REFERENCES clause before them."""
    last = column.constraints[-1] if column.constraints else None
    if last is None or last.kind is ConstraintKind.CHECK:
        word = grammar.token.key if grammar.token.key != "not" else "not deferrable"
        if word == "initially":
            word = f"initially {grammar.peek().key}"
        raise SyntaxErrorInStatement(f"misplaced {word.upper()} clause", position=grammar.token.start + 1)
    return replace(column, constraints=(*column.constraints[:-1], deferral(grammar, last)))


def _column_constraint(
    grammar: DmlGrammar, column: ColumnSpecification, name: str | None
) -> ColumnSpecification | None:
    if grammar.accept("not", "null"):
        if column.not_null is False:
            _conflicting_null(grammar, column)
        return replace(column, not_null=True)
    if grammar.accept("null"):
        if column.not_null is True:
            _conflicting_null(grammar, column)
        return replace(column, not_null=False)
    if grammar.token.key == "default" and column.default is not None:
        raise SyntaxErrorInStatement(
            f'multiple default values specified for column "{column.name}"', position=grammar.token.start + 1
        )
    if grammar.accept("default"):
        return replace(column, default=SqlExpression(*grammar.captured(grammar.restricted_expression)))
    if grammar.token.key == "generated":
        return _generated(grammar, column)
    constraint = maybe_column_constraint(grammar, name, column.name)
    return None if constraint is None else replace(column, constraints=(*column.constraints, constraint))


def _conflicting_null(grammar: DmlGrammar, column: ColumnSpecification) -> None:
    raise SyntaxErrorInStatement(
        f'conflicting NULL/NOT NULL declarations for column "{column.name}"', position=grammar.last.start + 1
    )


def _identity_kind(grammar: DmlGrammar) -> str:
    if grammar.accept("always"):
        return "a"
    grammar.expect("by", "default")
    return "d"


def _generated(grammar: DmlGrammar, column: ColumnSpecification) -> ColumnSpecification:
    grammar.expect("generated")
    kind = _identity_kind(grammar)
    grammar.expect("as")
    if grammar.accept("identity"):
        if column.identity:
            raise SyntaxErrorInStatement(
                f'multiple identity specifications for column "{column.name}"',
                position=grammar.last.start + 1,
            )
        options = sequence_options(grammar, parenthesized=True)
        return replace(column, identity=kind, identity_options=options, not_null=True)
    if kind != "a":
        grammar.error()
    grammar.expect("(")
    expression = grammar.sql_expression()
    grammar.expect(")", "stored")
    return replace(column, generated=expression)


# -- ALTER TABLE


def parse_alter_table(grammar: DmlGrammar, kind: str = "TABLE") -> Statement:
    """After ALTER TABLE (or INDEX, SEQUENCE, whose shared actions have the same form)."""
    if grammar.looking_at("all", "in"):
        grammar.unsupported(f"ALTER {kind} ALL IN TABLESPACE")
    exists = if_exists(grammar)
    is_only = grammar.accept("only")
    name = relation_name(grammar)
    grammar.accept("*")
    if grammar.accept("rename"):
        return replace(_rename(grammar, kind, name, exists), is_only=is_only)
    if grammar.looking_at("set", "schema"):
        grammar.expect("set", "schema")
        return SetSchemaStatement(kind, name, grammar.name(), exists)
    if grammar.token.key in ("attach", "detach"):
        return parse_attach_or_detach(grammar, kind, name, exists)
    actions = grammar.comma_list(lambda: _action(grammar, kind))
    return AlterTableStatement(name, tuple(actions), exists, kind, is_only)


def _rename(grammar: DmlGrammar, kind: str, name: QualifiedName, exists: bool) -> RenameStatement:
    if grammar.accept("to"):
        return RenameStatement(kind, name, grammar.name(), None, exists)
    if kind not in ("TABLE", "VIEW", "MATERIALIZED VIEW"):
        grammar.error()
    what = "COLUMN" if kind == "TABLE" else f"{kind} COLUMN"
    if kind == "TABLE" and grammar.accept("constraint"):
        what = "CONSTRAINT"
    else:
        grammar.accept("column")
    part = grammar.name()
    grammar.expect("to")
    return RenameStatement(what, name, grammar.name(), part, exists)


def _action(grammar: DmlGrammar, kind: str) -> AlterAction:
    if grammar.looking_at("owner", "to"):
        grammar.expect("owner", "to")
        return SetOwner(role_name(grammar))
    if grammar.token.key in ("set", "reset") and grammar.peek().key == "(":
        is_reset = grammar.advance().key == "reset"
        return SetOptions(option_list(grammar), is_reset)
    if kind not in ("TABLE", "MATERIALIZED VIEW"):
        grammar.unsupported(f"ALTER {kind} ... {grammar.token.value.upper()}")
    if grammar.accept("add"):
        return _add(grammar)
    if grammar.accept("drop"):
        return _drop(grammar)
    if grammar.accept("alter", "constraint"):
        constraint = ConstraintDefinition(ConstraintKind.FOREIGN_KEY, grammar.name())
        return AlterConstraint(deferral(grammar, constraint))
    if grammar.accept("alter"):
        grammar.accept("column")
        return _alter_column(grammar, grammar.name())
    if grammar.accept("validate", "constraint"):
        return ValidateConstraint(grammar.name())
    switch = maybe_switch(grammar) if kind == "TABLE" else None
    if switch is not None:
        return switch
    known = ("set", "reset", "enable", "disable", "cluster", "inherit", "no", "validate", "replica", "force",
             "of", "not")  # fmt: skip
    if grammar.token.key in known or (kind != "TABLE" and grammar.token.key == "depends"):
        words = f"{grammar.token.value} {grammar.peek().value}".strip().upper()
        grammar.unsupported(f"ALTER {kind} ... {words}")
    grammar.error()


def _add(grammar: DmlGrammar) -> AlterAction:
    constraint = maybe_table_constraint(grammar)
    if constraint is not None:
        return AddConstraint(constraint)
    grammar.accept("column")
    skip = if_not_exists(grammar)
    return AddColumn(column_specification(grammar), skip)


def _drop(grammar: DmlGrammar) -> AlterAction:
    if grammar.accept("constraint"):
        exists = if_exists(grammar)
        return DropConstraint(grammar.name(), exists, cascade(grammar))
    grammar.accept("column")
    exists = if_exists(grammar)
    return DropColumn(grammar.name(), exists, cascade(grammar))


def _alter_column(grammar: DmlGrammar, column: str) -> AlterAction:
    if grammar.accept("drop"):
        return _drop_property(grammar, column)
    if grammar.accept("add"):
        grammar.expect("generated")
        kind = _identity_kind(grammar)
        grammar.expect("as", "identity")
        return SetIdentity(column, kind, sequence_options(grammar, parenthesized=True))
    if grammar.token.key == "restart" or _at_identity_option(grammar):
        return _change_identity(grammar, column)
    if grammar.accept("reset"):
        option_list(grammar)
        return SetColumnStorage(column, "options")
    is_type = grammar.accept("type")
    if not is_type:
        grammar.expect("set")
        if grammar.accept("data"):
            grammar.expect("type")
            is_type = True
    if is_type:
        target = grammar.type_name()
        collation = ".".join(grammar.qualified_name()) if grammar.accept("collate") else None
        using = grammar.sql_expression() if grammar.accept("using") else None
        return AlterColumnType(column, target, using, collation)
    return _set_property(grammar, column)


_IDENTITY_OPTIONS = frozenset(
    (
        "generated",
        "increment",
        "minvalue",
        "maxvalue",
        "start",
        "restart",
        "cache",
        "cycle",
        "no",
        "as",
        "owned",
    )
)


def _at_identity_option(grammar: DmlGrammar) -> bool:
    return grammar.token.key == "set" and grammar.peek().key in _IDENTITY_OPTIONS


def _change_identity(grammar: DmlGrammar, column: str) -> AlterAction:
    """SET GENERATED, SET with an option of the sequence, and RESTART, one after the other."""
    kind, options = None, SequenceOptions()
    while grammar.token.key == "restart" or _at_identity_option(grammar):
        grammar.accept("set")
        if not grammar.accept("generated"):
            options = sequence_option(grammar, options)
            continue
        if kind is not None:
            raise SyntaxErrorInStatement("conflicting or redundant options", position=grammar.last.start + 1)
        kind = _identity_kind(grammar)
    return ChangeIdentity(column, kind, options)


def _drop_property(grammar: DmlGrammar, column: str) -> AlterAction:
    if grammar.accept("default"):
        return SetDefault(column, None)
    if grammar.accept("not"):
        grammar.expect("null")
        return SetNotNull(column, False)
    if grammar.accept("expression"):
        return DropExpression(column, if_exists(grammar))
    grammar.expect("identity")
    return SetIdentity(column, "", if_exists=if_exists(grammar))


def _set_property(grammar: DmlGrammar, column: str) -> AlterAction:
    if grammar.accept("default"):
        return SetDefault(column, grammar.sql_expression())
    if grammar.accept("not"):
        grammar.expect("null")
        return SetNotNull(column, True)
    if word := grammar.accept_any("storage", "compression"):
        value = grammar.advance().value if grammar.token.kind == STRING else grammar.label()
        return SetColumnStorage(column, word, value)
    if grammar.accept("statistics"):
        return SetColumnStorage(column, "statistics", str(grammar.signed_integer()))
    option_list(grammar)
    return SetColumnStorage(column, "options")
