"""A minimal session for tests: parses a script and executes its commands on a real storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from foundation.errors import InvalidParameterValue
from foundation.memory import MemoryBudget
from foundation.settings import SettingValues
from foundation.sqltypes import arrow_type
from sqlfront.binder import BindContext
from sqlfront.commands import CommandContext, CommandResult, execute_command
from sqlfront.parser import parse_script
from sqlfront.types import decode_text, encode_text
from storage import Storage, StorageOptions, Transaction
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    DEFAULT_DATABASE_OID,
    PUBLIC_SCHEMA_OID,
    Index,
    Role,
    Sequence,
    Table,
)
from tests.planner.trees import make_context


def open_storage(path: Path) -> Storage:
    settings = SettingValues()
    options = StorageOptions(
        missing_value_decoder=lambda sql_type, text: decode_text(sql_type, text, settings),
        value_encoder=lambda sql_type, value: encode_text(sql_type, value, settings),
    )
    return Storage.open(str(path), memory=MemoryBudget(1 << 30), options=options)


@dataclass(frozen=True)
class NoOtherRole:
    """A session that stays who it is."""

    oid: int
    name: str = "postgres"

    @property
    def session_user(self) -> NoOtherRole:
        return self

    def set(self, setting: str, name: str | None, *, is_local: bool = False) -> None:
        if name is not None and name not in ("none", self.name):
            raise InvalidParameterValue(f'role "{name}" does not exist')


@dataclass
class CommandSession:
    """Runs scripts, each in a transaction of its own."""

    storage: Storage
    role_oid: int = BOOTSTRAP_ROLE_OID
    search_path: tuple[str, ...] = ("postgres", "public")
    settings: SettingValues = field(default_factory=SettingValues)
    notices: list[str] = field(default_factory=list)

    def notice(
        self, message: str, *, detail: str | None = None, hint: str | None = None, sqlstate: str = "00000"
    ) -> None:
        self.notices.append(message if detail is None else f"{message} | {detail}")

    def context(self, transaction: Transaction) -> CommandContext:
        return CommandContext(
            storage=self.storage,
            transaction=transaction,
            settings=self.settings,
            database_oid=DEFAULT_DATABASE_OID,
            role_oid=self.role_oid,
            search_path=self.search_path,
            temporary_schema="pg_temp_1",
            notice=self.notice,
            bind_context=lambda: BindContext(transaction.catalog, DEFAULT_DATABASE_OID, ("public",)),
            execution_context=lambda: make_context(storage=self.storage, transaction=transaction),
            roles=NoOtherRole(self.role_oid),
            restart_sequence=lambda sequence, value: self.storage.set_sequence(sequence.oid, value, False),
        )

    def run(self, script: str) -> CommandResult:
        """Execute a script in one transaction; the last command's result."""
        statements = parse_script(script)
        with self.storage.begin() as transaction:
            context = self.context(transaction)
            results = [execute_command(parsed.node, context) for parsed in statements]
            transaction.commit()
        return results[-1]

    def insert(self, table_name: str, **values: list[object]) -> None:
        """Add rows, columns by name; those not given are NULL."""
        table = self.table(table_name)
        count = len(next(iter(values.values())))
        columns = {
            str(c.attnum): pa.array(values.get(c.name, [None] * count), arrow_type(c.type))
            for c in table.live_columns()
        }
        with self.storage.begin() as transaction:
            transaction.insert(table.oid, pa.RecordBatch.from_pydict(columns))
            transaction.commit()

    def values(self, table_name: str, column: str) -> list[object]:
        """All visible values of a column."""
        table = self.table(table_name)
        found = table.column(column)
        assert found is not None
        with self.storage.begin() as transaction:
            view = transaction.table_view(table.oid)
            out: list[object] = []
            for segment in view.segments:
                visible = segment.visible_bits
                values = segment.column(found.attnum).to_pylist()
                keep = [visible is None or bool(visible[i >> 3] >> (i & 7) & 1) for i in range(len(values))]
                out += [value for value, kept in zip(values, keep) if kept]
            return out

    def relation(self, name: str, schema_oid: int = PUBLIC_SCHEMA_OID) -> object:
        return self.storage.catalog.find_relation(DEFAULT_DATABASE_OID, schema_oid, name)

    def table(self, name: str) -> Table:
        found = self.relation(name)
        assert isinstance(found, Table)
        return found

    def index(self, name: str) -> Index:
        found = self.relation(name)
        assert isinstance(found, Index)
        return found

    def sequence(self, name: str) -> Sequence:
        found = self.relation(name)
        assert isinstance(found, Sequence)
        return found

    def role(self, name: str) -> Role:
        found = self.storage.catalog.find_role(name)
        assert found is not None
        return found
