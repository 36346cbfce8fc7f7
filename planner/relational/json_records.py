"""json_to_record, json_populate_record, their sets and jsonb twins: members of objects as columns, or as a row.

A member becomes a value through its text: a string's content, any other value as it is written; arrays element by element. What
the column's type cannot read fails as its input does.
https://www.postgresql.org/docs/15/functions-json.html#FUNCTIONS-JSON-PROCESSING
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from foundation.errors import InvalidParameterValue, InvalidTextRepresentation
from foundation.row_types import quote_field, row_shape
from foundation.sqltypes import JSON, JSONB, SqlType, arrow_type, element_type
from planner.functions.implementations_json import canonical_jsonb, parse_json
from planner.functions.implementations_json_reading import json_member_spans
from planner.services import ExecutionContext

POPULATING = frozenset(("json_populate_record", "jsonb_populate_record"))
POPULATING_SETS = frozenset(("json_populate_recordset", "jsonb_populate_recordset"))
RECORD_FUNCTIONS = POPULATING | POPULATING_SETS | {
    "json_to_record", "jsonb_to_record", "json_to_recordset", "jsonb_to_recordset",
}  # fmt: skip
_BLANKS = " \t\n\r"
_ARRAY_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})

Evaluator = Callable[[Sequence[pa.Array], int], pa.Array]


def record_column_evaluator(
    function: str, name: str, sql_type: SqlType, context: ExecutionContext
) -> Evaluator:
    """Evaluator (json utf8) -> list of the values of one column, one for each object.

    Raises (from the evaluator):
        InvalidParameterValue: 22023, no object or no array of objects; and what the type's input raises.
    """
    is_set, is_jsonb = function.endswith("recordset"), function.startswith("jsonb")

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        texts: list[str | None] = []
        lengths: list[int] = []
        for document in columns[0].to_pylist():
            members = _members(function, document, name, is_set=is_set)
            lengths.append(len(members))
            texts += [_value_text(member, name, sql_type, is_jsonb=is_jsonb) for member in members]
        values = context.codecs.from_text(pa.array(texts, pa.utf8()), sql_type)
        offsets = pa.array([0, *_running_sums(lengths)], pa.int32())
        return pa.ListArray.from_arrays(offsets, values).cast(pa.list_(arrow_type(sql_type)))

    return evaluate


def record_evaluator(function: str, sql_type: SqlType, context: ExecutionContext) -> Evaluator:
    """Evaluator (json utf8) -> values of a row type, as json_populate_record makes them of objects. Raises as its columns do."""

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        is_jsonb = function.startswith("jsonb")
        texts = [
            None if document is None else _record_text(document.strip(_BLANKS), sql_type, is_jsonb=is_jsonb)
            for document in columns[0].to_pylist()
        ]
        return context.codecs.from_text(pa.array(texts, pa.utf8()), sql_type)

    return evaluate


def _record_text(document: str, sql_type: SqlType, *, is_jsonb: bool) -> str:
    """An object as the text of a row."""
    shape = row_shape(sql_type)
    assert shape is not None, "a row type"
    wrong = _not_an_object(document)
    fields = (
        _value_text(_member(document, name, wrong), name, kind, is_jsonb=is_jsonb)
        for name, kind in zip(shape.names, shape.types, strict=True)
    )
    return f"({','.join(map(quote_field, fields))})"


def _running_sums(lengths: Sequence[int]) -> list[int]:
    sums, total = [], 0
    for length in lengths:
        total += length
        sums.append(total)
    return sums


def _members(function: str, document: str | None, name: str, *, is_set: bool) -> list[str | None]:
    """The json texts of the member of that name in each object, None where it is missing."""
    if document is None:
        return [] if is_set else [None]
    document = document.strip(_BLANKS)
    if not is_set:
        return [_member(document, name, _not_an_object(document))]
    if not document.startswith("["):
        kind = "an object" if document.startswith("{") else "a scalar"
        raise InvalidParameterValue(
            f"cannot call {function} on {'a non-array' if function.startswith('jsonb') else kind}"
        )
    wrong = InvalidParameterValue(f"argument of {function} must be an array of objects")
    return [_member(piece, name, wrong) for _, piece in json_member_spans(document)]


def _not_an_object(document: str) -> InvalidParameterValue:
    kind = "an array" if document.startswith("[") else "a scalar"
    return InvalidParameterValue(f"cannot call populate_composite on {kind}")


def _member(document: str, name: str, wrong: InvalidParameterValue) -> str | None:
    if not document.startswith("{"):
        raise wrong
    return next((piece for key, piece in reversed(json_member_spans(document)) if key == name), None)


def _value_text(piece: str | None, name: str, sql_type: SqlType, *, is_jsonb: bool) -> str | None:
    """What the input function of the type is given."""
    if piece is None or (piece == "null" and sql_type.oid not in (JSON.oid, JSONB.oid)):
        return None
    if sql_type.oid in (JSON.oid, JSONB.oid):
        return None if piece == "null" else piece
    if piece.startswith('"'):
        return str(json.loads(piece))
    if row_shape(sql_type) is not None:
        return _record_text(piece, sql_type, is_jsonb=is_jsonb)
    element = element_type(sql_type)
    if element is not None:
        return _array_text(piece, name, element, is_jsonb=is_jsonb)
    if is_jsonb and piece[0] in "{[":
        return canonical_jsonb(parse_json(piece))
    return piece


def _array_text(piece: str, name: str, element: SqlType, *, is_jsonb: bool) -> str:
    if not piece.startswith("["):
        raise InvalidTextRepresentation("expected JSON array", hint=f'See the value of key "{name}".')
    items = [_value_text(item, name, element, is_jsonb=is_jsonb) for _, item in json_member_spans(piece)]
    if (
        element.oid not in (JSON.oid, JSONB.oid)
        and items
        and all(item.startswith("[") for _, item in json_member_spans(piece))
    ):
        inner: list[Any] = [
            _array_text(item, name, element, is_jsonb=is_jsonb) for _, item in json_member_spans(piece)
        ]
        return "{" + ",".join(inner) + "}"
    shown = ("NULL" if item is None else f'"{item.translate(_ARRAY_QUOTED)}"' for item in items)
    return "{" + ",".join(shown) + "}"
