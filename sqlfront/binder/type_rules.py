"""PostgreSQL's rules of type conversion, on type OIDs alone.

Which types convert to which and when, the common type of several, polymorphic types. Source: the manual's
chapter "Type Conversion" (https://www.postgresql.org/docs/15/typeconv.html) and parse_coerce.c for its order
of steps. Nothing here knows an expression, nor of the two forms of array types: arrays convert as PostgreSQL's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foundation.ranges import BY_MULTIRANGE, BY_RANGE
from foundation.row_types import COMPOSITES, row_shape
from foundation.sqltypes import (
    DOMAINS,
    INT2VECTOR,
    OIDVECTOR,
    RECORD,
    TEXT,
    TYPES,
    UNKNOWN,
    SqlType,
    format_type,
    plain_oid,
)
from planner.functions.signature import (
    ANY,
    ANYARRAY,
    ANYCOMPATIBLE,
    ANYCOMPATIBLEARRAY,
    ANYCOMPATIBLENONARRAY,
    ANYELEMENT,
    ANYENUM,
    ANYMULTIRANGE,
    ANYNONARRAY,
    ANYRANGE,
    POLYMORPHIC_TYPES,
    CastContext,
    CastMethod,
)
from planner.functions.signatures import find_cast

_STRENGTH = {CastContext.IMPLICIT: 0, CastContext.ASSIGNMENT: 1, CastContext.EXPLICIT: 2}
_ELEMENT_FAMILY = frozenset((ANYELEMENT, ANYNONARRAY, ANYARRAY, ANYENUM, ANYRANGE, ANYMULTIRANGE))
_CONTAINERS = frozenset((ANYARRAY, ANYRANGE, ANYMULTIRANGE))
_RANGES = frozenset((ANYRANGE, ANYMULTIRANGE))
_RECORD_ARRAY_OID = 2287


def category(oid: int) -> str:
    """pg_type.typcategory; 'P' for the polymorphic pseudo-types."""
    info = TYPES.get(oid)
    return info.category if info else "P"


def type_name(sql_type: SqlType) -> str:
    """A type's name in messages: without typmod, and `character` for bpchar; a domain's or row type's own."""
    shape = row_shape(sql_type)
    if shape is not None and shape.type_name:
        return shape.type_name
    info = DOMAINS.get(sql_type.domain_oid) or TYPES.get(sql_type.oid)
    return format_type(sql_type) if info is None else info.sql_name


def is_preferred(oid: int, of_category: str) -> bool:
    info = TYPES.get(oid)
    return info is not None and info.is_preferred and info.category == of_category


def element_oid(oid: int) -> int:
    """Element type of an array type, 0 for others."""
    info = TYPES.get(plain_oid(oid))
    return info.element_oid if info else 0


def is_array_type(oid: int) -> bool:
    """Whether values may be of several dimensions: int2vector and oidvector have elements, too, and only one."""
    return bool(element_oid(oid)) and oid not in (INT2VECTOR.oid, OIDVECTOR.oid)


def array_oid(oid: int) -> int:
    """Array type over a type, 0 where there is none."""
    info = TYPES.get(oid)
    return info.array_oid if info else 0


def conversion(source: int, target: int, context: CastContext) -> CastMethod | None:
    """How a value of `source` becomes one of `target` in this context; None when it may not.

    pg_cast first; then arrays by element; then through the text form, allowed to a string type by assignment
    and from one explicitly.
    """
    source, target = plain_oid(source), plain_oid(target)
    if source == target:
        return CastMethod.BINARY
    if (target == RECORD.oid and source in COMPOSITES) or (source == RECORD.oid and target in COMPOSITES):
        return CastMethod.BINARY
    cast = find_cast(source, target)
    if cast is not None:
        return cast.method if _STRENGTH[context] >= _STRENGTH[cast.context] else None
    source_element, target_element = element_oid(source), element_oid(target)
    if source_element and target_element and target not in (OIDVECTOR.oid, INT2VECTOR.oid):
        if conversion(source_element, target_element, context) is not None:
            return CastMethod.FUNCTION
        return None
    if context is not CastContext.IMPLICIT and category(target) == "S":
        return CastMethod.INPUT_OUTPUT
    if context is CastContext.EXPLICIT and category(source) == "S":
        return CastMethod.INPUT_OUTPUT
    return None


def can_convert(source: int, target: int, context: CastContext = CastContext.IMPLICIT) -> bool:
    """Whether one value converts; UNKNOWN converts to everything, everything to "any" and its kin."""
    if source == target or target == ANY or target in POLYMORPHIC_TYPES:
        return True
    if source == UNKNOWN.oid:
        return True
    if target == _RECORD_ARRAY_OID and source == RECORD.oid:
        return False
    return conversion(source, target, context) is not None


def can_convert_all(sources: Sequence[int], targets: Sequence[int], context: CastContext) -> bool:
    """Whether each argument converts to its declared type and polymorphic ones agree."""
    return all(can_convert(source, target, context) for source, target in zip(sources, targets)) and (
        not POLYMORPHIC_TYPES.intersection(targets)
        or resolve_polymorphic(sources, targets, lenient=True) is not None
    )


def common_type(oids: Sequence[int]) -> int | None:
    """The type a UNION column, CASE, COALESCE, VALUES or ARRAY gets from its parts (manual, 10.5).

    Returns:
        The type's OID (text when all are UNKNOWN), or None when two categories meet.
    """
    oids = [plain_oid(oid) for oid in oids]
    if oids and all(oid == oids[0] for oid in oids) and oids[0] != UNKNOWN.oid:
        return oids[0]
    chosen = UNKNOWN.oid
    for oid in oids:
        if oid in (UNKNOWN.oid, chosen):
            continue
        if chosen == UNKNOWN.oid:
            chosen = oid
        elif category(oid) != category(chosen):
            return None
        elif (
            not is_preferred(chosen, category(chosen))
            and can_convert(chosen, oid)
            and not can_convert(oid, chosen)
        ):
            chosen = oid
    return TEXT.oid if chosen == UNKNOWN.oid else chosen


def mismatched_pair(oids: Sequence[int]) -> tuple[int, int]:
    """The two types that `common_type` could not bring together, for the message."""
    known = [oid for oid in oids if oid != UNKNOWN.oid]
    chosen = known[0]
    for oid in known[1:]:
        if category(oid) != category(chosen):
            return chosen, oid
        if (
            not is_preferred(chosen, category(chosen))
            and can_convert(chosen, oid)
            and not can_convert(oid, chosen)
        ):
            chosen = oid
    return chosen, chosen


@dataclass(frozen=True, slots=True)
class PolymorphicMatch:
    """What the polymorphic types stand for in one call; 0 for what stays open."""

    element: int = 0
    array: int = 0
    range: int = 0
    multirange: int = 0
    compatible: int = 0

    def concrete(self, declared: int) -> int:
        """The actual type of a declared one; 0 when it stays open."""
        if declared in (ANYELEMENT, ANYNONARRAY, ANYENUM):
            return self.element
        if declared in _CONTAINERS:
            return {ANYARRAY: self.array, ANYRANGE: self.range, ANYMULTIRANGE: self.multirange}[declared]
        if declared in (ANYCOMPATIBLE, ANYCOMPATIBLENONARRAY):
            return self.compatible
        if declared == ANYCOMPATIBLEARRAY:
            return array_oid(self.compatible)
        return declared


def resolve_polymorphic(
    actual: Sequence[int], declared: Sequence[int], *, lenient: bool = False
) -> PolymorphicMatch | None:
    """Find what polymorphic argument types stand for (manual, 38.2.5).

    Args:
        actual: types of the arguments, UNKNOWN among them.
        declared: types of the overload, expanded to the same length.
        lenient: leave types open that only UNKNOWN arguments would decide.

    Returns:
        None when the arguments do not agree, or when nothing decides and `lenient` is off.
    """
    given: dict[int, int] = {}
    compatible: list[int] = []
    for oid, wanted in zip(actual, declared):
        if wanted not in POLYMORPHIC_TYPES or oid == UNKNOWN.oid:
            continue
        oid = plain_oid(oid)
        if not _is_of_kind(oid, wanted):
            return None
        if wanted in _ELEMENT_FAMILY:
            kind = wanted if wanted in _CONTAINERS else ANYELEMENT
            if given.setdefault(kind, oid) != oid:
                return None
        else:
            compatible.append(element_oid(oid) if wanted == ANYCOMPATIBLEARRAY else oid)
    match: PolymorphicMatch | None = PolymorphicMatch()
    if _ELEMENT_FAMILY.intersection(declared):
        match = _element_match(given, declared, lenient=lenient)
    if match is None or not POLYMORPHIC_TYPES.difference(_ELEMENT_FAMILY).intersection(declared):
        return match
    shared = _shared_type(compatible, declared)
    return None if shared is None else replace(match, compatible=shared)


def _is_of_kind(oid: int, wanted: int) -> bool:
    """Whether a type is one that a polymorphic type may stand for."""
    if wanted in (ANYARRAY, ANYCOMPATIBLEARRAY):
        return bool(element_oid(oid))
    if wanted == ANYNONARRAY:
        return not element_oid(oid)
    if wanted == ANYENUM:
        return category(oid) == "E"
    if wanted in _RANGES:
        return oid in (BY_RANGE if wanted == ANYRANGE else BY_MULTIRANGE)
    return True


def _element_match(
    given: dict[int, int], declared: Sequence[int], *, lenient: bool
) -> PolymorphicMatch | None:
    """What the types over one element stand for, given what some of them are. Returns as `resolve_polymorphic`."""
    forms = {
        form.range.oid: form
        for form in (BY_RANGE.get(given.get(ANYRANGE, 0)), BY_MULTIRANGE.get(given.get(ANYMULTIRANGE, 0)))
        if form is not None
    }
    elements = {form.subtype.oid for form in forms.values()}
    elements |= {element_oid(given[ANYARRAY])} if ANYARRAY in given else set()
    elements |= {given[ANYELEMENT]} if ANYELEMENT in given else set()
    if len(forms) > 1 or len(elements) > 1 or (not elements and not lenient):
        return None
    element = next(iter(elements), 0)
    array = given.get(ANYARRAY) or array_oid(element)
    if not array and ANYARRAY in declared and not lenient:
        return None
    if ANYNONARRAY in declared and element_oid(element):
        return None
    if forms:
        (form,) = forms.values()
        return PolymorphicMatch(element, array, form.range.oid, form.multirange.oid)
    # No range type follows from its subtype: several may be over one.
    return None if not lenient and _RANGES.intersection(declared) else PolymorphicMatch(element, array)


def _shared_type(oids: Sequence[int], declared: Sequence[int]) -> int | None:
    """The common type that the types of one kind "compatible" stand for; None where there is none."""
    found = common_type(oids) if oids else TEXT.oid
    if found is None or (ANYCOMPATIBLENONARRAY in declared and element_oid(found)):
        return None
    if any(not can_convert(oid, found) for oid in oids):
        return None
    if ANYCOMPATIBLEARRAY in declared and not array_oid(found):
        return None
    return found
