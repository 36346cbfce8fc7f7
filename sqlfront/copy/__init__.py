"""COPY streams: text, CSV and binary, to and from batches of columns. `types/DESIGN.md` describes them."""

from collections.abc import Sequence

from sqlfront.copy.binary import CopyBinaryReader, CopyBinaryWriter
from sqlfront.copy.csv import CopyCsvReader
from sqlfront.copy.options import CopyColumn, CopyFormat, CopyHeader, CopyOptions, copy_options
from sqlfront.copy.reader import CopyReader
from sqlfront.copy.text import CopyTextReader
from sqlfront.copy.writers import CopyCsvWriter, CopyTextWriter, CopyWriter, copy_writer
from sqlfront.types.context import CodecSettings

__all__ = [
    "CopyBinaryReader",
    "CopyBinaryWriter",
    "CopyColumn",
    "CopyCsvReader",
    "CopyCsvWriter",
    "CopyFormat",
    "CopyHeader",
    "CopyOptions",
    "CopyReader",
    "CopyTextReader",
    "CopyTextWriter",
    "CopyWriter",
    "copy_options",
    "copy_reader",
    "copy_writer",
]


def copy_reader(
    relation: str, columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings
) -> CopyReader:
    """The reader of the options' format; `relation` is the table's name for CONTEXT.

    Raises:
        InvalidColumnReference: 42P10, FORCE_NULL or FORCE_NOT_NULL names no column of the stream.
    """
    if options.format is CopyFormat.BINARY:
        return CopyBinaryReader(relation, columns, settings)
    if options.format is CopyFormat.CSV:
        return CopyCsvReader(relation, columns, options, settings)
    return CopyTextReader(relation, columns, options, settings)
