"""The NOTICE of an index over too few rows, wherever PostgreSQL would build such an index."""

from __future__ import annotations

from collections.abc import Iterable

import vecengine
from planner.vector import has_indexable_rows
from sqlfront.commands.context import CommandContext
from storage.catalog import Index


def warn_of_little_data(context: CommandContext, indexes: Iterable[Index]) -> None:
    """Send pgvector's NOTICE for each vector index with so few rows that recall is low: fewer than lists, say.

    Source: pgvector/pgvector:src/ivfbuild.c, `ComputeCenters`. The transaction's own rows count.
    """
    for index in indexes:
        family = vecengine.families().get(index.family)
        if family is None:
            continue
        wanted = family.little_data_rows(context.check_build_params(index.family, dict(index.options)))
        if wanted and not has_indexable_rows(context.transaction, index, wanted):
            context.notice(
                f"{index.family} index created with little data",
                detail="This will cause low recall.",
                hint="Drop the index until the table has more data.",
            )
