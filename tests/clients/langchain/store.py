"""langchain-postgres: PGVector and PGVectorStore add, search with filters and by words, update and delete; what they see is printed."""

from __future__ import annotations

import math
import os
from functools import partial
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_postgres import Column, PGEngine, PGVector, PGVectorStore
from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig, reciprocal_rank_fusion
from langchain_postgres.v2.indexes import DistanceStrategy, HNSWIndex, IVFFlatIndex

DIMENSIONS = 8
URL = "postgresql+psycopg://{PGUSER}@{PGHOST}:{PGPORT}/{PGDATABASE}".format(**os.environ)
TEXTS = ("the cat sat", "a dog ran", "the cat ran", "fish swim far", "birds fly far")
FILTERS: tuple[Any, ...] = (
    {"animal": "cat"}, {"n": {"$gt": 2}}, {"n": {"$in": [1, 4]}}, {"$or": [{"animal": "dog"}, {"n": {"$lte": 0}}]},
    {"animal": {"$ne": "cat"}}, {"animal": {"$like": "%is%"}}, {"n": {"$between": [1, 3]}}, {"$not": {"animal": "cat"}},
    {"$and": [{"n": {"$gte": 1}}, {"animal": {"$nin": ["dog"]}}]}, {"animal": {"$ilike": "C%"}}, {"none": {"$exists": False}},
)  # fmt: skip


class LetterCounts(Embeddings):
    """A vector of how often each of eight letters is in a text, with a length of one."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        counts = [1.0 + text.count(letter) for letter in "acdfhimt"]
        length = math.sqrt(sum(count * count for count in counts))
        return [count / length for count in counts]


def show(label: str, value: Any) -> None:
    if isinstance(value, list):
        value = [
            (item[0].page_content, sorted(item[0].metadata.items()), round(float(item[1]), 5))
            if isinstance(item, tuple)
            else (item.page_content, sorted(item.metadata.items()))
            if isinstance(item, Document)
            else item
            for item in value
        ]
    print(label, value)


def attempt(label: str, call: Any) -> None:
    try:
        show(label, call())
    except Exception as error:
        print(label, type(error).__name__, str(getattr(error, "orig", error)).splitlines()[0])


def documents() -> list[Document]:
    animals = ("cat", "dog", "cat", "fish", "bird")
    return [
        Document(id=str(n), page_content=text, metadata={"animal": animal, "n": n})
        for n, (text, animal) in enumerate(zip(TEXTS, animals, strict=True))
    ]


def collections() -> None:
    for strategy in ("cosine", "l2", "inner"):
        store = PGVector(
            LetterCounts(), connection=URL, collection_name=f"by_{strategy}", distance_strategy=strategy, use_jsonb=True,
            embedding_length=DIMENSIONS,
        )  # fmt: skip
        show("added", store.add_documents(documents()))
        show("near", store.similarity_search_with_score("the cat", k=3))
        search = partial(store.similarity_search, "cat", k=5)
        for condition in FILTERS:
            attempt(f"filter {condition}", partial(search, filter=condition))
        show("by vector", store.similarity_search_by_vector(LetterCounts().embed_query("far"), k=2))
        show("diverse", store.max_marginal_relevance_search("the cat", k=3, fetch_k=5))
        show("got", sorted(store.get_by_ids(["1", "3"]), key=lambda found: found.page_content))
        store.add_documents(
            [Document(id="1", page_content="a dog slept", metadata={"animal": "dog", "n": 9})]
        )
        show("changed", store.similarity_search("dog", k=1))
        store.delete(["0", "2"])
        show("left", store.similarity_search("the cat", k=5))
        store.delete_collection()


def tables() -> None:
    engine = PGEngine.from_connection_string(url=URL)
    columns = [Column("animal", "TEXT", nullable=True), Column("n", "INTEGER")]
    engine.init_vectorstore_table(
        table_name="texts",
        vector_size=DIMENSIONS,
        metadata_columns=columns,
        id_column=Column("id", "TEXT", nullable=False),
    )
    store = PGVectorStore.create_sync(
        engine, LetterCounts(), table_name="texts", id_column="id", metadata_columns=["animal", "n"],
        distance_strategy=DistanceStrategy.COSINE_DISTANCE,
    )  # fmt: skip
    show("added", store.add_documents(documents()))
    show("near", store.similarity_search_with_score("the cat", k=3))
    for condition in FILTERS:
        attempt(
            f"filter {condition}",
            lambda condition=condition: store.similarity_search("cat", k=5, filter=condition),
        )
    for index in (HNSWIndex(name="near_hnsw"), IVFFlatIndex(name="near_lists", lists=1)):
        attempt("index", lambda index=index: store.apply_vector_index(index))
        attempt("valid", lambda index=index: store.is_valid_index(index.name))
        attempt("indexed", lambda: store.similarity_search("far", k=2))
        attempt("again", lambda index=index: store.reindex(index.name))
        attempt("dropped", lambda index=index: store.drop_vector_index(index.name))
    show("diverse", store.max_marginal_relevance_search("the cat", k=3, fetch_k=5))
    show("got", sorted(store.get_by_ids(["1", "3"]), key=lambda found: found.page_content))
    show("deleted", store.delete(["0", "2"]))
    show("left", store.similarity_search("the cat", k=5))
    engine.drop_table("texts")


def hybrid() -> None:
    """Searches by vectors and by words at once, over a column of its own and without one."""
    engine = PGEngine.from_connection_string(url=URL)
    for column in ("words", ""):
        table = f"hybrid_{column or 'plain'}"
        search = HybridSearchConfig(
            tsv_column=column, fusion_function=reciprocal_rank_fusion, index_name=f"{table}_index"
        )
        engine.init_vectorstore_table(
            table_name=table, vector_size=DIMENSIONS, id_column=Column("id", "TEXT", nullable=False), hybrid_search_config=search
        )  # fmt: skip
        store = PGVectorStore.create_sync(
            engine, LetterCounts(), table_name=table, id_column="id", hybrid_search_config=search
        )
        show("added", store.add_documents(documents()))
        attempt("index", store.apply_hybrid_search_index)
        for query in ("running cats", "fishes", "no such words"):
            search.fts_query = query
            attempt(f"found {query}", partial(store.similarity_search_with_score, query, k=3))
        show("deleted", store.delete(["0"]))
        engine.drop_table(table)


collections()
tables()
hybrid()
