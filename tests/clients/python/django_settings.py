"""Settings for Django's own tests, `runtests.py --settings`, on the server that the libpq variables name.

Neither server that is compared has ICU or PostgreSQL's contributed extensions, and Quiver lacks some types: the only
collation is C, migrations that install extensions do nothing, and a column of a type that the server has not is a text, so
that the tables of an application can be made and only the tests that need the type fail.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import psycopg
from django.contrib.postgres.fields import ArrayField, HStoreField, ranges
from django.contrib.postgres.operations import CreateExtension
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.backends.postgresql.features import DatabaseFeatures

DATABASES = {
    alias: {
        "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
        "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"],
        "TEST": {"NAME": f"{os.environ['DJANGO_TEST_NAME']}_{alias}"},
    }
    for alias in ("default", "other")
}  # fmt: skip
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "of a test"
TEST_RUNNER = "tests.clients.python.django_runner.RecordingRunner"
USE_TZ = False

DatabaseFeatures.test_collations = {
    "deterministic": "C",
    "non_default": "C",
    "swedish_ci": None,
    "virtual": None,
}
CreateExtension.database_forwards = CreateExtension.database_backwards = lambda *arguments: None


@functools.cache
def is_known(sql_type: str) -> bool:
    """Whether the server makes columns of a type."""
    with psycopg.connect("", autocommit=True) as connection:
        try:
            connection.execute(f"CREATE TEMPORARY TABLE column_of_a_type (c {sql_type})".encode())
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedObject):
            return False
    return True


def stand_in(field_class: Any) -> None:
    """Let a field's column be a text where the server has not its type."""
    own_type = field_class.db_type

    def db_type(self: Any, connection: Any) -> Any:
        sql_type = own_type(self, connection)
        return sql_type if sql_type is None or is_known(sql_type) else "text"

    field_class.db_type = db_type


for cls in (
    ArrayField, HStoreField, SearchQueryField, SearchVectorField, ranges.IntegerRangeField, ranges.BigIntegerRangeField,
    ranges.DecimalRangeField, ranges.DateTimeRangeField, ranges.DateRangeField,
):  # fmt: skip
    stand_in(cls)
