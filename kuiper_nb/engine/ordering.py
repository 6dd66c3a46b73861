"""Which rows belong to which spans, and which row came first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .batch import Times

Numbers = npt.NDArray[np.int64]
Order = npt.NDArray[np.signedinteger]
_NONE = np.int32(-1)
_rows = np.empty(0, np.int64)


def counted(size: int) -> Numbers:
    """0, 1, … *size* - 1; not to be written to."""
    global _rows  # noqa: PLW0603
    if len(_rows) < size:
        _rows = np.arange(max(size, 2 * len(_rows)), dtype=np.int64)
        _rows.flags.writeable = False
    return _rows[:size]


def copies(keys: Times, lowers: Numbers, uppers: Numbers) -> tuple[int, npt.NDArray[np.int32]]:
    """How often the rows must be repeated so that each is there once for every span it belongs to, and the number of
    the span for each row of all the repetitions; -1 for none.

    Spans are sorted; those that hold a row stand side by side.
    """
    if len(lowers) == 1:
        inside = (keys >= lowers[0]) & (keys < uppers[0])
        return 1, np.subtract(inside, 1, dtype=np.int32)
    first = _count_below(uppers, keys)
    beyond = _count_below(lowers, keys)
    beyond -= first
    most = int(beyond.max()) if len(keys) else 0
    if most <= 1:
        return 1, np.where(beyond > 0, first, _NONE)
    return most, np.concatenate([np.where(beyond > j, first + np.int32(j), _NONE) for j in range(most)])


def _count_below(bounds: Numbers, keys: Times) -> npt.NDArray[np.int32]:
    """For every key how many of the sorted *bounds* are at or below it; a few comparisons beat a binary search."""
    if len(bounds) > 16:
        return np.searchsorted(bounds, keys, side="right").astype(np.int32)
    counted = np.zeros(len(keys), np.int32)
    for bound in bounds.tolist():
        counted += keys >= bound
    return counted


def ordered(keys: Times) -> Order:
    """A number per row that sorts rows by key, ties in order of arrival; as narrow as it can be."""
    size = len(keys)
    if not size:
        return np.empty(0, np.int64)
    least = keys.min()
    widest = (int(keys.max()) - int(least) + 1) * size
    if widest >= 2**63:
        return ranked(keys, counted(size))
    kind = np.int32 if widest < 2**31 else np.int64
    numbers: Order = np.subtract(keys, least, dtype=kind, casting="unsafe")
    numbers *= kind(size)
    numbers += counted(size).astype(kind, copy=False)
    return numbers


def first_rows(order: Order, keys: Times) -> npt.NDArray[np.intp]:
    """The places of the rows with the numbers *order*, which `ordered` gave rows with *keys*."""
    size = len(keys)
    if size and (int(keys.max()) - int(keys.min()) + 1) * size >= 2**63:
        return np.lexsort((counted(size), keys))[order]
    return np.mod(order, max(size, 1)).astype(np.intp)


def ranked(keys: Times, numbers: Numbers) -> Numbers:
    """The place of every row when rows are sorted by key, ties by *numbers*."""
    rank = np.empty(len(keys), np.int64)
    rank[np.lexsort((numbers, keys))] = counted(len(keys))
    return rank
