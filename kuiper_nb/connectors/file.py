"""Files: JSON, CSV and Parquet as sources, lines, JSON and CSV as sinks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..catalog import Stream
from ..contracts import EndOfStream, Payload, Row
from ..errors import ConnectorError, NotSupported, did_you_mean
from ..formats.delimited import field_text
from ..formats.json import dumps
from . import csvfile, ndjson
from .blocks import ROWS, opened, slices
from .documented import Documented, Property
from .site import Site

_REPEATED = 3  # bytes a value that a column of text takes at most in a file when its values repeat
_READ = 1 << 20  # bytes of a column of Parquet read at a time
_KINDS = {"json": "json", "delimited": "csv", "csv": "csv", "lines": "lines", "parquet": "parquet"}

SOURCE = Documented(
    "reads a file, or every file of a directory in the order of their names, once; then the stream ends",
    'CREATE STREAM demo (a BIGINT, ts BIGINT) WITH (TYPE="file", DATASOURCE="demo.csv", FORMAT="delimited")',
    (
        Property("fileType", "", "how the file is laid out; by FORMAT when left out", tuple(_KINDS)),
        Property("path", "", "a directory that DATASOURCE is relative to"),
        Property("decompression", "", "how the file is compressed", ("gzip",)),
        Property("hasHeader", True, "CSV: the first line names the columns; unless it names none that is declared"),
        Property("delimiter", ",", "CSV: between the values of a line"),
        Property("columns", [], "CSV: the names of the columns, where no line says them"),
        *(
            Property(name, later=True)
            for name in (
                "interval",
                "sendInterval",
                "parallel",
                "actionAfterRead",
                "ignoreStartLines",
                "ignoreEndLines",
            )
        ),
    ),
    "the path of a file or a directory",
)
SINK = Documented(
    "writes what the rule emits to a file, anew each time the rule starts",
    '{"file": {"path": "out.csv", "fileType": "csv"}}',
    (
        Property("path", help="where to write; directories are made"),
        Property("fileType", "lines", "a payload a line, one JSON array, or CSV", ("lines", "json", "csv")),
        Property("hasHeader", True, "CSV: the first line names the columns"),
        Property("delimiter", ",", "CSV: between the values of a line"),
        *(Property(name, later=True) for name in ("rollingInterval", "rollingCount", "rollingHook", "compression")),
    ),
)


class FileSource:
    """Reads a file, or every file of a directory in the order of their names, once; then its stream ends."""

    paced = False  # it delivers at every turn, whatever the clock says

    def __init__(self, path: Path, kind: str, stream: Stream, properties: Mapping[str, Any], site: Site) -> None:
        self._path = path
        self._kind = kind
        self._stream = stream
        self._properties = properties
        self._site = site
        self._payloads: Iterator[Payload] | None = None

    def open(self) -> None:
        """Finds the files; ConnectorError naming the path when they are missing or cannot be read."""
        try:
            paths = sorted(p for p in self._path.iterdir() if p.is_file()) if self._path.is_dir() else [self._path]
            for path in paths:
                path.open("rb").close()
        except OSError as error:
            raise ConnectorError(
                f"stream {self._stream.name}: cannot read {self._path}: {error.strerror or error}",
                f"paths are relative to the working directory, {Path.cwd()}" if not self._path.is_absolute() else "",
            ) from error
        self._payloads = self._read(paths)

    def poll(self) -> Payload | None:
        """The next part of the file; EndOfStream after the last."""
        if self._payloads is None:
            return None
        payload = next(self._payloads, None)
        if payload is None:
            raise EndOfStream
        return payload

    def due(self) -> int | None:
        """Now, since a file is always ready."""
        return None if self._payloads is None else self._site.clock.now()

    def close(self) -> None:
        """Closes the file."""
        closing, self._payloads = self._payloads, None
        if closing is not None:
            closing.close()  # type: ignore[attr-defined]

    def _read(self, paths: list[Path]) -> Iterator[Payload]:
        for path in paths:
            meta = {"file": str(path)}
            for payload in self._parts(path):
                yield Payload(payload.data, payload.at, meta, payload.typed)

    def _parts(self, path: Path) -> Iterator[Payload]:
        if self._kind == "parquet":
            yield from self._parquet(path)
            return
        columns = self._site.columns
        with opened(str(path), str(self._properties.get("decompression") or "")) as file:
            if self._kind == "csv":
                yield from csvfile.read(file, self._stream, self._properties, columns)
            elif self._stream.format == "json":
                yield from ndjson.read(file, self._stream, columns, lines=self._kind == "lines")
            elif self._stream.format == "binary" and self._properties.get("fileType") != "lines":
                yield Payload(file.read())
            else:
                yield from (Payload(line.rstrip(b"\r\n")) for line in file if line.strip())

    def _parquet(self, path: Path) -> Iterator[Payload]:
        import pyarrow as pa
        import pyarrow.parquet as reader

        try:
            # a mapped file, or ranges read before they are needed, would stay in memory until the end
            repeated = _repeated_texts(reader.read_metadata(path))
            with reader.ParquetFile(path, pre_buffer=False, buffer_size=_READ, read_dictionary=repeated) as file:
                present = file.schema_arrow.names
                columns = self._site.columns
                used = None if columns is None else [n for n in present if n in columns]
                for batch in file.iter_batches(ROWS, columns=used or None, use_threads=False):
                    yield from slices(pa.Table.from_batches([batch]))
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:
                raise  # the system's, not the file's
            raise ConnectorError(f"stream {self._stream.name}: {path} is no Parquet file", str(error)) from error


def _repeated_texts(metadata: Any) -> list[str]:
    """The columns of text whose values repeat, by the first row group: read as dictionaries they cost half as much."""
    if not metadata.num_row_groups:
        return []
    group, schema = metadata.row_group(0), metadata.schema
    texts = [n for n in range(group.num_columns) if schema.column(n).logical_type.type == "STRING"]
    flat = [group.column(n) for n in texts if schema.column(n).max_repetition_level == 0]
    return [
        chunk.path_in_schema
        for chunk in flat
        if "." not in chunk.path_in_schema
        and chunk.has_dictionary_page
        and chunk.total_uncompressed_size < _REPEATED * chunk.num_values
    ]


class FileSink:
    """Writes a file anew: an emit's payload a line, or rows as one JSON array or as CSV.

    CSV has the columns of the first row, in its order, and quotes where they are needed; what has no text of its own
    (objects, arrays) is JSON in it.
    """

    def __init__(self, path: Path, kind: str, header: bool, delimiter: str) -> None:
        self._path = path
        self._kind = kind
        self._header = header
        self._delimiter = delimiter
        self._columns: list[str] = []
        self._file: IO[bytes] | None = None
        self._rows = 0
        self.takes = "bytes" if kind == "lines" else "rows"

    def open(self) -> None:
        """Makes the file, and its directory; ConnectorError naming the path when that is impossible."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        except OSError as error:
            raise ConnectorError(f"file sink: cannot write {self._path}: {error.strerror or error}") from error
        self._rows, self._columns = 0, []
        if self._kind == "json":
            self._file.write(b"[")

    def write(self, item: Any, at: int) -> None:
        """Writes a payload, or rows; they are on disk when it returns."""
        assert self._file is not None
        if self._kind == "lines":
            self._file.write(item + b"\n")
        else:
            for row in item if isinstance(item, list) else [item]:
                self._file.write(self._row(row).encode("utf-8", "replace"))
                self._rows += 1
        self._file.flush()

    def close(self) -> None:
        """Completes and closes the file."""
        if self._file is None:
            return
        if self._kind == "json":
            self._file.write(b"\n]\n" if self._rows else b"]\n")
        self._file.close()
        self._file = None

    def _row(self, row: Row) -> str:
        if self._kind == "csv":
            return self._csv(row)
        return ("," if self._rows else "") + "\n" + dumps(row)

    def _csv(self, row: Row) -> str:
        lines = io.StringIO()
        writer = csv.writer(lines, delimiter=self._delimiter, lineterminator="\n")
        if not self._columns:
            self._columns = list(row)
            if self._header:
                writer.writerow(self._columns)
        writer.writerow([_field(row.get(column)) for column in self._columns])
        return lines.getvalue()


def _field(value: Any) -> str:
    return dumps(value) if isinstance(value, (dict, list)) else field_text(value)


def source(stream: Stream, properties: Mapping[str, Any], site: Site) -> FileSource:
    """The file, or directory, in DATASOURCE, read by FORMAT (json, delimited, parquet) or the property *fileType*.

    Raises ConnectorError for a missing DATASOURCE or an unknown fileType, NotSupported for properties not here yet.
    """
    if not stream.datasource:
        raise ConnectorError(f"stream {stream.name}: file needs a DATASOURCE, the path")
    SOURCE.refuse_later(properties, "file source")
    if properties.get("decompression") not in (None, "", *SOURCE.values("decompression")):
        hint = f"known: {', '.join(SOURCE.values('decompression'))}"
        raise NotSupported(f"decompression {properties['decompression']} is not here yet", hint)
    wanted = str(properties.get("fileType") or "").lower() or stream.format
    kind = _KINDS.get(wanted, "lines" if not properties.get("fileType") else "")
    if not kind:
        raise ConnectorError(f"stream {stream.name}: unknown fileType {wanted}", did_you_mean(wanted, _KINDS))
    path = Path(str(properties.get("path") or ""), stream.datasource)
    return FileSource(
        path, "csv" if stream.format == "delimited" and kind == "lines" else kind, stream, properties, site
    )


def sink(properties: Mapping[str, Any], site: Site) -> FileSink:
    """A file at *path*, of *fileType* lines (default), json or csv; *hasHeader* (true) and *delimiter* are for csv.

    Raises ConnectorError for a missing path, NotSupported for another fileType and for rolling files.
    """
    path = properties.get("path")
    if not isinstance(path, str) or not path:
        raise ConnectorError("file sink: property path is required")
    SINK.refuse_later(properties, "file sink")
    kind = str(properties.get("fileType") or SINK.default("fileType")).lower()
    if kind not in SINK.values("fileType"):
        hint = f"known: {', '.join(SINK.values('fileType'))}"
        raise NotSupported(f"the file sink's fileType {kind} is not here yet", hint)
    header = properties.get("hasHeader", SINK.default("hasHeader"))
    return FileSink(
        Path(path), kind, header is not False, str(properties.get("delimiter") or SINK.default("delimiter"))
    )
