"""Which rows belong to which spans, and which came first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.engine.ordering import copies, first_rows, ordered, ranked

KEYS = st.lists(st.integers(-50, 50), max_size=40)


@given(KEYS, st.integers(1, 30), st.integers(1, 30), st.integers(1, 20))
def test_every_row_is_there_once_for_every_span_it_belongs_to(
    keys: list[int], length: int, step: int, most: int
) -> None:
    lowers = np.arange(-40, -40 + most * step, step)

    times, numbers = copies(np.array(keys, np.int64), lowers, lowers + length)
    found = sorted((number, row % len(keys)) for row, number in enumerate(numbers.tolist()) if number >= 0)

    assert len(numbers) == times * len(keys)
    assert found == [
        (number, row)
        for number, low in enumerate(lowers.tolist())
        for row, k in enumerate(keys)
        if low <= k < low + length
    ]


@pytest.mark.parametrize("scale", [1, 2**33, 2**57], ids=["in 32 bits", "in 64 bits", "by rank"])
@given(keys=KEYS)
def test_rows_are_ordered_by_key_and_arrival(keys: list[int], scale: int) -> None:
    scaled = np.array(keys, np.int64) * scale

    order = ordered(scaled)

    assert np.argsort(order).tolist() == sorted(range(len(keys)), key=lambda row: (keys[row], row))
    assert first_rows(order, scaled).tolist() == list(range(len(keys)))


def test_rows_are_ranked_by_key_and_number() -> None:
    assert ranked(np.array([5, 1, 5]), np.array([9, 3, 2])).tolist() == [2, 0, 1]
