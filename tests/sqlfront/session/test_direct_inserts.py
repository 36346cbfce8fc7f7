"""Goal: an INSERT that is executed in one step cannot be told from one whose messages are handled one by one.

Method: the same dialogue with two instances, to one in whole messages, to the other byte by byte; then their rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quiver.instance import Instance
from sqlfront.backend import Joinable
from sqlfront.protocol.extended_query import Bind, Describe, Execute, Parse, Sync, Target
from sqlfront.protocol.simple_query import Query
from sqlfront.session.joint_inserts import JoinableInsert
from tests.sqlfront.session.dialogue import conversation, exchange, steps
from tests.sqlfront.session.driver import Client, opened

SCHEMA = """
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE t (id serial PRIMARY KEY, n smallint CHECK (n > 0), body varchar(5) DEFAULT 'none',
    e vector(2), parent int REFERENCES parent, late int UNIQUE DEFERRABLE INITIALLY DEFERRED,
    twice int GENERATED ALWAYS AS (n * 2) STORED, at timestamptz DEFAULT '2020-01-01 UTC');
CREATE TABLE plain (id bigint PRIMARY KEY, n int, body text NOT NULL);
"""
BINARY, TEXT = (1,), ()
RUN = Execute("").encode() + Sync().encode()
DESCRIBED = Describe(Target.PORTAL, "").encode() + RUN


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[list[Instance]]:
    with opened(tmp_path / "whole") as whole, opened(tmp_path / "cut") as cut:
        for instance in (whole, cut):
            client = Client(instance)
            client.script(SCHEMA)
            client.close()
        yield [whole, cut]


def insert(*values: bytes | None, name: str = "p", formats: tuple[int, ...] = TEXT) -> bytes:
    return Bind("", name, formats, values, ()).encode()


DIALOGUE = [
    Parse("p", "INSERT INTO plain VALUES ($1, $2, $3)").encode() + Sync().encode(),
    Parse("t", "INSERT INTO t (n, body, e, parent, late) VALUES ($1, $2, $3, $4, $5)").encode() + Sync().encode(),
    Parse("d", "INSERT INTO t DEFAULT VALUES").encode() + Sync().encode(),
    Parse("r", "INSERT INTO plain VALUES ($1, 1, 'r') RETURNING body").encode() + Sync().encode(),
    insert(b"1", b"10", b"one") + RUN,
    insert(b"2", None, b"two") + DESCRIBED,
    insert((3).to_bytes(8, "big"), (30).to_bytes(4, "big"), b"three", formats=BINARY) + RUN,
    insert(b"1", b"10", b"again") + RUN,
    insert(b"4", b"40", None) + DESCRIBED,
    insert(b"nonsense", b"40", b"x") + RUN,
    insert(b"5", b"99999999999", b"x") + RUN,
    insert(b"5", b"50") + RUN,
    insert(b"5", b"50", b"x", formats=(0, 7, 0)) + RUN,
    insert(b"5", b"50", b"x", name="nobody") + RUN,
    b"B" + (len(insert(b"5", b"50", b"x")) - 3).to_bytes(4, "big") + insert(b"5", b"50", b"x")[5:-2] + RUN,
    Bind("", "p", TEXT, (b"6", b"60", b"six"), (0, 0)).encode() + DESCRIBED,
    Bind("portal", "p", TEXT, (b"7", b"70", b"seven"), ()).encode() + Execute("portal").encode() + Sync().encode(),
    insert(b"8", b"80", b"eight") + Execute("", 1).encode() + Sync().encode(),
    insert(b"9", b"90", b"nine") + RUN + insert(b"10", b"100", b"ten") + RUN,
    insert(b"11", b"1", b"a", name="r") + DESCRIBED,
    insert(b"11", name="r") + DESCRIBED,
    insert(b"1", b"body", b"[1,2]", b"1", b"1", name="t") + RUN,
    insert(b"2", b"body", b"[1,2]", b"3", b"2", name="t") + RUN,
    insert(b"-2", b"body", b"[1,2]", b"1", b"2", name="t") + RUN,
    insert(b"2", b"longer than five", b"[1,2]", b"1", b"2", name="t") + RUN,
    insert(b"2", b"body", b"[1,2,3]", b"1", b"2", name="t") + RUN,
    insert(b"20000", b"body", None, b"1", b"2", name="t") + RUN,
    insert(b"2", None, None, None, b"1", name="t") + RUN,
    insert(b"3", None, None, None, None, name="t") + DESCRIBED,
    insert(name="d") + RUN + insert(name="d") + RUN,
    Query("SELECT lastval(), currval('t_id_seq')").encode(),
    Query("BEGIN").encode() + insert(b"12", b"1", b"in a block") + RUN + Query("ROLLBACK").encode(),
    Query("BEGIN").encode() + insert(b"1", b"1", b"fails") + RUN + insert(b"13", b"1", b"x") + RUN + Query("COMMIT").encode(),
    Query("SET default_transaction_read_only = on").encode() + insert(b"14", b"1", b"x") + RUN,
    Query("SET default_transaction_read_only = off").encode() + insert(b"14", b"1", b"fourteen") + RUN,
    Query("SET synchronous_commit = off").encode() + insert(b"15", b"1", b"fifteen") + RUN,
    Query("RESET ALL").encode() + Query("SET default_transaction_isolation = 'repeatable read'").encode(),
    insert(b"16", b"1", b"sixteen") + RUN,
    Query("ALTER TABLE plain ADD COLUMN note text DEFAULT 'new'").encode() + insert(b"17", b"1", b"x") + RUN,
    Query("ALTER TABLE plain ALTER COLUMN n TYPE text").encode() + insert(b"18", b"1", b"x") + RUN,
    Query("DEALLOCATE p").encode() + insert(b"19", b"1", b"x") + RUN,
    Query("DROP TABLE plain").encode() + insert(b"20", b"1", b"x", name="r") + RUN,
]  # fmt: skip


def test_answers_and_rows_are_those_of_single_messages(instances: list[Instance]) -> None:
    whole, cut = map(conversation, instances)
    for number, messages in enumerate(DIALOGUE):
        if messages.startswith(Query("ALTER TABLE plain ADD").encode()):
            rows = Query("SELECT * FROM plain ORDER BY id").encode()
            assert exchange(whole, rows) == exchange(cut, rows)
        assert exchange(whole, messages) == exchange(cut, messages, piece_bytes=1), number
    rows = Query("SELECT * FROM t ORDER BY id").encode()
    assert exchange(whole, rows) == exchange(cut, rows)
    whole.close()
    cut.close()


def test_only_whole_messages_are_executed_in_one_step(
    instances: list[Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str | None] = []
    take_tag = JoinableInsert.take_tag

    def noted(insert: JoinableInsert) -> str | None:
        taken.append(take_tag(insert))
        return taken[-1]

    monkeypatch.setattr(JoinableInsert, "take_tag", noted)
    whole = conversation(instances[0])
    exchange(whole, DIALOGUE[0])
    for number in range(3):
        exchange(whole, insert(b"%d" % number, b"1", b"x") + (RUN, DESCRIBED, RUN)[number])
    assert taken == ["INSERT 0 1"] * 3
    whole.close()


def test_a_conversation_that_ends_before_the_disk_has_answered_keeps_the_row(
    instances: list[Instance],
) -> None:
    """Its commit is in the log: it is finished, its locks are given up, and nobody was told."""
    whole = conversation(instances[0])
    exchange(whole, DIALOGUE[0])
    for number in range(2):
        whole = conversation(instances[0])
        exchange(whole, DIALOGUE[0])
        whole.receive_data(insert(b"%d" % number, b"1", b"x") + RUN)
        for step in steps(whole):
            if isinstance(step, Joinable):
                step.run_with(())
                if number == 0:
                    break
            elif hasattr(step, "wait"):
                break
        whole.close()
    client = Client(instances[0])
    assert client.rows("SELECT id FROM plain ORDER BY 1") == [(0,), (1,)]
    assert client.tags("DELETE FROM plain") == ["DELETE 2"]
    client.close()
