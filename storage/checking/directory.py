"""The check of a whole data directory, in the order in which trust grows.

1. FORMAT, and the lock, so that no server changes the directory meanwhile.
2. Manifests and log by themselves.
3. The state that a start would recover, loaded by the same code, without writing.
4. The data files by themselves: those of the state; all of them where there is no state.
5. The catalog; each table: its segments, key files, index files; keys and row ids over all segments; foreign keys.
6. Files that belong to nothing: a crash may leave them, in any condition.

Damage found in one step does not end the check, except that without a state there are no rows to check.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from storage import layout
from storage.catalog import ForeignKey, Index, Table
from storage.checking.block_files import check_block_file
from storage.checking.catalog_objects import catalog_faults
from storage.checking.foreign_keys import foreign_key_faults
from storage.checking.keys import check_key_file, duplicate_key, repeated_row_id
from storage.checking.log_files import check_log, log_numbers
from storage.checking.problems import CheckHooks, CheckTotals, Problem, Severity, collecting
from storage.checking.read_only import ReadOnlyFiles
from storage.checking.segments import check_segment
from storage.database import Storage
from storage.datafiles import DataFiles
from storage.errors import DataCorrupted, DirectoryInUse, DirectoryUnusable
from storage.files import FolderLock
from storage.key_specs import KeySpec, unique_specs
from storage.manifest import manifest_numbers
from storage.partition_tree import referenced_leaves
from storage.recovery import check_format, load_manifest, replay
from storage.rows import SealedRows
from storage.state import SegmentState
from storage.view import Attachment, SegmentView, TableView


def check_directory(path: str, hooks: CheckHooks, totals: CheckTotals) -> Iterator[Problem]:
    """Check a data directory that no server has open. Nothing in it is changed.

    Args:
        path: the directory.
        hooks: what storage does not know.
        totals: filled in on the way.

    Yields:
        Each problem once, with file names relative to the directory.

    Raises:
        DirectoryInUse: 55006, a server holds it.
        DirectoryUnusable: 58P01, it is no data directory, or of a newer format.
        IoFailure: 58030.
    """
    path = os.path.abspath(path)
    files = ReadOnlyFiles()
    if not files.exists(os.path.join(path, layout.FORMAT_FILE)):
        raise DirectoryUnusable(
            f'"{path}" is not a Quiver data directory: it has no {layout.FORMAT_FILE} file'
        )
    try:
        lock = files.lock(os.path.join(path, layout.LOCK_FILE))
    except DirectoryInUse as error:
        raise DirectoryInUse(error.message, hint="Stop the server before the check.") from error
    try:
        seen: set[Problem] = set()
        for problem in _Check(path, files, lock, hooks, totals).problems():
            relative = os.path.relpath(problem.file, path) if problem.file else ""
            shown = Problem(relative, problem.offset, problem.message, problem.severity)
            if shown not in seen:
                seen.add(shown)
                yield shown
    finally:
        lock.release()


class _RecordingDataFiles(DataFiles):
    """Keeps what is wrong with key and index files, which a start leaves out with a warning."""

    def __init__(self, files: ReadOnlyFiles, folder: str) -> None:
        super().__init__(files, folder)
        self.problems: list[Problem] = []

    def open_attachment(self, file_id: int, *, is_keys: bool) -> Attachment | None:
        suffix = layout.KEYS_SUFFIX if is_keys else layout.INDEX_SUFFIX
        try:
            return Attachment(file_id, self.open(file_id, suffix), is_keys)
        except DataCorrupted as error:
            self.problems.append(Problem(error.path, error.offset, error.what))
            return None


class _Check:
    """One run over one directory."""

    def __init__(
        self, path: str, files: ReadOnlyFiles, lock: FolderLock, hooks: CheckHooks, totals: CheckTotals
    ) -> None:
        self._path = path
        self._files = files
        self._hooks = hooks
        self._totals = totals
        self._storage = Storage(path, files, lock, memory=hooks.memory, options=hooks.options)
        self._data_files = _RecordingDataFiles(files, os.path.join(path, layout.DATA_FOLDER))
        self._storage.data_files = self._data_files
        self._faulty_oids: set[int] = set()
        self._done_bytes = self._total_bytes = 0

    def problems(self) -> Iterator[Problem]:
        found: list[Problem] = []
        with collecting(found, os.path.join(self._path, layout.FORMAT_FILE)):
            check_format(self._path, self._files)
        yield from found
        self._measure()
        yield from self._check_manifests()
        yield from self._check_log()
        found = []
        with collecting(found):
            load_manifest(self._storage)
            replay(self._storage)
        yield from self._data_files.problems
        yield from found
        if found:
            yield from self._check_data_files(set(self._names(self._folder(layout.DATA_FOLDER))))
            yield Problem("", None, "the state cannot be loaded: rows, keys and constraints were not checked")
            return
        yield from self._check_data_files(self._data_names())
        yield from self._check_state()
        yield from self._leftovers()
        self._hooks.progress(self._total_bytes, self._total_bytes)

    def _folder(self, name: str) -> str:
        return os.path.join(self._path, name)

    def _names(self, folder: str) -> list[str]:
        return self._files.list_names(folder) if self._files.exists(folder) else []

    def _advance(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        self._hooks.progress(self._done_bytes, self._total_bytes)

    def _measure(self) -> None:
        """How much there is to do. Data files are looked at twice: by themselves and as rows."""
        for folder, times in ((layout.DATA_FOLDER, 2), (layout.MANIFEST_FOLDER, 1)):
            for name in self._names(self._folder(folder)):
                self._total_bytes += times * len(self._files.map(os.path.join(self._folder(folder), name)))

    def _check_manifests(self) -> Iterator[Problem]:
        folder = self._folder(layout.MANIFEST_FOLDER)
        for number in manifest_numbers(self._files, folder) if self._files.exists(folder) else []:
            path = os.path.join(folder, layout.numbered_name(number, layout.MANIFEST_SUFFIX))
            yield from check_block_file(path, self._files.map(path), self._verified)

    def _check_log(self) -> Iterator[Problem]:
        folder = self._folder(layout.LOG_FOLDER)
        if not self._files.exists(folder):
            yield Problem(folder, None, "the folder is missing")
            return
        manifests = manifest_numbers(self._files, self._folder(layout.MANIFEST_FOLDER))
        yield from check_log(self._files, folder, manifests[-1] if manifests else None, self._totals)

    def _check_data_files(self, names: set[str]) -> Iterator[Problem]:
        folder = self._folder(layout.DATA_FOLDER)
        for name in self._names(folder):
            if name in names:
                path = os.path.join(folder, name)
                yield from check_block_file(path, self._files.map(path), self._verified)

    def _verified(self, size_bytes: int) -> None:
        self._totals.bytes_verified += size_bytes
        self._advance(size_bytes)

    def _check_state(self) -> Iterator[Problem]:
        state = self._storage.head
        for oid, fault in catalog_faults(state.catalog, self._storage.oid_limit):
            self._faulty_oids.add(oid)
            yield Problem("", None, fault)
        self._totals.tables = sum(1 for _ in state.catalog.objects(Table))
        for table_oid in state.tables:
            table = state.catalog.get(table_oid)
            if not isinstance(table, Table):
                yield Problem("", None, f"there are rows of table {table_oid}, which is not in the catalog")
            elif table_oid not in self._faulty_oids:
                yield from self._check_table(table)
        for foreign_key in state.catalog.objects(ForeignKey):
            if foreign_key.is_validated:
                yield from self._check_foreign_key(foreign_key)

    def _table_view(self, table: Table) -> TableView:
        return self._storage.head.table_state(table.oid).view(table, self._storage.missing_column)

    def _check_table(self, table: Table) -> Iterator[Problem]:
        state = self._storage.head
        indexes = [i for i in state.catalog.indexes_of(table.oid) if i.oid not in self._faulty_oids]
        found: list[Problem] = []
        specs: list[KeySpec] = []
        with collecting(found):
            specs = unique_specs(table, indexes, self._storage.options.index_expressions)
        for segment in state.table_state(table.oid).segments():
            yield from self._check_segment(table, segment, specs)
        views = self._table_view(table).segments
        with collecting(found):
            found += [Problem("", None, f'table "{table.name}": {f}') for f in repeated_row_id(views)]
        by_oid = {index.oid: index for index in indexes}
        for spec in specs:
            with collecting(found):
                faults = duplicate_key(table, by_oid[spec.index_oid], spec, views)
                found += [Problem("", None, fault) for fault in faults]
        yield from found

    def _check_segment(
        self, table: Table, segment: SegmentState, specs: Sequence[KeySpec]
    ) -> Iterator[Problem]:
        """The rows of a segment and the files beside it."""
        view = segment.view(table, self._storage.missing_column)
        file = segment.rows.file.path if isinstance(segment.rows, SealedRows) else ""
        self._totals.segments += 1
        self._totals.rows += view.visible_count
        yield from check_segment(self._storage.head, table, segment, view, file)
        found: list[Problem] = []
        for spec in specs:
            attachment = segment.attachments.get(spec.index_oid)
            if attachment is not None:
                with collecting(found, file):
                    check_key_file(segment, view, spec, attachment.file.path, found)
        yield from found
        for index_oid, attachment in segment.attachments.items():
            yield from self._check_attachment(segment, view, index_oid, attachment)
        if isinstance(segment.rows, SealedRows):
            self._advance(segment.rows.file.size_bytes)
        if segment.overlay is not None and segment.overlay.saved is not None:
            self._advance(segment.overlay.saved[1].size_bytes)

    def _check_attachment(
        self, segment: SegmentState, view: SegmentView, index_oid: int, attachment: Attachment
    ) -> Iterator[Problem]:
        """That a file beside a segment belongs there, and what an index file means."""
        file = attachment.file
        index = self._storage.head.catalog.get(index_oid)
        self._advance(file.size_bytes)
        if attachment.is_keys:
            self._totals.key_files += 1
        else:
            self._totals.index_files += 1
        if not isinstance(index, Index):
            yield Problem(file.path, None, f"it belongs to index {index_oid}, which is not in the catalog")
            return
        if attachment.is_keys or index_oid in self._faulty_oids:
            return
        named = (file.meta.get("index"), file.meta.get("segment"))
        if named != (index_oid, segment.rows.segment_id):
            yield Problem(file.path, None, f"it says it is of index {named[0]} and segment {named[1]}")
            return
        found: list[Problem] = []
        with collecting(found, file.path):
            buffers = {name: file.array(name) for name in file.names()}
            found += [
                Problem(file.path, None, f'index "{index.name}": {fault}')
                for fault in self._hooks.check_index(index, view, buffers)
            ]
        yield from found

    def _check_foreign_key(self, foreign_key: ForeignKey) -> Iterator[Problem]:
        named = {
            foreign_key.oid,
            foreign_key.table_oid,
            foreign_key.referenced_oid,
            foreign_key.referenced_index_oid,
        }
        if named & self._faulty_oids:
            return
        catalog = self._storage.head.catalog
        found: list[Problem] = []
        with collecting(found):
            referencing = self._table_view(catalog.table(foreign_key.table_oid))
            referenced = [
                (key, self._table_view(catalog.table(key.referenced_oid)))
                for key in referenced_leaves(catalog, foreign_key)
            ]
            faults = foreign_key_faults(
                catalog, foreign_key, referencing, referenced, self._hooks.convert_key
            )
            found += [Problem("", None, fault) for fault in faults]
        yield from found

    def _leftovers(self) -> Iterator[Problem]:
        """Files that belong to nothing."""
        kept = {
            layout.DATA_FOLDER: self._data_names(),
            layout.MANIFEST_FOLDER: {
                layout.numbered_name(self._storage.manifest_lsn, layout.MANIFEST_SUFFIX)
            },
            layout.LOG_FOLDER: self._log_names(),
            layout.SPILL_FOLDER: set(),
        }
        for folder, names in kept.items():
            for name in self._names(self._folder(folder)):
                if name not in names:
                    path = os.path.join(self._folder(folder), name)
                    yield Problem(
                        path, None, "it belongs to nothing: the next start removes it", Severity.NOTE
                    )
        for name in self._names(self._path):
            if name not in (*kept, layout.FORMAT_FILE, layout.LOCK_FILE):
                yield Problem(self._folder(name), None, "it is no part of a data directory", Severity.NOTE)

    def _data_names(self) -> set[str]:
        """Names of the files that the state has, or that the manifest still names."""
        names = {os.path.basename(problem.file) for problem in self._data_files.problems}
        for table in self._storage.head.tables.values():
            for segment in table.sealed:
                assert isinstance(segment.rows, SealedRows)
                paths = [segment.rows.file.path, *(a.file.path for a in segment.attachments.values())]
                if segment.overlay is not None and segment.overlay.saved is not None:
                    paths.append(segment.overlay.saved[1].path)
                names.update(map(os.path.basename, paths))
        return names | {
            name
            for name in self._names(self._folder(layout.DATA_FOLDER))
            if layout.number_of(name, os.path.splitext(name)[1]) in self._data_files.referenced_by_obsolete()
        }

    def _log_names(self) -> set[str]:
        """Names of the log files that a start reads."""
        numbers = log_numbers(self._files, self._folder(layout.LOG_FOLDER))
        lsn = self._storage.manifest_lsn
        needed = [
            n
            for n, following in zip(numbers, [*numbers[1:], None])
            if following is None or following > lsn + 1
        ]
        return {layout.numbered_name(number, layout.LOG_SUFFIX) for number in needed}
