"""What a copy of an index is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord
from vecengine.exact import Offsets
from vecengine.index import SearchStats
from vecengine.metrics import Float32s


@dataclass(frozen=True, eq=False)
class Request:
    """What is searched for.

    Attributes:
        queries: (nq, d) float32, all of them plain.
        allowed_bits: bitset over the rows of the vectors, None for all.
        budget_bytes: of tiles.
    """

    queries: Float32s
    allowed_bits: Bitset | None
    budget_bytes: int
    cancel: CancelWord | None
    stats: SearchStats = field(default_factory=SearchStats)

    def of(self, queries: slice | Offsets) -> Request:
        """The same of some of the queries; its counts are these."""
        return replace(self, queries=self.queries[queries])
