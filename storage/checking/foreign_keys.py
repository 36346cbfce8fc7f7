"""Foreign keys: every reference finds its row among the rows that a reader sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.catalog import Catalog, ForeignKey, Index
from storage.checking.keys import Offsets, visible_offsets
from storage.checking.problems import KeyConversion
from storage.key_specs import key_spec
from storage.keys import key_batch
from storage.view import TableView


def foreign_key_faults(
    catalog: Catalog,
    foreign_key: ForeignKey,
    referencing: TableView,
    referenced: Sequence[tuple[ForeignKey, TableView]],
    convert: KeyConversion,
) -> Iterator[str]:
    """What is wrong with the rows of a foreign key whose catalog objects are in order: at most one sentence.

    Args:
        referenced: the tables that have referenced rows, each with the foreign key as it looks from there.
    """
    for view in referencing.segments:
        for offsets in visible_offsets(view):
            columns = [view.take_column(attnum, offsets) for attnum in foreign_key.attnums]
            null_counts = np.sum(
                [column.is_null().to_numpy(zero_copy_only=False) for column in columns], axis=0
            )
            if foreign_key.is_match_full and ((null_counts > 0) & (null_counts < len(columns))).any():
                yield _fault(
                    foreign_key, referencing, "a row has NULL in some of the columns of a MATCH FULL key"
                )
                return
            given = np.flatnonzero(null_counts == 0)
            missing = np.arange(len(given))
            for key, table in referenced:
                values = _converted(key, (referencing, table), columns, given, convert=convert)
                missing = np.setdiff1d(missing, _present(catalog, key, table, values))
            if len(missing):
                row_id = view.row_ids[offsets[given[missing[0]]]]
                name = catalog.table(foreign_key.referenced_oid).name
                yield _fault(foreign_key, referencing, f'row {row_id} has no match in "{name}"')
                return


def _present(
    catalog: Catalog, foreign_key: ForeignKey, referenced: TableView, values: Sequence[pa.Array]
) -> npt.NDArray[np.int64]:
    """Positions of the keys that a row of a table has; `values` are in the order of the constraint's columns."""
    index = catalog.get(foreign_key.referenced_index_oid)
    assert isinstance(index, Index)
    keys = dict(zip(foreign_key.referenced_attnums, values, strict=True))
    spec = key_spec(referenced.table, index)
    batch = key_batch(spec, [keys[attnum] for attnum in index.key_attnums()], by_equality=True)
    positions, _ = referenced.visible_matches(spec, batch)
    return positions


def _converted(
    foreign_key: ForeignKey,
    tables: tuple[TableView, TableView],
    columns: Sequence[pa.Array],
    given: Offsets,
    *,
    convert: KeyConversion,
) -> list[pa.Array]:
    """The keys of some rows, in the types of the referenced columns."""
    referencing, referenced = tables
    pairs = zip(columns, foreign_key.attnums, foreign_key.referenced_attnums, strict=True)
    return [
        convert(
            column.take(pa.array(given)),
            referencing.table.column_at(attnum).type,
            referenced.table.column_at(referenced_attnum).type,
        )
        for column, attnum, referenced_attnum in pairs
    ]


def _fault(foreign_key: ForeignKey, referencing: TableView, what: str) -> str:
    return f'table "{referencing.table.name}", foreign key "{foreign_key.name}": {what}'
