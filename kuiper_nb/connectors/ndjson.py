"""JSON files: an object a line, or one array of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from ..catalog import Stream
from ..contracts import Payload, Row
from ..formats.lenient import DEPTH, may_be_deep
from ..types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType, ArrayOf, to_arrow
from .blocks import ROWS, Pieces, blocks
from .ruled import Ruled

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE = 1000
_CHUNK = 256 * 1024  # one thread alone, or larger chunks, are half as fast
_FAST = (BIGINT, FLOAT, STRING)


def read(file: IO[bytes], stream: Stream, columns: frozenset[str] | None, lines: bool) -> Iterator[Payload]:
    """The rows of a JSON file, in order.

    Columns whose types are known come as Arrow; the rows that do not fit, and all rows of schemaless files whose
    columns change their types or go missing, as JSON; lines that are no JSON as bytes. With *lines*, an array at the
    start is a line, not the file.
    """
    each = blocks(file)
    first = next(each, b"")
    if not lines and _spans_lines(first):
        yield from _document(first + b"".join(each))
        return
    columnar = _columnar(first, stream, columns)
    pieces = Pieces(columnar.table, _singly)
    for block in _chained(first, each):
        yield from pieces.payloads(block)


def _chained(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from others


def _spans_lines(first: bytes) -> bool:
    """Whether the file's JSON goes beyond its first line, so that the lines mean nothing by themselves."""
    start = first.lstrip()
    if not start.startswith((b"[", b"{")):
        return False
    line, _, more = start.partition(b"\n")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        # A first line that is merely wrong is followed by lines that stand for themselves.
        following = more.lstrip().partition(b"\n")[0].strip()
        return start.startswith(b"[") or not (following.startswith(b"{") and following.endswith(b"}"))
    return isinstance(value, list) and not more.strip()


def _document(text: bytes) -> Iterator[Payload]:
    if may_be_deep(text):  # the format refuses it, in its own words
        yield Payload(text)
        return
    try:
        value = _DECODER.decode(text.decode())
    except (ValueError, RecursionError):
        yield Payload(text)
        return
    rows = value if isinstance(value, list) else [value]
    yield from _runs(row if isinstance(row, dict) else json.dumps(row).encode() for row in rows)


def _singly(block: bytes) -> Iterator[Payload]:
    yield from _runs(_row(line) for line in block.split(b"\n") if line.strip())


def _row(line: bytes) -> Row | bytes:
    """The line as a row; the line itself when the stream's format has to look at it."""
    if may_be_deep(line):
        return line.strip()
    try:
        value = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        return line.strip()
    if not isinstance(value, dict) or b"\\ud" in line or b"\\uD" in line:
        return line.strip()
    return value


def _runs(rows: Iterator[Row | bytes]) -> Iterator[Payload]:
    """Rows in lists, and what is no row by itself between them."""
    run: list[Row] = []
    for row in rows:
        if isinstance(row, bytes) or len(run) >= ROWS:
            if run:
                yield Payload(run)
            run = []
        if isinstance(row, bytes):
            yield Payload(row)
        else:
            run.append(row)
    if run:
        yield Payload(run)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_constant)


class _Columnar:
    """Reads a block of lines as a table; None for a block that holds a line that does not fit exactly.

    Arrow's reader refuses what has another type than *schema*, but takes an absent key for a null and, asked to, leaves
    out unknown keys: those are looked for here. *unseen* are columns whose type nobody knows.
    """

    def __init__(self, schema: pa.Schema | None, others: bool, unseen: frozenset[str]) -> None:
        self._schema = schema
        self._others = others
        self._names = unseen
        self._unseen = [json.dumps(name).encode() for name in unseen]

    def table(self, block: bytes) -> pa.Table | None:
        import pyarrow as pa
        import pyarrow.json as reader

        if self._schema is None or not _is_utf8(block):
            return None
        ruled = self._ruled(block, self._schema)
        if ruled is not None:
            return ruled
        if _may_be_deep(block) or any(name in block for name in self._unseen):
            return None
        if b"Infinity" in block:  # which Arrow reads, and eKuiper refuses
            return None
        try:
            table = reader.read_json(
                pa.BufferReader(block),
                reader.ReadOptions(use_threads=True, block_size=min(_CHUNK, len(block) + 1)),
                reader.ParseOptions(
                    explicit_schema=self._schema, unexpected_field_behavior="ignore" if self._others else "error"
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if not table.num_rows == lines == block.count(b"\n{") + block.startswith(b"{"):
            return None  # objects that share a line, or go beyond one
        return table.combine_chunks() if self._nulls_are_nulls(table, block) else None

    def _ruled(self, block: bytes, schema: pa.Schema) -> pa.Table | None:
        """The table when all lines are written like the first."""
        ruled = Ruled.of(block.partition(b"\n")[0])
        if ruled is None or not ruled.fits(schema, self._others) or not self._names.isdisjoint(ruled.keys):
            return None
        return ruled.table(block if block.endswith(b"\n") else block + b"\n", schema)

    def _nulls_are_nulls(self, table: pa.Table, block: bytes) -> bool:
        """Whether every null stands in the text, none being a key that is absent."""
        holes = [name for name in table.column_names if table.column(name).null_count]
        if holes and block.count(b"{") != table.num_rows:
            return False
        return all(_written_nulls(name, block) == table.column(name).null_count for name in holes)


def _written_nulls(name: str, block: bytes) -> int:
    key = re.escape(json.dumps(name, ensure_ascii=False).encode())
    return len(re.findall(key + rb"\s*:\s*null", block))


def _may_be_deep(block: bytes) -> bool:
    """Whether an object in a block of lines may be nested deeper than the format takes."""
    opened = block.count(b"{") + block.count(b"[")
    if opened - block.count(b"\n{") - block.startswith(b"{") < DEPTH:  # most lines open nothing but their object
        return False
    return may_be_deep(block)


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _columnar(first: bytes, stream: Stream, columns: frozenset[str] | None) -> _Columnar:
    import pyarrow as pa

    renamed = "colAliasMapping" in stream.options.get("EXTRA", "")
    if stream.typed:
        wanted = {f.name: f.type for f in stream.fields if columns is None or f.name in columns}
        fast = bool(wanted) and not renamed and all(_is_fast(kind) for kind in wanted.values())
        return _Columnar(_schema(wanted) if fast else None, True, frozenset())
    whole = "useInt64ForWholeNumber" in stream.options.get("EXTRA", "")
    seen = _sampled(first)
    kept = {name: kind for name, kind in seen.items() if columns is None or name in columns}
    if renamed or whole or not kept or any(kind is None for kind in kept.values()):
        return _Columnar(None, False, frozenset())
    schema = pa.schema([(name, to_arrow(kind)) for name, kind in kept.items() if kind is not None])
    return _Columnar(schema, columns is not None, (columns or frozenset()) - kept.keys())


def _schema(wanted: dict[str, AnyType]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, to_arrow(kind)) for name, kind in wanted.items()])


def _is_fast(kind: AnyType) -> bool:
    """Whether Arrow's reader takes for this type what our coercion takes, and refuses the rest.

    BOOLEAN is among them: it refuses the numbers and texts that the coercion would take, and those rows go one by one.
    """
    return _is_fast(kind.item) if isinstance(kind, ArrayOf) else kind in (*_FAST, BOOLEAN)


def _sampled(first: bytes) -> dict[str, AnyType | None]:
    """The types of a schemaless file's columns by its first lines; None for one that has several, or a nested one."""
    kinds: dict[str, set[AnyType | None]] = {}
    for line in first.split(b"\n", _SAMPLE)[:_SAMPLE]:
        row = _row(line) if line.strip() else b""
        for key, value in row.items() if isinstance(row, dict) else ():
            kinds.setdefault(key, set()).update(_kinds(value))
    return {key: next(iter(found)) if len(found) == 1 else None for key, found in kinds.items()}


def _kinds(value: Any) -> set[AnyType | None]:
    """The type of a JSON value in a schemaless stream; none for null, None for what is no column of Arrow."""
    if value is None:
        return set()
    if isinstance(value, bool):
        return {BOOLEAN}
    if isinstance(value, (int, float)):
        return {FLOAT}
    if isinstance(value, str):
        return {STRING}
    if isinstance(value, list):
        items = set().union(*(_kinds(item) for item in value))
        if not value or items in ({FLOAT}, {STRING}, {BOOLEAN}):
            return {ArrayOf(kind) for kind in items if kind is not None}
    return {None}
