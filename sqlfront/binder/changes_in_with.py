"""Which data changes may stand together in one statement. https://www.postgresql.org/docs/15/queries-with.html"""

from __future__ import annotations

from itertools import combinations

from foundation.errors import FeatureNotSupported
from planner.bound import BoundStatement, Insert, Select, walk
from planner.changed_tables import Change, target_table
from storage.catalog import Catalog
from storage.partition_tree import root_of


def check_changes(catalog: Catalog, statement: BoundStatement) -> None:
    """Refuse changes in WITH that might meet another one of the statement in the same row.

    All parts of a statement see the tables as they were before it. Which of two changes of a row is then made PostgreSQL
    leaves open, and an ON CONFLICT that meets a row of another part is an error there; a row that is inserted meets nobody.

    Raises:
        FeatureNotSupported: 0A000.
    """
    in_with = [cte.change for cte in statement.ctes if cte.change is not None]
    if not in_with:
        return
    every: list[Change] = [*in_with, *([statement] if isinstance(statement, Change) else [])]
    for one, other in combinations(every, 2):
        if _root(catalog, one) == _root(catalog, other) and not (_only_adds(one) or _only_adds(other)):
            name = target_table(catalog, one).name
            raise FeatureNotSupported(
                f'two changes of rows of table "{name}" in one statement are not supported',
                hint="Make them one change, or use two statements.",
            )
    changed = {_root(catalog, change) for change in in_with}
    for node in walk(statement):
        for lock in node.locks if isinstance(node, Select) else ():
            table = catalog.table(lock.table_oid)
            if root_of(catalog, table).oid in changed:
                raise FeatureNotSupported(
                    f'locking rows of table "{table.name}", which WITH changes, is not supported'
                )


def _root(catalog: Catalog, change: Change) -> int:
    """The table that is changed; of a partition the one on top, so that parts and whole are one."""
    return root_of(catalog, target_table(catalog, change)).oid


def _only_adds(change: Change) -> bool:
    return isinstance(change, Insert) and change.on_conflict is None
