"""Files that are damaged, or nested deeper than anything reads: an error that names them, and the rest goes on."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from kuiper_nb import KuiperError, Session

from ..conftest import rows


@pytest.mark.parametrize("levels", [400, 900, 100_000])
@pytest.mark.parametrize("columns", ["", "b BIGINT"])
@pytest.mark.parametrize("start", ['{"b":3,"a":', ""], ids=["in a row", "alone"])
def test_a_line_that_is_nested_too_deep_fails_alone(
    session: Session, tmp_path: Path, levels: int, columns: str, start: str
) -> None:
    path = tmp_path / "deep.json"
    deep = start + "[" * levels + "]" * levels + ("}" if start else "")
    path.write_text(f'{{"b":1}}\n{deep}\n{{"b":2}}\n')
    session.sql(f'CREATE STREAM f ({columns}) WITH (TYPE="file", DATASOURCE="{path}", FORMAT="json")')
    rule = session.rule("SELECT b FROM f", id="r")

    assert rule.wait() is True
    assert rows(rule) == [{"b": 1}, {"b": 2}]
    assert len(rule.errors) == 1


def test_a_damaged_parquet_file_is_said_to_be_none(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "damaged.parquet"
    parquet.write_table(pa.table({"a": [1, 2]}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + b"\x00" * (len(whole) - 12) + whole[-8:])
    session.sql(f'CREATE STREAM f () WITH (TYPE="file", DATASOURCE="{path}", FORMAT="parquet")')
    rule = session.rule("SELECT a FROM f", id="r")
    rule.wait()

    assert "damaged.parquet is no Parquet file" in rule.status.message
    with pytest.raises(KuiperError, match=r"damaged.parquet cannot be read as parquet"):
        session.stream("g", path)
