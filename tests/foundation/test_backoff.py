"""Goal: failed work waits longer each time, up to a minute, and starts afresh after a success. Method: a clock by hand."""

from __future__ import annotations

from foundation.backoff import Backoff


def test_delays_double_up_to_a_minute() -> None:
    now = 100.0
    backoff = Backoff(lambda: now)
    assert backoff.is_due() and backoff.delay_s == 0 and not backoff.succeeded()
    delays = []
    for attempt in range(9):
        assert backoff.failed() is (attempt == 0)
        assert not backoff.is_due()
        delays.append(backoff.delay_s)
        now += backoff.delay_s
        assert backoff.is_due()
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert backoff.succeeded() and backoff.is_due()
    assert backoff.failed() and backoff.delay_s == 1
