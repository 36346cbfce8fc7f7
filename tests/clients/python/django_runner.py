"""Django's test runner, which also writes the tests that passed to the file named by DJANGO_PASSED, one a line."""

from __future__ import annotations

import os
import unittest
from typing import Any

from django.test.runner import DiscoverRunner


class RecordingResult(unittest.TextTestResult):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._passed: set[str] = set()

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 (unittest's)
        super().addSuccess(test)
        self._passed.add(test.id())

    def stopTestRun(self) -> None:  # noqa: N802 (unittest's)
        super().stopTestRun()
        with open(os.environ["DJANGO_PASSED"], "a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in sorted(self._passed))


class RecordingRunner(DiscoverRunner):  # type: ignore[misc]
    def get_resultclass(self) -> type[unittest.TextTestResult]:
        return RecordingResult
