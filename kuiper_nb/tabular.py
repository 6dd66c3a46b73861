"""DataFrames, Arrow tables and files: as payloads, and as the CREATE STREAM they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from .errors import KuiperError, did_you_mean
from .types import from_arrow

_FORMATS = {".parquet": "parquet", ".csv": "delimited", ".json": "json", ".ndjson": "json", ".jsonl": "json"}


def as_table(data: Any) -> pa.Table | None:
    """Arrow of a DataFrame or of anything that speaks Arrow's C stream; None for anything else."""
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if type(data).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(data, preserve_index=False)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    return None


def payload_data(data: Any) -> tuple[Any, bool]:
    """What `push` was given as a payload's data, and whether its values have types. Raises KuiperError."""
    if isinstance(data, (dict, bytes)):
        return data, False
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data), False
    if isinstance(data, str):
        return data.encode(), False
    if isinstance(data, (list, tuple)) and set(map(type, data)) <= {dict}:
        return list(data), False
    table = as_table(data)
    if table is None:
        hint = "a dict, a list of dicts, bytes, a DataFrame or an Arrow table"
        raise KuiperError(f"a {type(data).__name__} cannot be pushed", hint)
    return table, True


def declared(name: str, data: Any, timestamp: str) -> tuple[str, pa.Table | None]:
    """The CREATE STREAM that *data* stands for, and the table to read when it is no file. Raises KuiperError."""
    table = as_table(data)
    if table is not None:
        return _statement(name, table.schema, timestamp, f'TYPE="frame", DATASOURCE="{name}", FORMAT="json"'), table
    if not isinstance(data, (str, Path)):
        raise KuiperError(f"a {type(data).__name__} is no stream", "a DataFrame, an Arrow table or the path of a file")
    path = Path(data)
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise KuiperError(f"{path.name}: which format is that?", f"known endings: {', '.join(_FORMATS)}")
    if not path.exists():
        raise KuiperError(f"no such file: {path}", f"the working directory is {Path.cwd().name}/")
    options = f'TYPE="file", DATASOURCE="{path}", FORMAT="{kind}"'
    return _statement(name, _schema(path, kind), timestamp, options), None


def _schema(path: Path, kind: str) -> pa.Schema:
    if kind == "parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_schema(path)
    if kind == "delimited":
        import pyarrow.csv

        with pyarrow.csv.open_csv(path) as reader:
            return reader.schema
    import pyarrow.json

    with pyarrow.json.open_json(path) as reader:
        return reader.schema


def _statement(name: str, schema: pa.Schema, timestamp: str, options: str) -> str:
    if timestamp and timestamp not in schema.names:
        raise KuiperError(f"no column {timestamp} to take the time from", did_you_mean(timestamp, schema.names))
    columns = []
    for field in schema:
        kind = from_arrow(field.type)
        if pa.types.is_date(field.type):
            kind = from_arrow(pa.timestamp("us"))
        if pa.types.is_decimal(field.type) or pa.types.is_float16(field.type) or field.type == pa.uint64():
            kind = from_arrow(pa.float64() if field.type != pa.uint64() else pa.int64())
        if kind is None or str(kind) == "NULL":
            raise KuiperError(
                f"column {field.name} is a {field.type}, which no stream holds", "leave it out or cast it"
            )
        columns.append(f"{_quoted(field.name)} {kind}")
    time = f', TIMESTAMP="{timestamp}"' if timestamp else ""
    return f"CREATE STREAM {_quoted(name)} ({', '.join(columns)}) WITH ({options}{time})"


def _quoted(name: str) -> str:
    return f"`{name}`"
