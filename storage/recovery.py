"""Opening a data directory: create it, or load the newest manifest and replay the log after it.

Steps of a recovery: lock; check the format number; load the manifest; apply the log's groups in order; cut a
torn tail; remove files that nothing names (of crashed transactions, merges, index builds); take writes.
Nothing is written before the log was read to its end, so a directory that is refused is unchanged.
"""

from __future__ import annotations

import os

from foundation.memory import MemoryBudget
from foundation.version import PGVECTOR_VERSION
from storage import layout
from storage.apply import apply_group
from storage.blockfile import write_block_bytes
from storage.bootstrap import bootstrap_objects
from storage.catalog import Catalog
from storage.database import Storage
from storage.errors import DataCorrupted, DirectoryUnusable
from storage.files import FolderLock, LocalFiles
from storage.log import LogEnd, LogWriter, create_log_file, scan_log
from storage.maintenance import remove_superseded
from storage.manifest import Checkpoint, manifest_numbers, read_manifest, write_manifest
from storage.options import StorageOptions
from storage.records import InsertRecord
from storage.rows import rows_bytes
from storage.state import DatabaseState


def open_storage(path: str, files: LocalFiles, memory: MemoryBudget, options: StorageOptions) -> Storage:
    """See `Storage.open`."""
    files.make_folder(path)
    lock = files.lock(os.path.join(path, layout.LOCK_FILE))
    try:
        return _open_locked(path, files, lock, memory, options)
    except BaseException:
        lock.release()
        raise


def _open_locked(
    path: str, files: LocalFiles, lock: FolderLock, memory: MemoryBudget, options: StorageOptions
) -> Storage:
    storage = Storage(path, files, lock, memory=memory, options=options)
    if not files.exists(os.path.join(path, layout.FORMAT_FILE)):
        _check_creatable(path, files)
        _create(storage)
    check_format(path, files)
    try:
        load_manifest(storage)
        end = replay(storage)
        storage.set_head(storage.head)
        _start_log(storage, end)
        _remove_leftovers(storage)
    except BaseException:
        storage.abandon()
        storage.growing_memory.release_all()
        raise
    return storage


def _check_creatable(path: str, files: LocalFiles) -> None:
    """Only an empty directory, or one whose creation a crash cut short, becomes a data directory."""
    own = {layout.LOCK_FILE, layout.FORMAT_FILE + layout.TEMPORARY_SUFFIX, *layout.FOLDERS}
    foreign = [name for name in files.list_names(path) if name not in own]
    has_log = _has_records(os.path.join(path, layout.LOG_FOLDER), files)
    if foreign or has_log:
        why = f'it has no {layout.FORMAT_FILE} file but contains "{(foreign or [layout.LOG_FOLDER])[0]}"'
        raise DirectoryUnusable(f'"{path}" is not a Quiver data directory: {why}')


def _has_records(folder: str, files: LocalFiles) -> bool:
    if not files.exists(folder):
        return False
    sizes = (len(files.map(os.path.join(folder, name))) for name in files.list_names(folder))
    return any(size_bytes > layout.LOG_FILE_HEADER.size for size_bytes in sizes)


def _create(storage: Storage) -> None:
    """Make the folders, the manifest of LSN 0, an empty log and, last, the FORMAT file."""
    files, path = storage.files, storage.path
    for name in layout.FOLDERS:
        files.make_folder(os.path.join(path, name))
    objects = {obj.oid: obj for obj in bootstrap_objects(PGVECTOR_VERSION)}
    state = DatabaseState(0, Catalog(objects), {}, 1)
    checkpoint = Checkpoint(state, max(objects) + 1)
    write_manifest(files, os.path.join(path, layout.MANIFEST_FOLDER), checkpoint, storage.missing_column)
    log_file, _ = create_log_file(files, os.path.join(path, layout.LOG_FOLDER), 1)
    log_file.close()
    files.sync_folder(path)
    write_block_bytes(files, os.path.join(path, layout.FORMAT_FILE), f"{layout.FORMAT_NUMBER}\n".encode())
    files.sync_folder(os.path.dirname(path))


def check_format(path: str, files: LocalFiles) -> None:
    """Check the FORMAT file of a data directory.

    Raises:
        DataCorrupted: XX001, it holds no format number.
        DirectoryUnusable: 58P01, the number is of a newer version.
    """
    name = os.path.join(path, layout.FORMAT_FILE)
    text = files.read(name)
    digits = text.removesuffix(b"\n")
    number = int(digits) if digits.isdigit() and text != digits else 0
    if number < 1:
        what = "it holds no format number"
        raise DataCorrupted(f'file "{name}" is damaged: {what}', path=name, offset=0, what=what)
    if number > layout.FORMAT_NUMBER:
        raise DirectoryUnusable(
            f'data directory "{path}" has format {number}; this version reads up to {layout.FORMAT_NUMBER}',
            hint="Start it with the version of Quiver that wrote it, or a newer one.",
        )


def load_manifest(storage: Storage) -> None:
    """Take the state of the newest manifest. Nothing is written.

    Raises:
        DataCorrupted: XX001, the manifest or a segment file that it names is damaged or missing.
    """
    folder = os.path.join(storage.path, layout.MANIFEST_FOLDER)
    numbers = manifest_numbers(storage.files, folder)
    if not numbers:
        what = "there is no manifest"
        raise DataCorrupted(f'{what} in "{folder}"', path=folder, what=what)

    checkpoint = read_manifest(
        storage.files, folder, numbers[-1], storage.data_files, storage.growing_memory.reserve
    )
    storage.head = storage.published = checkpoint.state
    storage.manifest_lsn = checkpoint.state.lsn
    storage.restore_oids(checkpoint.oid_limit)
    for record in checkpoint.sequences:
        storage.restore_sequence(record)


def replay(storage: Storage) -> LogEnd:
    """Apply the log after the manifest. Nothing is written.

    Raises:
        DataCorrupted: XX001, durable records are missing or damaged.
    """
    folder = os.path.join(storage.path, layout.LOG_FOLDER)
    end = LogEnd(storage.head.lsn)
    for group in scan_log(storage.files, folder, end):
        for record in group.records:
            if isinstance(record, InsertRecord):
                storage.growing_memory.reserve(rows_bytes(record.batch))
        storage.head = storage.published = apply_group(storage.head, group.lsn, group.records, storage)
    return end


def _start_log(storage: Storage, end: LogEnd) -> None:
    """Go on where the log ends, a torn tail cut off."""
    folder = os.path.join(storage.path, layout.LOG_FOLDER)
    if end.path is None:
        file, salt = create_log_file(storage.files, folder, end.lsn + 1)
    else:
        file, salt = storage.files.open_append(end.path), end.salt
        if file.size_bytes != end.size_bytes:
            file.truncate(end.size_bytes)
            file.sync()
    log = LogWriter(storage.files, folder, file=file, salt=salt, lsn=end.lsn, on_durable=storage.publish)
    log.bytes_since_rotation = end.size_bytes
    storage.start_log(log)


def _remove_leftovers(storage: Storage) -> None:
    files = storage.files
    for folder in (storage.path, _manifest_folder(storage), os.path.join(storage.path, layout.LOG_FOLDER)):
        # An fsync of the folder may have failed before the process ended: the names this start goes by must
        # be durable before what they replace is removed, and before a commit relies on them.
        files.sync_folder(folder)
    referenced = storage.data_files.referenced_by_obsolete()
    for table in storage.head.tables.values():
        for segment in table.sealed:
            referenced.add(segment.rows.segment_id)
            referenced.update(attachment.file_id for attachment in segment.attachments.values())
            if segment.overlay is not None and segment.overlay.saved is not None:
                referenced.add(segment.overlay.saved[0])
    storage.data_files.remove_orphans(referenced)
    spill_folder = storage.spill_folder
    files.make_folder(spill_folder)
    for folder, suffix in ((spill_folder, ""), (_manifest_folder(storage), layout.TEMPORARY_SUFFIX)):
        for name in files.list_names(folder):
            if name.endswith(suffix):
                files.remove(os.path.join(folder, name))
    remove_superseded(storage, storage.manifest_lsn)


def _manifest_folder(storage: Storage) -> str:
    return os.path.join(storage.path, layout.MANIFEST_FOLDER)
