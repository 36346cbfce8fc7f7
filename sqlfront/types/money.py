"""money: hundredths in an int64, printed as in the locale C: `$1,234.56`, `-$0.05`.

Input is what `cash_in` of postgres/postgres:src/backend/utils/adt/cash.c reads: currency sign and sign on either side,
parentheses for negative amounts, commas anywhere among the digits, more than two decimals rounded half away from zero.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foundation.errors import NumericValueOutOfRange
from foundation.sqltypes import MONEY
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.columns import fixed_cells, mask_of, numbers_of
from sqlfront.types.context import CodecContext

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_AMOUNT = re.compile(
    rf"[{WHITESPACE}]*\$?[{WHITESPACE}]*(?P<sign>[-(+]?)[{WHITESPACE}]*\$?[{WHITESPACE}]*"
    rf"(?P<whole>[0-9,]*)(?:\.(?P<cents>,*(?:[0-9],*){{0,2}})(?P<rest>[0-9]*))?(?P<tail>[-+$){WHITESPACE}]*)",
    re.ASCII,
)
_INT64_END = 1 << 63


class MoneyCodec(Codec):
    binary_bytes = 8

    def decode_text(self, text: str, context: CodecContext) -> int:
        match = _AMOUNT.match(text)
        assert match is not None, "every part of the pattern may be empty"
        cents = (match["cents"] or "").replace(",", "")
        amount = int((match["whole"].replace(",", "") or "0") + cents.ljust(2, "0"))
        amount += (match["rest"] or "0")[0] >= "5"
        is_negative = match["sign"] in ("-", "(") or "-" in match["tail"]
        is_whole = match.end() == len(text)
        # PostgreSQL counts before it looks at what follows.
        if amount > _INT64_END or (is_whole and amount == _INT64_END and not is_negative):
            raise NumericValueOutOfRange(f'value "{text}" is out of range for type money')
        if not is_whole:
            raise self.syntax_error(text)
        return -amount if is_negative else amount

    def encode_text(self, value: Any, context: CodecContext) -> str:
        whole, cents = divmod(abs(int(value)), 100)
        return f"{'-' if value < 0 else ''}${whole:,}.{cents:02d}"

    def decode_binary(self, data: bytes, context: CodecContext) -> int:
        check_width(data, 8)
        return int.from_bytes(data, "big", signed=True)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return int(value).to_bytes(8, "big", signed=True)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        swapped = numbers_of(column, np.int64).astype(">i8")
        return fixed_cells(swapped.view(np.uint8).reshape(-1, 8), mask_of(column))


def register(types: TypeRegistry) -> None:
    types.add(MONEY.oid, MoneyCodec)
