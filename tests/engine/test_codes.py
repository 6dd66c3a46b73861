"""Groups as numbers: what is composed of windows and codes comes apart again, however many there are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.engine import codes
from kuiper_nb.engine.codes import Composed, coded, decoded

TEXTS = st.lists(st.sampled_from(["a", "b", "", "ä", None]), max_size=30)


@given(TEXTS, st.booleans(), st.integers(1, 3))
def test_texts_come_back_from_their_codes(texts: list[str | None], encoded: bool, chunks: int) -> None:
    parts = [pa.array(texts[place::chunks], pa.string()) for place in range(chunks)]
    column = pa.chunked_array([part.dictionary_encode() if encoded else part for part in parts])

    numbers, known, size = coded(column)

    assert decoded(numbers, known).to_pylist() == column.to_pylist()
    assert all(0 <= number < size for number in numbers.tolist())


def test_a_dictionary_that_says_a_text_twice_gives_it_one_code() -> None:
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", "a"]))])

    numbers, _, _ = coded(column)

    assert numbers[0] == numbers[1]


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 3), st.integers(0, 6)), max_size=40), st.booleans())
def test_windows_and_codes_come_apart_again(rows: list[tuple[int, int, int]], wide: bool) -> None:
    windows, first, second = (np.array([row[i] for row in rows], np.int32) for i in range(3))
    before, codes._MOST = codes._MOST, 2 if wide else codes._MOST  # as if there were too many for one integer
    try:
        composed = Composed(windows, [(first, 4), (second, 7)])
        inside = composed.numbers[windows >= 0]
        found, parts = composed.parted(inside)
    finally:
        codes._MOST = before

    assert (composed.numbers < 0).tolist() == (windows < 0).tolist()
    assert list(zip(found.tolist(), *(p.tolist() for p in parts), strict=True)) == [r for r in rows if r[0] >= 0]
    assert len(set(inside.tolist())) == len({r for r in rows if r[0] >= 0})
