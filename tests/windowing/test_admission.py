"""What is known of blocks of rows is what a look at every row says."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.windowing import admission
from kuiper_nb.windowing.admission import Followed, Known
from kuiper_nb.windowing.windows import BEGINNING

moments = st.integers(0, 60)


@given(
    times=st.lists(moments, max_size=40),
    greatest=st.one_of(st.just(BEGINNING), moments),
    tolerance=st.integers(0, 30),
    marks=st.lists(st.integers(-40, 80), max_size=12),
    block=st.integers(1, 9),
)
def test_a_batch_seen_in_blocks_answers_as_one_seen_row_by_row(
    times: list[int], greatest: int, tolerance: int, marks: list[int], block: int
) -> None:
    rows = np.array(times, np.int64)
    goals = np.array(marks, np.int64)
    after = [max([greatest, *times[: place + 1]]) - tolerance for place in range(len(times))]
    first = greatest if greatest == BEGINNING else greatest - tolerance
    exact = Known(rows, np.array(after, np.int64), np.array([first, *after][: len(times)], np.int64))

    with patch.object(admission, "_BLOCK", block):
        followed = Followed(rows, greatest, tolerance)
        moved = [int(place) for mark in marks for place in followed.moved_by(np.array([mark], np.int64))]
        together = followed.moved_by(goals).tolist()
        any_late = followed.any_late

    assert moved == together == exact.moved_by(goals).tolist()
    assert any_late == exact.any_late
    assert followed.late.tolist() == exact.late.tolist()
    assert followed.releases.tolist() == exact.releases.tolist()
    assert followed.watermarks.tolist() == exact.watermarks.tolist()
    assert followed.greatest == max([greatest, *times])
