"""Rows as Arrow and pandas: whatever they hold."""

from __future__ import annotations

import pyarrow as pa

from kuiper_nb.engine.emits import Emit
from kuiper_nb.engine.result import arrow_table, rows_table


def test_half_a_surrogate_pair_is_written_out() -> None:
    rows = [{"v": "\ud83d", "w\ud83d": ["\ud83d"]}, {"v": "é"}]
    assert rows_table(rows).to_pylist() == [{"v": "\\ud83d", "w\\ud83d": "['\\ud83d']"}, {"v": "é", "w\\ud83d": None}]


def test_names_that_are_no_text_become_text() -> None:
    assert rows_table([{1: 2.0, None: 3.0}]).to_pylist() == [{"1": 2.0, "None": 3.0}]  # type: ignore[dict-item]


def test_emits_of_every_kind_become_one_table_in_their_order() -> None:
    made = [Emit(0, [{"a": 1}]), Emit(1, [{"a": 2.5, "b": "x"}]), Emit(2, [])]
    ready = Emit(3, table=lambda: pa.table({"a": [3]}), size=1)

    assert arrow_table([*made, ready, Emit(4, [{"b": "y"}])]).to_pylist() == [
        {"a": 1.0, "b": None},
        {"a": 2.5, "b": "x"},
        {"a": 3.0, "b": None},
        {"a": None, "b": "y"},
    ]


def test_what_has_no_single_type_becomes_text() -> None:
    assert arrow_table([Emit(0, [{"a": 1}]), Emit(1, [{"a": "x"}])]).to_pylist() == [{"a": "1"}, {"a": "x"}]
