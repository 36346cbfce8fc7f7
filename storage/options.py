"""Sizes and hooks of one open storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foundation.sqltypes import SqlType
from storage.key_specs import NO_INDEX_EXPRESSIONS, IndexExpressions

if TYPE_CHECKING:
    from storage.catalog import Index

MEGABYTE = 1 << 20


def plain_text(sql_type: SqlType, value: Any) -> str:
    """Text of a value for error details when the caller gave no codec: right for numbers and strings."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return str(value)


def no_decoder(sql_type: SqlType, text: str) -> Any:
    """Stands in for a missing decoder: the text itself, which is right for the text family only."""
    return text


def every_index(_index: Index) -> bool:
    """As if every vector index kept one."""
    return True


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """How large things get in memory, and the codecs that live above storage."""

    growing_bytes_max: int = 64 * MEGABYTE
    """A growing segment of this size is frozen and sealed."""

    write_set_bytes_max: int = 8 * MEGABYTE
    """Rows a transaction holds in memory per table before they spill to a private file."""

    revised_bytes_max: int = 64 * MEGABYTE
    """Values of one update that revised rows hold in memory; more become new rows, which can spill."""

    checkpoint_log_bytes: int = 256 * MEGABYTE
    """Log written since the last checkpoint that makes `needs_checkpoint` true."""

    checkpoint_rows_bytes_max: int = MEGABYTE
    """A growing segment up to this size is copied into the manifest at a checkpoint instead of being sealed."""

    keeps_vector_file: Callable[[Index], bool] = every_index
    """Whether a vector index keeps a file beside a segment; merges of those that do not leave nothing worthless."""

    missing_value_decoder: Callable[[SqlType, str], Any] = no_decoder
    """PostgreSQL text form -> Python value that `pa.array([value], arrow_type)` takes."""

    index_expressions: IndexExpressions = NO_INDEX_EXPRESSIONS
    """Predicates and keys of unique indexes, ready to be evaluated."""

    value_encoder: Callable[[SqlType, Any], str] = plain_text
    """Python value -> PostgreSQL text, for `Key (id)=(1)` and `Failing row contains (...)`."""
