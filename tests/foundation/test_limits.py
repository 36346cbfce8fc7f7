"""Goal: the memory budget never lets more out than it has, and a cancel word stops work. Method: direct use."""

import pytest

from foundation.cancel import CANCEL_SHUTDOWN, CANCEL_TIMEOUT, CancelToken
from foundation.errors import AdminShutdown, OutOfMemory, QueryCanceled
from foundation.memory import MemoryAccount, MemoryBudget


def test_budget_refuses_and_recovers() -> None:
    budget = MemoryBudget(100)
    budget.reserve("index", 60)
    with pytest.raises(OutOfMemory):
        budget.reserve("cache", 41)
    budget.reserve("cache", 40)
    assert budget.held() == {"index": 60, "cache": 40}
    budget.release("index", 60)
    assert budget.held() == {"cache": 40}


def test_account_gives_back_what_it_took_and_no_more() -> None:
    budget = MemoryBudget(100)
    budget.reserve("rows", 10)
    account = MemoryAccount(budget, "rows")
    account.reserve(50)
    account.release(20)
    with pytest.raises(OutOfMemory):
        account.reserve(61)
    account.release_all()
    account.release_all()
    assert budget.held() == {"rows": 10}


def test_cancel_token_keeps_the_first_cause() -> None:
    token = CancelToken()
    token.check()
    token.cancel(CANCEL_TIMEOUT)
    token.cancel(CANCEL_SHUTDOWN)
    with pytest.raises(QueryCanceled, match="statement timeout"):
        token.check()
    token.reset()
    token.cancel(CANCEL_SHUTDOWN)
    with pytest.raises(AdminShutdown):
        token.check()
