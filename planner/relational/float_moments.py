"""Variances, covariances and regressions of double precision as PostgreSQL adds them up, to the last digit.

The sums of squares follow Youngs and Cramer, row after row (float8_accum and float8_regr_accum in float.c). NumPy's
accumulations add in the same order, so a group is a few array operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import NumericValueOutOfRange

Floats = npt.NDArray[np.float64]
Evaluator = Callable[[Sequence[pa.Array], int], pa.Array]


@dataclass(frozen=True, slots=True)
class _Moments:
    """Of a group: its size, the sums of x and y, and the sums of the squares and products of their deviations."""

    count: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float


def _deviations(values: Floats, counts: Floats) -> tuple[Floats, float]:
    """((n - 1,) n * value - sum of the first n values, from the second on; sum of all)."""
    sums = np.add.accumulate(values)
    return (values * counts - sums)[1:], float(sums[-1])


def _total(terms: Floats, values: Sequence[Floats], total: float) -> float:
    """Terms added in order. A sum that overflows is 22003, one of infinities is NaN."""
    if not len(terms):
        return 0.0 if math.isfinite(total) else math.nan
    added = float(np.add.accumulate(terms)[-1])
    if math.isinf(added) or math.isnan(added):
        if all(np.isfinite(column).all() for column in values):
            raise NumericValueOutOfRange("value out of range: overflow")
        return math.nan
    return added


def _moments(y: Floats, x: Floats) -> _Moments:
    count = len(x)
    counts = np.arange(1, count + 1, dtype=np.float64)
    with np.errstate(all="ignore"):
        (dx, sum_x), (dy, sum_y) = _deviations(x, counts), _deviations(y, counts)
        scale = 1.0 / (counts[1:] * counts[:-1])
        return _Moments(
            count,
            sum_x,
            sum_y,
            _total(dx * dx * scale, (x,), sum_x),
            _total(dy * dy * scale, (y,), sum_y),
            _total(dx * dy * scale, (x, y), sum_x + sum_y),
        )


def variance_of_floats(*, is_sample: bool, is_root: bool) -> Evaluator:
    """Evaluator (list<double>) -> double: var_pop, var_samp, stddev_pop, stddev_samp; NULL for too few values."""

    def variance(values: Floats) -> float | None:
        count = len(values)
        if count < 1 + is_sample:
            return None
        counts = np.arange(1, count + 1, dtype=np.float64)
        with np.errstate(all="ignore"):
            deviations, total = _deviations(values, counts)
            squares = _total(deviations * deviations / (counts[1:] * counts[:-1]), (values,), total)
        result = squares / (count - is_sample)
        return math.sqrt(result) if is_root else result

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        groups = ((_floats(group), _nulls(group)) for group in columns[0])
        return pa.array([variance(values[~nulls]) for values, nulls in groups], pa.float64())

    return evaluate


def regression_of_floats(name: str) -> Evaluator:
    """Evaluator (list<double> y, list<double> x) -> double of a regression aggregate; pairs with a NULL are left out."""
    final = REGRESSIONS[name]

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        results: list[float | None] = []
        for left, right in zip(*columns):
            y, x = _floats(left), _floats(right)
            known = ~(_nulls(left) | _nulls(right))
            results.append(final(_moments(y[known], x[known])) if known.any() else None)
        return pa.array(results, pa.float64())

    return evaluate


def _floats(group: pa.ListScalar) -> Floats:
    values = group.values
    if values is None:
        return np.zeros(0)
    return np.asarray(values.fill_null(0.0), dtype=np.float64)


def _nulls(group: pa.ListScalar) -> npt.NDArray[np.bool_]:
    return np.asarray(group.values.is_null()) if group.values is not None else np.zeros(0, np.bool_)


def _correlation(m: _Moments) -> float | None:
    return None if m.xx == 0 or m.yy == 0 else m.xy / math.sqrt(m.xx * m.yy)


def _determination(m: _Moments) -> float | None:
    if m.xx == 0:
        return None
    return 1.0 if m.yy == 0 else (m.xy * m.xy) / (m.xx * m.yy)


REGRESSIONS: dict[str, Callable[[_Moments], float | None]] = {
    "corr": _correlation,
    "covar_pop": lambda m: m.xy / m.count,
    "covar_samp": lambda m: m.xy / (m.count - 1) if m.count > 1 else None,
    "regr_avgx": lambda m: m.x / m.count,
    "regr_avgy": lambda m: m.y / m.count,
    "regr_intercept": lambda m: None if m.xx == 0 else (m.y - m.x * m.xy / m.xx) / m.count,
    "regr_r2": _determination,
    "regr_slope": lambda m: None if m.xx == 0 else m.xy / m.xx,
    "regr_sxx": lambda m: m.xx,
    "regr_sxy": lambda m: m.xy,
    "regr_syy": lambda m: m.yy,
}
"""By name; the moments are of one pair at the least."""
