"""Compiled kernels for every test here, and a fixture that takes them away."""

from __future__ import annotations

import pytest

from vecengine import compiled


@pytest.fixture(scope="session", autouse=True)
def warm_kernels() -> None:
    assert compiled.warm_up(), compiled.failure()


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a process whose kernels are not ready yet."""
    monkeypatch.setattr(compiled._state, "kernels", None)
    monkeypatch.setattr(compiled._state, "started", True)
