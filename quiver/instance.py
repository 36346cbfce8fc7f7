"""An instance: one data directory opened, with everything that works on it except a socket.

`Instance.open` assembles storage, memory budget, sessions and background work; the server puts a port in front
of it, the embedded API and the tests use it as it is.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from foundation.memory import MemoryBudget
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType
from planner.relational import EngineOptions, configure
from planner.vector import configure_index_rules
from planner.vector.search_options import family_of
from quiver.maintenance import Maintenance
from sqlfront.binder import KeptIndexExpressions, index_rules
from sqlfront.protocol.scram import make_verifier
from sqlfront.session.factory import LocalSessionFactory, Shared
from sqlfront.types import CodecContext, decode_text, encode_text
from storage import Storage, StorageOptions
from storage.catalog import BOOTSTRAP_ROLE_OID, Role, replaced

MEMORY_SHARE_DEFAULT = 0.7
RELATIONAL_SHARE = 0.25
"""Share of the memory limit that DuckDB may use before it spills to the data directory."""


configure_index_rules(index_rules)


@dataclass(slots=True)
class Instance:
    """A data directory in use. Close it, or use it in a `with` statement."""

    storage: Storage
    sessions: LocalSessionFactory
    maintenance: Maintenance

    @classmethod
    def open(cls, path: Path, settings: dict[str, str] | None = None) -> Instance:
        """Create or recover the database in `path` and start its background work.

        Args:
            path: data directory; made if missing, locked while open.
            settings: server-wide settings in canonical form, by lower-case name.

        Raises:
            StorageError subclasses: locked, of a newer format, damaged; one sentence each.
        """
        base = dict(settings or {})
        values = SettingValues(base)
        memory = MemoryBudget(memory_limit_bytes(values))
        storage = Storage.open(str(path), memory=memory, options=storage_options(values))
        relational_bytes = int(memory.limit_bytes * RELATIONAL_SHARE)
        configure(EngineOptions(memory_limit_bytes=relational_bytes, temp_directory=storage.spill_folder))
        shared = Shared(storage, memory, base, start_time_us=time.time_ns() // 1000)
        flush_seconds = values.integer("wal_writer_delay") / 1000
        maintenance = Maintenance(
            storage,
            shared.build_claims,
            flush_seconds=flush_seconds,
            build_threads=values.integer("max_parallel_maintenance_workers"),
        )
        maintenance.start()
        return cls(storage, LocalSessionFactory(shared), maintenance)

    def set_superuser_password(self, password: str) -> None:
        """Give the bootstrap superuser a password (`--password-file`)."""
        role = self.storage.catalog.get(BOOTSTRAP_ROLE_OID)
        assert isinstance(role, Role)
        transaction = self.storage.begin()
        transaction.put(replaced(role, verifier=make_verifier(password)))
        transaction.commit()

    def close(self) -> None:
        """Stop background work, write a checkpoint, release the directory."""
        self.maintenance.stop()
        self.storage.close()

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def memory_limit_bytes(values: SettingValues) -> int:
    """`quiver.memory_limit`, or a share of the machine where it is 0."""
    limit = values.integer("quiver.memory_limit") * 1024
    if limit:
        return limit
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(machine * MEMORY_SHARE_DEFAULT)


def storage_options(values: SettingValues) -> StorageOptions:
    """Sizes from the settings, and the codecs that storage is lent."""
    context = CodecContext()

    def decode_missing(sql_type: SqlType, text: str) -> object:
        return decode_text(sql_type, text, context)

    def encode_value(sql_type: SqlType, value: object) -> str:
        return encode_text(sql_type, value, context)

    return StorageOptions(
        growing_bytes_max=values.integer("quiver.growing_segment_size") * 1024,
        checkpoint_log_bytes=values.integer("quiver.checkpoint_log_size") * 1024,
        keeps_vector_file=lambda index: family_of(index).rows_min is not None,
        missing_value_decoder=decode_missing,
        index_expressions=KeptIndexExpressions(),
        value_encoder=encode_value,
    )
