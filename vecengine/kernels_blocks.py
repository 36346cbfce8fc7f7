"""Product codes of 4 bits in blocks of 32 rows, weighed together by byte shuffles on tables of 16 entries.

André, Kermarrec, Le Scouarnec, "Cache locality is not enough: High-Performance Nearest Neighbor Search with Product Quantization
Fast Scan" (2015) and "Accelerated Nearest Neighbor Search with Quick ADC" (2017). The tables of `vecengine.kernels_product` are rounded to
8 bits, so that those of a piece fill 16 bytes, and one shuffle looks 16 or more codes up. The sums are of 16 bits; the step of the
rounding is so chosen that they hold them.

A block is 32 terms (float32), then for each piece 16 bytes: row i < 16 in the low half of byte i, row i + 16 in the high half. A query's words are
bias, the sum of the least entries of all tables, the step and a zero, then the tables, 16 bytes a piece. The number of pieces is a multiple of 4;
pieces that only fill up have tables of zeros.

Expectation: two shuffles and eight additions for 4 pieces of 32 rows with AVX-512, about 10 ns a row of 192 pieces: the time of its bytes.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vecengine.instruction_sets import has_feature
from vecengine.kernels_memory import byte_address, call_intrinsic, read_byte, read_float
from vecengine.kernels_types import compile_function

ELEMENT_BLOCK = 11
"""Of a space whose rows are weighed in blocks: no kind of row that `row_key` knows."""

BLOCK_LANES = 32
TABLE_BYTES = 16
BLOCK_TERM_BYTES = 4 * BLOCK_LANES
BLOCK_QUERY_HEADER = 4
_WORD_BYTES = 4
_HALF_LANES = 16
_INT8, _INT16, _INT32, _INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_FLOAT = ir.FloatType()


def _widest_shuffle() -> int:
    """Bytes that one shuffle of this machine looks up; 0 where LLVM has no name for one."""
    for feature, width in (("avx512bw", 64), ("avx2", 32), ("ssse3", 16)):
        if has_feature(feature):
            return width
    return 0


SHUFFLES = {64: "llvm.x86.avx512.pshuf.b.512", 32: "llvm.x86.avx2.pshuf.b", 16: "llvm.x86.ssse3.pshuf.b.128"}
"""Names of the instruction by the bytes it takes; each group of 16 looks up in the 16 of the table beside it."""


def _load(builder: Any, address: Any, typ: Any) -> Any:
    return builder.load(builder.inttoptr(address, typ.as_pointer()), align=1)


def _constant(typ: Any, value: float) -> Any:
    return ir.Constant(typ, [value] * typ.count)


def _picked(builder: Any, left: Any, right: Any, places: list[int]) -> Any:
    return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_INT32, len(places)), places))


def _group_sums(builder: Any, sums: Any) -> Any:
    """(8 g) int16 lanes to (8): groups are different pieces of the same rows."""
    while sums.type.count > _HALF_LANES // 2:
        n = sums.type.count // 2
        low = _picked(builder, sums, sums, list(range(n)))
        sums = builder.add(low, _picked(builder, sums, sums, list(range(n, 2 * n))))
    return sums


def _emit_entry_sums(builder: Any, width: int, codes: Any, tables: Any, pieces: Any) -> Any:
    """IR of the sums of the table entries of a block: (32) int16 lanes, one a row."""
    bytes_type, shorts_type = ir.VectorType(_INT8, width), ir.VectorType(_INT16, width // 2)
    declared = ir.FunctionType(bytes_type, [bytes_type, bytes_type])
    shuffle = cgutils.get_or_insert_function(builder.module, declared, SHUFFLES[width])
    # Of the rows in the low and in the high halves: all bytes as int16, in which odd bytes count 256 times, and odd bytes alone.
    slots = [cgutils.alloca_once_value(builder, _constant(shorts_type, 0)) for _ in range(4)]
    end = builder.mul(pieces, ir.Constant(_INT64, TABLE_BYTES))
    step = ir.Constant(_INT64, width)
    with cgutils.for_range_slice(builder, ir.Constant(_INT64, 0), end, step, _INT64) as (at, _):
        both = _load(builder, builder.add(codes, at), bytes_type)
        table = _load(builder, builder.add(tables, at), bytes_type)
        halves = builder.and_(both, _constant(bytes_type, 15)), builder.lshr(both, _constant(bytes_type, 4))
        for number, half in enumerate(halves):
            entries = builder.bitcast(builder.call(shuffle, [table, half]), shorts_type)
            everything, odd = slots[2 * number : 2 * number + 2]
            builder.store(builder.add(builder.load(everything), entries), everything)
            high = builder.lshr(entries, _constant(shorts_type, 8))
            builder.store(builder.add(builder.load(odd), high), odd)
    rows = []
    for everything, odd in (slots[:2], slots[2:]):
        odds = _group_sums(builder, builder.load(odd))
        evens = builder.sub(
            _group_sums(builder, builder.load(everything)), builder.shl(odds, _constant(odds.type, 8))
        )
        order = [place for lane in range(_HALF_LANES // 2) for place in (lane, lane + _HALF_LANES // 2)]
        rows.append(_picked(builder, evens, odds, order))
    return _picked(builder, rows[0], rows[1], list(range(BLOCK_LANES)))


def block_weigher(width: int) -> Any:
    """Intrinsic `(block address, query address, pieces, address of 32 float32) -> void` by shuffles of so many bytes."""

    @intrinsic
    def weigh(typing_context: Any, block: Any, query: Any, pieces: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            block, query, pieces, out = arguments
            codes = builder.add(block, ir.Constant(_INT64, BLOCK_TERM_BYTES))
            tables = builder.add(query, ir.Constant(_INT64, BLOCK_QUERY_HEADER * _WORD_BYTES))
            sums = _emit_entry_sums(builder, width, codes, tables, pieces)
            floats = ir.VectorType(_FLOAT, BLOCK_LANES)
            numbers = builder.uitofp(builder.zext(sums, ir.VectorType(_INT32, BLOCK_LANES)), floats)
            spread = []
            for word in range(3):
                place = builder.add(query, ir.Constant(_INT64, word * _WORD_BYTES))
                one = builder.insert_element(
                    ir.Constant(floats, ir.Undefined),
                    _load(builder, place, _FLOAT),
                    ir.Constant(_INT32, 0),
                )
                spread.append(_picked(builder, one, one, [0] * BLOCK_LANES))
            bias, least, step = spread
            fixed = builder.fadd(builder.fadd(bias, least), _load(builder, block, floats))
            keys = call_intrinsic(builder, "fmuladd", numbers, step, fixed)
            builder.store(keys, builder.inttoptr(out, floats.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64, types.int64), generate

    return weigh


@compile_function
def weigh_one_by_one(block, query, pieces, keys):
    """Keys of a block's 32 rows without shuffles, the same but for the last bit."""
    codes, tables = block + BLOCK_TERM_BYTES, query + BLOCK_QUERY_HEADER * _WORD_BYTES
    for lane in range(BLOCK_LANES):
        total = 0
        for piece in range(pieces):
            both = read_byte(codes + piece * TABLE_BYTES + (lane & (_HALF_LANES - 1)))
            code = both >> 4 if lane >= _HALF_LANES else both & 15
            total += read_byte(tables + piece * TABLE_BYTES + code)
        fixed = read_float(query) + read_float(query + _WORD_BYTES) + read_float(block + 4 * lane)
        keys[lane] = np.float32(total) * read_float(query + 2 * _WORD_BYTES) + fixed


_WIDTH = _widest_shuffle()
_weigh: Any = block_weigher(_WIDTH) if _WIDTH else None

if _WIDTH:

    @compile_function
    def weigh_block(block, query, pieces, keys):
        """Keys (32,) float32 of the rows of a block against a query, both by their address."""
        _weigh(block, query, pieces, byte_address(keys, 0))

else:
    weigh_block = weigh_one_by_one
