"""Goal: a catalog that was changed step by step answers as one made anew from the same objects.

Method: seeded random puts, replacements, renames that swap names, moves to other tables and drops; after each step every
look-up is compared with that of a catalog made from a dictionary, and the catalog before the step with what it was.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from storage.catalog import (
    Catalog,
    CatalogObject,
    CheckConstraint,
    ForeignKey,
    Index,
    Sequence,
    Table,
    View,
)

DATABASE = 5
TABLES = range(100, 106)
NAMES = "abcdef"


def random_object(generator: random.Random, oid: int) -> CatalogObject:
    # A name of its own, as DDL gives no two objects one name.
    common = {
        "oid": oid,
        "name": f"{generator.choice(NAMES)}{oid}",
        "database_oid": DATABASE,
        "owner_oid": 10,
    }
    table_oid = generator.choice(TABLES)
    match generator.randrange(6):
        case 0:
            return Index(**common, table_oid=table_oid)
        case 1:
            return CheckConstraint(**common, table_oid=table_oid)
        case 2:
            return ForeignKey(**common, table_oid=table_oid, referenced_oid=generator.choice(TABLES))
        case 3:
            references = tuple((oid, ()) for oid in generator.sample(TABLES, generator.randrange(3)))
            return View(**common, references=references)
        case 4:
            return Table(**common, parent_oid=generator.choice((0, *TABLES)))
    return Sequence(**common)


def answers(catalog: Catalog, objects: list[CatalogObject]) -> list[object]:
    """Everything that can be asked. Members of a group are compared as sets: their order is that of their coming."""
    found: list[object] = [
        list(catalog.all_objects()),
        list(catalog.objects(Index)),
        list(catalog.views(DATABASE)),
    ]
    for oid in TABLES:
        groups = (
            catalog.indexes_of(oid), catalog.constraints_of(oid), catalog.foreign_keys_to(oid), catalog.views_over(oid),
            catalog.partitions_of(oid),
        )  # fmt: skip
        found.append([sorted(group, key=lambda obj: obj.oid) for group in groups])
    found.append([(catalog.get(obj.oid), catalog.named_like(obj)) for obj in objects])
    return found


@pytest.mark.parametrize("seed", range(6))
def test_changed_catalogs_answer_as_new_ones(seed: int) -> None:
    generator = random.Random(seed)
    model: dict[int, CatalogObject] = {}
    catalog = Catalog({})
    ever: list[CatalogObject] = []
    for _ in range(120):
        puts, drops = [], []
        for oid in generator.sample(range(1, 40), generator.randrange(1, 4)):
            if oid in model and generator.random() < 0.3:
                drops.append(oid)
            else:
                puts.append(random_object(generator, oid))
        before, answered = catalog, answers(catalog, ever)
        catalog = catalog.with_changes(puts, drops)
        for oid in drops:
            del model[oid]
        model.update((obj.oid, obj) for obj in puts)
        assert answers(before, ever) == answered
        ever += puts
        assert catalog.version == before.version + 1
        assert answers(catalog, ever) == answers(Catalog(model), ever)


def test_names_can_be_swapped_in_one_change() -> None:
    first, second = (
        Table(oid=oid, name=name, database_oid=DATABASE, owner_oid=10) for oid, name in ((1, "a"), (2, "b"))
    )
    catalog = Catalog({1: first, 2: second})
    swapped = catalog.with_changes([replace(first, name="b"), replace(second, name="a")], [])
    assert [obj.oid for name in "ab" if (obj := swapped.find_relation(DATABASE, first.schema_oid, name))] == [
        2,
        1,
    ]


def test_a_replaced_member_keeps_its_place() -> None:
    indexes = [
        Index(oid=oid, name=str(oid), database_oid=DATABASE, owner_oid=10, table_oid=100) for oid in (7, 3, 5)
    ]
    catalog = Catalog({obj.oid: obj for obj in indexes})
    changed = catalog.with_changes([replace(indexes[1], name="new")], [])
    assert [index.name for index in changed.indexes_of(100)] == ["7", "new", "5"]
