"""Goal: the parts of jsonpath that no comparison with PostgreSQL reaches without a server, and what must not change.

Method: hand-made cases; `json_paths.tsv` beside `expressions.tsv` holds PostgreSQL's answers.
"""

from __future__ import annotations

import pytest

from foundation.errors import FeatureNotSupported, StatementTooComplex
from planner.errors import InvalidDatetimeTemplate
from planner.functions.implementations_json import parse_json
from planner.functions.json_path import datetimes
from planner.functions.json_path.binary_layout import container_offset
from planner.functions.json_path.datetimes import parse_datetime
from planner.functions.json_path.evaluation import Mode, path_exists, path_query
from planner.functions.json_path.printer import displayed_json_path, stored_json_path


def test_stored_text_keeps_parentheses_that_postgresql_does_not_print() -> None:
    path = "exists (($ != 1).type())"
    assert displayed_json_path(path) == "exists ($ != 1.type())"
    assert stored_json_path(path) == "exists (($ != 1).type())"


def test_documents_stay_what_they_are() -> None:
    document = '{"a": {"b": [1, -2]}}'
    before = parse_json(document)
    path_query(document, "$.a.keyvalue()", "{}", Mode())
    path_query(document, "-$.a.b", "{}", Mode())
    assert parse_json(document) is before
    assert before == {"a": {"b": [1, -2]}}


def test_offsets_in_the_binary_form() -> None:
    document = parse_json('{"a": 1, "c": 1.5, "bb": {"x": 1, "y": [1, 2]}}')
    assert container_offset(document, document) == 0
    assert container_offset(document, document["bb"]) == 52
    assert container_offset(document, {}) == 0


def test_deep_paths_are_refused() -> None:
    with pytest.raises(StatementTooComplex):
        stored_json_path("(" * 50_000 + "$" + ")" * 50_000)


def test_deep_documents() -> None:
    document = "[" * 400 + "1" + "]" * 400
    assert path_query(document, "$.**{last}", "{}", Mode()) == ["1"]
    assert path_exists(document, "$.** ? (@ == 1)", None, Mode(is_silent=True)) is True


def test_unread_patterns_of_templates_are_refused_by_name() -> None:
    with pytest.raises(FeatureNotSupported, match='the template pattern "IYYY"'):
        path_exists('"2017"', '$.datetime("IYYY")', None, Mode(is_silent=True))
    with pytest.raises(FeatureNotSupported, match='the template pattern "FM"'):
        path_exists('"2017"', '$.datetime("FMYYYY")', None, Mode(is_silent=True))


def test_a_bad_template_is_never_suppressed() -> None:
    with pytest.raises(InvalidDatetimeTemplate):
        path_exists('"2017"', '$.datetime("YYYY_")', None, Mode(is_silent=True))
    assert path_exists('"x"', '$.datetime("YYYY")', None, Mode(is_silent=True)) is None


@pytest.mark.parametrize(
    "text", ["2017-03-10", "12:34:56.5", "2017-03-10 01:02:03+05:30", "2017-03-10T01:02:03"]
)
def test_plain_forms_are_what_templates_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = parse_datetime(text, None)
    monkeypatch.setattr(datetimes, "_plain", lambda _text: None)
    assert plain is not None
    assert plain == parse_datetime(text, None)
