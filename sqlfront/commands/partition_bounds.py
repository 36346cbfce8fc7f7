"""Bounds of partitions: evaluating what was written, and checking it against the other partitions.

The order of the checks is PostgreSQL's: transformPartitionBound() in src/backend/parser/parse_utilcmd.c and
check_new_partition_bound() in src/backend/partitioning/partbounds.c.
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.errors import DatatypeMismatch
from foundation.sqltypes import format_type
from planner.partitions.partition_map import PartitionMap, map_of
from sqlfront.binder.binding import bind_expression
from sqlfront.binder.environment import Clause
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.commands.columns import missing_value
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.parser import BoundSpecification, DefaultBound, HashBound, ListBound, RangeBound, SqlExpression
from storage.catalog import Column, Table
from storage.partition_objects import PartitionBound, PartitionStrategy, RangeLimit
from storage.partition_tree import children

_STRATEGY_WORDS = {
    PartitionStrategy.RANGE: "range",
    PartitionStrategy.LIST: "list",
    PartitionStrategy.HASH: "hash",
}
_SPECIFICATIONS = {
    PartitionStrategy.RANGE: RangeBound,
    PartitionStrategy.LIST: ListBound,
    PartitionStrategy.HASH: HashBound,
}


def evaluated_bound(
    context: CommandContext, parent: Table, specification: BoundSpecification
) -> PartitionBound:
    """A bound with its values computed.

    Raises:
        InvalidTableDefinition: 42P16. InvalidObjectDefinition: 42P17, a bound for another strategy.
        DatatypeMismatch: 42804, a value of another type, or MINVALUE before a value.
        QuiverError: what the expressions raise.
    """
    key = parent.partition_key
    assert key is not None, "the parent is partitioned"
    if isinstance(specification, DefaultBound):
        if key.strategy is PartitionStrategy.HASH:
            raise InvalidTableDefinition("a hash-partitioned table may not have a default partition")
        return PartitionBound(is_default=True)
    if not isinstance(specification, _SPECIFICATIONS[key.strategy]):
        raise InvalidTableDefinition(
            f"invalid bound specification for a {_STRATEGY_WORDS[key.strategy]} partition",
            position=specification.position,
        )
    columns = [parent.column_at(attnum) for attnum in key.attnums]
    if isinstance(specification, HashBound):
        return _hash_bound(specification)
    if isinstance(specification, ListBound):
        values = [_value(context, columns[0], item) for item in specification.values]
        return PartitionBound(values=tuple(dict.fromkeys(values)))
    for word, limits in (("FROM", specification.lower), ("TO", specification.upper)):
        if len(limits) != len(columns):
            raise InvalidTableDefinition(f"{word} must specify exactly one value per partitioning column")
    lower = _limits(context, columns, specification.lower)
    return PartitionBound(lower=lower, upper=_limits(context, columns, specification.upper))


def _hash_bound(specification: HashBound) -> PartitionBound:
    if specification.modulus <= 0:
        raise InvalidTableDefinition("modulus for hash partition must be an integer value greater than zero")
    if specification.remainder >= specification.modulus:
        raise InvalidTableDefinition("remainder for hash partition must be less than modulus")
    return PartitionBound(modulus=specification.modulus, remainder=specification.remainder)


def _limits(
    context: CommandContext, columns: Sequence[Column], written: Sequence[SqlExpression | str]
) -> tuple[RangeLimit, ...]:
    found: list[RangeLimit] = []
    for column, item in zip(columns, written, strict=True):
        if isinstance(item, str):
            limit = RangeLimit(unbounded=item)
        else:
            text = _value(context, column, item)
            if text is None:
                raise InvalidObjectDefinition("cannot specify NULL in range bound")
            limit = RangeLimit(text)
        before = found[-1].unbounded if found else ""
        if before and limit.unbounded != before:
            raise DatatypeMismatch(f"every bound following {before} must also be {before}")
        found.append(limit)
    return tuple(found)


def _value(context: CommandContext, column: Column, written: SqlExpression) -> str | None:
    """A value as the column's type, in its text form; None for NULL."""
    binding = context.bind_context()
    try:
        bound = bind_expression(
            written.tree, binding, column.type, clause=Clause.PARTITION_BOUND, column_name=column.name
        )
    except DatatypeMismatch as error:
        raise _not_castable(column) from error
    return missing_value(context, bound, column.type)


def _not_castable(column: Column) -> DatatypeMismatch:
    return DatatypeMismatch(
        f'specified value cannot be cast to type {format_type(column.type)} for column "{column.name}"'
    )


# -- against the other partitions


def check_bound(
    context: CommandContext,
    parent: Table,
    name: str,
    bound: PartitionBound,
    specification: BoundSpecification,
) -> None:
    """Raises InvalidObjectDefinition (42P17) where a new partition would have rows that another one has."""
    decode = context.storage.options.missing_value_decoder
    others = map_of(parent, children(context.catalog, parent), decode)
    position = getattr(specification, "position", None)
    if bound.is_default:
        if others.default >= 0:
            raise InvalidObjectDefinition(
                f'partition "{name}" conflicts with existing default partition'
                f' "{others.partitions[others.default].name}"'
            )
        return
    if others.key.strategy is PartitionStrategy.HASH:
        _check_modulus(others, bound)
        place = _hash_overlap(others, bound)
    elif others.key.strategy is PartitionStrategy.LIST:
        taken = [others.listed[key] for key in others.keys_of(bound) if key in others.listed]
        place = taken[0] if taken else -1
    else:
        place = _range_overlap(others, name, bound)
    if place >= 0:
        raise InvalidObjectDefinition(
            f'partition "{name}" would overlap partition "{others.partitions[place].name}"', position=position
        )


def _check_modulus(others: PartitionMap, bound: PartitionBound) -> None:
    """Each modulus divides the next larger one, so that remainders nest."""
    message = "every hash partition modulus must be a factor of the next larger modulus"
    known = sorted((other.modulus, place) for place, other in enumerate(others.bounds))
    below = [item for item in known if item[0] <= bound.modulus]
    above = [item for item in known if item[0] > bound.modulus]
    if below and bound.modulus % below[-1][0]:
        modulus, place = below[-1]
        raise InvalidObjectDefinition(
            message,
            detail=f"The new modulus {bound.modulus} is not divisible by {modulus}, the modulus of existing partition"
            f' "{others.partitions[place].name}".',
        )
    if above and above[0][0] % bound.modulus:
        modulus, place = above[0]
        raise InvalidObjectDefinition(
            message,
            detail=f"The new modulus {bound.modulus} is not a factor of {modulus}, the modulus of existing partition"
            f' "{others.partitions[place].name}".',
        )


def _hash_overlap(others: PartitionMap, bound: PartitionBound) -> int:
    for place, other in enumerate(others.bounds):
        step = min(other.modulus, bound.modulus)
        if other.remainder % step == bound.remainder % step:
            return place
    return -1


def _range_overlap(others: PartitionMap, name: str, bound: PartitionBound) -> int:
    lower, upper = others.ends_of(bound)
    if lower >= upper:
        raise InvalidObjectDefinition(
            f'empty range bound specified for partition "{name}"',
            detail=f"Specified lower bound {_shown(bound.lower)} is greater than or equal to upper bound"
            f" {_shown(bound.upper)}.",
        )
    for first, past, place in others.ranges:
        if lower < past and first < upper:
            return place
    return -1


def _shown(limits: Sequence[RangeLimit]) -> str:
    return f"({', '.join(limit.unbounded or limit.value for limit in limits)})"
