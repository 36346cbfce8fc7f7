"""The NOTICE of an ivfflat index over too few rows, wherever PostgreSQL would build such an index."""

from __future__ import annotations

from collections.abc import Iterable

from planner.vector import has_indexable_rows
from sqlfront.commands.context import CommandContext
from sqlfront.commands.operator_classes import IVFFLAT
from storage.catalog import Index


def warn_of_little_data(context: CommandContext, indexes: Iterable[Index]) -> None:
    """Send pgvector's NOTICE for each ivfflat index with fewer rows than lists.

    Source: pgvector/pgvector:src/ivfbuild.c, `ComputeCenters`. The transaction's own rows count.
    """
    for index in indexes:
        if index.family != IVFFLAT:
            continue
        lists = context.check_build_params(IVFFLAT, dict(index.options))["lists"]
        if not has_indexable_rows(context.transaction, index, lists):
            context.notice(
                "ivfflat index created with little data",
                detail="This will cause low recall.",
                hint="Drop the index until the table has more data.",
            )
