"""Grammar of CREATE DOMAIN and ALTER DOMAIN. https://www.postgresql.org/docs/15/sql-createdomain.html"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from sqlfront.parser.dml import DmlGrammar
from sqlfront.parser.grammar_constraints import maybe_column_constraint
from sqlfront.parser.names import cascade, if_exists, relation_name, role_name
from sqlfront.parser.statements import QualifiedName, SqlExpression, Statement
from sqlfront.parser.statements_objects import OwnerStatement
from sqlfront.parser.statements_schema import (
    ColumnSpecification,
    ConstraintDefinition,
    ConstraintKind,
    RenameStatement,
    SetSchemaStatement,
)
from sqlfront.parser.statements_types import (
    AddDomainConstraint,
    AlterDomainStatement,
    CreateDomainStatement,
    DropDomainConstraint,
    SetDomainDefault,
    SetDomainNotNull,
    ValidateDomainConstraint,
)


def parse_create_domain(grammar: DmlGrammar) -> Statement:
    """After CREATE DOMAIN."""
    name = relation_name(grammar)
    grammar.accept("as")
    first = grammar.token
    domain = ColumnSpecification(name.name, grammar.type_name(), position=first.start + 1)
    while not grammar.at_end():
        domain = _clause(grammar, domain)
    return CreateDomainStatement(name, domain)


def _clause(grammar: DmlGrammar, domain: ColumnSpecification) -> ColumnSpecification:
    """COLLATE or one of the constraints, among which are DEFAULT and NULL."""
    if grammar.accept("collate"):
        return replace(domain, collation=".".join(grammar.qualified_name()))
    first = grammar.token
    if grammar.token.key in ("deferrable", "initially") or grammar.looking_at("not", "deferrable"):
        raise FeatureNotSupported(
            "specifying constraint deferrability not supported for domains", position=first.start + 1
        )
    name = grammar.name() if grammar.accept("constraint") else None
    if grammar.looking_at("not", "null") or grammar.token.key == "null":
        not_null = grammar.accept("not")
        grammar.expect("null")
        if domain.not_null not in (None, not_null):
            raise SyntaxErrorInStatement("conflicting NULL/NOT NULL constraints", position=first.start + 1)
        return replace(domain, not_null=not_null)
    if grammar.accept("default"):
        if domain.default is not None:
            raise SyntaxErrorInStatement("multiple default expressions", position=first.start + 1)
        return replace(domain, default=SqlExpression(*grammar.captured(grammar.restricted_expression)))
    constraint = _constraint(grammar, name)
    return replace(domain, constraints=(*domain.constraints, constraint))


def _constraint(grammar: DmlGrammar, name: str | None) -> ConstraintDefinition:
    """CHECK. Raises 42601 for a constraint that only tables have."""
    first = grammar.token
    if grammar.token.key == "exclude":
        raise _impossible("exclusion", first.start + 1)
    constraint = maybe_column_constraint(grammar, name, "")
    if constraint is None:
        grammar.error()
    if constraint.kind is not ConstraintKind.CHECK:
        raise _impossible(constraint.kind.value.lower(), first.start + 1)
    return replace(constraint, position=first.start + 1)


def _impossible(kind: str, position: int) -> SyntaxErrorInStatement:
    return SyntaxErrorInStatement(f"{kind} constraints not possible for domains", position=position)


def parse_alter_domain(grammar: DmlGrammar) -> Statement:
    """After ALTER DOMAIN."""
    name = relation_name(grammar)
    word = grammar.accept_any("add", "drop", "owner", "rename", "set", "validate")
    match word:
        case "add":
            constraint_name = grammar.name() if grammar.accept("constraint") else None
            constraint = _constraint(grammar, constraint_name)
            constraint = replace(constraint, is_not_valid=grammar.accept("not", "valid"))
            return AlterDomainStatement(name, AddDomainConstraint(constraint))
        case "drop":
            return _drop(grammar, name)
        case "owner":
            grammar.expect("to")
            return OwnerStatement("DOMAIN", name, role_name(grammar))
        case "rename":
            part = grammar.name() if grammar.accept("constraint") else None
            grammar.expect("to")
            return RenameStatement("DOMAIN", name, grammar.name(), part)
        case "set":
            return _set(grammar, name)
        case "validate":
            grammar.expect("constraint")
            return AlterDomainStatement(name, ValidateDomainConstraint(grammar.name()))
    grammar.error()


def _drop(grammar: DmlGrammar, name: QualifiedName) -> Statement:
    if grammar.accept("default"):
        return AlterDomainStatement(name, SetDomainDefault(None))
    if grammar.accept("not"):
        grammar.expect("null")
        return AlterDomainStatement(name, SetDomainNotNull(False))
    grammar.expect("constraint")
    exists = if_exists(grammar)
    action = DropDomainConstraint(grammar.name(), exists)
    cascade(grammar)
    return AlterDomainStatement(name, action)


def _set(grammar: DmlGrammar, name: QualifiedName) -> Statement:
    if grammar.accept("default"):
        return AlterDomainStatement(name, SetDomainDefault(grammar.sql_expression()))
    if grammar.accept("not"):
        grammar.expect("null")
        return AlterDomainStatement(name, SetDomainNotNull(True))
    grammar.expect("schema")
    return SetSchemaStatement("DOMAIN", name, grammar.name())
