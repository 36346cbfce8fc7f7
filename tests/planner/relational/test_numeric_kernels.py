"""Goal: quotients, sums, variances and sort keys of numeric are PostgreSQL's, digit by digit.

Method: known answers; sort keys against Decimal's order; a seeded differential run against a real PostgreSQL.
"""

from __future__ import annotations

import random
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest

from foundation.errors import DivisionByZero
from planner.relational.numeric_kernels import average, quotient, sort_key, sum_of, variance


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [
        ("10", "3", "3.3333333333333333"),
        ("7", "3", "2.3333333333333333"),
        ("1", "1", "1.00000000000000000000"),
        ("2", "3", "0.66666666666666666667"),
        ("-1", "3", "-0.33333333333333333333"),
        ("20000", "3", "6666.6666666666666667"),
        ("0", "5", "0.00000000000000000000"),
        ("1.000000000000000000000", "7", "0.142857142857142857143"),
        ("NaN", "0", "NaN"),
        ("Infinity", "-2", "-Infinity"),
        ("5", "Infinity", "0"),
    ],
)
def test_quotient_has_postgres_scale(dividend: str, divisor: str, expected: str) -> None:
    assert quotient(Decimal(dividend), Decimal(divisor)) == expected


def test_an_average_in_whole_numbers_is_the_quotient() -> None:
    rng = random.Random(12)
    for _ in range(20_000):
        size = rng.choice([0, 1, 5, rng.randrange(10 ** rng.randint(1, 39))])
        scale = rng.choice([0, 0, 1, 2, 5, 20, 30])
        digits = str(size).rjust(scale + 1, "0")
        total = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
        total = rng.choice(["", "-"]) + total
        count = rng.choice([1, 2, 3, 7, 1000, 9999, 10_000, 10_001, rng.randint(1, 10**12)])
        assert average(total, count) == quotient(Decimal(total), Decimal(count)), (total, count)
    assert average("NaN", 3) == "NaN" and average("-Infinity", 3) == "-Infinity"


def test_division_by_zero_is_22012() -> None:
    with pytest.raises(DivisionByZero, match="division by zero"):
        quotient(Decimal(1), Decimal("0.00"))


def test_sum_keeps_the_largest_scale_and_special_values() -> None:
    assert sum_of(["1.5", None, "2.25"]) == "3.75"
    assert sum_of(["1.0", "-1.00"]) == "0.00"
    assert sum_of([None]) is None
    assert sum_of(["Infinity", "1"]) == "Infinity"
    assert sum_of(["Infinity", "-Infinity"]) == "NaN"
    assert sum_of(["9" * 60, "1"]) == "1" + "0" * 60


def test_variance_of_too_few_values_is_null() -> None:
    assert variance(1, Decimal(5), Decimal(25), is_sample=True, is_root=False) is None
    assert variance(1, Decimal(5), Decimal(25), is_sample=False, is_root=False) == "0"


def test_sort_keys_order_as_values_do() -> None:
    rng = random.Random(11)
    values = [Decimal(rng.randint(-(10**9), 10**9)).scaleb(-rng.randint(0, 20)) for _ in range(500)]
    values += [
        Decimal(text) for text in ("0", "0.00", "-0", "1", "1.0", "1.50", "-1", "-1.5", "1e30", "-1e30")
    ]
    ordered = sorted(values)
    assert [sort_key(value) for value in ordered] == sorted(sort_key(value) for value in values)
    assert sort_key(Decimal("1.50")) == sort_key(Decimal("1.5"))
    infinities = [Decimal("-Infinity"), *ordered, Decimal("Infinity"), Decimal("NaN")]
    keys = [sort_key(value) for value in infinities]
    assert keys == sorted(keys)


def _random_numeric(rng: random.Random) -> str:
    fraction = "".join(rng.choice("0123456789") for _ in range(rng.randint(0, 8)))
    whole = str(rng.randint(0, 10 ** rng.randint(0, 12)))
    return rng.choice(["", "-"]) + whole + ("." + fraction if fraction else "")


@pytest.mark.slow
def test_against_postgres(postgres: Any) -> None:
    rng = random.Random(3)
    pairs = [(_random_numeric(rng), _random_numeric(rng)) for _ in range(400)]
    listed = ", ".join(f"('{a}'::numeric / nullif('{b}'::numeric, 0))::text" for a, b in pairs)
    for (a, b), expected in zip(pairs, postgres.execute(f"SELECT {listed}").fetchone(), strict=True):
        assert expected == (quotient(Decimal(a), Decimal(b)) if Decimal(b) else None)
    for _ in range(60):
        values = [_random_numeric(rng) for _ in range(rng.randint(1, 6))]
        row = postgres.execute(
            "SELECT avg(x)::text, var_samp(x)::text, var_pop(x)::text, stddev_samp(x)::text, "
            "stddev_pop(x)::text, sum(x)::text FROM unnest(%s::numeric[]) x",
            ("{" + ",".join(values) + "}",),
        ).fetchone()
        assert row == _own_aggregates(values)


def _own_aggregates(values: list[str]) -> tuple[str | None, ...]:
    with localcontext(Context(prec=500)):
        total = sum(map(Decimal, values))
        squares = sum(Decimal(value) * Decimal(value) for value in values)
    shapes = [(True, False), (False, False), (True, True), (False, True)]
    variances = [
        variance(len(values), Decimal(total), Decimal(squares), is_sample=sample, is_root=root)
        for sample, root in shapes
    ]
    summed = sum_of(values)
    assert summed is not None
    return (quotient(Decimal(summed), Decimal(len(values))), *variances, summed)
