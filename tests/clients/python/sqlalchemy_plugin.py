"""SQLAlchemy's test plugin for pytest, as a module that `-p` can name, without the extensions that it would install.

https://github.com/sqlalchemy/sqlalchemy/blob/main/README.dialects.rst
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

import sqlalchemy.dialects.postgresql.provision  # noqa: E402, F401 (registers what is replaced below)
from sqlalchemy.testing import provision  # noqa: E402
from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403


@provision.post_configure_engine.for_db("postgresql")  # type: ignore[untyped-decorator]
def no_extensions(url: Any, engine: Any, follower_ident: Any) -> None:
    """In place of CREATE EXTENSION citext and hstore, which no test of the suite uses and neither server has."""
