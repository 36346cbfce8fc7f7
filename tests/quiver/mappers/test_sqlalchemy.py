"""Goal: SQLAlchemy's Core and ORM work on Quiver as on PostgreSQL, by psycopg, psycopg2 and asyncpg.

Method: one script, in SQLAlchemy's synchronous form, runs on both servers with each driver, from an empty database: tables
of a model with relationships, enum, array, JSON and constraints; bulk inserts, upserts, queries, errors, isolation,
reflection. What it returns must be equal. asyncpg runs it inside `run_sync`.
"""

from __future__ import annotations

import asyncio
import datetime
import decimal
import enum
import uuid
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, insert
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from tests.clients.twins import Address, Twins
from tests.quiver.mappers.databases import check_alike, engine_of, sqlalchemy_url

pytestmark = pytest.mark.slow


class Mood(enum.Enum):
    calm = 1
    wild = 2


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSONB, list[str]: ARRAY(sa.Text)}


tagging = sa.Table(
    "tagging",
    Base.metadata,
    sa.Column("post_id", sa.ForeignKey("post.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "author"
    __table_args__ = (
        sa.CheckConstraint("length(name) > 1", name="long_name"),
        sa.UniqueConstraint("name", "born", name="one_of_a_name"),
        {"comment": "Who writes"},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), comment="in full")
    born: Mapped[datetime.date | None]
    mood: Mapped[Mood] = mapped_column(server_default="calm")
    posts: Mapped[list[Post]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(start=100), primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"), index=True)
    title: Mapped[str]
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2), default=0)
    cents: Mapped[int] = mapped_column(sa.Computed("(price * 100)::integer", persisted=True))
    words: Mapped[list[str]]
    facts: Mapped[dict[str, Any]]
    key: Mapped[uuid.UUID | None]
    at: Mapped[datetime.datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("'2024-02-29 12:00:00+00'")
    )
    author: Mapped[Author] = relationship(back_populates="posts")
    tags: Mapped[list[Tag]] = relationship(secondary=tagging, back_populates="posts")


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)
    posts: Mapped[list[Post]] = relationship(secondary=tagging, back_populates="tags")


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Engineer(Person):
    __tablename__ = "engineer"
    id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    language: Mapped[str]
    __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "engineer"}


def write(session: Session) -> list[Any]:
    """Authors, posts and tags through the unit of work, in bulk, and by upserts."""
    tags = [Tag(label=label) for label in ("new", "old", "odd")]
    author = Author(name="Ada", born=datetime.date(1815, 12, 10), mood=Mood.wild)
    for number in range(4):
        facts = {"n": number, "deep": {"list": [1, None, "x"]}}
        title, price = f"post {number}", decimal.Decimal(number) / 4
        author.posts.append(
            Post(
                title=title,
                price=price,
                words=["a", f"b{number}"],
                facts=facts,
                key=uuid.UUID(int=number),
                tags=tags[:number],
            )
        )
    session.add_all([author, Author(name="Bob"), Engineer(language="SQL"), Person()])
    session.commit()
    found: list[Any] = [[(post.id, post.cents, post.at.isoformat()) for post in author.posts], author.mood]
    bulk = [{"name": f"bulk {number}"} for number in range(300)]
    found.append(len(session.scalars(sa.insert(Author).returning(Author.id), bulk).all()))
    upsert = insert(Tag).values([{"label": "new"}, {"label": "rare"}])
    upsert = upsert.on_conflict_do_update(
        index_elements=["label"], set_={"label": upsert.excluded.label + "!"}
    )
    found += session.scalars(upsert.returning(Tag.label)).all()
    found.append(
        session.execute(insert(Tag).values(label="old").on_conflict_do_nothing().returning(Tag.id)).all()
    )
    found.append(session.execute(sa.delete(Author).where(Author.name.like("bulk 1%"))).rowcount)
    moved = (
        sa.update(Post)
        .where(Post.author_id == Author.id, Author.name == "Ada")
        .values(title=Author.name + Post.title)
    )
    found.append(session.execute(moved).rowcount)
    session.commit()
    return found


def read(session: Session) -> list[Any]:
    """Queries of the kinds that mappers send."""
    found: list[Any] = []
    authors = session.scalars(
        sa.select(Author)
        .options(selectinload(Author.posts).selectinload(Post.tags))
        .where(Author.posts.any())
    )
    found += [(a.name, [(p.title, sorted(t.label for t in p.tags)) for p in a.posts]) for a in authors]
    ranked = sa.func.row_number().over(partition_by=Post.author_id, order_by=Post.price.desc())
    newest = sa.select(Post.id, ranked.label("rank")).subquery()
    found += session.execute(sa.select(newest).where(newest.c.rank <= 2).order_by(newest.c.rank)).all()
    found += session.scalars(sa.select(Post.title).where(Post.words.contains(["b2"]))).all()
    found += session.scalars(
        sa.select(Post.facts["deep"]["list"][2].astext).where(Post.facts["n"].as_integer() > 1)
    ).all()
    found += session.scalars(sa.select(Post.title).where(Post.facts.contains({"n": 3}))).all()
    found += session.scalars(sa.select(Author.name).where(Author.mood == Mood.wild)).all()
    found += session.scalars(
        sa.select(Post.id).where(Post.key.in_([uuid.UUID(int=1), uuid.UUID(int=2)])).order_by(Post.id)
    ).all()
    found += session.execute(
        sa.select(Tag.label, sa.func.count(Post.id), sa.func.array_agg(aggregate_order_by(Post.title, Post.id)))
        .outerjoin(Tag.posts).group_by(Tag.label).order_by(sa.func.count(Post.id).desc(), Tag.label)
        .having(sa.func.count(Post.id) > 1)
    ).all()  # fmt: skip
    chain = sa.select(sa.literal(1).label("n")).cte(recursive=True)
    chain = chain.union_all(sa.select(chain.c.n + 1).where(chain.c.n < 5))
    found.append(session.scalar(sa.select(sa.func.sum(chain.c.n))))
    found += [
        (type(p).__name__, getattr(p, "language", None))
        for p in session.scalars(sa.select(Person).order_by(Person.id))
    ]
    found += session.execute(
        sa.select(Author.name).with_for_update(skip_locked=True).order_by(Author.name).limit(2)
    ).all()
    return found


def fail(session: Session) -> list[Any]:
    """What is refused, and that a savepoint or a rollback goes on from there."""
    found: list[Any] = []
    for row in (
        Author(name="x"),
        Author(name=None),
        Tag(label="old"),
        Post(author_id=-1, title="", words=[], facts={}),
    ):
        with pytest.raises(sa.exc.IntegrityError) as caught, session.begin_nested():
            session.add(row)
            session.flush()
        found.append((type(caught.value).__name__, getattr(caught.value.orig, "sqlstate", None)))
    with pytest.raises(sa.exc.ProgrammingError):
        session.execute(sa.text("SELECT * FROM nowhere"))
    session.rollback()
    found.append(session.scalar(sa.select(sa.func.count()).select_from(Author)))
    session.delete(session.scalars(sa.select(Author).where(Author.name == "Ada")).one())
    session.commit()
    found.append([session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Post, tagging)])
    return found


def reflect(connection: sa.Connection) -> list[Any]:
    """What the inspector sees of the model's tables, and that tables made of it are the same."""
    inspector = sa.inspect(connection)
    found: list[Any] = [sorted(inspector.get_table_names()), inspector.get_enums()]
    for table in ("author", "post", "tagging"):
        columns = [{**column, "type": repr(column["type"])} for column in inspector.get_columns(table)]
        found += [columns, inspector.get_pk_constraint(table), inspector.get_table_comment(table)]
        found += [inspector.get_foreign_keys(table), inspector.get_check_constraints(table)]
        found += [inspector.get_indexes(table), inspector.get_unique_constraints(table)]
    metadata = sa.MetaData()
    metadata.reflect(connection)
    found.append([(c.name, str(c.server_default.arg) if isinstance(c.server_default, sa.DefaultClause) else None)
                  for t in metadata.sorted_tables for c in t.columns])  # fmt: skip
    return found


def script(connection: sa.Connection) -> list[Any]:
    Base.metadata.create_all(connection)
    connection.commit()
    with Session(connection) as session:
        found = [write(session), read(session), fail(session)]
    found.append(reflect(connection))
    connection.commit()
    level = connection.execution_options(isolation_level="REPEATABLE READ").get_isolation_level()
    found.append([level, sorted(Base.metadata.tables)])
    connection.rollback()
    Base.metadata.drop_all(connection)
    found.append(sa.inspect(connection).get_table_names())
    connection.commit()
    return found


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy(twins: Twins, driver: str) -> None:
    def run(address: Address) -> Any:
        with engine_of(address, driver) as engine, engine.connect() as connection:
            return script(connection)

    check_alike(twins, run)


def test_sqlalchemy_by_asyncpg(twins: Twins) -> None:
    async def run(address: Address) -> Any:
        engine = create_async_engine(sqlalchemy_url(address, "asyncpg"))
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(script)
        finally:
            await engine.dispose()

    check_alike(twins, lambda address: asyncio.run(run(address)))
