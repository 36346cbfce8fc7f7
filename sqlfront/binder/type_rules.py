"""PostgreSQL's rules of type conversion, on type OIDs alone.

Which types convert to which and when, the common type of several, polymorphic types. Source: the manual's
chapter "Type Conversion" (https://www.postgresql.org/docs/15/typeconv.html) and parse_coerce.c for its order
of steps. Nothing here knows an expression.
"""

from __future__ import annotations

from collections.abc import Sequence

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
)
from planner.functions.signature import (
    ANY,
    ANYARRAY,
    ANYCOMPATIBLE,
    ANYCOMPATIBLEARRAY,
    ANYCOMPATIBLENONARRAY,
    ANYELEMENT,
    ANYENUM,
    ANYNONARRAY,
    POLYMORPHIC_TYPES,
    CastContext,
    CastMethod,
)
from planner.functions.signatures import find_cast

_STRENGTH = {CastContext.IMPLICIT: 0, CastContext.ASSIGNMENT: 1, CastContext.EXPLICIT: 2}
_ELEMENT_FAMILY = frozenset((ANYELEMENT, ANYNONARRAY, ANYARRAY, ANYENUM))
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
    info = TYPES.get(oid)
    return info.element_oid if info else 0


def array_oid(oid: int) -> int:
    """Array type over a type, 0 where there is none."""
    info = TYPES.get(oid)
    return info.array_oid if info else 0


def conversion(source: int, target: int, context: CastContext) -> CastMethod | None:
    """How a value of `source` becomes one of `target` in this context; None when it may not.

    pg_cast first; then arrays by element; then through the text form, allowed to a string type by assignment
    and from one explicitly.
    """
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


class PolymorphicMatch:
    """What the polymorphic types stand for in one call."""

    def __init__(self, element: int, array: int, compatible: int) -> None:
        self._element = element
        self._array = array
        self._compatible = compatible

    def concrete(self, declared: int) -> int:
        """The actual type of a declared one; 0 when it stays open."""
        if declared in (ANYELEMENT, ANYNONARRAY, ANYENUM):
            return self._element
        if declared == ANYARRAY:
            return self._array
        if declared in (ANYCOMPATIBLE, ANYCOMPATIBLENONARRAY):
            return self._compatible
        if declared == ANYCOMPATIBLEARRAY:
            return array_oid(self._compatible)
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
    element = array = 0
    has_elements = False
    compatible: list[int] = []
    has_compatible = False
    for oid, wanted in zip(actual, declared):
        known = 0 if oid == UNKNOWN.oid else oid
        if wanted in _ELEMENT_FAMILY:
            has_elements = True
            if not known:
                continue
            if wanted == ANYARRAY:
                if array not in (0, known) or not element_oid(known):
                    return None
                array = known
            else:
                if element not in (0, known) or (wanted == ANYNONARRAY and element_oid(known)):
                    return None
                if wanted == ANYENUM and category(known) != "E":
                    return None
                element = known
        elif wanted in POLYMORPHIC_TYPES:
            has_compatible = True
            if known and wanted == ANYCOMPATIBLEARRAY:
                if not element_oid(known):
                    return None
                compatible.append(element_oid(known))
            elif known:
                compatible.append(known)
    return _polymorphic_match(
        (element, array) if has_elements else None, compatible if has_compatible else None, declared, lenient
    )


def _polymorphic_match(
    elements: tuple[int, int] | None, compatible: list[int] | None, declared: Sequence[int], lenient: bool
) -> PolymorphicMatch | None:
    element, array = elements or (0, 0)
    if elements is not None:
        if array and element and element_oid(array) != element:
            return None
        element = element or element_oid(array)
        if not element and not lenient:
            return None
        array = array or array_oid(element)
        if not array and ANYARRAY in declared and not lenient:
            return None
        if ANYNONARRAY in declared and element_oid(element):
            return None
    shared = 0
    if compatible is not None:
        found = common_type(compatible) if compatible else TEXT.oid
        if found is None or (ANYCOMPATIBLENONARRAY in declared and element_oid(found)):
            return None
        if any(not can_convert(oid, found) for oid in compatible):
            return None
        if ANYCOMPATIBLEARRAY in declared and not array_oid(found):
            return None
        shared = found
    return PolymorphicMatch(element, array, shared)
