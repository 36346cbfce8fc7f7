"""Goal: COPY streams are PostgreSQL's, both ways, and bad streams fail with its words, line and column.

Method: a table with seeded random and adversarial rows lives in a real server; what it sends must parse to the
same texts however the stream is cut, what we send must load into it and come out equal; each bad stream is
given to both and the errors compared.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from foundation.errors import QuiverError
from foundation.sqltypes import TYPES_BY_NAME, SqlType, numeric_typmod
from sqlfront.copy import CopyColumn, copy_options, copy_reader, copy_writer
from sqlfront.types import CodecContext, parse_text_array, text_array

pytestmark = pytest.mark.slow

CONTEXT = CodecContext()
_RANDOM = random.Random(7)

TABLE_SQL = (
    "id int8, flag bool, word text, code varchar(20), price numeric(10,2), amount numeric, ratio float8, share float4, "
    "raw bytea, day date, at timestamptz, key uuid, doc jsonb, tags text[], embedding vector(3), half halfvec(2)"
)
TYPES_OF = [
    ("id", "int8", -1), ("flag", "bool", -1), ("word", "text", -1), ("code", "varchar", 24),
    ("price", "numeric", numeric_typmod(10, 2)), ("amount", "numeric", -1), ("ratio", "float8", -1),
    ("share", "float4", -1), ("raw", "bytea", -1), ("day", "date", -1), ("at", "timestamptz", -1), ("key", "uuid", -1),
    ("doc", "jsonb", -1), ("tags", "text[]", -1), ("embedding", "vector", 3), ("half", "halfvec", 2),
]  # fmt: skip


def _type(name: str, typmod: int) -> SqlType:
    spelled = "_" + name[:-2] if name.endswith("[]") else name
    return SqlType(TYPES_BY_NAME[spelled].oid, typmod)


COLUMNS = [
    CopyColumn(name, i + 1, _type(spelled, typmod)) for i, (name, spelled, typmod) in enumerate(TYPES_OF)
]


def _word() -> str:
    alphabet = "abc ,;\"'\\\t\n\r\b\f\vNé€😀."
    return "".join(_RANDOM.choices(alphabet, k=_RANDOM.randrange(0, 12)))


def _row(number: int) -> list[str | None]:
    row: list[str | None] = [
        str(number), _RANDOM.choice("tf"), _word(), _word()[:20], f"{_RANDOM.randrange(-10**6, 10**6) / 100:.2f}",
        str(_RANDOM.randrange(10**20)), repr(_RANDOM.gauss(0, 1e6)), "0.1", "\\x" + _RANDOM.randbytes(_RANDOM.randrange(6)).hex(),
        "2024-02-29", "2024-01-05 10:00:00.5+00", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", '{"a": [1, "x\\n\\"y"]}',
        '{a,NULL,"b c","d\\"e\\\\"}', "[1,2.5,-3e-05]", "[0.5,1]",
    ]  # fmt: skip
    return [None if i and _RANDOM.random() < 0.15 else value for i, value in enumerate(row)]


SPECIAL_WORDS = [
    "",
    "\\N",
    "\\.",
    "NULL",
    "\\",
    "a\\",
    "\n",
    "\r\n",
    '"',
    '""',
    " ",
    ",",
    "x,y",
    "\t",
    "\\t",
    "é" * 300,
]


@pytest.fixture
def table(postgres: psycopg.Connection[Any]) -> list[list[str | None]]:
    """The rows of temporary table t, as text."""
    rows = [_row(i) for i in range(300)]
    rows += [[str(1000 + i), "t", word, word[:20], *[None] * 12] for i, word in enumerate(SPECIAL_WORDS)]
    postgres.execute(f"CREATE TEMP TABLE t ({TABLE_SQL})")
    casts = ", ".join(f"%s::text::{'timestamptz' if s == 'timestamptz' else s}" for _, s, _ in TYPES_OF)
    with postgres.cursor() as cursor:
        cursor.executemany(f"INSERT INTO t VALUES ({casts})", rows)
    names = ", ".join(f"textin(array_out({n}))" if s.endswith("[]") else f"{n}" for n, s, _ in TYPES_OF)
    result = postgres.execute(f"SELECT {names} FROM t ORDER BY id").pgresult
    assert result is not None
    return [
        [None if (v := result.get_value(i, j)) is None else v.decode() for j in range(len(TYPES_OF))]
        for i in range(result.ntuples)
    ]


def _sql_options(options: Sequence[tuple[str, Any]]) -> str:
    def shown(value: Any) -> str:
        if isinstance(value, tuple):
            return "*" if value == ("*",) else "(" + ", ".join(value) + ")"
        return (
            str(value)
            if isinstance(value, bool)
            else "E'" + value.replace("\\", "\\\\").replace("'", "''").replace("\t", "\\t") + "'"
        )

    return "(" + ", ".join(f"{name} {shown(value)}" for name, value in options) + ")"


def _read(
    data: bytes, options: Sequence[tuple[str, Any]], columns: Sequence[CopyColumn], piece_bytes: int
) -> list[list[str | None]]:
    reader = copy_reader("t", columns, copy_options(options, is_from=True), CONTEXT)
    batches = []
    for start in range(0, len(data), piece_bytes):
        batches += reader.feed(data[start : start + piece_bytes])
    batches += reader.finish()
    rows: list[list[str | None]] = []
    for batch in batches:
        assert batch.schema.names == [str(column.attnum) for column in columns]
        texts = [text_array(batch.column(i), c.type, CONTEXT).to_pylist() for i, c in enumerate(columns)]
        rows += [list(row) for row in zip(*texts, strict=True)]
    return rows


OPTIONS: list[list[tuple[str, Any]]] = [
    [("format", "text")],
    [("format", "text"), ("delimiter", "|"), ("null", "nil")],
    [("format", "csv")],
    [("format", "csv"), ("header", True), ("delimiter", ";"), ("quote", "'"), ("null", "\\N")],
    [("format", "csv"), ("escape", "\\")],
    [("format", "csv"), ("force_quote", ("*",))],
    [("format", "binary")],
]
_IDS = ["text", "text-pipe", "csv", "csv-header", "csv-escape", "csv-quoted", "binary"]


@pytest.mark.parametrize("options", OPTIONS, ids=_IDS)
def test_its_stream_is_read(
    postgres: psycopg.Connection[Any], table: list[list[str | None]], options: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    query = f"COPY (SELECT * FROM t ORDER BY id) TO STDOUT {_sql_options(options)}"
    with postgres.cursor().copy(query) as copy:
        data = b"".join(bytes(piece) for piece in copy)
    reading = [option for option in options if option[0] != "force_quote"]
    assert _read(data, reading, COLUMNS, len(data)) == table
    monkeypatch.setattr("sqlfront.copy.reader.BATCH_BYTES", 1000)
    for piece_bytes in (1, 777):
        assert _read(data, reading, COLUMNS, piece_bytes) == table
    if options[0][1] != "binary":
        assert (
            _read(data.replace(b"\n", b"\r\n") if options[0][1] == "text" else data, reading, COLUMNS, 999)
            == table
        )


@pytest.mark.parametrize("options", OPTIONS, ids=_IDS)
def test_our_stream_loads(
    postgres: psycopg.Connection[Any], table: list[list[str | None]], options: list[tuple[str, Any]]
) -> None:
    arrays = [
        parse_text_array(pa.array([row[i] for row in table], pa.utf8()), column.type, CONTEXT)
        for i, column in enumerate(COLUMNS)
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=[c.name for c in COLUMNS])
    writer = copy_writer(COLUMNS, copy_options(options, is_from=False), CONTEXT)
    frames = writer.header() + writer.frames(batch) + writer.trailer()
    messages = _payloads(frames)
    data = b"".join(messages)
    query = f"COPY (SELECT * FROM t ORDER BY id) TO STDOUT {_sql_options(options)}"
    with postgres.cursor().copy(query) as copy:
        expected_messages = [bytes(piece) for piece in copy]
    expected = b"".join(expected_messages)
    assert [len(message) for message in messages] == [len(message) for message in expected_messages]
    if options[0][1] == "binary":
        # Array element types and vector OIDs are the same bytes only where OIDs agree; text[] and vector are.
        assert data == expected
    else:
        assert data.decode() == expected.decode()
    postgres.execute("CREATE TEMP TABLE back (LIKE t)")
    loading = [option for option in options if option[0] != "force_quote"]
    with postgres.cursor().copy(f"COPY back FROM STDIN {_sql_options(loading)}") as sink:
        sink.write(data)
    different = postgres.execute(
        "SELECT count(*) FROM (SELECT t::text FROM t EXCEPT ALL SELECT back::text FROM back) AS x"
    ).fetchone()
    assert different == (0,)


def _payloads(frames: bytes) -> list[bytes]:
    payloads, position = [], 0
    while position < len(frames):
        assert frames[position : position + 1] == b"d"
        size = int.from_bytes(frames[position + 1 : position + 5], "big")
        payloads.append(frames[position + 5 : position + 1 + size])
        position += 1 + size
    return payloads


SMALL_SQL = "a int4, b text, c vector(2)"
SMALL = [
    CopyColumn("a", 1, SqlType(23)),
    CopyColumn("b", 2, SqlType(25)),
    CopyColumn("c", 3, SqlType(16385, 2)),
]
_HEAD = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_GOOD = b"\0\3" + b"\0\0\0\4\0\0\0\7" + b"\0\0\0\1x" + b"\xff\xff\xff\xff"
BAD_STREAMS: list[tuple[str, list[tuple[str, Any]], bytes]] = [
    ("missing", [("format", "text")], b"1\tx\t[1,2]\n2\ty\n"),
    ("extra", [("format", "text")], b"1\tx\t[1,2]\t9\n"),
    ("syntax", [("format", "text")], b"1\tx\t[1,2]\n2\ty\t[1,2]\nabc\tz\t[1,2]\n"),
    ("first of two", [("format", "text")], b"1\tx\t[1]\nabc\tz\t[1,2]\n"),
    ("value before short line", [("format", "text")], b"q\tx\t[1,2]\n1\n"),
    ("range", [("format", "text")], b"99999999999\tx\t[1,2]\n"),
    ("dimensions", [("format", "text")], b"1\tx\t[1,2,3]\n"),
    ("nan", [("format", "text")], b"1\tx\t[1,NaN]\n"),
    ("long value", [("format", "text")], b"x" * 300 + b"\tx\t[1,2]\n"),
    ("marker inside", [("format", "text")], b"1\tx\\.y\t[1,2]\n"),
    ("stray return", [("format", "text")], b"1\tx\t[1,2]\n2\ty\rz\t[1,2]\n"),
    ("stray newline", [("format", "text")], b"1\tx\t[1,2]\r\n2\ty\nz\t[1,2]\r\n"),
    ("not utf-8", [("format", "text")], b"1\tx\t[1,2]\n2\t\xff\t[1,2]\n"),
    ("zero byte", [("format", "text")], b"1\tx\t[1,2]\n2\t\\0\t[1,2]\n"),
    ("csv missing", [("format", "csv")], b'1,x,"[1,2]"\n2\n'),
    ("csv extra", [("format", "csv")], b'1,x,"[1,2]",3\n'),
    ("csv unterminated", [("format", "csv")], b'1,"x\n,"[1,2]"\n2,y\n'),
    ("csv syntax", [("format", "csv")], b'1,"a\nb","[1,2]"\nx,y,"[1,2]"\n'),
    ("csv null", [("format", "csv"), ("force_not_null", ("a",))], b',y,"[1,2]"\n'),
    ("header count", [("format", "csv"), ("header", "match")], b"a,b\n1,2\n"),
    ("header name", [("format", "csv"), ("header", "match")], b"a,x,c\n1,2,3\n"),
    ("signature", [("format", "binary")], b"PGCOPX\n\xff\r\n\0" + b"\0" * 8),
    ("flags", [("format", "binary")], b"PGCOPY\n\xff\r\n\0\0"),
    ("oids", [("format", "binary")], b"PGCOPY\n\xff\r\n\0\0\1\0\0\0\0\0\0"),
    ("critical", [("format", "binary")], b"PGCOPY\n\xff\r\n\0\0\2\0\0\0\0\0\0"),
    ("field count", [("format", "binary")], _HEAD + _GOOD + b"\0\2"),
    ("cut", [("format", "binary")], _HEAD + _GOOD + _GOOD[:-6]),
    ("field size", [("format", "binary")], _HEAD + b"\0\3\xff\xff\xff\xf0"),
    ("after trailer", [("format", "binary")], _HEAD + _GOOD + b"\xff\xff" + _GOOD),
    ("wide integer", [("format", "binary")], _HEAD + b"\0\3\0\0\0\5\0\0\0\0\7" + _GOOD[10:]),
    ("narrow integer", [("format", "binary")], _HEAD + _GOOD + b"\0\3\0\0\0\2\0\7" + _GOOD[10:]),
    ("binary dimensions", [("format", "binary")], _HEAD + _GOOD[:-4] + b"\0\0\0\x08\0\1\0\0\x3f\x80\0\0"),
    ("binary nan", [("format", "binary")], _HEAD + _GOOD[:-4] + b"\0\0\0\x0c\0\2\0\0\x3f\x80\0\0\x7f\xc0\0\0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "data"), [case[1:] for case in BAD_STREAMS], ids=[case[0] for case in BAD_STREAMS]
)
def test_bad_streams_fail_alike(
    postgres: psycopg.Connection[Any], options: list[tuple[str, Any]], data: bytes
) -> None:
    postgres.execute(f"CREATE TEMP TABLE t ({SMALL_SQL})")
    with (
        pytest.raises(psycopg.Error) as theirs,
        postgres.cursor().copy(f"COPY t FROM STDIN {_sql_options(options)}") as sink,
    ):
        sink.write(data)
    for piece_bytes in (len(data), 3):
        with pytest.raises(QuiverError) as ours:
            _read(data, options, SMALL, piece_bytes)
        diagnostic = theirs.value.diag
        error = ours.value
        assert (error.sqlstate, error.message, error.detail, error.hint, error.context) == (
            theirs.value.sqlstate, diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint,
            diagnostic.context,
        )  # fmt: skip


GOOD_STREAMS: list[tuple[list[tuple[str, Any]], bytes]] = [
    ([("format", "text")], b""),
    ([("format", "text")], b"1\tx\t[1,2]"),
    ([("format", "text")], b"1\tx\t[1,2]\r\n2\t\\N\t\\N\r\n"),
    ([("format", "text")], b"1\tx\t[1,2]\r2\ty\t[1,2]\r"),
    ([("format", "text")], b"1\tx\t[1,2]\n\\.\ngarbage"),
    ([("format", "text")], b"1\ta\\\nb\\tc\\x41\\101\\q\\\\.\t[1,2]\n"),
    ([("format", "text"), ("header", True)], b"whatever\n1\tx\t[1,2]\n"),
    ([("format", "text"), ("header", "match")], b"a\tb\tc\n1\tx\t[1,2]\n"),
    ([("format", "csv")], b'1,"a ""b"" c\n,d","[1,2]"\r\n'.replace(b"\r\n", b"\n")),
    ([("format", "csv")], b'1,"a\nb","[1,2]"\r\n2,"","[1, 2]"\r\n3,,\r\n'),
    ([("format", "csv")], b'1,a"b,c"d,"[1,2]"\n\\.\nrest'),
    ([("format", "csv"), ("escape", "\\")], b'1,"a\\"b\\\\c\\d","[1,2]"\n'),
    ([("format", "csv"), ("null", "nil"), ("force_null", ("b",))], b'1,"nil","[1,2]"\nnil,,"[1,2]"\n'),
    ([("format", "csv"), ("force_not_null", ("b",))], b'1,,"[1,2]"\n'),
    ([("format", "csv"), ("header", "match")], b'a,"b",c\n1,x,"[1,2]"\n'),
    ([("format", "binary")], _HEAD + _GOOD),
    ([("format", "binary")], _HEAD + _GOOD * 3 + b"\xff\xff"),
    ([("format", "binary")], b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\3abc" + _GOOD + b"\xff\xff"),
]


@pytest.mark.parametrize(("options", "data"), GOOD_STREAMS)
def test_odd_streams_are_read_alike(
    postgres: psycopg.Connection[Any], options: list[tuple[str, Any]], data: bytes
) -> None:
    postgres.execute(f"CREATE TEMP TABLE t (n serial, {SMALL_SQL})")
    with postgres.cursor().copy(f"COPY t (a, b, c) FROM STDIN {_sql_options(options)}") as sink:
        sink.write(data)
    expected = [list(r) for r in postgres.execute("SELECT a::text, b, c::text FROM t ORDER BY n")]
    for piece_bytes in (max(len(data), 1), 1):
        assert _read(data, options, SMALL, piece_bytes) == expected


BAD_OPTIONS: list[tuple[bool, list[tuple[str, Any]]]] = [
    (True, [("format", "xml")]),
    (True, [("nonsense", True)]),
    (True, [("delimiter", ";"), ("delimiter", ",")]),
    (True, [("delimiter", ";;")]),
    (True, [("delimiter", "€")]),
    (True, [("delimiter", "a")]),
    (True, [("null", "a\nb")]),
    (True, [("null", "a\tb")]),
    (True, [("format", "binary"), ("delimiter", ",")]),
    (True, [("format", "binary"), ("null", "x")]),
    (True, [("format", "binary"), ("header", True)]),
    (True, [("quote", "'")]),
    (True, [("escape", "'")]),
    (True, [("format", "csv"), ("quote", "''")]),
    (True, [("format", "csv"), ("escape", "ab")]),
    (True, [("format", "csv"), ("quote", ",")]),
    (True, [("format", "csv"), ("null", 'a"b')]),
    (True, [("format", "csv"), ("null", "a,b")]),
    (True, [("format", "csv"), ("force_quote", ("a",))]),
    (False, [("format", "csv"), ("force_null", ("a",))]),
    (False, [("format", "csv"), ("force_not_null", ("a",))]),
    (True, [("force_null", ("a",))]),
    (True, [("force_not_null", ("a",))]),
    (False, [("force_quote", ("a",))]),
    (True, [("format", "csv"), ("force_null", ("c",))]),
    (False, [("format", "csv"), ("header", "match")]),
    (True, [("header", "maybe")]),
]


@pytest.mark.parametrize(("is_from", "options"), BAD_OPTIONS)
def test_bad_options_fail_alike(
    postgres: psycopg.Connection[Any], is_from: bool, options: list[tuple[str, Any]]
) -> None:
    postgres.execute(f"CREATE TEMP TABLE t ({SMALL_SQL})")
    direction = "FROM STDIN" if is_from else "TO STDOUT"
    with (
        pytest.raises(psycopg.Error) as theirs,
        postgres.cursor().copy(f"COPY t (a, b) {direction} {_sql_options(options)}".replace("\n", "\\n")),
    ):
        pass
    with pytest.raises(QuiverError) as ours:
        checked = copy_options(options, is_from=is_from)
        copy_reader("t", SMALL[:2], checked, CONTEXT)
        copy_writer(SMALL[:2], checked, CONTEXT)
    assert (ours.value.sqlstate, ours.value.message) == (
        theirs.value.sqlstate, theirs.value.diag.message_primary,
    )  # fmt: skip
