"""Bound statements become plans, plans become rows. See `DESIGN.md`."""

from planner.execution import Execution
from planner.lock_plans import plan_locking
from planner.planning import ChangePlan, NativePlan, OutputColumn, Plan, plan_statement
from planner.services import Codecs, ExecutionContext, SessionServices

__all__ = [
    "ChangePlan",
    "Codecs",
    "Execution",
    "ExecutionContext",
    "NativePlan",
    "OutputColumn",
    "Plan",
    "SessionServices",
    "plan_locking",
    "plan_statement",
]
