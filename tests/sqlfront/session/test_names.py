"""Goal: identifier lists are read as PostgreSQL reads them. Method: a table of texts."""

import pytest

from foundation.errors import InvalidName
from sqlfront.session.names import split_qualified_name, split_search_path


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("items", ("items",)),
        ("Public.Items", ("public", "items")),
        ('public."My ""Table"""', ("public", 'My "Table"')),
        (' "A" . b ', ("A", "b")),
    ],
)
def test_qualified_names(text: str, parts: tuple[str, ...]) -> None:
    assert split_qualified_name(text) == parts


@pytest.mark.parametrize("text", ["", "a..b", '"open', "a b", "a."])
def test_bad_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        split_qualified_name(text)


def test_search_path() -> None:
    assert split_search_path('"$user", public', "ann") == ("ann", "public")
    assert split_search_path("", "ann") == ()
