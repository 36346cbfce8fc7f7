"""The files of the data folder: their ids and names, opening, and removal once nothing refers to them.

Every file has an id of its own, never reused while the process lives; a segment's id is its file's. Files
that lost their last reference in the log are removed at the next checkpoint: until then recovery would start
from a manifest that still names them. A reader that has mapped one keeps reading after its removal.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable

from foundation.errors import QuiverError
from storage import layout
from storage.blockfile import BlockFile, BlockWriter
from storage.errors import DataCorrupted
from storage.files import LocalFiles
from storage.rows import SealedRows, SegmentEntry
from storage.view import Attachment

_log = logging.getLogger("quiver.storage")


class DataFiles:
    """Thread-safe."""

    def __init__(self, files: LocalFiles, folder: str) -> None:
        self.files = files
        self.folder = folder
        self._next_id = 1
        self._lock = threading.Lock()
        self._prepared: dict[int, BlockFile] = {}
        self._obsolete: list[str] = []
        self.obsolete_bytes = 0

    def allocate_id(self) -> int:
        with self._lock:
            file_id = self._next_id
            self._next_id += 1
            return file_id

    def note_id(self, file_id: int) -> None:
        """Never give out `file_id` or a smaller one again."""
        with self._lock:
            self._next_id = max(self._next_id, file_id + 1)

    def path(self, file_id: int, suffix: str) -> str:
        return os.path.join(self.folder, layout.numbered_name(file_id, suffix))

    def writer(self, file_id: int, suffix: str) -> BlockWriter:
        return BlockWriter(self.files, self.path(file_id, suffix))

    def prepare(self, file_id: int, suffix: str) -> BlockFile:
        """Open a file that was just written; the record that names it will find it open."""
        file = BlockFile.open(self.files, self.path(file_id, suffix))
        with self._lock:
            self._prepared[file_id] = file
        return file

    def discard(self, file_id: int, suffix: str) -> None:
        """Remove a file that no record names: its transaction or build failed. One that stays goes later."""
        with self._lock:
            self._prepared.pop(file_id, None)
        self.remove([self.path(file_id, suffix)])

    def sync_folder(self) -> None:
        self.files.sync_folder(self.folder)

    def open_rows(self, entry: SegmentEntry) -> tuple[SealedRows, dict[int, Attachment]]:
        """A segment and its key files, as a log record or the manifest names them."""
        rows = SealedRows(self.open(entry.segment_id, layout.ROWS_SUFFIX), entry)
        attachments = {}
        for index_oid, file_id in entry.key_files:
            attachment = self.open_attachment(file_id, is_keys=True)
            if attachment is not None:
                attachments[index_oid] = attachment
        return rows, attachments

    def open_attachment(self, file_id: int, *, is_keys: bool) -> Attachment | None:
        """An index or key file; None when it is damaged: both can be made again from the rows."""
        suffix = layout.KEYS_SUFFIX if is_keys else layout.INDEX_SUFFIX
        try:
            return Attachment(file_id, self.open(file_id, suffix), is_keys)
        except DataCorrupted as error:
            _log.warning("%s; it is left out and can be built again", error)
            return None

    def open(self, file_id: int, suffix: str) -> BlockFile:
        """A file that a log record or the manifest names. Raises DataCorrupted (XX001)."""
        self.note_id(file_id)
        with self._lock:
            prepared = self._prepared.pop(file_id, None)
        return prepared or BlockFile.open(self.files, self.path(file_id, suffix))

    def retire_segment(self, rows: SealedRows, attachments: Iterable[Attachment]) -> None:
        """A committed change dropped this segment with all its files."""
        self.retire(rows.file)
        for attachment in attachments:
            self.retire(attachment.file)

    def retire_attachment(self, attachment: Attachment) -> None:
        self.retire(attachment.file)

    def retire(self, file: BlockFile) -> None:
        """The current state has no use for a file any more."""
        with self._lock:
            self._obsolete.append(file.path)
            self.obsolete_bytes += file.size_bytes

    def take_obsolete(self) -> list[str]:
        """Files that no longer belong to the current state; `remove` them after the next manifest."""
        with self._lock:
            paths, self._obsolete, self.obsolete_bytes = self._obsolete, [], 0
            return paths

    def return_obsolete(self, paths: list[str]) -> None:
        """Keep the files for the next checkpoint: the manifest could not be written, or they were not removed."""
        with self._lock:
            self._obsolete = paths + self._obsolete

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files that nothing names; the next checkpoint tries those again that cannot be removed now."""
        kept = []
        for path in paths:
            try:
                self.files.remove(path)
            except QuiverError as error:
                _log.warning("%s; it is tried again", error)
                kept.append(path)
        self.return_obsolete(kept)

    def referenced_by_obsolete(self) -> set[int]:
        """Ids of files that the current manifest may still name."""
        with self._lock:
            names = [os.path.splitext(os.path.basename(path)) for path in self._obsolete]
        numbers = (layout.number_of(stem + suffix, suffix) for stem, suffix in names)
        return {number for number in numbers if number is not None}

    def remove_orphans(self, referenced_ids: set[int]) -> int:
        """Remove what crashed transactions, builds and merges left behind. How many files that were."""
        removed = 0
        for name in self.files.list_names(self.folder):
            suffix = os.path.splitext(name)[1]
            file_id = layout.number_of(name, suffix)
            if file_id is None or file_id not in referenced_ids:
                self.files.remove(os.path.join(self.folder, name))
                removed += 1
        return removed
