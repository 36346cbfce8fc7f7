"""Goal: vector operators give the same values on every storage form: fixed size or not, sliced, NULL among them.

Method: each operator over a column against the same operator over one row at a time, and against NumPy.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import DataException
from foundation.sqltypes import HALFVEC, VECTOR, SqlType, arrow_type
from planner.evaluate import Frame, evaluate
from planner.functions.vector_columns import matrix_of
from tests.planner.trees import col, const, fn, make_context, op

CONTEXT = make_context()
RANDOM = np.random.default_rng(8)
VALUES = [None if i % 7 == 2 else RANDOM.standard_normal(5).astype(np.float32).tolist() for i in range(50)]
OTHERS = [None if i % 11 == 3 else RANDOM.standard_normal(5).astype(np.float32).tolist() for i in range(50)]
QUERY = RANDOM.standard_normal(5).astype(np.float32)
FORMS = [SqlType(VECTOR.oid, 5), VECTOR, SqlType(HALFVEC.oid, 5), HALFVEC]


def column(values: list[list[float] | None], sql_type: SqlType) -> pa.Array:
    if sql_type.oid == HALFVEC.oid:
        halves = [None if v is None else np.asarray(v, np.float16) for v in values]
        return pa.array(halves, arrow_type(sql_type))
    return pa.array(values, arrow_type(sql_type))


def frame(sql_type: SqlType) -> Frame:
    padding = [VALUES[0]] * 3
    whole = column(padding + VALUES, sql_type), column(padding + OTHERS, sql_type)
    return Frame(50, {(1, 0): whole[0].slice(3), (1, 1): whole[1].slice(3)})


@pytest.mark.parametrize("sql_type", FORMS)
@pytest.mark.parametrize("operator", ["<->", "<#>", "<=>", "<+>", "+", "-", "*", "||", "<", "="])
@pytest.mark.parametrize("is_constant", [True, False])
def test_column_equals_row_by_row(sql_type: SqlType, operator: str, is_constant: bool) -> None:
    query = QUERY.astype(np.float16) if sql_type.oid == HALFVEC.oid else QUERY
    base = sql_type.without_typmod()
    right = const(query, base) if is_constant else col(1, base)
    expression = op(operator, col(0, base), right)
    rows = frame(sql_type)
    whole = evaluate(expression, rows, CONTEXT).to_pylist()
    single = [evaluate(expression, rows.slice(i, 1), CONTEXT)[0].as_py() for i in range(50)]
    assert [v is None for v in whole] == [v is None for v in single]
    for a, b in zip(whole, single):
        if a is not None:
            assert np.allclose(np.asarray(a, np.float64), np.asarray(b, np.float64), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("sql_type", FORMS[:2])
def test_distances_are_what_numpy_says(sql_type: SqlType) -> None:
    found = evaluate(op("<->", col(0, VECTOR), const(QUERY, VECTOR)), frame(sql_type), CONTEXT).to_pylist()
    for value, vector in zip(found, VALUES):
        if vector is None:
            assert value is None
        else:
            assert value == pytest.approx(float(np.linalg.norm(np.asarray(vector) - QUERY)), rel=1e-6)


def test_columns_of_several_dimensions() -> None:
    mixed = pa.array([[1.0, 2.0], None, [1.0, 2.0, 2.0]], pa.list_(pa.float32()))
    rows = Frame(3, {(1, 0): mixed, (1, 1): mixed})
    dims = evaluate(fn("vector_dims", col(0, VECTOR)), rows, CONTEXT)
    assert dims.to_pylist() == [2, None, 3]
    assert evaluate(fn("vector_norm", col(0, VECTOR)), rows, CONTEXT)[2].as_py() == 3.0
    assert evaluate(op("<->", col(0, VECTOR), col(1, VECTOR)), rows, CONTEXT).to_pylist() == [0.0, None, 0.0]
    added = evaluate(op("+", col(0, VECTOR), col(1, VECTOR)), rows, CONTEXT)
    assert added.to_pylist() == [[2.0, 4.0], None, [2.0, 4.0, 4.0]]
    with pytest.raises(DataException, match="different vector dimensions 3 and 2"):
        evaluate(op("<->", col(0, VECTOR), const(QUERY[:2], VECTOR)), rows, CONTEXT)
    with pytest.raises(DataException, match="different vector dimensions 2 and 5"):
        evaluate(op("+", col(0, VECTOR), const(QUERY, VECTOR)), rows, CONTEXT)


def test_no_rows_and_only_nulls() -> None:
    for values in ([], [None, None]):
        for sql_type in FORMS:
            rows = Frame(len(values), {(1, 0): pa.array(values, arrow_type(sql_type))})
            base = sql_type.without_typmod()
            found = evaluate(op("<->", col(0, base), const(np.ones(3, np.float32), base)), rows, CONTEXT)
            assert found.to_pylist() == values
            assert evaluate(fn("l2_normalize", col(0, base)), rows, CONTEXT).to_pylist() == values


def test_matrix_is_a_view_of_fixed_size_columns() -> None:
    array = pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], pa.list_(pa.float32(), 2)).slice(1)
    matrix = matrix_of(array)
    assert matrix is not None and not matrix.flags.owndata
    assert matrix.tolist() == [[3.0, 4.0], [5.0, 6.0]]
