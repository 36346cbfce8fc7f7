"""Products of a tile of rows and queries of small integers, all at once: what a scan by codes of 8 bits spends its time on.

A tile is 4 rows by 4 queries, or by 2 where there are 16 registers, or 8 rows by one query. A piece of a row is read and widened once
for all of its queries, and the sums of a tile are folded into one vector together, where a row by itself would be folded alone.

With AVX-512 VNNI `vpdpbusd` multiplies 64 integers at a time. It takes one side without signs, so rows have 128 added, and the products
are 128 times the sum of the query too large (`PRODUCT_SHIFT`); elsewhere integers are widened to 16 bits and nothing is added. Nothing is
rounded on the way, so what is left is the same everywhere.

Expectation: 61,666 rows of 384 dimensions by 100 queries take about 10 cycles a pair with VNNI.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vecengine.instruction_sets import has_feature
from vecengine.kernels_codes import CODE_LANES, load_vector, multiply_pairs

_INT8, _INT16, _INT32, _INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_HAS_VNNI = has_feature("avx512vnni") and has_feature("avx512bw")
_HAS_AVX512 = has_feature("avx512bw")

PRODUCT_SHIFT = 128 if _HAS_VNNI else 0
"""What is added to each integer of a row before it is multiplied."""

WIDE_ROWS = 4
WIDE_QUERIES = 4 if _HAS_AVX512 else 2
SINGLE_ROWS = 8
TILE_ROWS_MAX = 8


def _piece_lanes() -> int:
    """Integers that one step multiplies."""
    if _HAS_VNNI:
        return 2 * CODE_LANES
    return CODE_LANES if _HAS_AVX512 else CODE_LANES // 2


def _zeros(lanes: int) -> Any:
    return ir.Constant(ir.VectorType(_INT32, lanes), [0] * lanes)


def _shuffled(builder: Any, left: Any, right: Any, places: list[int]) -> Any:
    return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_INT32, len(places)), places))


def _folded(builder: Any, sums: list[Any]) -> Any:
    """The sums of the lanes of each vector, as one vector of as many lanes as there are vectors: a power of two, at most their lanes."""
    lanes, width = sums[0].type.count, 1
    while len(sums) > 1:
        pairs = zip(sums[::2], sums[1::2], strict=True)
        sums = [_joined(builder, left, right, lanes, width) for left, right in pairs]
        width *= 2
    (total,) = sums
    while total.type.count > width:
        halves = [
            [place for place in range(total.type.count) if place // width % 2 == half] for half in (0, 1)
        ]
        total = builder.add(*(_shuffled(builder, total, total, places) for places in halves))
    return total


def _joined(builder: Any, left: Any, right: Any, lanes: int, width: int) -> Any:
    """Groups of `width` lanes of two vectors, each group the same sums in parts: half as many groups of both."""
    first: list[int] = []
    second: list[int] = []
    for group in range(lanes // width // 2):
        # In this order the shuffles stay inside the quarters of a register.
        low, high = (
            (4 * (group // 2) + group % 2, 4 * (group // 2) + group % 2 + 2)
            if width == 1
            else (2 * group, 2 * group + 1)
        )
        for places, chosen in ((first, low), (second, high)):
            own = range(chosen * width, (chosen + 1) * width)
            places += [*own, *(lanes + place for place in own)]
    return builder.add(
        _shuffled(builder, left, right, first),
        _shuffled(builder, left, right, second),
    )


def _row_piece(builder: Any, address: Any, index: Any, lanes: int) -> Any:
    """Integers of a row as the step takes them; with VNNI those behind `lanes` are any."""
    piece = load_vector(builder, address, index, _INT8, lanes)
    if not _HAS_VNNI:
        return builder.sext(piece, ir.VectorType(_INT16, lanes))
    if lanes < 2 * CODE_LANES:
        piece = _shuffled(builder, piece, piece, list(range(2 * CODE_LANES)))
    flipped = builder.xor(piece, ir.Constant(piece.type, [-128] * piece.type.count))
    return builder.bitcast(flipped, ir.VectorType(_INT32, CODE_LANES // 2))


def _query_piece(builder: Any, address: Any, index: Any) -> Any:
    piece = load_vector(builder, address, index, _INT8, _piece_lanes())
    if not _HAS_VNNI:
        return builder.sext(piece, ir.VectorType(_INT16, piece.type.count))
    return builder.bitcast(piece, ir.VectorType(_INT32, CODE_LANES // 2))


def _added(builder: Any, total: Any, row: Any, query: Any) -> Any:
    if not _HAS_VNNI:
        return builder.add(total, multiply_pairs(builder, row, query))
    declared = ir.FunctionType(total.type, [total.type] * 3)
    function = cgutils.get_or_insert_function(builder.module, declared, "llvm.x86.avx512.vpdpbusd.512")
    return builder.call(function, [total, row, query])


def _emit_step(
    builder: Any, sides: tuple[list[Any], list[Any]], index: Any, lanes: int, sums: list[Any]
) -> None:
    rows, queries = sides
    pieces = [_row_piece(builder, row, index, lanes) for row in rows]
    for number, query in enumerate(queries):
        asked = _query_piece(builder, query, index)
        for place, piece in enumerate(pieces):
            total = sums[number * len(rows) + place]
            builder.store(_added(builder, builder.load(total), piece, asked), total)


def _emit_tile(builder: Any, rows: list[Any], queries: list[Any], count: Any) -> Any:
    """The products of the rows and queries at these addresses, query by query, as one vector."""
    lanes = _piece_lanes()
    zeros = _zeros(lanes // 4 if _HAS_VNNI else lanes // 2)
    sums = [cgutils.alloca_once_value(builder, zeros) for _ in range(len(rows) * len(queries))]
    for total in sums:
        builder.store(zeros, total)
    whole = builder.and_(count, ir.Constant(_INT64, -lanes))
    zero, step = ir.Constant(_INT64, 0), ir.Constant(_INT64, lanes)
    # One query takes rows in their order, which is the order of their bytes.
    parts = [([row], [total]) for row, total in zip(rows, sums)] if len(queries) == 1 else [(rows, sums)]
    for some, totals in parts:
        with cgutils.for_range_slice(builder, zero, whole, step, _INT64) as (index, _):
            _emit_step(builder, (some, queries), index, lanes, totals)
    if lanes > CODE_LANES:
        with builder.if_then(builder.icmp_signed("<", whole, count)):
            _emit_step(builder, (rows, queries), whole, CODE_LANES, sums)
    return _folded(builder, [builder.load(total) for total in sums])


def _tile(row_count: int, query_count: int) -> Any:
    """An intrinsic for tiles of one shape."""

    @intrinsic
    def tile(
        typing_context: Any, rows: Any, queries: Any, query_bytes: Any, count: Any, out: Any, out_bytes: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows, query, query_bytes, count, out, out_bytes = arguments
            starts = builder.inttoptr(rows, _INT64.as_pointer())
            found = [
                builder.load(builder.gep(starts, [ir.Constant(_INT64, place)])) for place in range(row_count)
            ]
            asked = [
                builder.add(query, builder.mul(query_bytes, ir.Constant(_INT64, number)))
                for number in range(query_count)
            ]
            products = _emit_tile(builder, found, asked, count)
            for number in range(query_count):
                target = builder.add(out, builder.mul(out_bytes, ir.Constant(_INT64, number)))
                part = list(range(number * row_count, (number + 1) * row_count))
                own = _shuffled(builder, products, products, part)
                builder.store(own, builder.inttoptr(target, own.type.as_pointer()), align=4)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 6), generate

    return tile


wide_tile: Any = _tile(WIDE_ROWS, WIDE_QUERIES)
single_tile: Any = _tile(SINGLE_ROWS, 1)
"""(rows, queries, query_bytes, count, out, out_bytes): the first is where the addresses of the rows are, the second the address of the first
query, and others follow `query_bytes` each; `count` a multiple of CODE_LANES, with which queries, but not rows, have zeros behind them up to a
multiple of 64. Products are written as int32 to `out`, those of each further query `out_bytes` on."""
