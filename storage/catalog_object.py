"""What every object of the catalog is: an OID, a name, a database, an owner."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

PUBLIC_SCHEMA_OID = 2200


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """What all objects have. `database_oid` is 0 for databases, roles and their defaults, which all databases share."""

    kind: ClassVar[str] = ""

    oid: int
    name: str
    database_oid: int
    owner_oid: int
    comment: str | None = field(default=None, kw_only=True)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready form; `storage.catalog_records.object_from_record` is its inverse."""
        return {"kind": self.kind, **asdict(self)}
