"""What every object of the catalog is: an OID, a name, a database, an owner."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from storage.acl import Acl

PUBLIC_SCHEMA_OID = 2200
BOOTSTRAP_ROLE_OID = 10


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """What all objects have. `database_oid` is 0 for databases, roles and their defaults, which all databases share.

    `acl` None: nothing was granted or revoked, so the privileges are those that an object of its kind begins with.
    """

    kind: ClassVar[str] = ""

    oid: int
    name: str
    database_oid: int
    owner_oid: int
    comment: str | None = field(default=None, kw_only=True)
    acl: Acl | None = field(default=None, kw_only=True)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready form; `storage.catalog_records.object_from_record` is its inverse."""
        return {"kind": self.kind, **asdict(self)}
