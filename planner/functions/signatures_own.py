"""Functions that PostgreSQL and pgvector do not have, in the form of `signatures_functions`."""

from __future__ import annotations

from typing import Any

OWN_FUNCTIONS: tuple[tuple[Any, ...], ...] = (
    (
        "quiver_recall", (25,), 2249, "s", "v", True, False,
        (
            ("recall", 701), ("returned", 20), ("expected", 20), ("missing", 20), ("distances", 20),
            ("exact_distances", 20), ("search_ms", 701), ("exact_ms", 701),
        ),
        "pg_catalog", ("query",), (), False, 19010,
    ),
)  # fmt: skip
