"""Goal: a Django site works on Quiver as on PostgreSQL: migrations, log-in to the admin, the mapper, introspection.

Method: `django_site.py` runs in a process of its own, since a process has one Django, on an empty database of each server;
the lines that it prints must be equal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.twins import Address, Twins
from tests.quiver.mappers.databases import check_alike

pytestmark = pytest.mark.slow

SITE = Path(__file__).with_name("django_site.py")


def run_site(address: Address) -> list[str]:
    names = {
        "DATABASE_HOST": address.host,
        "DATABASE_PORT": str(address.port),
        "DATABASE_NAME": address.database,
    }
    done = subprocess.run(
        [sys.executable, SITE], env={**os.environ, **names}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout.splitlines()


def test_django(twins: Twins) -> None:
    check_alike(twins, run_site)
