"""Set-returning functions: in FROM a lateral SELECT of unnest()s side by side, in a select list unnest() itself.

Every set function is first a list-valued expression: generate_series and generate_subscripts are DuckDB's lists,
unnest's argument is one already, and the others are evaluated by us to one list per output column. A series of known
integers in FROM is DuckDB's table function instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

import pyarrow as pa

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from foundation.ranges import BY_MULTIRANGE
from foundation.row_types import RowShape, row_shape
from foundation.sqltypes import INT4, INT8, TIMESTAMPTZ, SqlType, arrow_type, is_shaped, is_vector
from planner import bound
from planner.evaluate import Frame, evaluate, is_native
from planner.functions.implementations_ranges import range_lists
from planner.functions.signature import FunctionKind, Volatility
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter
from planner.relational.json_records import RECORD_FUNCTIONS, record_column_evaluator
from planner.relational.printed import Printed, column_name, column_sql
from planner.relational.rules.date_arithmetic import is_utc
from planner.relational.set_rows import SESSION_SET_FUNCTIONS, SET_FUNCTIONS, SET_FUNCTIONS_OF_SETTING, Rows
from planner.relational.statement import as_plain
from planner.services import ExecutionContext

_INTEGERS = frozenset((20, 21, 23))
_TIMES = frozenset((1114, 1184))


def print_function_scan(printer: ExpressionPrinter, scan: bound.FunctionScan) -> str:
    """Print a FunctionScan and make its columns known."""
    series = _streamed_series(printer, scan)
    if series is not None:
        return series
    lists: list[str] = []
    types: list[SqlType] = []
    for call in scan.calls:
        if isinstance(call, bound.Call) and call.function.name in RECORD_FUNCTIONS:
            records = _record_columns(printer, call, scan)
            lists += [printed.sql for printed in records]
            types += [printed.type for printed in records]
            continue
        remaining = [column.type for column in scan.columns[len(types) :]]
        for printed in _lists_of(printer, call, remaining, is_last=call is scan.calls[-1], scan=scan):
            lists.append(printed.sql)
            types.append(printed.type)
    items = [f"unnest({sql}) AS {column_name(scan.relation_id, index)}" for index, sql in enumerate(lists)]
    if scan.with_ordinality:
        longest = f"greatest({', '.join(f'len({sql})' for sql in lists)})"
        items.append(
            f"unnest(generate_series(CAST(1 AS BIGINT), {longest})) AS {column_name(scan.relation_id, len(lists))}"
        )
        types.append(INT8)
    for position, sql_type in enumerate(types):
        name = column_sql(scan.relation_id, position)
        printer.columns[scan.relation_id, position] = Printed(name, sql_type)
    return f"LATERAL (SELECT {', '.join(items)}) AS r{scan.relation_id}"


def _record_columns(printer: ExpressionPrinter, call: bound.Call, scan: bound.FunctionScan) -> list[Printed]:
    """Columns of json_to_record and its kin, as the definition list names and types them."""
    if len(scan.calls) > 1:
        raise FeatureNotSupported(f"{call.function.name} in ROWS FROM is not supported")
    columns = scan.columns[:-1] if scan.with_ordinality else scan.columns
    shape = row_shape(call.type)
    names = [column.name for column in columns] if shape is None else shape.names
    argument = printer.print(call.arguments[-1 if shape is None else 1])
    lists = []
    for name, column in zip(names, columns, strict=True):
        evaluator = record_column_evaluator(call.function.name, name, column.type, printer.statement.context)
        key = ("json record", call.function.name, name, column.type)
        found = printer.statement.slot_call(key, evaluator, [argument], column.type, returns_lists=True)
        lists.append(Printed(found.sql, column.type))
    return lists


def known_vectors(scan: bound.FunctionScan, context: ExecutionContext) -> pa.Table | None:
    """The rows of unnest() of a known array of vectors, None for any other scan.

    As SQL text a thousand query vectors would take longer to be read than to be searched for.
    """
    call = scan.calls[0]
    if len(scan.calls) > 1 or not isinstance(call, bound.Call) or call.function.name != "unnest":
        return None
    if not is_vector(call.type) or len(scan.columns) != 1 + scan.with_ordinality:
        return None
    (argument,) = call.arguments
    if not (is_native(argument) and _is_known(argument)):
        return None
    values = evaluate(argument, Frame(1), context)[0].values
    column = pa.nulls(0, arrow_type(call.type)) if values is None else values
    numbers = [pa.array(range(1, len(column) + 1), pa.int64())] if scan.with_ordinality else []
    columns = [column, *numbers]
    return pa.table(columns, names=[f"c{i}" for i in range(len(columns))])


def _streamed_series(printer: ExpressionPrinter, scan: bound.FunctionScan) -> str | None:
    """generate_series of known integers as DuckDB's table function, which makes rows as they are asked for.

    A list would be made whole first: a hundred million rows take a minute in which nothing can be cancelled.

    Raises:
        InvalidParameterValue: 22023, the step is zero.
    """
    call = scan.calls[0]
    if len(scan.calls) > 1 or scan.with_ordinality or not isinstance(call, bound.Call):
        return None
    if call.function.name != "generate_series" or call.type.oid not in _INTEGERS:
        return None
    if not all(is_native(argument) and _is_known(argument) for argument in call.arguments):
        return None
    context = printer.statement.context
    values = [evaluate(argument, Frame(1, {}), context)[0].as_py() for argument in call.arguments]
    if len(values) > 2 and values[2] == 0:
        raise InvalidParameterValue("step size cannot equal zero")
    relation_id = scan.relation_id
    printer.columns[relation_id, 0] = Printed(column_sql(relation_id, 0), call.type)
    bounds = ", ".join(f"CAST({'NULL' if value is None else value} AS BIGINT)" for value in values)
    item = f"CAST(series.value AS {carrier(call.type)}) AS {column_name(relation_id, 0)}"
    return f"LATERAL (SELECT {item} FROM generate_series({bounds}) AS series(value)) AS r{relation_id}"


def _is_known(expression: bound.Expression) -> bool:
    """Whether the value is the same for every row."""
    return not any(
        isinstance(node, bound.ColumnRef)
        or (isinstance(node, bound.Call) and node.function.volatility is Volatility.VOLATILE)
        for node in bound.walk(expression)
    )


def print_in_select_list(printer: ExpressionPrinter, call: bound.Call) -> Printed:
    """A set-returning call among the targets: DuckDB pads shorter sets with NULL as PostgreSQL does."""
    shape = row_shape(call.type)
    if shape is not None:
        return Printed(f"unnest({_records(printer, call, shape).sql})", call.type)
    (values,) = _element_lists(printer, call, [call.type])
    return Printed(f"unnest({values.sql})", call.type)


def print_selected_field(printer: ExpressionPrinter, node: bound.FieldSelect) -> Printed | None:
    """(call).column of a set-returning call among the targets; None for any other field."""
    call = node.argument
    if not (isinstance(call, bound.Call) and call.function.kind is FunctionKind.SET):
        return None
    shape = row_shape(call.type)
    assert shape is not None, "a field was found in it"
    values = _element_lists(printer, call, shape.types)[node.position]
    return Printed(f"unnest({values.sql})", node.type)


def _records(printer: ExpressionPrinter, call: bound.Call, shape: RowShape) -> Printed:
    """The rows of a call as one list of records."""
    codecs = printer.statement.context.codecs
    known = _rows_of(printer, call)

    def evaluate_lists(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        calls = zip(*(column.to_pylist() for column in columns), strict=True) if columns else [()] * row_count
        found = [[] if None in row else list(known(*row)) for row in calls]
        rows = [row for part in found for row in part]
        fields = [
            pa.array([row[index] for row in rows], arrow_type(kind)) for index, kind in enumerate(shape.types)
        ]
        offsets = pa.array([0, *accumulate(map(len, found))], pa.int32())
        return pa.ListArray.from_arrays(offsets, codecs.joined_record(fields, call.type, len(rows)))

    arguments = [printer.print(argument) for argument in call.arguments]
    is_volatile = call.function.volatility is Volatility.VOLATILE
    return printer.statement.slot_call(
        ("records", call.function, call.type), evaluate_lists, arguments, call.type,
        returns_lists=True, is_volatile=is_volatile,
    )  # fmt: skip


def _lists_of(
    printer: ExpressionPrinter,
    call: bound.Expression,
    remaining: Sequence[SqlType],
    *,
    is_last: bool,
    scan: bound.FunctionScan,
) -> list[Printed]:
    """The list-valued expressions of one call in FROM; `type` is the element type."""
    if not (isinstance(call, bound.Call) and call.function.kind is FunctionKind.SET):
        if isinstance(call, bound.Call) and len(call.function.result_columns) > 1:
            raise FeatureNotSupported(f"function {call.function.name} in FROM is not supported")
        value = as_plain(printer.print(call))
        return [Printed(f"[{value}]", call.sql_type)]
    width = max(1, len(call.function.result_columns))
    if is_last and len(scan.calls) == 1:
        width = len(remaining) - (1 if scan.with_ordinality else 0)
    return _element_lists(printer, call, list(remaining[:width]))


def _element_lists(printer: ExpressionPrinter, call: bound.Call, types: Sequence[SqlType]) -> list[Printed]:
    name = call.function.name
    if name == "unnest" and call.arguments[0].sql_type.oid in BY_MULTIRANGE:
        form = BY_MULTIRANGE[call.arguments[0].sql_type.oid]
        multirange = printer.print(call.arguments[0])
        lists = printer.statement.slot_call(
            ("ranges", form), range_lists(form), [multirange], types[0], returns_lists=True
        )
        return [Printed(lists.sql, types[0])]
    if name == "unnest" and len(types) == 1:
        return [Printed(as_plain(printer.print(call.arguments[0])), types[0])]
    if name == "generate_series":
        series = _generate_series(printer, call, types[0])
        if series is not None:
            return [series]
    if name == "generate_subscripts":
        return [_generate_subscripts(printer, call)]
    return [_evaluated_list(printer, call, index, types) for index in range(len(types))]


def _generate_series(printer: ExpressionPrinter, call: bound.Call, sql_type: SqlType) -> Printed | None:
    if sql_type.oid == TIMESTAMPTZ.oid and not is_utc(printer):
        raise FeatureNotSupported("generate_series over timestamptz needs the time zone UTC")
    if sql_type.oid not in _INTEGERS | _TIMES:
        return None
    arguments = [printer.sql(argument) for argument in call.arguments[:3]]
    if sql_type.oid in _INTEGERS:
        arguments = [f"CAST({argument} AS BIGINT)" for argument in arguments]
    sql = f"generate_series({', '.join(arguments)})"
    if sql_type.oid in _INTEGERS and len(arguments) > 2:
        sql = f"(CASE WHEN {arguments[2]} = 0 THEN error('step size cannot equal zero') ELSE {sql} END)"
    return Printed(f"CAST({sql} AS {carrier(sql_type)}[])", sql_type)


def _generate_subscripts(printer: ExpressionPrinter, call: bound.Call) -> Printed:
    """1 to the array's length, counted from 0 for int2vector and oidvector; only dimension 1 exists."""
    array = printer.print(call.arguments[0])
    if is_shaped(array.type):
        return _generate_shaped_subscripts(printer, call, array)
    first = 0 if array.type.oid in (22, 30) else 1
    last = f"CAST(len({array.sql}) AS BIGINT)" + (" - 1" if first == 0 else "")
    dimension = printer.sql(call.arguments[1])
    reverse = printer.sql(call.arguments[2]) if len(call.arguments) > 2 else "FALSE"
    series = f"generate_series(CAST({first} AS BIGINT), {last})"
    ordered = (
        series
        if reverse == "FALSE"
        else f"(CASE WHEN {reverse} THEN list_reverse({series}) ELSE {series} END)"
    )
    sql = f"CAST((CASE WHEN {dimension} = 1 THEN {ordered} ELSE [] END) AS INTEGER[])"
    return Printed(sql, INT4)


def _generate_shaped_subscripts(printer: ExpressionPrinter, call: bound.Call, array: Printed) -> Printed:
    """A dimension's bounds, which stand in the shape behind the lengths; no subscripts for one that is not there."""
    shape, dimension = f"({array.sql}).shape", f"({printer.sql(call.arguments[1])})"
    lower = f"{shape}[1 + {shape}[1] + {dimension}]"
    series = (
        f"generate_series(CAST({lower} AS BIGINT), CAST({lower} + {shape}[1 + {dimension}] - 1 AS BIGINT))"
    )
    if len(call.arguments) > 2:
        series = f"(CASE WHEN {printer.sql(call.arguments[2])} THEN list_reverse({series}) ELSE {series} END)"
    is_there = f"{dimension} BETWEEN 1 AND {shape}[1]"
    return Printed(f"CAST((CASE WHEN {is_there} THEN {series} ELSE [] END) AS INTEGER[])", INT4)


def _rows_of(printer: ExpressionPrinter, call: bound.Call) -> Callable[..., Rows]:
    """What gives the rows of a set function of ours. Raises FeatureNotSupported (0A000) where there is none."""
    function = call.function
    rows_of = SET_FUNCTIONS.get(function.name)
    if function.name in SET_FUNCTIONS_OF_SETTING:
        setting, keyword, of_setting = SET_FUNCTIONS_OF_SETTING[function.name]
        rows_of = partial(of_setting, **{keyword: printer.statement.context.settings.get(setting)})
    if function.name in SESSION_SET_FUNCTIONS:
        session = printer.statement.context.session
        rows_of = partial(session.function_rows, function.name)
    if rows_of is None:
        raise FeatureNotSupported(f"set-returning function {function.name} is not supported")
    return rows_of


def _evaluated_list(
    printer: ExpressionPrinter, call: bound.Call, index: int, types: Sequence[SqlType]
) -> Printed:
    """Column `index` of a set function of ours, as a list per argument row."""
    function, known = call.function, _rows_of(printer, call)
    arguments = [printer.print(argument) for argument in call.arguments]
    wanted = pa.list_(arrow_type(types[index]))

    def evaluate_lists(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        calls = zip(*(column.to_pylist() for column in columns), strict=True) if columns else [()] * row_count
        lists = [None if None in row else [item[index] for item in known(*row)] for row in calls]
        return pa.array(lists, wanted)

    printed = printer.statement.slot_call(
        ("set function", function, index),
        evaluate_lists,
        arguments,
        types[index],
        returns_lists=True,
        is_volatile=function.volatility is Volatility.VOLATILE,
    )
    return Printed(printed.sql, types[index])
