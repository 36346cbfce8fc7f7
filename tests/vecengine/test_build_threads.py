"""Goal: threads that build give way. Method: their priority is asked for, and that of who started them."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from vecengine.build_threads import build_threads


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
def test_the_threads_are_lower_than_their_caller() -> None:
    own = priority()
    with build_threads(2, "lower") as pool:
        lowered = list(pool.map(lambda _: priority(), range(4)))
    assert min(lowered) > own and priority() == own
