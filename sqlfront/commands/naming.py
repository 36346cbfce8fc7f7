"""Names that PostgreSQL makes up: `t_pkey`, `t_a_b_key`, `t_embedding_idx`, `t_id_seq`.

As makeObjectName and ChooseRelationName in src/backend/commands/indexcmds.c: two name parts share 63 bytes,
the longer one is cut first, and a number is added to the label while the name is taken.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq

from sqlfront.parser.keywords import KEYWORDS, UNRESERVED
from sqlfront.parser.lexer import NAME_BYTES_MAX
from storage.catalog import Catalog, Table
from storage.type_objects import DomainType


def object_name(first: str, second: str | None, label: str) -> str:
    """`first_second_label`, with `first` and `second` cut to fit in 63 bytes."""
    room = NAME_BYTES_MAX - len(label.encode()) - 1 - (1 if second else 0)
    lengths = [len(first.encode()), len(second.encode()) if second else 0]
    while sum(lengths) > room:
        lengths[0 if lengths[0] > lengths[1] else 1] -= 1
    parts = [_cut(first, lengths[0])]
    if second:
        parts.append(_cut(second, lengths[1]))
    return "_".join([*parts, label])


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode("utf-8", "ignore")


def free_relation_name(
    catalog: Catalog, database_oid: int, schema_oid: int, parts: tuple[str, str | None, str]
) -> str:
    """The first of `a_b_label`, `a_b_label1`, `a_b_label2` ... that no relation of the schema has."""
    first, second, label = parts
    number = 0
    while True:
        name = object_name(first, second, label + (str(number) if number else ""))
        if catalog.find_relation(database_oid, schema_oid, name) is None:
            return name
        number += 1


def free_constraint_name(
    catalog: Catalog, database_oid: int, schema_oid: int, parts: tuple[str, str | None, str]
) -> str:
    """The first of `t_a_check`, `t_a_check1`, ... that no constraint of the schema has."""
    first, second, label = parts
    taken = _constraint_names(catalog, database_oid, schema_oid)
    number = 0
    while (name := object_name(first, second, label + (str(number) if number else ""))) in taken:
        number += 1
    return name


def _constraint_names(catalog: Catalog, database_oid: int, schema_oid: int) -> set[str]:
    names = set()
    for table in catalog.objects(Table, database_oid):
        if table.schema_oid == schema_oid:
            names |= {constraint.name for constraint in catalog.constraints_of(table.oid)}
            names |= {index.name for index in catalog.indexes_of(table.oid) if index.constraint_oid}
    for domain in catalog.objects(DomainType, database_oid):
        if domain.schema_oid == schema_oid:
            names |= {constraint.name for constraint in domain.constraints}
    return names


def joined_columns(names: Seq[str]) -> str:
    """Column names of an index for its own name: joined by underscores, cut to 63 bytes in all."""
    text = "_".join(names)
    return _cut(text, NAME_BYTES_MAX)


def quote_identifier(name: str) -> str:
    """A name as SQL text, quoted only where needed. As quote_ident()."""
    is_plain = (
        bool(name)
        and name.isascii()
        and name.replace("_", "a").isalnum()
        and name == name.lower()
        and not name[0].isdigit()
        and KEYWORDS.get(name, UNRESERVED) == UNRESERVED
    )
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
