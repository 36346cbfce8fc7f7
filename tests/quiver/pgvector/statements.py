"""Statements generated from the inventory: every function, operator, cast and aggregate with every kind of argument.

`EXPRESSIONS` are made of constants; those of `table_statements` read the tables that `SETUP` fills, through the native path
(one table) and through the relational one (joins, groups).
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence

from tests.quiver.pgvector.arguments import (
    DENSE_TEXTS,
    LITERALS,
    LONG_DIMENSIONS,
    SPARSE_TEXTS,
    long_text,
)
from tests.quiver.pgvector.inventory import Row, SqlFunction, functions_of

TYPES = ("vector", "halfvec", "sparsevec")
COMBINATIONS_MAX = 16
RANDOM_DIMENSIONS = (1, 2, 3, 5, 8, 15, 16, 17, 31, 64, 100, 384, 768, 1536)
INEXACT = re.compile(r"0\.[12]|e-|e38")
"""In the text of vectors whose distances are rounded."""
_SEED = 20260814

Inventory = dict[str, list[Row]]


def _values(type_name: str) -> tuple[str, ...]:
    return (*LITERALS[type_name], "NULL" if type_name == "internal" else f"NULL::{type_name}")


def _sample(pools: Sequence[Sequence[str]], chance: random.Random) -> list[tuple[str, ...]]:
    """All combinations, or a sample in which every value of every pool occurs."""
    combinations = list(itertools.product(*pools))
    if len(combinations) <= COMBINATIONS_MAX:
        return combinations
    longest = max(map(len, pools))
    shuffled = [chance.sample(list(pool), len(pool)) for pool in pools]
    covering = [tuple(pool[n % len(pool)] for pool in shuffled) for n in range(longest)]
    return list(dict.fromkeys([*covering, *chance.sample(combinations, max(0, COMBINATIONS_MAX - longest))]))


def function_statements(inventory: Inventory) -> Iterator[str]:
    chance = random.Random(_SEED)
    for function in functions_of(inventory):
        if function.kind == "a":
            continue
        for arguments in _sample([_values(name) for name in function.arguments], chance):
            yield f"SELECT {function.name}({', '.join(arguments)})"
        yield from _unusual_calls(function)


def _unusual_calls(function: SqlFunction) -> Iterator[str]:
    """Untyped literals, too few and too many arguments, a schema, arguments of other types."""
    count = len(function.arguments)
    first = LITERALS[function.arguments[0]][0].partition("::")[0]
    yield f"SELECT {function.name}({', '.join([first] * count)})"
    yield f"SELECT {function.name}({', '.join(['NULL'] * count)})"
    yield f"SELECT public.{function.name}({', '.join(LITERALS[name][0] for name in function.arguments)})"
    yield f"SELECT pg_catalog.{function.name}({', '.join(LITERALS[name][0] for name in function.arguments)})"
    yield f"SELECT {function.name}()"
    yield f"SELECT {function.name}({', '.join(['1'] * (count + 1))})"
    for other in (*(LITERALS[name][0] for name in TYPES), "'[1,2,3]'::text", "ARRAY[1,2,3]"):
        yield f"SELECT {function.name}({', '.join([other] * count)})"


def operator_statements(inventory: Inventory) -> Iterator[str]:
    chance = random.Random(_SEED + 1)
    names = sorted({str(row[0]) for row in inventory["operators"]})
    for row in inventory["operators"]:
        name, left, right = str(row[0]), str(row[2]), str(row[3])
        for a, b in _sample([_values(left), _values(right)], chance):
            yield f"SELECT {a} {name} {b}"
    sides = (
        *(LITERALS[name][0] for name in TYPES), "B'111'", "'[1,2,3]'", "'[1,2,3]'::text", "NULL", "1",
        "ARRAY[1,2,3]::real[]",
    )  # fmt: skip
    for name in names:
        for a, b in itertools.product(sides, sides):
            if a != b or a.startswith("'["):
                yield f"SELECT {a} {name} {b}"


def cast_statements(inventory: Inventory) -> Iterator[str]:
    sources = ("vector", "halfvec", "sparsevec", "_int4", "_float4", "_float8", "_numeric", "bit")
    targets = (
        "vector",
        "halfvec",
        "sparsevec",
        "real[]",
        "float8[]",
        "int4[]",
        "numeric[]",
        "text",
        "bit",
        "varchar(5)",
    )
    pairs = {(str(row[0]), str(row[1])) for row in inventory["casts"]}
    for source, target in itertools.product(sources, targets):
        is_cast = (source, {"real[]": "_float4"}.get(target, target)) in pairs
        for value in _values(source) if is_cast else _values(source)[:2]:
            yield f"SELECT {value}::{target}"
            if is_cast and target in TYPES:
                yield f"SELECT {value}::{target}(3)"
                yield f"INSERT INTO any_{target} VALUES ({value}) RETURNING v"
                yield f"INSERT INTO three_{target} VALUES ({value}) RETURNING v"
                # An argument of an output function is converted only where the cast is implicit.
                yield f"SELECT {target}_out({value})"
        if target in TYPES and not is_cast:
            yield f"INSERT INTO any_{target} VALUES ({_values(source)[0]}) RETURNING v"
    for source in TYPES:
        for target in TYPES:
            yield f"SELECT ARRAY[{LITERALS[source][0]}]::{target}[]"
            yield f"SELECT ARRAY[{LITERALS[source][0]}, NULL]::{target}(3)[]"
            yield f"SELECT CASE WHEN true THEN {LITERALS[source][0]} ELSE {LITERALS[target][0]} END"
            yield f"SELECT coalesce({LITERALS[source][0]}, {LITERALS[target][0]})"
            yield f"SELECT {LITERALS[source][0]} UNION ALL SELECT {LITERALS[target][0]}"
            yield f"SELECT ARRAY[{LITERALS[source][0]}, {LITERALS[target][0]}]"


def text_statements() -> Iterator[str]:
    for type_name in TYPES:
        texts = SPARSE_TEXTS if type_name == "sparsevec" else DENSE_TEXTS
        for text in texts:
            yield f"SELECT '{text}'::{type_name}"
            yield f"SELECT '{text}'::{type_name}::text"
            yield f"INSERT INTO three_{type_name} VALUES ('{text}') RETURNING v"
            yield f"SELECT '{text}'::text::{type_name}(2)"
        for modifier in (
            "1",
            "3",
            "0",
            "-1",
            "16000",
            "16001",
            "1000000000",
            "1000000001",
            "1,2",
            "'3'",
            "'x'",
            "99999999999",
            "1.5",
        ):
            yield f"SELECT NULL::{type_name}({modifier})"
            yield f"SELECT '{texts[0]}'::{type_name}({modifier})"
        yield f"SELECT NULL::{type_name}()"
        yield f"SELECT pg_typeof('{texts[0]}'::{type_name}), pg_typeof('{texts[0]}'::{type_name}(3)[])"
        yield f"SELECT {type_name} '{texts[0]}'"
        yield f"SELECT format_type('{type_name}'::regtype, 3), '{type_name}'::regtype, '{type_name}[]'::regtype"


def long_statements() -> Iterator[str]:
    """One dimension more than allowed, and everything once at 16,000."""
    for type_name in TYPES:
        value = f"'{long_text(type_name)}'::{type_name}"
        yield f"SELECT md5(({value})::text)"
        yield f"SELECT '{long_text(type_name, LONG_DIMENSIONS + 1)}'::{type_name} IS NULL"
        for operator in ("<->", "<#>", "<=>", "<+>", "=", "<"):
            yield f"SELECT {value} {operator} {value}"
        yield f"SELECT l2_normalize({value}) IS NOT NULL, {type_name}_cmp({value}, {value})"
        for target in TYPES:
            yield f"SELECT md5(({value})::{target}::text)"
    dense = [(name, f"'{long_text(name)}'::{name}") for name in TYPES[:2]]
    for name, value in dense:
        yield f"SELECT md5(({value} + {value})::text), md5(({value} * {value})::text), vector_dims({value})"
        yield f"SELECT {value} || '[1]'"
        yield f"SELECT binary_quantize({value}) <~> binary_quantize('{long_text(name)}'::{name})"
        yield f"SELECT md5(subvector({value}, 2, 15999)::text), md5(avg(v)::text), md5(sum(v)::text) FROM (VALUES ({value})) t (v)"
    zeros = ",".join(["0"] * LONG_DIMENSIONS)
    ones = ",".join(["1"] * (LONG_DIMENSIONS + 1))
    yield f"SELECT vector_dims('[{zeros}]'::vector), '[{zeros}]'::vector::sparsevec"
    yield f"SELECT '{{{ones}}}'::int[]::vector"
    yield f"SELECT '{{{ones}}}'::int[]::halfvec"
    yield f"SELECT '{{{ones}}}'::int[]::sparsevec"
    yield f"SELECT '{{{ones}}}'::float8[]::sparsevec(3)"


def random_statements() -> Iterator[str]:
    """Inexact distances and norms of vectors of every length; elements are positive, so that no sum cancels."""
    chance = random.Random(_SEED + 2)
    for dimensions, type_name in itertools.product(RANDOM_DIMENSIONS, TYPES):
        a, b = (f"'{_random_text(chance, type_name, dimensions)}'::{type_name}" for _ in range(2))
        for operator in ("<->", "<#>", "<=>", "<+>"):
            yield f"SELECT {a} {operator} {b}"
        norm = "vector_norm" if type_name == "vector" else "l2_norm"
        yield f"SELECT {norm}({a}), l2_normalize({a})"
        yield f"SELECT {type_name}_l2_squared_distance({a}, {b}), inner_product({a}, {b}), {type_name}_cmp({a}, {b})"
        yield f"SELECT {a}::vector, {a}::halfvec, {a}::sparsevec"
        if type_name != "sparsevec":
            yield f"SELECT {a} + {b}, {a} - {b}, {a} * {b}, {a} || {b}, binary_quantize({a} - {b})"
            yield f"SELECT avg(v), sum(v) FROM (VALUES ({a}), ({b}), ({a}), ({b} + {b})) t (v)"
            yield f"SELECT {type_name}_spherical_distance(l2_normalize({a}), l2_normalize({b}))"


def _random_text(chance: random.Random, type_name: str, dimensions: int) -> str:
    numbers = [round(chance.uniform(0.01, 1), 6) for _ in range(dimensions)]
    if type_name == "sparsevec":
        elements = [f"{place}:{number}" for place, number in enumerate(numbers, 1) if chance.random() < 0.6]
        return f"{{{','.join(elements)}}}/{dimensions}"
    return f"[{','.join(map(str, numbers))}]"


def aggregate_statements(inventory: Inventory) -> Iterator[str]:
    groups = {
        "vector": ("'[1,2]','[3,5]'", "'[0.1,0.2]','[0.3,0.7]','[1e-9,1e9]'", "'[3e38,1]','[3e38,1]'", "'[1,2]','[1,2,3]'",
                   "'[1,2]',NULL", "NULL,NULL", "'[16777216]','[1]','[1]','[1]'", "'[1e20,1]','[-1e20,1]','[1,1]'"),
        "halfvec": ("'[1,2]','[3,5]'", "'[0.1,0.2]','[0.3,0.7]'", "'[65504,1]','[65504,1]'", "'[1,2]','[1,2,3]'", "'[1,2]',NULL",
                    "NULL,NULL", "'[2048]','[1]','[1]','[1]'", "'[65504]','[15]'", "'[65504]','[16]'"),
        "sparsevec": ("'{1:1}/2','{2:1}/2'", "NULL,NULL"),
        "bit": ("'101','111'",),
    }  # fmt: skip
    names = {str(row[0]) for row in inventory["aggregates"]}
    for type_name, value_lists in groups.items():
        for values in value_lists:
            spelled = "bit(3)" if type_name == "bit" else type_name
            rows = ", ".join(f"({value}::{spelled})" for value in _split(values))
            source = f"(VALUES {rows}) t (v)"
            for name in sorted({*names, "count", "min", "max", "array_agg"}):
                yield f"SELECT {name}(v) FROM {source}"
            for name in sorted(names):
                yield f"SELECT {name}(v) FROM {source} WHERE false"
                yield f"SELECT {name}(v) FILTER (WHERE v IS NULL) FROM {source}"
                yield f"SELECT {name}(DISTINCT v) FROM {source}"
                yield f"SELECT {name}(v ORDER BY v DESC) FROM {source}"
                yield f"SELECT {name}(v) OVER () FROM {source}"
                yield f"SELECT v IS NULL, {name}(v) FROM {source} GROUP BY 1 ORDER BY 1"
                yield f"SELECT {name}(v) FROM {source} HAVING count(*) > 1"
                yield f"SELECT {name}(v, v) FROM {source}"


def _split(values: str) -> list[str]:
    """'a','b',NULL -> its items; commas inside quotes stay."""
    items, text = [], ""
    is_quoted = False
    for character in values:
        is_quoted ^= character == "'"
        if character == "," and not is_quoted:
            items.append(text)
            text = ""
        else:
            text += character
    return [*items, text]


def _setup() -> Iterator[str]:
    for type_name in TYPES:
        yield f"CREATE TABLE any_{type_name} (v {type_name})"
        yield f"CREATE TABLE three_{type_name} (v {type_name}(3))"
        pool = [text for text in LITERALS[type_name] if "1000000000" not in text]
        yield f"CREATE TABLE mixed_{type_name} (id int PRIMARY KEY, v {type_name})"
        yield f"INSERT INTO mixed_{type_name} VALUES " + ", ".join(
            f"({number}, {value})" for number, value in enumerate([*pool, "NULL"])
        )
        same = [text for text in pool if text.count(",") == 2 or text.endswith("/3'::sparsevec")]
        yield f"CREATE TABLE same_{type_name} (id int PRIMARY KEY, v {type_name}(3), w {type_name}(3), is_exact bool)"
        yield f"INSERT INTO same_{type_name} VALUES " + ", ".join(
            f"({number}, {a}, {b}, {not INEXACT.search(a + b)})"
            for number, (a, b) in enumerate(itertools.product([*same, "NULL"], repeat=2))
        )
    yield "CREATE TABLE bits (id int PRIMARY KEY, v bit(3), w bit varying)"
    yield "INSERT INTO bits VALUES (1, '101', '1'), (2, '000', ''), (3, NULL, NULL), (4, '111', '0110'), (5, '001', '011')"


SETUP = tuple(_setup())


def table_statements(inventory: Inventory) -> Iterator[str]:
    for type_name in TYPES:
        same, mixed = f"same_{type_name}", f"mixed_{type_name}"
        query = LITERALS[type_name][0]
        for row in inventory["operators"]:
            name, left, result = str(row[0]), str(row[2]), str(row[4])
            if left != type_name:
                continue
            if result in ("float8", "bool"):
                yield f"SELECT id, v {name} w FROM {same} ORDER BY id"
                yield f"SELECT id, v {name} {query}, {query} {name} v, v {name} NULL FROM {same} ORDER BY id"
                yield f"SELECT a.id, b.id, a.v {name} b.w FROM {same} a JOIN {same} b ON a.id < b.id AND b.id < 30 ORDER BY 1, 2"
            else:
                yield f"SELECT id, v {name} w FROM {same} WHERE id % 3 = 1 AND id < 40 ORDER BY id"
            if result == "bool":
                yield f"SELECT id FROM {mixed} WHERE v {name} {query} ORDER BY id"
                yield f"SELECT a.id, b.id FROM {mixed} a JOIN {mixed} b ON a.v {name} b.v ORDER BY 1, 2"
            elif result == "float8":
                yield f"SELECT id FROM {same} WHERE v {name} {query} < 3 ORDER BY id"
                # Inexact distances may change places.
                yield f"SELECT id, v {name} w FROM {same} WHERE is_exact ORDER BY v {name} w, id LIMIT 40"
                yield f"SELECT id FROM {same} WHERE is_exact ORDER BY v {name} {query} DESC NULLS LAST, id LIMIT 9"
                yield f"SELECT count(*), min(v {name} w), max(v {name} w) FROM {same} GROUP BY w IS NULL ORDER BY 1"
        yield from _ordering_statements(same, mixed, type_name)
    for expression in ("v <~> {}", "v <%> {}", "hamming_distance(v, {})", "jaccard_distance(v, {})"):
        one = expression.format("'101'")
        yield f"SELECT id, {one} FROM bits ORDER BY id"
        yield f"SELECT id FROM bits ORDER BY {one}, id"
        yield f"SELECT id FROM bits WHERE {one} < 1 ORDER BY id"
        pair = expression.format("b.v").replace("v ", "a.v ").replace("(v", "(a.v")
        yield f"SELECT a.id, b.id, {pair} FROM bits a, bits b WHERE a.id < b.id ORDER BY 1, 2"
    yield "SELECT id, w <~> w, w <%> w FROM bits ORDER BY id"
    yield "SELECT id, w <~> '101' FROM bits ORDER BY id"
    yield "SELECT id, w FROM bits ORDER BY w, id"
    yield "SELECT w, count(*) FROM bits GROUP BY w ORDER BY w"


def _ordering_statements(same: str, mixed: str, type_name: str) -> Iterator[str]:
    literal = LITERALS[type_name][0]
    for table in (same, mixed):
        yield f"SELECT id FROM {table} ORDER BY v, id"
        yield f"SELECT id FROM {table} ORDER BY v DESC NULLS LAST, id"
        yield f"SELECT count(*), min(id) FROM {table} GROUP BY v ORDER BY v, 2"
        # Which of the equal vectors [0] and [-0] stands for its group is open.
        yield f"SELECT v, count(*) FROM {table} WHERE v::text NOT LIKE '%-0,%' GROUP BY v ORDER BY v"
        yield f"SELECT DISTINCT v FROM {table} WHERE v::text NOT LIKE '%-0,%' ORDER BY v"
        yield f"SELECT count(DISTINCT v) FROM {table}"
        yield f"SELECT DISTINCT ON (v) id FROM {table} ORDER BY v, id"
        yield f"SELECT id FROM {table} WHERE v IN ({literal}, {LITERALS[type_name][2]}) ORDER BY id"
        yield f"SELECT id FROM {table} WHERE v NOT IN ({literal}) ORDER BY id"
        yield f"SELECT id FROM {table} WHERE v = ANY (ARRAY[{literal}, NULL]) ORDER BY id"
        yield f"SELECT id FROM {table} WHERE v IS DISTINCT FROM {literal} ORDER BY id"
        yield f"SELECT id FROM {table} WHERE v BETWEEN {LITERALS[type_name][2]} AND {literal} ORDER BY id"
        yield f"SELECT id, nullif(v, {literal}), greatest(v, {literal}), least(v, {literal}) FROM {table} ORDER BY id"
        yield f"SELECT id, rank() OVER (ORDER BY v) FROM {table} ORDER BY id"
        yield f"SELECT id, row_number() OVER (PARTITION BY v ORDER BY id) FROM {table} ORDER BY id"
        yield f"SELECT v FROM {table} WHERE id < 22 UNION SELECT v FROM {mixed} WHERE id < 5 ORDER BY 1"
        yield f"SELECT count(*) FROM (SELECT v FROM {table} UNION SELECT v FROM {mixed}) u"
        yield f"SELECT v FROM {table} EXCEPT SELECT v FROM {mixed} WHERE id > 2 ORDER BY 1"
        yield f"SELECT array_agg(v ORDER BY v, id) FROM {table} WHERE id < 20"
        yield f"SELECT id, v::text FROM {table} ORDER BY v::text, id"
        yield f"SELECT u FROM unnest((SELECT array_agg(v ORDER BY id) FROM {table} WHERE id < 9)) u"
        yield f"SELECT to_json(v), jsonb_build_array(v) FROM {table} WHERE id < 5 ORDER BY id"
        yield f"SELECT min(v) FROM {table}"
        yield f"SELECT v + 1 FROM {table}"
    yield f"CREATE TABLE keys_{type_name} (v {type_name} PRIMARY KEY, w {type_name} UNIQUE)"
    for value in dict.fromkeys([*LITERALS[type_name], *LITERALS[type_name][:3], "NULL"]):
        yield f"INSERT INTO keys_{type_name} VALUES ({value}, {value}) RETURNING v"
    yield f"INSERT INTO keys_{type_name} VALUES ({literal}, NULL)"
    yield f"INSERT INTO keys_{type_name} VALUES ({literal}, NULL) ON CONFLICT (v) DO UPDATE SET w = NULL RETURNING *"
    yield f"INSERT INTO keys_{type_name} VALUES ({LITERALS[type_name][5]}, {literal}) ON CONFLICT DO NOTHING"
    yield f"SELECT * FROM keys_{type_name} WHERE v = {literal}"
    yield f"UPDATE keys_{type_name} SET w = v WHERE v >= {literal} RETURNING v"
    yield f"DELETE FROM keys_{type_name} WHERE v < {literal} RETURNING v"
    yield f"SELECT * FROM keys_{type_name} ORDER BY v"
    yield f"CREATE INDEX ON keys_{type_name} (w {type_name}_ops)"
    yield f"ALTER TABLE any_{type_name} ALTER COLUMN v TYPE {type_name}(3) USING v"
    yield f"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'three_{type_name}'::regclass AND attnum > 0"


def all_statements(inventory: Inventory) -> list[str]:
    """Every statement once, in order; `SETUP` has to run before."""
    made = itertools.chain(
        function_statements(inventory), operator_statements(inventory), cast_statements(inventory), text_statements(),
        long_statements(), random_statements(), aggregate_statements(inventory), table_statements(inventory),
    )  # fmt: skip
    return list(dict.fromkeys(made))
