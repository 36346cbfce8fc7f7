"""The privileges that objects have without GRANT: acldefault().

As acldefault() in src/backend/utils/adt/acl.c of PostgreSQL 15.
"""

from __future__ import annotations

from foundation.errors import QuiverError
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.view import CatalogView

_DEFAULTS = {
    "c": ("", ""), "r": ("", "arwdDxt"), "s": ("", "rwU"), "d": ("Tc", "CTc"), "f": ("X", "X"), "l": ("U", "U"),
    "L": ("", "rw"), "n": ("", "UC"), "t": ("", "C"), "F": ("", "U"), "S": ("", "U"), "T": ("U", "U"), "p": ("", "sA"),
}  # fmt: skip
"""Kind of object -> what everybody may, and what the owner may."""


class UnknownObjectKind(QuiverError):
    sqlstate = "XX000"


@catalog_function("acldefault")
def acldefault(view: CatalogView, kind: str, owner_oid: int) -> list[str]:
    """The privileges of an object of that kind and owner, as aclitems. Raises XX000 for an unknown kind."""
    if kind not in _DEFAULTS:
        raise UnknownObjectKind(f"unrecognized object type abbreviation: {kind}")
    everybody, owner = _DEFAULTS[kind]
    shown = _shown_role(view, owner_oid)
    items = [f"={everybody}/{shown}"] if everybody else []
    return [*items, f"{shown}={owner}/{shown}"] if owner else items


def schema_public_acl(view: CatalogView, owner_oid: int) -> list[str]:
    """What initdb grants on the schema public: everybody may use it. Without it pg_dump writes a REVOKE."""
    owner = _shown_role(view, owner_oid)
    return [f"{owner}=UC/{owner}", f"=U/{owner}"]


def _shown_role(view: CatalogView, oid: int) -> str:
    name = view.role_name(oid)
    return str(oid) if name is None else quote_identifier(name)
