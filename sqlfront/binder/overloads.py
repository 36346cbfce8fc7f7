"""Choice of a function or operator overload from the types of its arguments.

PostgreSQL's algorithm step by step (manual, 10.2 "Operators", 10.3 "Functions"; func_select_candidate): exact
match, else those whose arguments convert implicitly, else most exact matches, else preferred types, else the
category that UNKNOWN literals suggest, else the type the known arguments share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from foundation.sqltypes import UNKNOWN, plain_oid
from planner.functions.signature import ANY, CastContext, Function, Operator
from planner.functions.signatures import functions_named, operators_named
from sqlfront.binder.type_rules import array_oid, can_convert_all, category, is_preferred

CHOICES_KEPT = 4096
"""Answers depend on names and types alone, so each is worked out once."""

_T = TypeVar("_T", Function, Operator)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[_T]):
    """An overload with its argument types spread to the length of the call."""

    overload: _T
    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choice(Generic[_T]):
    """The outcome: `chosen`, or nothing because none fits or (`is_ambiguous`) several do."""

    chosen: Candidate[_T] | None
    is_ambiguous: bool = False


def function_candidates(functions: Sequence[Function], argument_count: int) -> list[Candidate[Function]]:
    """Overloads that can take that many arguments; a variadic one loses to an equal fixed one, a later one to an earlier."""
    fixed: dict[tuple[int, ...], Candidate[Function]] = {}
    for function in functions:
        types = _spread(function, argument_count)
        if types is None:
            continue
        held = fixed.get(types)
        if held is None or (held.overload.is_variadic and not function.is_variadic):
            fixed[types] = Candidate(function, types)
    return list(fixed.values())


def _spread(function: Function, argument_count: int) -> tuple[int, ...] | None:
    declared = function.argument_types
    if function.is_variadic and argument_count >= len(declared):
        return declared + (declared[-1],) * (argument_count - len(declared))
    if len(declared) - function.default_count <= argument_count <= len(declared) and not function.is_variadic:
        return declared[:argument_count]
    return None


@lru_cache(CHOICES_KEPT)
def choose_function(name: str, schemas: tuple[str, ...], actual: tuple[int, ...]) -> Choice[Function]:
    """The overload of a built-in function for these argument types."""
    return choose_among([f for f in functions_named(name) if f.schema in schemas], actual)


def choose_among(functions: Sequence[Function], actual: tuple[int, ...]) -> Choice[Function]:
    """The overload for these argument types; functions of schemas that are searched first come first."""
    actual = tuple(map(plain_oid, actual))
    candidates = function_candidates(functions, len(actual))
    exact = next((c for c in candidates if c.types == actual), None)
    if exact is not None:
        return Choice(exact)
    return _choose(candidates, actual)


@lru_cache(CHOICES_KEPT)
def choose_variadic_function(
    name: str, schemas: tuple[str, ...], actual: tuple[int, ...]
) -> Choice[Function]:
    """The overload for a call whose last argument is VARIADIC: an array of what a variadic one repeats."""
    actual = tuple(map(plain_oid, actual))
    candidates = []
    for function in functions_named(name):
        declared = function.argument_types
        if function.schema not in schemas or len(declared) != len(actual):
            continue
        if function.is_variadic:
            repeated = declared[-1]
            declared = (*declared[:-1], actual[-1] if repeated == ANY else array_oid(repeated))
        candidates.append(Candidate(function, declared))
    exact = next((c for c in candidates if c.types == actual), None)
    return Choice(exact) if exact is not None else _choose(candidates, actual)


@lru_cache(CHOICES_KEPT)
def choose_binary_operator(name: str, schemas: tuple[str, ...], left: int, right: int) -> Choice[Operator]:
    """The overload of a binary operator; one UNKNOWN side is first tried as the other side's type."""
    candidates = [
        Candidate(op, (op.left_type, op.right_type))
        for op in operators_named(name)
        if op.left_type and op.schema in schemas
    ]
    left, right = plain_oid(left), plain_oid(right)
    tries = [(left, right)]
    if left == UNKNOWN.oid and right != UNKNOWN.oid:
        tries.insert(0, (right, right))
    elif right == UNKNOWN.oid and left != UNKNOWN.oid:
        tries.insert(0, (left, left))
    for types in tries:
        exact = next((c for c in candidates if c.types == types), None)
        if exact is not None:
            return Choice(exact)
    return _choose(candidates, (left, right))


@lru_cache(CHOICES_KEPT)
def choose_prefix_operator(name: str, schemas: tuple[str, ...], operand: int) -> Choice[Operator]:
    """The overload of a prefix operator."""
    candidates = [
        Candidate(op, (op.right_type,))
        for op in operators_named(name)
        if not op.left_type and op.schema in schemas
    ]
    exact = next((c for c in candidates if c.types == (operand,)), None)
    return Choice(exact) if exact is not None else _choose(candidates, (operand,))


def _choose(candidates: list[Candidate[_T]], actual: Sequence[int]) -> Choice[_T]:
    fitting = [c for c in candidates if can_convert_all(actual, c.types, CastContext.IMPLICIT)]
    if len(fitting) <= 1:
        return Choice(fitting[0] if fitting else None)
    best = _select(fitting, actual)
    return Choice(best, is_ambiguous=best is None)


def _select(candidates: list[Candidate[_T]], actual: Sequence[int]) -> Candidate[_T] | None:
    known = [(i, oid) for i, oid in enumerate(actual) if oid != UNKNOWN.oid]
    unknown = [i for i, oid in enumerate(actual) if oid == UNKNOWN.oid]
    candidates = _most(candidates, lambda c: sum(c.types[i] == oid for i, oid in known))
    if len(candidates) == 1:
        return candidates[0]
    candidates = _most(
        candidates,
        lambda c: sum(c.types[i] == oid or is_preferred(c.types[i], category(oid)) for i, oid in known),
    )
    if len(candidates) == 1:
        return candidates[0]
    if not unknown:
        return None
    candidates = _by_category(candidates, unknown)
    if len(candidates) == 1:
        return candidates[0]
    return _by_shared_type(candidates, [oid for _, oid in known], len(actual))


def _most(candidates: list[Candidate[_T]], score: Callable[[Candidate[_T]], int]) -> list[Candidate[_T]]:
    scores = [score(c) for c in candidates]
    best = max(scores)
    return [c for c, value in zip(candidates, scores) if value == best]


def _by_category(candidates: list[Candidate[_T]], unknown: list[int]) -> list[Candidate[_T]]:
    """Keep those that take, at each UNKNOWN argument, the category most at hand: string if any takes it."""
    wanted: dict[int, tuple[str, bool]] = {}
    for position in unknown:
        categories = {_slot_category(c.types[position]) for c in candidates}
        if "S" in categories:
            chosen = "S"
        elif len(categories) == 1:
            chosen = categories.pop()
        else:
            return candidates
        has_preferred = any(is_preferred(c.types[position], chosen) for c in candidates)
        wanted[position] = (chosen, has_preferred)
    kept = [
        c
        for c in candidates
        if all(
            _slot_category(c.types[p]) == cat and (not preferred or is_preferred(c.types[p], cat))
            for p, (cat, preferred) in wanted.items()
        )
    ]
    return kept or candidates


def _slot_category(oid: int) -> str:
    return "P" if oid == ANY else category(oid)


def _by_shared_type(
    candidates: list[Candidate[_T]], known: Sequence[int], count: int
) -> Candidate[_T] | None:
    """When all known arguments have one type, take UNKNOWN ones for it too: exactly one overload must fit."""
    if not known or any(oid != known[0] for oid in known):
        return None
    assumed = [known[0]] * count
    fitting = [c for c in candidates if can_convert_all(assumed, c.types, CastContext.IMPLICIT)]
    return fitting[0] if len(fitting) == 1 else None
