"""Access lists as clients see them: aclitems, acldefault(), aclexplode(), makeaclitem().

As aclitemin(), aclitemout() and their kin in src/backend/utils/adt/acl.c of PostgreSQL 15.
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.errors import InvalidParameterValue, InvalidTextRepresentation, QuiverError
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.privileges.kinds import default_acl, kind_of_letter
from storage.acl import NO_PRIVILEGE, PUBLIC, Acl, AclItem, Privilege
from storage.catalog import CatalogObject

_LETTERS = "arwdDxtXUCTcsA"
"""One for each privilege, in the order of their bits."""
_PRIVILEGES = dict(zip(_LETTERS, Privilege, strict=True))

PRIVILEGE_NAMES = {
    privilege: "ALTER SYSTEM" if privilege is Privilege.ALTER_SYSTEM else str(privilege.name)
    for privilege in Privilege
}
PRIVILEGES_BY_NAME = {
    **{name: privilege for privilege, name in PRIVILEGE_NAMES.items()},
    "TEMP": Privilege.TEMPORARY,
}


class UnknownObjectKind(QuiverError):
    sqlstate = "XX000"


def shown_acl(view: CatalogView, obj: CatalogObject | None) -> list[str] | None:
    """An object's access list as pg_class.relacl and its kin show it: NULL where nothing was granted or revoked."""
    return None if obj is None else acl_items(view, obj.acl)


def acl_items(view: CatalogView, acl: Acl | None) -> list[str] | None:
    """An access list as an array of aclitem."""
    return None if acl is None else [_text(view, item) for item in acl]


def _text(view: CatalogView, item: AclItem) -> str:
    letters = "".join(
        letter + ("*" if privilege & item.grantable else "")
        for letter, privilege in _PRIVILEGES.items()
        if privilege & (item.privileges | item.grantable)
    )
    grantee = "" if item.grantee_oid == PUBLIC else _shown_role(view, item.grantee_oid)
    return f"{grantee}={letters}/{_shown_role(view, item.grantor_oid)}"


def _shown_role(view: CatalogView, oid: int) -> str:
    name = view.role_name(oid)
    if name is None:
        return str(oid)
    is_plain = all(character.isalnum() or character == "_" for character in name)
    return name if is_plain else '"' + name.replace('"', '""') + '"'


@catalog_function("acldefault")
def acldefault(view: CatalogView, kind: str, owner_oid: int) -> list[str]:
    """The privileges of an object of that kind and owner, as aclitems. Raises XX000 for an unknown kind."""
    found = kind_of_letter(kind)
    if found is None:
        raise UnknownObjectKind(f"unrecognized object type abbreviation: {kind}")
    return acl_items(view, default_acl(found, owner_oid)) or []


@catalog_function("makeaclitem")
def makeaclitem(
    view: CatalogView, grantee_oid: int, grantor_oid: int, privileges: str, is_grantable: bool
) -> str:
    """An aclitem of privileges by their names, separated by commas. Raises InvalidParameterValue (22023)."""
    found = NO_PRIVILEGE
    for word in privileges.split(","):
        privilege = PRIVILEGES_BY_NAME.get(word.strip().upper())
        if privilege is None:
            raise InvalidParameterValue(f'unrecognized privilege type: "{word.strip()}"')
        found |= privilege
    return _text(view, AclItem(grantee_oid, grantor_oid, found, found if is_grantable else NO_PRIVILEGE))


def exploded_acl(view: CatalogView, items: list[str] | None) -> list[tuple[int, int, str, bool]]:
    """The rows of aclexplode(): (grantor, grantee, privilege, whether it may be passed on)."""
    return [row for text in items or () for row in _exploded(_parsed(view, text))]


def explode(acl: Acl) -> Iterator[tuple[int, int, str, bool]]:
    """As aclexplode()."""
    for item in acl:
        yield from _exploded(item)


def _exploded(item: AclItem) -> Iterator[tuple[int, int, str, bool]]:
    for privilege in Privilege:
        if privilege & item.privileges:
            passes = bool(privilege & item.grantable)
            yield item.grantor_oid, item.grantee_oid, PRIVILEGE_NAMES[privilege], passes


def _parsed(view: CatalogView, text: str) -> AclItem:
    """An aclitem read back from its text. Raises InvalidTextRepresentation (22P02)."""
    grantee, rest = _name_before(text, "=")
    letters, _, grantor = rest.partition("/")
    privileges = grantable = NO_PRIVILEGE
    for place, letter in enumerate(letters):
        if letter == "*":
            grantable |= _PRIVILEGES.get(letters[place - 1], NO_PRIVILEGE) if place else NO_PRIVILEGE
        elif letter in _PRIVILEGES:
            privileges |= _PRIVILEGES[letter]
        else:
            raise InvalidTextRepresentation(f'invalid mode character: must be one of "{_LETTERS}"')
    grantee_oid = _role_oid(view, grantee) if grantee else PUBLIC
    return AclItem(grantee_oid, _role_oid(view, _name_before(grantor, "")[0]), privileges, grantable)


def _name_before(text: str, separator: str) -> tuple[str, str]:
    """A name, quoted or not, and what follows the separator behind it."""
    if not text.startswith('"'):
        name, _, rest = text.partition(separator) if separator else (text, "", "")
        return name, rest
    end = 1
    while text[end : end + 1] and (text[end] != '"' or text[end + 1 : end + 2] == '"'):
        end += 2 if text[end] == '"' else 1
    return text[1:end].replace('""', '"'), text[end + 1 + len(separator) :]


def _role_oid(view: CatalogView, name: str) -> int:
    role = view.catalog.find_role(name)
    if role is not None:
        return role.oid
    return int(name) if name.isdigit() else 0
