"""Rows as Arrow and pandas: whatever they hold."""

from __future__ import annotations

from kuiper_nb.engine.result import rows_table


def test_half_a_surrogate_pair_is_written_out() -> None:
    rows = [{"v": "\ud83d", "w\ud83d": ["\ud83d"]}, {"v": "é"}]
    assert rows_table(rows).to_pylist() == [{"v": "\\ud83d", "w\\ud83d": "['\\ud83d']"}, {"v": "é", "w\\ud83d": None}]
