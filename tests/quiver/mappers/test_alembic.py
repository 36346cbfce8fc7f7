"""Goal: Alembic finds the changes of a model and carries them out on Quiver as on PostgreSQL.

Method: as its users work, in a script directory, from an empty database: each state of a model is compared with the database
by `revision --autogenerate`, the written migration runs, and `check` finds nothing more; then all go down again. The written
files, the tables after each step and the history must be equal on both servers.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects.postgresql import JSONB

from tests.clients.twins import Address, Twins
from tests.quiver.mappers.databases import check_alike, engine_of, sqlalchemy_url

pytestmark = pytest.mark.slow


def first_model() -> sa.MetaData:
    model = sa.MetaData()
    sa.Table(
        "account", model, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(30), nullable=False),
        sa.Column("balance", sa.Numeric(10, 2), server_default="0"), sa.Column("old", sa.Text, index=True),
    )  # fmt: skip
    return model


def second_model() -> sa.MetaData:
    """New are a table, columns, an index, constraints, comments; a type, a default and NOT NULL changed; a column is gone."""
    model = sa.MetaData()
    sa.Table(
        "account", model, sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(60), comment="in full"),
        sa.Column("balance", sa.Numeric(12, 3), server_default="1.5", nullable=False), sa.Column("facts", JSONB),
        sa.UniqueConstraint("name", name="account_name_key"),
        sa.Index("by_balance", "balance", postgresql_where=sa.text("balance > 0")),
        comment="Money",
    )  # fmt: skip
    sa.Table(
        "move", model, sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE", name="move_account")),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )  # fmt: skip
    return model


ENVIRONMENT = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=context.config.attributes["model"], compare_server_default=True
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
TEMPLATE = """
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""
MODELS = {"one": first_model, "two": second_model, "three": first_model}


def tables(connection: sa.Connection) -> list[Any]:
    inspector = sa.inspect(connection)
    found: list[Any] = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    for table in sorted(inspector.get_table_names()):
        columns = [{**column, "type": repr(column["type"])} for column in inspector.get_columns(table)]
        found += [table, columns, inspector.get_indexes(table), inspector.get_unique_constraints(table)]
        found += [inspector.get_foreign_keys(table), inspector.get_table_comment(table)]
    return found


def test_alembic(twins: Twins, tmp_path: Path) -> None:
    def script(address: Address) -> Any:
        folder = tmp_path / ("quiver" if address == twins.quiver else "postgres")
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENVIRONMENT, encoding="utf-8")
        (folder / "script.py.mako").write_text(TEMPLATE, encoding="utf-8")
        config = Config(stdout=io.StringIO())
        for option, value in {
            "script_location": folder,
            "path_separator": "os",
            "file_template": "%%(rev)s",
        }.items():
            config.set_main_option(option, str(value))
        config.set_main_option("sqlalchemy.url", sqlalchemy_url(address, "psycopg"))
        found: list[Any] = []
        with engine_of(address) as engine:
            for name, model in MODELS.items():
                config.attributes["model"] = model()
                command.revision(config, name, autogenerate=True, rev_id=name)
                found.append((folder / "versions" / f"{name}.py").read_text(encoding="utf-8"))
                command.upgrade(config, "head")
                command.check(config)
                with engine.connect() as connection:
                    found += tables(connection)
            for target in ("one", "+1", "base"):
                move = command.upgrade if target.startswith("+") else command.downgrade
                move(config, target)
                with engine.connect() as connection:
                    found += tables(connection)
        command.history(config)
        found.append(config.stdout.getvalue().replace(str(folder), ""))
        return found

    check_alike(twins, script)
