"""What a regular expression matches by PostgreSQL's rules: leftmost, then longest or shortest, groups from left to right.

Positions of a text are sets, kept as the bits of one integer: `ends` follows a node from a set of positions to all positions
where it may end, `starts` the other way. That gives the whole match; `_Dissection` then divides it among the groups, each
taking as much (or as little) as leaves a match for what follows. Nothing is tried twice, so no pattern takes exponential time.
The oracle is PostgreSQL itself: src/backend/regex/regexec.c (cdissect), by the differential tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.functions.posix_regex.characters import CLASSES, CharacterSet
from planner.functions.posix_regex.syntax import (
    Alternation,
    Characters,
    Concatenation,
    Constraint,
    Group,
    Look,
    Node,
    Place,
    Preference,
    Repetition,
    group_numbers,
    preference_of,
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RegexMatch:
    """`spans[0]` is the whole match, then one for each group; None for a group without a part in it."""

    spans: tuple[Span | None, ...]

    @property
    def start(self) -> int:
        return self.spans[0][0] if self.spans[0] else 0

    @property
    def end(self) -> int:
        return self.spans[0][1] if self.spans[0] else 0


def find_matches(tree: Node, group_count: int, text: str, start: int = 0) -> Iterator[RegexMatch]:
    """Matches from `start` on, one behind the other; after an empty one the next begins a character further on."""
    subject = _Subject(text)
    possible = subject.starts(tree, subject.all_positions) >> start << start
    prefers_shorter = preference_of(tree) is Preference.SHORTER
    while possible:
        begin = _lowest(possible)
        ends = subject.ends(tree, 1 << begin)
        end = _lowest(ends) if prefers_shorter else _highest(ends)
        spans: list[Span | None] = [(begin, end), *([None] * group_count)]
        if group_count:
            _Dissection(subject, spans).divide(tree, begin, end)
        yield RegexMatch(tuple(spans))
        following = end + (begin == end)
        possible = possible >> following << following


def _lowest(positions: int) -> int:
    return (positions & -positions).bit_length() - 1


def _highest(positions: int) -> int:
    return positions.bit_length() - 1


class _Subject:
    """A text, with the positions of each of its characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all_positions = (1 << len(text) + 1) - 1
        self._positions: dict[str, int] = {}
        for index, character in enumerate(text):
            self._positions[character] = self._positions.get(character, 0) | 1 << index
        self._masks: dict[CharacterSet, int] = {}
        self._places: dict[Place, int] = {}

    def mask(self, characters: CharacterSet) -> int:
        """Positions before a character of the set."""
        known = self._masks.get(characters)
        if known is None:
            known = 0
            for character, positions in self._positions.items():
                if characters.matches(character):
                    known |= positions
            self._masks[characters] = known
        return known

    def ends(self, node: Node, positions: int) -> int:
        """Where the node may end if it begins at one of the positions."""
        if isinstance(node, Characters):
            return (positions & self.mask(node.characters)) << 1
        if isinstance(node, Concatenation):
            for item in node.items:
                positions = self.ends(item, positions)
            return positions
        if isinstance(node, Alternation):
            found = 0
            for branch in node.branches:
                found |= self.ends(branch, positions)
            return found
        if isinstance(node, Repetition):
            return self._repeated(node, positions, is_forward=True)
        return (
            self.ends(node.child, positions) if isinstance(node, Group) else positions & self._allowed(node)
        )

    def starts(self, node: Node, positions: int) -> int:
        """Where the node may begin if it ends at one of the positions."""
        if isinstance(node, Characters):
            return positions >> 1 & self.mask(node.characters)
        if isinstance(node, Concatenation):
            for item in reversed(node.items):
                positions = self.starts(item, positions)
            return positions
        if isinstance(node, Alternation):
            found = 0
            for branch in node.branches:
                found |= self.starts(branch, positions)
            return found
        if isinstance(node, Repetition):
            return self._repeated(node, positions, is_forward=False)
        return (
            self.starts(node.child, positions) if isinstance(node, Group) else positions & self._allowed(node)
        )

    def _repeated(self, node: Repetition, positions: int, *, is_forward: bool) -> int:
        step = self.ends if is_forward else self.starts
        for _ in range(node.least):
            positions = step(node.child, positions)
        if node.most is None and isinstance(node.child, Characters):
            return self._run(node.child.characters, positions, is_forward=is_forward)
        found = newest = positions
        rounds = len(self.text) + 1 if node.most is None else node.most - node.least
        while newest and rounds:
            newest = step(node.child, newest) & ~found
            found |= newest
            rounds -= 1
        return found

    def _run(self, characters: CharacterSet, positions: int, *, is_forward: bool) -> int:
        """The positions, and all that a run of such characters leads to, in steps of doubled length."""
        passable = self.mask(characters) << 1 if is_forward else self.mask(characters)
        length = 1
        while passable:
            reached = positions << length if is_forward else positions >> length
            positions |= passable & reached
            passable &= passable << length if is_forward else passable >> length
            length *= 2
        return positions

    def _allowed(self, node: Constraint | Look) -> int:
        """Positions where a constraint holds."""
        if isinstance(node, Constraint):
            return self._place(node.place)
        look = self.starts if node.is_ahead else self.ends
        found = look(node.child, self.all_positions)
        return self.all_positions & ~found if node.is_negative else found

    def _place(self, place: Place) -> int:
        if place not in self._places:
            self._places[place] = self._positions_of(place)
        return self._places[place]

    def _positions_of(self, place: Place) -> int:
        newlines = self._positions.get("\n", 0)
        end = 1 << len(self.text)
        match place:
            case Place.TEXT_START:
                return 1
            case Place.TEXT_END:
                return end
            case Place.START:
                return 1 | newlines << 1
            case Place.END:
                return end | newlines
        is_word = CLASSES["word"]
        words = sum(positions for c, positions in self._positions.items() if is_word(c))
        behind_words = words << 1
        starts, ends = words & ~behind_words, behind_words & ~words
        match place:
            case Place.WORD_START:
                return starts
            case Place.WORD_END:
                return ends
            case Place.WORD_EDGE:
                return starts | ends
        return self.all_positions & ~(starts | ends)


class _Dissection:
    """Divides a match among the parts of the tree and notes what the groups got in `spans`."""

    def __init__(self, subject: _Subject, spans: list[Span | None]) -> None:
        self.subject, self.spans = subject, spans

    def divide(self, node: Node, begin: int, end: int) -> None:
        """The node matches from `begin` to `end`."""
        if not group_numbers(node):
            return
        if isinstance(node, Group):
            if node.number:
                self.spans[node.number] = begin, end
            self.divide(node.child, begin, end)
        elif isinstance(node, Concatenation):
            self._divide_items(_runs(node.items), begin, end)
        elif isinstance(node, Alternation):
            branch = next(b for b in node.branches if self.subject.ends(b, 1 << begin) >> end & 1)
            self.divide(branch, begin, end)
        elif isinstance(node, Repetition):
            self._divide_repetition(node, begin, end)

    def _divide_items(self, items: Sequence[Node], begin: int, end: int) -> None:
        behind = [1 << end]
        for item in reversed(items):
            behind.append(self.subject.starts(item, behind[-1]))
        behind.reverse()
        for item, following in zip(items, behind[1:]):
            middle = self._chosen(item, self.subject.ends(item, 1 << begin) & following)
            self.divide(item, begin, middle)
            begin = middle

    def _chosen(self, node: Node, positions: int) -> int:
        is_shorter = preference_of(node) is Preference.SHORTER
        return _lowest(positions) if is_shorter else _highest(positions)

    def _divide_repetition(self, node: Repetition, begin: int, end: int) -> None:
        """Groups keep what they got last, so of x{m,n} only the last x counts: x{m-1,n-1} takes what it can before it."""
        child, most = node.child, None if node.most is None else node.most - 1
        if node.least:
            before = Repetition(child, node.least - 1, most, node.is_greedy)
            possible = self.subject.ends(before, 1 << begin) & self.subject.starts(child, 1 << end)
            self.divide(child, self._chosen(before, possible), end)
        elif begin == end:
            if self.subject.ends(child, 1 << begin) >> begin & 1:
                self.divide(child, begin, end)
        else:
            self._divide_optional(child, most, begin, end)

    def _divide_optional(self, child: Node, most: int | None, begin: int, end: int) -> None:
        """x{0,n} over some text: each x takes what it can, none takes nothing."""
        numbers = group_numbers(child)
        while begin < end:
            rest = self.subject.starts(Repetition(child, 0, most, True), 1 << end)
            middle = self._chosen(child, self.subject.ends(child, 1 << begin) & rest & ~(1 << begin))
            for number in numbers:
                self.spans[number] = None
            self.divide(child, begin, middle)
            begin, most = middle, None if most is None else most - 1


def _runs(items: Sequence[Node]) -> list[Node]:
    """Neighbours without groups and of one preference divide the text as one."""
    runs: list[Node] = []
    for item in items:
        last = runs[-1] if runs else None
        if last is not None and not group_numbers(last) and not group_numbers(item):
            kinds = {preference_of(last), preference_of(item)} - {Preference.NONE}
            if len(kinds) < 2:
                before = last.items if isinstance(last, Concatenation) else (last,)
                runs[-1] = Concatenation((*before, item))
                continue
        runs.append(item)
    return runs
