"""Text of a Parquet file: as dictionaries where its values repeat."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kuiper_nb import Session, VirtualClock
from kuiper_nb.connectors.file import _repeated_texts


def _written(folder: Path) -> Path:
    path = folder / "texts.parquet"
    few = [f"key{n % 10}" for n in range(10_000)]
    many = [f"a text of its own {n}" for n in range(10_000)]
    pq.write_table(pa.table({"few": few, "many": many, "n": [float(n) for n in range(10_000)]}), path)
    return path


def test_only_text_whose_values_repeat_is_read_as_a_dictionary(tmp_path: Path) -> None:
    assert _repeated_texts(pq.read_metadata(_written(tmp_path))) == ["few"]


def test_rows_and_results_hold_text(tmp_path: Path) -> None:
    path = _written(tmp_path)
    with Session(clock=VirtualClock(1000)) as session:
        session.stream("texts", path)
        every = session.rule("SELECT few, many, n FROM texts WHERE n < 2")
        counted = session.rule("SELECT few, count(*) AS n FROM texts GROUP BY few, COUNTWINDOW(10000)")

        every.wait()
        counted.wait()

        assert every.arrow().schema.field("few").type == pa.string()
        assert every.emits[0].rows == pq.read_table(path).slice(0, 2).to_pylist()
        assert counted.emits[0].rows == [{"few": f"key{n}", "n": 1000} for n in range(10)]
