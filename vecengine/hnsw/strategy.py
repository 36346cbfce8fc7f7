"""What a distance in a graph search costs, beside one in a scan.

Measured on 61,666 vectors of 384 float32, AVX-512, one thread: a scan takes 70 to 130 ns a row, a graph search
90 ns a distance without a filter, 140 ns under one that allows 10 % of the rows and 180 ns at 5 %: many links are inspected for
each distance. A filter that follows the vectors takes 1.6 times the distances of the random mask the curve was measured with, at
5 % 1.8 times.

Walking codes takes 55 ns and 0.11 for each dimension where vectors take 55 and 0.37 (30,000 rows of 32 to 768 dimensions, a busy
machine: 64, 60, 69, 93, 146 ns against 74, 64, 96, 209, 330).
"""

from __future__ import annotations

_STEP_NS = 55.0
_PLAIN_NS = 0.37


def graph_distance_cost(selectivity: float, coded_dimensions: int = 0, coded_ns: float = 0.0) -> float:
    """Time of a distance in a graph search over one in a scan, for a filter of this selectivity.

    Args:
        coded_dimensions: of the vectors whose codes are walked, 0 where it is the vectors themselves.
        coded_ns: what each of these adds to a step.
    """
    coded = (_STEP_NS + coded_ns * coded_dimensions) / (_STEP_NS + _PLAIN_NS * coded_dimensions)
    return 1.5 * coded + 3.5 * max(0.0, 1.0 - 4.0 * selectivity)
