"""Reading catalog objects back from their records: the inverse of `CatalogObject.to_record`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from foundation.sqltypes import SqlType
from storage.acl import Membership, acl_of_record, public_schema_acl
from storage.catalog import (
    CatalogObject,
    CheckConstraint,
    Column,
    ColumnRelation,
    Database,
    Extension,
    ForeignKey,
    Index,
    IndexKey,
    MaterializedView,
    OnCommit,
    Persistence,
    ReferentialAction,
    Role,
    RoleDefaults,
    Schema,
    Sequence,
    Table,
    View,
)
from storage.function_objects import UserFunction, function_fields
from storage.partition_objects import partition_fields
from storage.role_objects import DefaultPrivileges
from storage.type_objects import TYPE_CLASSES, UserType, type_fields

_OBJECTS: tuple[type[CatalogObject], ...] = (
    Database,
    Role,
    RoleDefaults,
    Schema,
    Extension,
    Table,
    View,
    MaterializedView,
    Index,
    CheckConstraint,
    ForeignKey,
    Sequence,
    UserFunction,
    DefaultPrivileges,
    *TYPE_CLASSES,
)
_CLASSES = {cls.kind: cls for cls in _OBJECTS}


def object_from_record(record: Mapping[str, Any]) -> CatalogObject:
    """Inverse of `CatalogObject.to_record`; lists from JSON become tuples again."""
    values = dict(record)
    cls = _CLASSES[values.pop("kind")]
    known = {f.name for f in fields(cls)}
    values = {name: _tuples(value) for name, value in values.items() if name in known}
    if issubclass(cls, ColumnRelation):
        values["columns"] = tuple(map(_column, record["columns"]))
        if issubclass(cls, Table):
            values["on_commit"] = OnCommit(record.get("on_commit", OnCommit.PRESERVE_ROWS))
            values.update(partition_fields(record))
    elif cls is Index:
        values["keys"] = tuple(IndexKey(**{n: _tuples(v) for n, v in key.items()}) for key in record["keys"])
    elif cls is ForeignKey:
        for name in ("on_update", "on_delete"):
            values[name] = ReferentialAction(record[name])
    elif cls is Sequence:
        values["type"] = SqlType(**record["type"])
    elif cls is UserFunction:
        values.update(function_fields(record))
    elif issubclass(cls, UserType):
        values.update(type_fields(cls, record))
    elif cls is Role:
        values["memberships"] = tuple(Membership(*item) for item in record.get("memberships", ()))
    values["acl"] = acl_of_record(record.get("acl"))
    if cls is Schema and record["name"] == "public" and "acl" not in record:
        # It was written before there were access lists.
        values["acl"] = public_schema_acl(record["owner_oid"])
    if "persistence" in values:
        values["persistence"] = Persistence(values["persistence"])
    return cls(**values)


def _column(record: Mapping[str, Any]) -> Column:
    return Column(
        **{**record, "type": SqlType(**record["type"]), "acl": acl_of_record(record.get("acl"))},
    )


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value
