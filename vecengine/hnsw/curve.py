"""What recall a beam gives and what it costs: measured when the index is built, read when a query is planned.

A curve holds, for a ladder of beams and of selectivities, the recall at several k and the mean number of distances.
The queries are rows the graph does not have yet: rows in the graph, each left out of its own search, displaced
links around them and gave 0.957 where new queries got 0.983. The mask of a selectivity is random. Recall is kept as
mean less one standard error, so that a choice made from few samples errs towards the larger beam.

Random masks flatter a filter: among 20,000 rows allowed at random the beam finds the nearest sooner than without a
filter. Real filters follow the vectors, and where all neighbours of a query are allowed they change nothing. So the
recall under a filter is taken as the lower of that with the random mask and that without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vecengine.errors import DamagedIndex

BEAMS = (10, 16, 24, 32, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1000)
RECALL_AT = (1, 10, 100)
SELECTIVITIES = (1.0, 0.5, 0.25, 0.1, 0.04)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecallCurve:
    """Measurements; empty (no beams) for an index too small to measure.

    Attributes:
        beams: (b,) ascending beams; a beam below k counts as k.
        selectivities: (s,) descending, the first is 1.
        recall: (s, len(RECALL_AT), b), never falling along the beams.
        distances: (s, b) mean distances of a query.
    """

    beams: Floats
    selectivities: Floats
    recall: Floats
    distances: Floats

    @property
    def is_empty(self) -> bool:
        return len(self.beams) == 0

    def beam_for(self, k: int, target_recall: float, selectivity: float = 1.0) -> int | None:
        """The least beam expected to reach the recall, None when none measured does."""
        if self.is_empty:
            return None
        recall: Floats = self._recall_along_beams(k, selectivity)
        reaching = np.flatnonzero(recall >= target_recall)
        if reaching.size == 0:
            return None
        first = int(reaching[0])
        if first == 0:
            return max(k, int(self.beams[0]))
        share = (target_recall - recall[first - 1]) / (recall[first] - recall[first - 1])
        beam = float(self.beams[first - 1] + share * (self.beams[first] - self.beams[first - 1]))
        return max(k, math.ceil(beam))

    def recall_of(self, beam: int, k: int, selectivity: float = 1.0) -> float:
        """Expected recall at k of a beam."""
        return float(np.interp(beam, self.beams, self._recall_along_beams(k, selectivity)))

    def distances_of(self, beam: int, selectivity: float = 1.0) -> float:
        """Expected distances of a query; beyond the measured beams and selectivities it grows in proportion."""
        along = np.exp(self._between_selectivities(np.log(self.distances), selectivity))
        beyond = max(1.0, beam / float(self.beams[-1]))
        stretch = max(1.0, float(self.selectivities[-1]) / max(selectivity, 1e-9))
        return float(np.interp(beam, self.beams, along)) * beyond * stretch

    def _recall_along_beams(self, k: int, selectivity: float) -> Floats:
        """(b,) expected recall, interpolated in the logarithms of k and of the selectivity."""
        by_k = np.minimum(self.recall[0], self._between_selectivities(self.recall, selectivity))
        position = float(np.interp(np.log(max(1, k)), np.log(RECALL_AT), np.arange(len(RECALL_AT))))
        low = int(position)
        high = min(low + 1, len(RECALL_AT) - 1)
        share = position - low
        return np.asarray((1 - share) * by_k[low] + share * by_k[high])

    def _between_selectivities(self, values: Floats, selectivity: float) -> Floats:
        """Interpolate the first axis in the logarithm of the selectivity; clamped at both ends."""
        ascending = np.log(self.selectivities[::-1])
        positions = np.arange(ascending.size)[::-1]
        position = float(np.interp(np.log(max(selectivity, 1e-9)), ascending, positions))
        low = int(position)
        high = min(low + 1, self.selectivities.size - 1)
        share = position - low
        return np.asarray((1 - share) * values[low] + share * values[high])

    def to_json(self) -> dict[str, Any]:
        return {
            "beams": self.beams.tolist(),
            "selectivities": self.selectivities.tolist(),
            "recall": self.recall.tolist(),
            "distances": self.distances.tolist(),
        }


def empty_curve() -> RecallCurve:
    return RecallCurve(np.zeros(0), np.zeros(0), np.zeros((0, len(RECALL_AT), 0)), np.zeros((0, 0)))


def curve_from_json(value: Any) -> RecallCurve:
    """Read what `to_json` gave.

    Raises:
        DamagedIndex: XX002.
    """
    try:
        arrays = {
            name: np.asarray(value[name], dtype=np.float64)
            for name in ("beams", "selectivities", "recall", "distances")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndex("recall curve of the index is not readable") from error
    beams, selectivities = arrays["beams"].size, arrays["selectivities"].size
    if beams == 0:
        return empty_curve()
    curve = RecallCurve(**arrays)
    shapes_fit = curve.recall.shape == (selectivities, len(RECALL_AT), beams)
    shapes_fit = shapes_fit and curve.distances.shape == (selectivities, beams)
    if not shapes_fit or not all(np.isfinite(array).all() for array in arrays.values()):
        raise DamagedIndex("recall curve of the index is malformed")
    if (
        not (curve.distances > 0).all()
        or not (curve.selectivities > 0).all()
        or not (np.diff(curve.beams) > 0).all()
    ):
        raise DamagedIndex("recall curve of the index is out of range")
    return curve
