"""What text and CSV readers share: lines, headers, fields of a line, all found for a whole buffer at once.

A format says which line ends and delimiters count (not escaped, not quoted) and what a raw field means; this
file turns that into columns. Line ends are \\n, \\r\\n or \\r, whichever the first line has, and no other then.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import CharacterNotInRepertoire, QuiverError
from sqlfront.copy.errors import BadCopyFileFormat
from sqlfront.copy.options import END_OF_DATA, CopyColumn, CopyHeader, CopyOptions
from sqlfront.copy.reader import CopyReader, bad_format, shown
from sqlfront.types.columns import Bytes, Mask
from sqlfront.types.context import CodecSettings
from sqlfront.types.conversion import parse_utf8_array

Positions = npt.NDArray[np.int64]
_NEWLINE, _RETURN = 10, 13


class DelimitedReader(CopyReader):
    """Base of `CopyTextReader` and `CopyCsvReader`."""

    literal = "literal"
    """How messages call a line end that is not the stream's."""
    newline_hint = 'Use "\\n" to represent newline.'
    return_hint = 'Use "\\r" to represent carriage return.'

    def __init__(
        self, relation: str, columns: Sequence[CopyColumn], options: CopyOptions, settings: CodecSettings
    ) -> None:
        super().__init__(relation, columns, settings)
        self.options = options
        self.delimiter = ord(options.delimiter)
        self.null = options.null.encode("utf-8")
        self._line_end = b""
        self._line_number = 0
        self._awaits_header = options.header is not CopyHeader.OFF
        self._is_over = False

    # -- what a format decides

    @abstractmethod
    def _plain_positions(self, data: Bytes) -> Mask | None:
        """(n,) True where a line end or a delimiter would count as one; None = everywhere."""

    @abstractmethod
    def _field_column(self, data: Bytes, starts: Positions, ends: Positions, position: int) -> pa.Array:
        """Binary column of the values of one field in all lines, NULL where it means NULL."""

    def _check_complete(self, data: bytes) -> None:
        """The stream ends with `data`, whose last line has no line end. Raises 22P04 when it cannot stand."""

    # -- lines

    def _parse(self, data: bytes, *, is_last: bool) -> tuple[pa.RecordBatch | None, int]:
        if self._is_over or not data:
            return None, len(data)
        added = 0
        if is_last and not self._ends_line(data):
            self._check_complete(data)
            line_end = self._line_end or b"\n"
            data += line_end
            added = len(line_end)
        view = np.frombuffer(data, np.uint8)
        plain = self._plain_positions(view)
        ends = self._line_ends(view, plain, is_last)
        if len(ends) == 0:
            return None, 0
        width = len(self._line_end)
        starts = np.concatenate(([0], ends[:-1] + width))
        used_bytes = int(ends[-1]) + width - added * is_last
        first = 0
        if self._awaits_header:
            self._awaits_header = False
            self._read_header(view, plain, int(ends[0]))
            self._line_number += 1
            first = 1
        marker = self._end_of_data(data, starts, ends)
        if marker is not None:
            self._is_over = True
            used_bytes = len(data) - added
            starts, ends = starts[:marker], ends[:marker]
        return self._rows(view, plain, starts[first:], ends[first:]), used_bytes

    def _ends_line(self, data: bytes) -> bool:
        """Whether the last line of the stream is terminated."""
        if data[-1] not in (_NEWLINE, _RETURN) or (self._line_end and not data.endswith(self._line_end)):
            return False
        plain = self._plain_positions(np.frombuffer(data, np.uint8))
        return plain is None or bool(plain[-1])

    def _line_ends(self, data: Bytes, plain: Mask | None, is_last: bool) -> Positions:
        """Positions of the line ends that count; the stream's kind of line end is fixed by the first."""
        newlines = _positions(data, _NEWLINE, plain)
        returns = _positions(data, _RETURN, plain)
        if not self._line_end and not self._detect_line_end(data, newlines, returns, is_last):
            return np.empty(0, np.int64)
        if self._line_end == b"\n":
            self._check_absent(returns, newlines, self.return_hint, "carriage return")
            return newlines
        if self._line_end == b"\r":
            self._check_absent(newlines, returns, self.newline_hint, "newline")
            return returns
        if len(returns) and returns[-1] == len(data) - 1 and not is_last:
            returns = returns[:-1]
        is_pair = np.zeros(len(returns), np.bool_)
        inside = returns + 1 < len(data)
        is_pair[inside] = data[returns[inside] + 1] == _NEWLINE
        pairs = returns[is_pair]
        self._check_absent(returns[~is_pair], pairs, self.return_hint, "carriage return")
        self._check_absent(np.setdiff1d(newlines, pairs + 1), pairs, self.newline_hint, "newline")
        return pairs

    def _detect_line_end(self, data: Bytes, newlines: Positions, returns: Positions, is_last: bool) -> bool:
        """Fix the stream's line end by its first line; False = more input is needed to tell."""
        if len(newlines) == 0 and len(returns) == 0:
            return False
        if len(returns) == 0 or (len(newlines) and newlines[0] < returns[0]):
            self._line_end = b"\n"
        elif returns[0] + 1 < len(data):
            self._line_end = b"\r\n" if data[returns[0] + 1] == _NEWLINE else b"\r"
        elif is_last:
            self._line_end = b"\r"
        else:
            return False
        return True

    def _check_absent(self, strays: Positions, ends: Positions, hint: str, name: str) -> None:
        if len(strays):
            line = self._line_number + 1 + int(np.searchsorted(ends, strays[0]))
            context = f"COPY {self.relation}, line {line}"
            raise bad_format(f"{self.literal} {name} found in data", hint, context)

    def _end_of_data(self, data: bytes, starts: Positions, ends: Positions) -> int | None:
        """The index of the line `\\.` that ends the data, if there is one."""
        if END_OF_DATA not in data:
            return None
        view = np.frombuffer(data, np.uint8)
        two = np.flatnonzero(ends - starts == 2)
        is_marker = (view[starts[two]] == END_OF_DATA[0]) & (view[starts[two] + 1] == END_OF_DATA[1])
        found = two[is_marker]
        return int(found[0]) if len(found) else None

    def _read_header(self, data: Bytes, plain: Mask | None, end: int) -> None:
        """Check the header line against the columns, where the option says so."""
        if self.options.header is not CopyHeader.MATCH:
            return
        borders = _positions(data[:end], self.delimiter, plain)
        starts, ends = np.concatenate(([0], borders + 1)), np.append(borders, end)
        context = f"COPY {self.relation}, line 1: {shown(data[:end].tobytes().decode('utf-8', 'replace'))}"
        if len(starts) != len(self.columns):
            message = (
                f"wrong number of fields in header line: got {len(starts)}, expected {len(self.columns)}"
            )
            raise bad_format(message, context=context)
        for position, column in enumerate(self.columns):
            cell = self._field_column(
                data, starts[position : position + 1], ends[position : position + 1], position
            )
            name = cell[0].as_py()
            if name is None:
                message = (
                    f"column name mismatch in header line field {position + 1}: "
                    f'got null value ("{self.options.null}"), expected "{column.name}"'
                )
                raise bad_format(message, context=context)
            if name.decode("utf-8", "replace") != column.name:
                message = (
                    f"column name mismatch in header line field {position + 1}: "
                    f'got "{name.decode("utf-8", "replace")}", expected "{column.name}"'
                )
                raise bad_format(message, context=context)

    # -- fields

    def _rows(
        self, data: Bytes, plain: Mask | None, starts: Positions, ends: Positions
    ) -> pa.RecordBatch | None:
        """The batch of the lines `[starts, ends)`."""
        count = len(starts)
        if count == 0:
            return None
        delimiters = _positions(data, self.delimiter, plain)
        delimiters = delimiters[(delimiters >= starts[0]) & (delimiters < ends[-1])]
        per_line = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts)
        wrong = np.flatnonzero(per_line != len(self.columns) - 1)
        failure: BadCopyFileFormat | None = None
        if len(wrong):
            bad = int(wrong[0])
            failure = self._count_error(data, starts, ends, bad, int(per_line[bad]) + 1)
            starts, ends, count = starts[:bad], ends[:bad], bad
            delimiters = delimiters[: bad * (len(self.columns) - 1)]
        batch = self._columns(data, starts, ends, delimiters.reshape(count, len(self.columns) - 1))
        if failure is not None:
            raise failure
        self._line_number += count
        return batch

    def _count_error(
        self, data: Bytes, starts: Positions, ends: Positions, row: int, found: int
    ) -> BadCopyFileFormat:
        line = data[starts[row] : ends[row]].tobytes().decode("utf-8", "replace")
        number = self._line_number + row + 1
        context = f"COPY {self.relation}, line {number}: {shown(line)}"
        if found > len(self.columns):
            return bad_format("extra data after last expected column", context=context)
        return bad_format(f'missing data for column "{self.columns[found].name}"', context=context)

    def _columns(
        self, data: Bytes, starts: Positions, ends: Positions, delimiters: npt.NDArray[np.int64]
    ) -> pa.RecordBatch:
        field_starts = np.column_stack((starts, delimiters + 1))
        field_ends = np.column_stack((delimiters, ends))
        cells = [
            self._field_column(data, field_starts[:, j], field_ends[:, j], j)
            for j in range(len(self.columns))
        ]

        def error_context(row: int, position: int, error: QuiverError) -> str:
            number = self._line_number + row + 1
            prefix = f"COPY {self.relation}, line {number}"
            if isinstance(error, CharacterNotInRepertoire):
                # Bytes that came as they are fail before the line is looked at, escaped ones after.
                line = data[starts[row] : ends[row]].tobytes()
                return f"{prefix}: {shown(line.decode('utf-8'))}" if is_clean_utf8(line) else prefix
            value = cells[position][row].as_py()
            quoted = "null input" if value is None else shown(value.decode("utf-8", "replace"))
            return f"{prefix}, column {self.columns[position].name}: {quoted}"

        def decode(column: pa.Array, spec: CopyColumn) -> pa.Array:
            return parse_utf8_array(column, spec.type, self.context)

        return self._batch(self._decode_columns(cells, decode, error_context))


def _positions(data: Bytes, byte: int, plain: Mask | None) -> Positions:
    """Where a byte counts."""
    positions = np.flatnonzero(data == byte)
    return positions if plain is None else positions[plain[positions]]


def cells_equal(data: Bytes, starts: Positions, ends: Positions, value: bytes) -> Mask:
    """(n,) whether each piece `data[starts[i]:ends[i]]` is exactly `value`."""
    equal: Mask = ends - starts == len(value)
    for offset, byte in enumerate(value):
        at = starts[equal] + offset
        equal[equal] = data[at] == byte
    return equal


def is_clean_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return 0 not in raw
