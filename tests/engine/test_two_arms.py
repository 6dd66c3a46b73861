"""Two arms, one meaning: whatever hypothesis makes up, the evaluator and DuckDB answer the same.

Run thousands of cases by hand: `EXPLORE=40 python -m pytest tests/engine/test_two_arms.py`. What falsifies is printed
with its SQL and its rows; it belongs, made small, into `test_two_arms_cases.py`.
"""

from __future__ import annotations

from hypothesis import given, settings

from kuiper_nb.sql.builtins import table

from ..generated import cases
from .arms import Case, hold_together
from .strategies import AGGREGATES, CALLS, row_cases, window_cases

house = settings(max_examples=cases(80))


@house
@given(row_cases())
def test_rows_mean_the_same_in_both_arms(case: Case) -> None:
    hold_together(case)


@house
@given(window_cases())
def test_windows_mean_the_same_in_both_arms(case: Case) -> None:
    hold_together(case)


def test_every_function_with_a_duckdb_form_takes_part() -> None:
    written = {
        template.split("(")[0] for family in (CALLS, AGGREGATES) for kind in family.values() for template in kind
    }

    assert {name for name, entry in table().items() if entry.lower is not None} - written == set()
