"""ts_rewrite(): parts of a query that equal another one are replaced.

AND and OR are taken as lists of any length in an order of their own, so that `b & a` is found in `a & c & b`. Follows
postgres/postgres:src/backend/utils/adt/tsquery_rewrite.c and tsquery_util.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.text_search.tsqueries import Kind, Node, Operand, Operator, checksum

_LISTS = (Kind.AND, Kind.OR)


@dataclass(frozen=True, slots=True)
class _Tree:
    """An operator over any number of sides, right before left, or an operand; what replaced something `is_final`."""

    operand: Operand | None
    kind: Kind | None = None
    sides: tuple[_Tree, ...] = ()
    distance: int = 0
    is_final: bool = False

    def key(self) -> tuple[Any, ...]:
        """Sorts, and is equal, as `QTNodeCompare` has it: weights and prefixes play no part."""
        if self.operand is not None:
            return 1, -checksum(self.operand.lexeme), self.operand.lexeme
        assert self.kind is not None
        return 0, -self.kind, -len(self.sides), tuple(side.key() for side in self.sides), -self.distance


def _tree(node: Node) -> _Tree:
    if isinstance(node, Operand):
        return _Tree(node)
    return _Tree(None, node.kind, tuple(map(_tree, node.sides())), node.distance)


def _node(tree: _Tree) -> Node:
    if tree.operand is not None:
        return tree.operand
    assert tree.kind is not None
    nodes = [_node(side) for side in tree.sides]
    while len(nodes) > 2:
        pair = Operator(tree.kind, nodes[1], nodes[0])
        nodes = [pair, nodes[-1], *nodes[2:-1]]
    return Operator(tree.kind, nodes[1] if len(nodes) > 1 else None, nodes[0], tree.distance)


def _flat(tree: _Tree) -> _Tree:
    """AND below AND and OR below OR are one."""
    sides: list[_Tree] = []
    for side in map(_flat, tree.sides):
        sides += side.sides if tree.kind in _LISTS and side.kind is tree.kind else (side,)
    return replace(tree, sides=tuple(sides))


def _sorted(tree: _Tree) -> _Tree:
    sides = tuple(map(_sorted, tree.sides))
    if tree.kind is not Kind.PHRASE:
        sides = tuple(sorted(sides, key=_Tree.key))
    return replace(tree, sides=sides)


def rewritten(query: Node | None, target: Node | None, substitute: Node | None) -> Node | None:
    """The query with `substitute`, None for nothing, in place of each part that equals `target`."""
    if query is None or target is None:
        return query
    wanted = _sorted(_flat(_tree(target)))
    given = None if substitute is None else replace(_tree(substitute), is_final=True)
    found = _replaced(_sorted(_flat(_tree(query))), wanted, given)
    return None if found is None else _node(found)


def _replaced(tree: _Tree, wanted: _Tree, given: _Tree | None) -> _Tree | None:
    at_root = _replaced_here(tree, wanted, given)
    if at_root is None or at_root.is_final or at_root.kind is None:
        return at_root
    sides = tuple(found for side in at_root.sides if (found := _replaced(side, wanted, given)) is not None)
    if not sides:
        return None
    if len(sides) == 1 and at_root.kind is not Kind.NOT:
        return sides[0]
    return replace(at_root, sides=sides)


def _replaced_here(tree: _Tree, wanted: _Tree, given: _Tree | None) -> _Tree | None:
    if tree.is_final or tree.kind is not wanted.kind:
        return tree
    if len(tree.sides) == len(wanted.sides):
        return given if tree.key() == wanted.key() else tree
    left_over = _without_all(tree.sides, wanted.sides) if wanted.sides else None
    if left_over is None:
        return tree
    sides = (*left_over, given) if given is not None else tuple(left_over)
    return _sorted(replace(tree, sides=sides))


def _without_all(sides: Sequence[_Tree], wanted: Sequence[_Tree]) -> list[_Tree] | None:
    """The sides but for those wanted, None where one of these is missing; both in order."""
    left_over: list[_Tree] = []
    pending = [tree.key() for tree in reversed(wanted)]
    for side in sides:
        if pending and side.key() == pending[-1]:
            pending.pop()
        else:
            left_over.append(side)
    return None if pending else left_over
