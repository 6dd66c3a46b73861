"""DataFrames, Arrow tables and files: as payloads, and as the CREATE STREAM they stand for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from .errors import KuiperError, did_you_mean
from .types import from_arrow

_FORMATS = {".parquet": "parquet", ".csv": "delimited", ".json": "json", ".ndjson": "json", ".jsonl": "json"}


def as_table(data: Any) -> pa.Table | None:
    """Arrow of a DataFrame or of anything that speaks Arrow's C stream; None for anything else.

    Raises KuiperError for a column name that comes twice, and ArrowException for columns of several types.
    """
    if isinstance(data, pa.Table):
        return _single_names(data)
    if isinstance(data, pa.RecordBatch):
        return _single_names(pa.Table.from_batches([data]))
    if type(data).__module__.partition(".")[0] == "pandas":
        if not _is_frame(data):  # a Series speaks Arrow too, but has no columns
            return None
        _refuse_twice([str(name) for name in data.columns])
        return pa.Table.from_pandas(data, preserve_index=False)
    if hasattr(data, "__arrow_c_stream__"):
        try:
            return _single_names(pa.table(data))
        except (pa.ArrowException, TypeError, ValueError):  # a stream of values that are no rows
            return None
    return None


def _is_frame(data: Any) -> bool:
    import pandas as pd

    return isinstance(data, pd.DataFrame)


def _single_names(table: pa.Table) -> pa.Table:
    _refuse_twice(table.column_names)
    return table


def _refuse_twice(names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise KuiperError(f"column {name} comes {times} times", "a row holds a name once: rename the others")


def _frame_rows(frame: Any) -> list[dict[str, Any]]:
    """The rows of a DataFrame with columns no Arrow column can hold, since their values are of several types."""
    names = [str(name) for name in frame.columns]
    columns = [_cells(frame.iloc[:, place]) for place in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _cells(column: Any) -> list[Any]:
    import pandas as pd

    try:
        array = pa.array(column, from_pandas=True)
        if pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("us", array.type.tz or "UTC"), safe=False)
        values: list[Any] = array.to_pylist()
        return values
    except pa.ArrowException:
        return [None if pd.api.types.is_scalar(cell) and pd.isna(cell) else cell for cell in column.tolist()]


def payload_data(data: Any) -> tuple[Any, bool]:
    """What `push` was given as a payload's data, and whether its values have types. Raises KuiperError."""
    if isinstance(data, (dict, bytes)):
        return data, False
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data), False
    if isinstance(data, str):
        return data.encode(), False
    if isinstance(data, (list, tuple)):
        if set(map(type, data)) <= {dict}:
            return list(data), False
        if any(isinstance(item, dict) for item in data):  # what is none fails alone, as a row that does not fit does
            return [dict(item) if isinstance(item, dict) else item for item in data], False
    try:
        table = as_table(data)
    except pa.ArrowException:
        return _frame_rows(data), True
    if table is None:
        hint = "a dict, a list of dicts, bytes, a DataFrame or an Arrow table"
        if isinstance(data, (list, tuple)):
            place, odd = next((i, item) for i, item in enumerate(data) if type(item) is not dict)
            raise KuiperError(f"item {place} of the list is a {type(odd).__name__}, and nothing was pushed", hint)
        raise KuiperError(f"a {type(data).__name__} cannot be pushed", hint)
    return table, True


def declared(name: str, data: Any, timestamp: str) -> tuple[str, pa.Table | None]:
    """The CREATE STREAM that *data* stands for, and the table to read when it is no file. Raises KuiperError."""
    try:
        table = as_table(data)
    except pa.ArrowException as error:
        raise KuiperError(f"stream {name}: a column holds values of several types", str(error)) from None
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
    try:
        schema = _schema(path, kind)
    except (pa.ArrowException, OSError) as error:
        raise KuiperError(f"{path.name} cannot be read as {kind}", str(error)) from error
    return _statement(name, schema, timestamp, options), None


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
