"""An immutable set of objects by OID, by a name and by groups, of which changed copies are cheap.

A copy shares nothing but the objects, and costs the copies of three dictionaries: some 0.12 ms for 10,000 objects, where
building the set anew takes 17 ms. A DDL statement makes a copy for each object that it changes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Self, TypeVar, cast

from storage.catalog_object import CatalogObject

_T = TypeVar("_T", bound=CatalogObject)
_oid = attrgetter("oid")


class ObjectSet:
    """A subclass says with `name_key` and `group_keys` what its objects are looked up by besides the OID."""

    __slots__ = ("_by_name", "_groups", "_objects", "_of_class", "version")

    def __init__(self, objects: Mapping[int, CatalogObject], version: int = 0) -> None:
        self._objects: dict[int, CatalogObject] = {}
        self._by_name: dict[Hashable, CatalogObject] = {}
        self._groups: dict[Hashable, tuple[CatalogObject, ...]] = {}
        self._of_class: dict[type, tuple[CatalogObject, ...]] = {}
        """What `objects` was asked for; filled by and by, as most sets are only passed through."""
        self.version = version
        """Grows with every change; cached plans are keyed by it."""
        for obj in objects.values():
            self._put(obj)

    @staticmethod
    def name_key(obj: CatalogObject) -> Hashable:
        """What no other object of the set may have."""
        raise NotImplementedError

    @staticmethod
    def group_keys(obj: CatalogObject) -> list[Hashable]:
        """The groups that an object belongs to."""
        raise NotImplementedError

    def get(self, oid: int) -> CatalogObject | None:
        return self._objects.get(oid)

    def named(self, key: Hashable) -> CatalogObject | None:
        """The object of that name key."""
        return self._by_name.get(key)

    def group(self, key: Hashable) -> tuple[CatalogObject, ...]:
        """The members of a group, in the order in which they came."""
        return self._groups.get(key, ())

    def objects(self, cls: type[_T], database_oid: int | None = None) -> Iterator[_T]:
        """All objects of a class, in OID order, of one database or of all."""
        found = self._of_class.get(cls)
        if found is None:
            found = tuple(sorted((obj for obj in self._objects.values() if isinstance(obj, cls)), key=_oid))
            self._of_class[cls] = found
        for obj in found:
            if database_oid is None or obj.database_oid == database_oid:
                yield cast(_T, obj)

    def with_changes(self, puts: Iterable[CatalogObject], drops: Iterable[int]) -> Self:
        """A copy with objects put (added or replaced by OID) and dropped."""
        changed = type(self)({}, self.version + 1)
        changed._objects, changed._by_name = self._objects.copy(), self._by_name.copy()
        changed._groups = self._groups.copy()
        for oid in drops:
            changed._drop(oid)
        for obj in puts:
            changed._put(obj)
        return changed

    def _put(self, obj: CatalogObject) -> None:
        """Add an object, or put it in the place of the one with its OID; only while the set is being made."""
        before = self._objects.get(obj.oid)
        keys = self.group_keys(obj)
        if before is not None:
            self._forget(before, [key for key in self.group_keys(before) if key not in keys])
        self._objects[obj.oid] = obj
        self._by_name[self.name_key(obj)] = obj
        for key in keys:
            members = self._groups.get(key, ())
            if any(member is before for member in members):
                self._groups[key] = tuple(obj if member is before else member for member in members)
            else:
                self._groups[key] = (*members, obj)

    def _drop(self, oid: int) -> None:
        before = self._objects.pop(oid, None)
        if before is not None:
            self._forget(before, self.group_keys(before))

    def _forget(self, obj: CatalogObject, keys: Iterable[Hashable]) -> None:
        name_key = self.name_key(obj)
        # Another object may have been given the name already.
        if self._by_name.get(name_key) is obj:
            del self._by_name[name_key]
        for key in keys:
            left = tuple(member for member in self._groups[key] if member is not obj)
            if left:
                self._groups[key] = left
            else:
                del self._groups[key]
