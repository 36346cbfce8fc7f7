"""Functions that PostgreSQL and pgvector do not have, in the form of `signatures_functions`."""

from __future__ import annotations

from typing import Any

BIT_DISTANCES = {"tanimoto_distance": 18960, "superstructure_distance": 18961, "substructure_distance": 18962}
"""Distances of bit strings beyond pgvector's, with their OIDs: (bit, bit) -> double precision, as jaccard_distance."""

OWN_FUNCTIONS: tuple[tuple[Any, ...], ...] = (
    *(
        (name, (1560, 1560), 701, "f", "i", True, False, (), "public", (), (), False, oid)
        for name, oid in BIT_DISTANCES.items()
    ),
    (
        "quiver_recall", (25,), 2249, "s", "v", True, False,
        (
            ("recall", 701), ("returned", 20), ("expected", 20), ("missing", 20), ("distances", 20),
            ("exact_distances", 20), ("search_ms", 701), ("exact_ms", 701),
        ),
        "pg_catalog", ("query",), (), False, 19010,
    ),
)  # fmt: skip
