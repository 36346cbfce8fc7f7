"""Build parameters of `annoy`: how many trees, and how small their leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vecengine.parameters import ParameterInfo

TREES = ParameterInfo("trees", 10, 1, 1000, "Number of trees: more find more, for memory and time to build.")
LEAF_ROWS = ParameterInfo("leaf_rows", 100, 2, 10_000, "Most rows of a leaf: a part with more is divided.")
PARAMETERS = (TREES, LEAF_ROWS)


@dataclass(frozen=True)
class AnnoyParameters:
    """Checked build parameters."""

    trees: int = TREES.default
    leaf_rows: int = LEAF_ROWS.default


def annoy_parameters(checked: Mapping[str, int]) -> AnnoyParameters:
    """The parameters that `check_parameters` has found good."""
    return AnnoyParameters(checked["trees"], checked["leaf_rows"])
