"""Messages that were parsed before and are one query: where the plan cache has its plan they need not be parsed again.

What is remembered is about text alone, which no catalog and no setting changes. Whether there is a plan, and whose, is the
plan cache's business.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlfront.parser import ParsedStatement, QueryStatement, parse_script

_TEXTS_MAX = 1024
_TEXT_CHARACTERS_MAX = 1 << 14


@dataclass(frozen=True, slots=True)
class KnownText:
    """A message that is one query, whose own text is `query`: that without the semicolon."""

    text: str
    query: str


@dataclass(slots=True)
class KnownTexts:
    """Least recently used, bounded by entries and by their length. Shared by sessions; safe from any thread."""

    _known: OrderedDict[str, KnownText] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, text: str) -> KnownText | None:
        with self._lock:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
            return known

    def parsed(self, text: str) -> tuple[ParsedStatement, ...]:
        """The statements of a message, which is known from now on if it is one query.

        It has to begin with the query: then positions in the one are positions in the other. Raises as `parse_script`.
        """
        script = parse_script(text)
        if len(script) == 1 and len(text) <= _TEXT_CHARACTERS_MAX:
            (parsed,) = script
            if isinstance(parsed.node, QueryStatement) and parsed.position_in_script == 0:
                with self._lock:
                    self._known[text] = KnownText(text, parsed.text)
                    if len(self._known) > _TEXTS_MAX:
                        self._known.popitem(last=False)
        return script
