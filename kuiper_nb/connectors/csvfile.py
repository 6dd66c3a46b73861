"""CSV files: a header, quotes, a row a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from ..catalog import Stream
from ..contracts import Payload, Row
from ..errors import ConnectorError
from ..formats.delimited import texts
from ..types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType, to_arrow
from .blocks import ROWS, Columnar, Pieces, blocks

if TYPE_CHECKING:
    import pyarrow as pa

_FAST = (BIGINT, FLOAT, STRING, BOOLEAN)
_TRUE, _FALSE = ["1", "t", "T", "TRUE", "true", "True"], ["0", "f", "F", "FALSE", "false", "False"]


def read(
    file: IO[bytes], stream: Stream, properties: Mapping[str, Any], columns: frozenset[str] | None
) -> Iterator[Payload]:
    """The rows of a CSV file, in order: declared columns cast, all others as texts.

    An empty field is null, except in a STRING column. A value that is no number where one is declared makes its row
    fail. A row with too few fields lacks the last columns; fields too many are left out. Raises ConnectorError for a
    bad property.
    """
    delimiter = stream.options.get("DELIMITER") or str(properties.get("delimiter") or "") or ","
    quoting = len(delimiter) == 1
    records = _whole_records(blocks(file)) if quoting else blocks(file)
    first = next(records, b"")
    names, first = _columns(first, stream, properties, delimiter)
    layout = _Layout(tuple(names), delimiter, stream, columns)
    for block in _chained(first, records):
        if b'"' in block or not quoting:
            yield from Pieces(layout.columnar if quoting else _never, layout.singly, lines=False).payloads(block)
        else:
            yield from layout.pieces.payloads(block)


def _chained(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from others


def _never(block: bytes) -> None:
    return None


def _whole_records(each: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks that do not end inside quotes."""
    held = b""
    for block in each:
        held += block
        if held.count(b'"') % 2 == 0:
            yield held
            held = b""
    if held:
        yield held


def _columns(first: bytes, stream: Stream, properties: Mapping[str, Any], delimiter: str) -> tuple[list[str], bytes]:
    """The names of the file's columns, and its first block without the header.

    Unless *hasHeader* says so, a first line that names none of the columns that are expected is no header.
    """
    header = properties.get("hasHeader")
    if not isinstance(header, (bool, type(None))):
        raise ConnectorError(f"stream {stream.name}: hasHeader is true or false, not {header!r}")
    given = [str(name) for name in properties.get("columns") or properties.get("fields") or ()]
    expected = given or [f.name for f in stream.fields]
    reader = _Records(first, delimiter)
    names = [name.strip() for name in next(reader, [])] if header is not False else []
    if header is None and expected and {n.lower() for n in names}.isdisjoint(n.lower() for n in expected):
        header = False
    if header is False:
        return expected, first
    return given or names, first[reader.consumed :]


class _Records:
    """The records of a block; *consumed* is how many bytes of it were read."""

    def __init__(self, block: bytes, delimiter: str) -> None:
        self.consumed = 0
        self._lines = block.splitlines(keepends=True)
        self._delimiter = delimiter
        self._reader = csv.reader(self._texts(), delimiter=delimiter) if len(delimiter) == 1 else None

    def __iter__(self) -> _Records:
        return self

    def __next__(self) -> list[str]:
        if self._reader is not None:
            return next(self._reader)
        return next(self._texts()).rstrip("\r\n").split(self._delimiter)

    def _texts(self) -> Iterator[str]:
        while self._lines:
            line = self._lines.pop(0)
            self.consumed += len(line)
            yield line.decode("utf-8", "replace")


class _Layout:
    """How the records of one file become rows."""

    def __init__(self, names: tuple[str, ...], delimiter: str, stream: Stream, columns: frozenset[str] | None) -> None:
        self._names = names
        self._delimiter = delimiter
        self._cast: Callable[[Row], Row] = texts(stream)
        declared = {f.name: f.type for f in stream.fields}
        self._types: dict[str, AnyType] = {
            name: declared.get(name, STRING)
            for name in names
            if (not declared or name in declared) and (columns is None or name in columns)
        }
        fast = bool(self._types) and len(set(names)) == len(names) and set(self._types.values()) <= set(_FAST)
        missing = bool(declared) and any(n not in names for n in declared if columns is None or n in columns)
        self.columnar: Columnar = self._table if fast and not missing else _never
        self.pieces = Pieces(self.columnar, self.singly)

    def _table(self, block: bytes) -> pa.Table | None:
        """All records as a table; None when one does not fit, or may be hexadecimal, which only Arrow reads."""
        import pyarrow as pa
        import pyarrow.csv as reader

        if BIGINT in self._types.values() and (b"0x" in block or b"0X" in block):
            return None
        try:
            return reader.read_csv(
                pa.BufferReader(block),
                reader.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=list(self._names)),
                reader.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, ignore_empty_lines=True),
                reader.ConvertOptions(
                    column_types={name: to_arrow(kind) for name, kind in self._types.items()},
                    include_columns=list(self._types),
                    null_values=[""],
                    strings_can_be_null=False,
                    true_values=_TRUE,
                    false_values=_FALSE,
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError):
            return None

    def singly(self, block: bytes) -> Iterator[Payload]:
        """The records one by one, as JSON rows; a text where a number is declared stays one, and is refused later."""
        run: list[Row] = []
        for record in self._records(block):
            names = self._names or tuple(f"col{i}" for i in range(len(record)))
            run.append(self._cast(dict(zip(names, record, strict=False))))
            if len(run) >= ROWS:
                yield Payload(run)
                run = []
        if run:
            yield Payload(run)

    def _records(self, block: bytes) -> Iterator[list[str]]:
        text = block.decode("utf-8", "replace")
        if len(self._delimiter) == 1:
            return (r for r in csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter) if r)
        return (line.split(self._delimiter) for line in text.splitlines() if line)
