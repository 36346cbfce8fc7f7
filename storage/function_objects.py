"""Users' functions as objects of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from foundation.sqltypes import TEXT, SqlType
from storage.catalog_object import PUBLIC_SCHEMA_OID, CatalogObject


@dataclass(frozen=True, slots=True)
class FunctionParameter:
    """A parameter; one of RETURNS TABLE where `is_column`. `name` is '' for one without."""

    name: str
    type: SqlType
    default_sql: str | None = None
    is_column: bool = False


@dataclass(frozen=True, slots=True)
class UserFunction(CatalogObject):
    """CREATE FUNCTION ... LANGUAGE sql. Functions of a schema may share a name if their input types differ.

    Attributes:
        returns: the type of the result, of each row with `returns_set`; of RETURNS TABLE with several columns `record`.
        body_sql: one query.
        body_path: the schemas that names in the body are looked for in; None for those of the caller.
        volatility: as in pg_proc.provolatile; `parallel` as proparallel.
    """

    kind: ClassVar[str] = "function"

    schema_oid: int = PUBLIC_SCHEMA_OID
    parameters: tuple[FunctionParameter, ...] = ()
    returns: SqlType = TEXT
    returns_set: bool = False
    body_sql: str = ""
    body_path: tuple[str, ...] | None = None
    volatility: str = "v"
    is_strict: bool = False
    is_leakproof: bool = False
    parallel: str = "u"
    cost: float = 100.0
    rows: float = 0.0

    @property
    def inputs(self) -> tuple[FunctionParameter, ...]:
        return tuple(parameter for parameter in self.parameters if not parameter.is_column)

    @property
    def columns(self) -> tuple[FunctionParameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.is_column)

    @property
    def input_oids(self) -> tuple[int, ...]:
        """What tells it from others of its name; a domain is not the type below."""
        return tuple(parameter.type.domain_oid or parameter.type.oid for parameter in self.inputs)


def function_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a function's record that are no plain values, as the object has them."""
    parameters = tuple(
        FunctionParameter(**{**parameter, "type": SqlType(**parameter["type"])})
        for parameter in record["parameters"]
    )
    return {"parameters": parameters, "returns": SqlType(**record["returns"])}
