"""Goal: a text with its values in it is answered as it is without their being taken out, byte for byte.

Method: two conversations over one server, one of which takes literals out from the first text on, the other never. Statements
of drivers and analysts, the same with other literals in every place, and every column type compared with, set to and listed among
literals of every form. Descriptions, type OIDs, rows, tags, errors with their positions. What is changed is rolled back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from quiver.instance import Instance
from sqlfront.protocol import Conversation
from sqlfront.protocol.simple_query import Query
from sqlfront.session.lifted_texts import LiftedShapes
from tests.quiver.sql_outcomes import statements
from tests.sqlfront.session.dialogue import conversation, exchange
from tests.sqlfront.session.driver import opened

pytestmark = pytest.mark.slow

LITERAL = re.compile(r"(?<![\w'$])(?:'(?:[^']|'')*'|\d+(?:\.\d+)?)(?![\w'.])")
STRINGS = (
    "'1'",
    "''",
    "'abc'",
    "'  7 '",
    "'1.5'",
    "'t'",
    "'NaN'",
    "'-0'",
    "'it''s'",
    "'now'",
    "'[1,2,3]'",
    "'[1,2]'",
)
STRINGS += (
    "'2024-01-15'",
    "'2026-02-29'",
    "'infinity'",
    "'{1,2}'",
    "'{\"a\": 1}'",
    "'null'",
    "'\\x41'",
    "'items'",
)
NUMBERS = (
    "0",
    "1",
    "-1",
    "7",
    "2.5",
    "-3.5",
    "1e3",
    "1.50",
    "32768",
    "2147483647",
    "2147483648",
    "-2147483648",
)
NUMBERS += (
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e-400",
    "1e400",
    ".5",
    "NULL",
)
COLUMNS = (
    "b",
    "i2",
    "i4",
    "i8",
    "f4",
    "f8",
    "n",
    "n2",
    "t",
    "vc",
    "c",
    "by",
    "d",
    "tm",
    "ts",
    "tz",
    "u",
    "j",
    "jb",
)
COLUMNS += ("ia", "ta", "v", "h", "bt", "vb")
FORMS = (
    "SELECT id, {0} FROM every WHERE {0} = {1} ORDER BY id",
    "SELECT id FROM every WHERE {0} < {1} OR {0} > {2} ORDER BY 1",
    "SELECT id FROM every WHERE {0} IN ({1}, {2}) AND id <> 4",
    "SELECT id FROM every WHERE id BETWEEN 1 AND 6 AND {0} BETWEEN {1} AND {2} ORDER BY id LIMIT 3 OFFSET 1",
    "SELECT {0} = {1} FROM every ORDER BY id",
    "SELECT count(*) FROM every WHERE {0} <> {1}",
    "UPDATE every SET {0} = {1} WHERE id = 3 RETURNING {0}",
    "UPDATE every SET t = 'x', {0} = {1} WHERE {0} >= {2}",
    "INSERT INTO every (id, {0}) VALUES (100, {1}) RETURNING {0}",
    "INSERT INTO every (id, {0}) VALUES (100, {1}), (101, {2}) ON CONFLICT (id) DO UPDATE SET {0} = {1}",
    "DELETE FROM every WHERE {0} <= {1} AND id > 0 RETURNING id",
)
OTHERS = (
    "SELECT 1, 'a' FROM every WHERE i4 = 10 GROUP BY 1, 2 ORDER BY 1",
    "SELECT t FROM every WHERE i4 = 10 ORDER BY 1 LIMIT 1",
    "SELECT id FROM every WHERE t LIKE 'app%' AND i4 = 10",
    "SELECT id FROM every WHERE ts < timestamp '2024-01-15 10:30:00' + interval '1 day' AND i4 >= 0 ORDER BY id",
    "SELECT id FROM every WHERE n = 1.5::numeric(5,2) AND vc = 'one'::varchar(2) AND id = 1",
    "SELECT id FROM every WHERE i4 = 5 + 5 AND id = 1",
    "SELECT id FROM every WHERE i4 = - 20",
    "SELECT id FROM every WHERE t = 'app' 'le'",
    "SELECT id FROM every WHERE t = 'app'\n'le'",
    "SELECT id FROM every WHERE t = E'tab\\tnew' OR id = 2",
    "SELECT id FROM every WHERE t = N'apple' AND bt = B'1010'",
    "SELECT id FROM every WHERE id = 2; SELECT 1",
    "SELECT id FROM every WHERE id = 2;",
    "SELECT id FROM every WHERE id = 2 -- = 'x\n AND i4 = -20",
    "SELECT id FROM every WHERE /* '1' /* nested */ = 5 */ id = 2",
    "SELECT id AS \"a = 5\" FROM every WHERE \"every\".\"id\" = 5",
    "SELECT id FROM every WHERE id = 5000000000 OR i8 = 100",
    "SELECT id FROM every WHERE id = $1",
    "SELECT id FROM every WHERE t = $$apple$$ AND id = 1",
    "SELECT id FROM every WHERE ia[1] = 1 AND id = 1",
    "SELECT id FROM every WHERE (id, i4) = (1, 10)",
    "SELECT id FROM every WHERE (id, i4) IN ((1, 10), (2, -20)) ORDER BY id",
    "SELECT id FROM every WHERE id IN (SELECT 1 UNION SELECT 2) AND id = 1",
    "SELECT id FROM every WHERE id = (SELECT max(id) FROM every WHERE i4 = 10)",
    "SELECT CASE WHEN id = 1 THEN 'one' WHEN id = 2 THEN 'two' ELSE 'more' END FROM every WHERE id < 4 ORDER BY id",
    "SELECT id FROM every WHERE id = 1 FOR UPDATE",
    "SELECT id FROM every WHERE id = 1 FETCH FIRST 1 ROWS ONLY",
    "SELECT id FROM every WHERE id = 1 LIMIT '1'",
    "SELECT id FROM every WHERE id > 0 ORDER BY id LIMIT 0",
    "SELECT id FROM every WHERE id > 0 ORDER BY id LIMIT 2147483648",
    "SELECT id FROM every WHERE id > 0 ORDER BY id LIMIT -1",
    "SELECT id FROM every WHERE t = 'a' COLLATE \"C\"",
    "SELECT id FROM every WHERE nothing = 5",
    "SELECT id FROM nowhere WHERE a = 5",
    "SELECT id FROM every WHERE id = 5 AN i4 = 3",
    "SELECT id FROM every WHERE 1 / 0 = 5",
    "SELECT id FROM every WHERE id = 1 AND i4 / (id - 1) = 5",
    "SELECT id FROM every WHERE u = '550e8400-e29b-41d4-a716-446655440000'",
    "SELECT id FROM every WHERE 'every'::regclass = tableoid AND id = 1",
    "SELECT id FROM every WHERE tableoid = 'every' AND id = 1",
    "SELECT oid FROM pg_class WHERE relname = 'every'",
    "EXPLAIN SELECT id FROM every WHERE id = 5",
    "WITH a AS (SELECT id FROM every WHERE i4 = 10) SELECT * FROM a WHERE id = 1",
    "SELECT e.id FROM every e JOIN categories c ON c.id = e.id WHERE c.title = 'Tools' AND e.i4 = 10",
    "SELECT generate_series(1, 3) FROM every WHERE id = 1",
    "SELECT id FROM every WHERE v <-> '[1,2,3]' < 3 ORDER BY v <-> '[1,2,3]' LIMIT 2",
    "SELECT id FROM every WHERE v <-> '[1,2,3]' < 3 ORDER BY v <-> '[1,2]' LIMIT 2",
    "SELECT id FROM items WHERE price < 9.99 AND meta @> '{\"lang\":\"en\"}' ORDER BY id",
    "INSERT INTO draft (a, b, c) VALUES (1, 'x', 2.345) RETURNING id, c",
    "INSERT INTO draft (vc) VALUES (1) RETURNING id",
    "UPDATE categories SET title = 'a title that is longer than thirty characters' WHERE id = 1",
    "UPDATE categories SET title = NULL WHERE id = 1",
    "UPDATE draft SET v = '[1,2,3]' WHERE id = 1",
    "select id from every where id = 1 and t = 'apple' or n = 5",
    "SELECT id FROM every WHERE i4=10 AND t='apple'AND id=1",
    "SELECT id FROM every WHERE i4 = 10AND id = 1",
    "SELECT id FROM every WHERE i4 = 0x0A OR i4 = 1_0",
)  # fmt: skip


class Both:
    """Two conversations in one database, which are asked the same."""

    def __init__(self, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lifting, self.plain = conversation(instance), conversation(instance)
        self.lifted_count = 0
        monkeypatch.setattr(LiftedShapes, "is_worth_it", lambda *_: True)
        assert self.lifting.session is not None and self.plain.session is not None
        texts = self.lifting.session._lifted  # type: ignore[attr-defined]
        prepared = texts.statement

        def counted(asked: object) -> object:
            found = prepared(asked)
            self.lifted_count += found is not None
            return found

        monkeypatch.setattr(texts, "statement", counted)
        monkeypatch.setattr(self.plain.session._lifted, "recognised", lambda text: None)  # type: ignore[attr-defined]

    def difference(self, text: str) -> str:
        """'' where the answers are the same, and where two answers of one conversation are not."""
        expected = _answer(self.plain, text)
        given = _answer(self.lifting, text)
        if given == expected or _answer(self.plain, text) != expected:
            return ""
        return f"{text}\n  plain  {expected!r}\n  lifted {given!r}"

    def close(self) -> None:
        self.lifting.close()
        self.plain.close()


def _answer(asking: Conversation, text: str) -> bytes:
    exchange(asking, Query("BEGIN").encode())
    answer = exchange(asking, Query(text).encode())
    exchange(asking, Query("ROLLBACK").encode())
    if text[:6].upper() != "SELECT":
        return answer
    data = Query(text).encode()
    return answer + (asking.read_directly(data) or exchange(asking, data))


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    path: Path = tmp_path_factory.mktemp("lifted")
    with opened(path) as open_instance:
        loading = conversation(open_instance)
        for statement in statements("schema.sql"):
            assert b"SERROR" not in exchange(loading, Query(statement.text).encode()), statement.text
        loading.close()
        yield open_instance


@pytest.fixture
def both(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    both = Both(instance, monkeypatch)
    yield both
    both.close()


def with_other_literals(text: str, chance: random.Random) -> str:
    """The text with some of its literals replaced by others of their kind."""

    def other(match: re.Match[str]) -> str:
        if chance.random() < 0.5:
            return match[0]
        return chance.choice(STRINGS if match[0][0] == "'" else NUMBERS)

    return LITERAL.sub(other, text)


def check(both: Both, texts: list[str]) -> None:
    differences = [found for text in texts if (found := both.difference(text))]
    assert not differences, f"{len(differences)} of {len(texts)}:\n" + "\n".join(differences[:5])


@pytest.mark.parametrize(
    "file", ["queries.sql", "pgvector.sql", "changes.sql", "functions.sql", "upsert.sql"]
)
def test_statements_of_files(both: Both, file: str) -> None:
    chance, texts = random.Random(7), list[str]()
    for statement in statements(file):
        texts += [statement.text, with_other_literals(statement.text, chance)]
    check(
        both,
        [text for text in texts if text[:6].upper() in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH A")],
    )


def test_statements_close_to_those_that_are_lifted(both: Both) -> None:
    chance = random.Random(5)
    check(
        both,
        [
            text
            for form in OTHERS
            for text in (form, form, *(with_other_literals(form, chance) for _ in range(4)))
        ],
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_type_and_every_literal(both: Both, form: str) -> None:
    chance, texts = random.Random(form), list[str]()
    for column in COLUMNS:
        literals = [*chance.sample(STRINGS, 7), *chance.sample(NUMBERS, 6)]
        texts += [form.format(column, literal, chance.choice(literals)) for literal in literals]
    check(both, texts)
    assert both.lifted_count > 10
