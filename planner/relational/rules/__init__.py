"""Where DuckDB's meaning differs from PostgreSQL's: ordered rules over calls and over casts.

A rule takes the printer and the node and returns the printed form, or None when the node is not its business.
The first rule that answers wins; order matters only where two rules accept the same node, and then the special
one stands first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from planner.relational.rules.array_operators import array_operators
from planner.relational.rules.cast_to_number import cast_to_number
from planner.relational.rules.cast_to_text import cast_to_text
from planner.relational.rules.cast_to_time import cast_to_time
from planner.relational.rules.comparison import comparison
from planner.relational.rules.date_arithmetic import date_arithmetic
from planner.relational.rules.extracted_field import extracted_field
from planner.relational.rules.integer_arithmetic import integer_arithmetic
from planner.relational.rules.json_construction import json_construction
from planner.relational.rules.json_population import json_population
from planner.relational.rules.like_escape import like_escape
from planner.relational.rules.numeric_arithmetic import numeric_arithmetic
from planner.relational.rules.regular_expressions import regular_expressions
from planner.relational.rules.row_functions import row_functions
from planner.relational.rules.text_concatenation import text_concatenation

if TYPE_CHECKING:
    from planner.relational.expressions import ExpressionPrinter
    from planner.relational.printed import Printed

Rule = Callable[["ExpressionPrinter", Any], "Printed | None"]

CALL_RULES: tuple[Rule, ...] = (
    comparison,
    numeric_arithmetic,
    integer_arithmetic,
    date_arithmetic,
    extracted_field,
    like_escape,
    regular_expressions,
    array_operators,
    text_concatenation,
    json_construction,
    json_population,
    row_functions,
)

CAST_RULES: tuple[Rule, ...] = (cast_to_text, cast_to_number, cast_to_time)

__all__ = ["CALL_RULES", "CAST_RULES", "Rule"]
