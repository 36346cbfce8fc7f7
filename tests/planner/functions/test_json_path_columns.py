"""Goal: operators over a column of documents answer as they do for each document, though they cut members out of it.

Method: random paths and hand-made ones over a column of all documents of `json_path_statements` in canonical text, NULL among
them, beside `path_exists` and `path_match` of one document.
"""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from foundation.errors import QuiverError
from foundation.sqltypes import BOOL
from planner.functions.datum import CallSite, Datum
from planner.functions.implementations_json import canonical_jsonb, parse_json
from planner.functions.json_path.evaluation import Mode, path_exists, path_match
from planner.functions.json_path.kernels import json_path_kernels
from planner.functions.json_path.leading_members import leading_member
from planner.functions.json_path.printer import stored_json_path
from tests.planner.functions.json_path_statements import DOCUMENTS, random_path
from tests.planner.trees import make_context

TEXTS = [canonical_jsonb(parse_json(text)) for text in DOCUMENTS]
COLUMN = [
    None,
    *TEXTS,
    *(f'{{"a": {text}}}' for text in TEXTS),
    *(f'{{"a": {{"é": {text}}}, "b": 1}}' for text in TEXTS),
]
FUNCTIONS = {"jsonb_path_exists_opr": path_exists, "jsonb_path_match_opr": path_match}


def assert_same_as_row_by_row(path: str) -> None:
    stored = stored_json_path(path)
    documents = COLUMN * 6
    site = CallSite(make_context(), len(documents), BOOL, (3802, 4072))
    arguments = [Datum(pa.array(documents, pa.utf8())), Datum(pa.array([stored]), is_constant=True)]
    for name, function in FUNCTIONS.items():
        try:
            expected = [
                None if text is None else function(text, stored, None, Mode(is_silent=True))
                for text in documents
            ]
        except QuiverError as error:
            with pytest.raises(type(error)):
                json_path_kernels()[name](arguments, site)
        else:
            assert json_path_kernels()[name](arguments, site).to_pylist() == expected, (name, path)


@pytest.mark.slow
def test_random_paths() -> None:
    source = random.Random(6)
    for _ in range(150):
        assert_same_as_row_by_row(random_path(source))


@pytest.mark.parametrize(
    "path",
    [
        "$.a", "$.a == 1", "$.a.é", '$.a."é"[*] > 1', "!($.a == 1)", "($.a == 1) is unknown", "exists($.a ? ($.a == 1))",
        "$.a + $.a > 1", "$.a == $.b", "$ == 1", "strict $.a", "strict $.a == 1", "$.a.keyvalue().id == 0", '$."" == 2',
        '$."a b" == 1', '$."\\"" == 1', "$.a ? (@ == $v)", "$.a[last]", "1 == 1", "$.missing", "!exists($.missing)",
    ],
)  # fmt: skip
def test_paths_of_one_member(path: str) -> None:
    assert_same_as_row_by_row(path)


def test_which_paths_look_at_one_member() -> None:
    assert leading_member(stored_json_path("$.a.b[*] ? (@ > $.a.c)")) == ("a", '$."b"[*]?(@ > $."c")')
    assert leading_member(stored_json_path("$.a == 1 || $.a.b == 2")) == ("a", '($ == 1 || $."b" == 2)')
    for path in (
        "$",
        "strict $.a",
        "$.a == $.b",
        "$[0].a",
        "$.*",
        "$.a.keyvalue()",
        "1 == 1",
        "$ ? (@.a == 1)",
    ):
        assert leading_member(stored_json_path(path)) is None
