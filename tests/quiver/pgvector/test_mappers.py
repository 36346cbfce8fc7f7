"""Goal: pgvector's support for object-relational mappers works here as with PostgreSQL: tables, indexes, searches, aggregates.

Method: SQLAlchemy, SQLModel, Django and Peewee each run one script on a real PostgreSQL with pgvector and on Quiver: create
tables with all four types and indexes with operator classes, insert, search by every distance, average, reflect. What the
scripts return must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import psycopg2
import pytest
from pgvector import HalfVector, SparseVector

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

Script = Callable[[str], Any]
VECTORS = ([1.0, 1.0, 1.0], [2.0, 2.5, 2.0], [1.0, 1.0, 2.0], None)
BITS = ("000", "101", "111", None)
QUERY = [1.0, 1.0, 1.5]
BIT_QUERY = "110"
SPARSE_QUERY = SparseVector({0: 1.0, 2: 1.5}, 3)


def rows() -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "v": vector,
            "h": None if vector is None else HalfVector(vector),
            "b": bits,
            "s": None if vector is None else SparseVector(vector),
        }
        for number, (vector, bits) in enumerate(zip(VECTORS, BITS, strict=True), start=1)
    ]


def plain(value: Any) -> Any:
    """A result in a form that can be compared: numbers to six digits, vectors as text."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, int | str) else str(value)


def check_alike(script: Script, postgres_uri: str, own_database: Database) -> None:
    theirs, ours = script(postgres_uri), script(own_database.dsn)
    assert plain(ours) == plain(theirs)
    assert len(theirs) > 5


def sqlalchemy_script(driver: str, connect: Callable[[str], Any]) -> Script:
    import sqlalchemy as sa
    from pgvector.sqlalchemy import BIT, HALFVEC, SPARSEVEC, VECTOR, avg, sum
    from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = f"sqlalchemy_{driver}_items"
        id = mapped_column(sa.Integer, primary_key=True)
        v = mapped_column(VECTOR(3))
        h = mapped_column(HALFVEC(3))
        b = mapped_column(BIT(3))
        s = mapped_column(SPARSEVEC(3))
        __table_args__ = (
            sa.Index(f"{driver}_v_hnsw", "v", postgresql_using="hnsw", postgresql_with={"m": 16, "ef_construction": 64},
                     postgresql_ops={"v": "vector_l2_ops"}),
            sa.Index(f"{driver}_h_ivf", "h", postgresql_using="ivfflat", postgresql_with={"lists": 1},
                     postgresql_ops={"h": "halfvec_cosine_ops"}),
            sa.Index(f"{driver}_b", "b", postgresql_using="hnsw", postgresql_ops={"b": "bit_hamming_ops"}),
            sa.Index(f"{driver}_s", "s", postgresql_using="hnsw", postgresql_ops={"s": "sparsevec_cosine_ops"}),
        )  # fmt: skip

    def run(dsn: str) -> Any:
        engine = sa.create_engine(f"postgresql+{driver}://", creator=lambda: connect(dsn))
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        found: list[Any] = []
        with Session(engine) as session:
            session.add_all([Item(**row) for row in rows()])
            session.commit()
            queries = (
                Item.v.l2_distance(QUERY), Item.v.max_inner_product(QUERY), Item.v.cosine_distance(QUERY),
                Item.v.l1_distance(QUERY), Item.h.l2_distance(QUERY), Item.h.max_inner_product(QUERY),
                Item.h.cosine_distance(QUERY), Item.h.l1_distance(QUERY), Item.b.hamming_distance(BIT_QUERY),
                Item.b.jaccard_distance(BIT_QUERY), Item.s.l2_distance(SPARSE_QUERY),
                Item.s.max_inner_product(SPARSE_QUERY), Item.s.cosine_distance(SPARSE_QUERY),
                Item.s.l1_distance(SPARSE_QUERY),
            )  # fmt: skip
            for distance in queries:
                statement = sa.select(Item.id, distance).order_by(distance, Item.id).limit(5)
                found.append(session.execute(statement).all())
            found.append(session.scalars(sa.select(Item.id).where(Item.v.l2_distance(QUERY) < 1)).all())
            found.append(session.scalars(sa.select(avg(Item.v))).first())
            found.append(session.scalars(sa.select(sum(Item.h))).first())
            item = session.get_one(Item, 2)
            found.append([item.v, item.h, item.b, item.s])
            item.v = [9, 9, 9]
            session.commit()
            found.append(session.get_one(Item, 2).v)
        inspector = sa.inspect(engine)
        found.append([(c["name"], c["type"]) for c in inspector.get_columns(Item.__tablename__)])
        found.append(
            sorted(
                (i["name"], i["column_names"], i["dialect_options"]["postgresql_using"])
                for i in inspector.get_indexes(Item.__tablename__)
            )
        )
        Base.metadata.drop_all(engine)
        engine.dispose()
        return found

    return run


@pytest.mark.parametrize(
    ("driver", "connect"), [("psycopg", psycopg.connect), ("psycopg2", psycopg2.connect)]
)
def test_sqlalchemy(
    postgres_uri: str, own_database: Database, driver: str, connect: Callable[[str], Any]
) -> None:
    check_alike(sqlalchemy_script(driver, connect), postgres_uri, own_database)


def test_sqlmodel(postgres_uri: str, own_database: Database) -> None:
    import sqlalchemy as sa
    import sqlmodel
    from pgvector.sqlalchemy import BIT, HALFVEC, SPARSEVEC, VECTOR, avg

    class Item(sqlmodel.SQLModel, table=True):
        __tablename__ = "sqlmodel_items"
        __table_args__ = (
            sa.Index("sqlmodel_v", "v", postgresql_using="hnsw", postgresql_ops={"v": "vector_cosine_ops"}),
        )
        id: int | None = sqlmodel.Field(default=None, primary_key=True)
        v: Any = sqlmodel.Field(default=None, nullable=True, sa_type=VECTOR(3))
        h: Any = sqlmodel.Field(default=None, nullable=True, sa_type=HALFVEC(3))
        b: Any = sqlmodel.Field(default=None, nullable=True, sa_type=BIT(3))
        s: Any = sqlmodel.Field(default=None, nullable=True, sa_type=SPARSEVEC(3))

    def run(dsn: str) -> Any:
        engine = sqlmodel.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
        sqlmodel.SQLModel.metadata.drop_all(engine)
        sqlmodel.SQLModel.metadata.create_all(engine)
        found: list[Any] = []
        with sqlmodel.Session(engine) as session:
            session.add_all([Item(**row) for row in rows()])
            session.commit()
            for distance in (
                Item.v.l2_distance(QUERY), Item.v.max_inner_product(QUERY), Item.v.cosine_distance(QUERY),
                Item.v.l1_distance(QUERY), Item.h.l2_distance(QUERY), Item.b.hamming_distance(BIT_QUERY),
                Item.b.jaccard_distance(BIT_QUERY), Item.s.l2_distance(SPARSE_QUERY),
            ):  # fmt: skip
                found.append(
                    session.exec(
                        sqlmodel.select(Item.id, distance).order_by(distance, Item.id).limit(5)
                    ).all()
                )
            found.append(session.exec(sqlmodel.select(avg(Item.v))).first())
            item = session.exec(sqlmodel.select(Item).where(Item.id == 1)).one()
            found.append([item.v, item.h, item.b, item.s])
        sqlmodel.SQLModel.metadata.drop_all(engine)
        engine.dispose()
        return found

    check_alike(run, postgres_uri, own_database)


def test_peewee(postgres_uri: str, own_database: Database) -> None:
    import peewee
    from pgvector.peewee import FixedBitField, HalfVectorField, SparseVectorField, VectorField

    class Item(peewee.Model):
        v = VectorField(dimensions=3, null=True)
        h = HalfVectorField(dimensions=3, null=True)
        b = FixedBitField(max_length=3, null=True)
        s = SparseVectorField(dimensions=3, null=True)

        class Meta:
            table_name = "peewee_items"

    Item.add_index("v vector_l2_ops", using="hnsw")
    Item.add_index("h halfvec_l2_ops", using="hnsw")
    Item.add_index("b bit_jaccard_ops", using="hnsw")
    Item.add_index("s sparsevec_l1_ops", using="hnsw")

    def run(dsn: str) -> Any:
        parameters = psycopg.conninfo.conninfo_to_dict(dsn)
        database = peewee.PostgresqlDatabase(parameters.pop("dbname"), **parameters)
        found: list[Any] = []
        with database.bind_ctx([Item]), database:
            database.drop_tables([Item])
            database.create_tables([Item])
            for row in rows():
                Item.create(**{name: value for name, value in row.items() if name != "id"})
            for distance in (
                Item.v.l2_distance(QUERY), Item.v.max_inner_product(QUERY), Item.v.cosine_distance(QUERY),
                Item.v.l1_distance(QUERY), Item.h.l2_distance(QUERY), Item.h.max_inner_product(QUERY),
                Item.h.cosine_distance(QUERY), Item.h.l1_distance(QUERY), Item.b.hamming_distance(BIT_QUERY),
                Item.b.jaccard_distance(BIT_QUERY), Item.s.l2_distance(SPARSE_QUERY), Item.s.l1_distance(SPARSE_QUERY),
            ):  # fmt: skip
                query = Item.select(Item.id, distance.alias("distance")).order_by(distance, Item.id).limit(5)
                found.append([(item.id, item.distance) for item in query])
            found.append(list(Item.select(peewee.fn.avg(Item.v).coerce(True)).scalar()))
            item = Item.get_by_id(2)
            found.append([item.v, item.h, item.b, item.s])
            found.append([(i.name, i.columns) for i in database.get_indexes("peewee_items")])
            database.drop_tables([Item])
        return found

    check_alike(run, postgres_uri, own_database)


@pytest.fixture
def django_databases(postgres_uri: str, own_database: Database) -> Iterator[None]:
    """Aliases `default` (PostgreSQL) and `quiver` of a Django configured for this process."""
    import django
    from django.conf import settings
    from django.db import connections

    def database(dsn: str) -> dict[str, Any]:
        given = psycopg.conninfo.conninfo_to_dict(dsn)
        return {
            "ENGINE": "django.db.backends.postgresql", "NAME": given["dbname"], "USER": given.get("user", "postgres"),
            "HOST": given["host"], "PORT": str(given.get("port", "")),
        }  # fmt: skip

    settings.configure(
        DATABASES={"default": database(postgres_uri), "quiver": database(own_database.dsn)},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    yield
    connections.close_all()


def test_django(django_databases: None) -> None:
    from django.db import connections, models
    from django.db.models import Avg, Sum
    from pgvector.django import (
        BitField,
        CosineDistance,
        HalfVectorField,
        HammingDistance,
        HnswIndex,
        IvfflatIndex,
        JaccardDistance,
        L1Distance,
        L2Distance,
        MaxInnerProduct,
        SparseVectorField,
        VectorExtension,
        VectorField,
    )

    class Item(models.Model):
        v = VectorField(dimensions=3, null=True)
        h = HalfVectorField(dimensions=3, null=True)
        b = BitField(length=3, null=True)
        s = SparseVectorField(dimensions=3, null=True)

        class Meta:
            app_label = "shop"
            db_table = "django_items"
            indexes = (
                HnswIndex(
                    name="django_v", fields=["v"], m=16, ef_construction=64, opclasses=["vector_l2_ops"]
                ),
                IvfflatIndex(name="django_h", fields=["h"], lists=1, opclasses=["halfvec_l2_ops"]),
                IvfflatIndex(name="django_b", fields=["b"], lists=1, opclasses=["bit_hamming_ops"]),
                HnswIndex(name="django_s", fields=["s"], opclasses=["sparsevec_ip_ops"]),
            )

    def run(alias: str) -> Any:
        connection = connections[alias]
        with connection.schema_editor() as editor:
            VectorExtension().database_forwards("shop", editor, None, None)
            editor.execute("DROP TABLE IF EXISTS django_items")
            editor.create_model(Item)
        manager = Item.objects.using(alias)
        manager.bulk_create([Item(**row) for row in rows()])
        found: list[Any] = []
        for distance in (
            L2Distance("v", QUERY), MaxInnerProduct("v", QUERY), CosineDistance("v", QUERY), L1Distance("v", QUERY),
            L2Distance("h", HalfVector(QUERY)), CosineDistance("h", HalfVector(QUERY)), HammingDistance("b", BIT_QUERY),
            JaccardDistance("b", BIT_QUERY), L2Distance("s", SPARSE_QUERY), MaxInnerProduct("s", SPARSE_QUERY),
        ):  # fmt: skip
            query = manager.annotate(distance=distance).order_by(distance, "id")[:5]
            found.append([(item.id, item.distance) for item in query])
        found.append(
            [item.id for item in manager.alias(d=L2Distance("v", QUERY)).filter(d__lt=1).order_by("id")]
        )
        found.append(manager.aggregate(Avg("v"), Sum("h")).values())
        item = manager.get(id=2)
        found.append([item.v, item.h, item.b, item.s])
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, "django_items")
            found.append(
                sorted((name, c["columns"], c["type"]) for name, c in constraints.items() if c["index"])
            )
        with connection.schema_editor() as editor:
            editor.delete_model(Item)
        return [list(value) if not isinstance(value, list) else value for value in found]

    theirs, ours = run("default"), run("quiver")
    assert plain(ours) == plain(theirs)
    assert len(theirs) > 5
