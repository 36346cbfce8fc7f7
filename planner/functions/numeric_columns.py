"""Sums, differences and products of numeric columns of one scale, by Arrow's decimals.

A column of numeric(p, s) is stored as decimal128(p, s): all its values have s digits, so the scale of a result is that of
every row, which is what PostgreSQL shows (the larger one for + and -, the sum for *). Anything else is left to the
functions of one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from planner.functions.datum import CallSite, Datum, Kernel, contiguous

_FUNCTIONS = {"add": pc.add, "sub": pc.subtract, "mul": pc.multiply}
_SCALE_MAX = 6
"""With more digits Arrow prints small values with an exponent."""
_PRECISION_MAX = 76


def decimal_kernel(operation: str, by_row: Kernel) -> Kernel:
    """A strict kernel of `add`, `sub` or `mul` of two numerics, which gives texts as `by_row` does."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        left, right = (_decimals(argument) for argument in arguments)
        if left is None or right is None or all(argument.is_constant for argument in arguments):
            return by_row(arguments, site)
        types = [operand.type for operand in (left, right)]
        scales = [decimal.scale for decimal in types]
        scale = sum(scales) if operation == "mul" else max(scales)
        digits = [decimal.precision - decimal.scale for decimal in types]
        precision = scale + 1 + (sum(digits) if operation == "mul" else max(digits))
        if scale > _SCALE_MAX or precision > _PRECISION_MAX:
            return by_row(arguments, site)
        wide = [pa.decimal256(precision - scale + s if operation != "mul" else p, s)
                for p, s in ((decimal.precision, decimal.scale) for decimal in types)]  # fmt: skip
        operands = [operand.cast(target) for operand, target in zip((left, right), wide)]
        return contiguous(_FUNCTIONS[operation](*operands).cast(pa.utf8()))

    return kernel


def _decimals(argument: Datum) -> pa.Array | pa.Scalar | None:
    """A column of decimals, or a constant as one; None for what is neither."""
    array = argument.array
    if pa.types.is_decimal(array.type):
        return argument.operand()
    if not argument.is_constant:
        return None
    try:
        value = Decimal(array[0].as_py())
        return pa.scalar(value) if value.is_finite() else None
    except (InvalidOperation, TypeError, pa.ArrowInvalid):
        return None
