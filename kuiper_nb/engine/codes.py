"""Groups as numbers: texts become codes, a window and its codes one integer, and all of it becomes values again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..types import unencoded

Integers = npt.NDArray[np.signedinteger]
_MOST_NARROW = 2**31
_MOST = 2**62


def coded(column: pa.ChunkedArray) -> tuple[Integers, pa.Array, int]:
    """A column of texts as codes, the texts they stand for, and how many codes there are: null has the greatest.

    No text has two codes.
    """
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    if encoded.num_chunks == 0:
        return np.empty(0, np.int32), pa.array([], pa.string()), 1
    encoded = encoded.unify_dictionaries()
    texts = encoded.chunk(0).dictionary
    if texts.null_count or len(texts.unique()) < len(texts):
        return coded(unencoded(column))
    null = len(texts)
    parts = [_filled(chunk.indices, null) for chunk in encoded.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts), texts, null + 1


def _filled(indices: pa.Array, null: int) -> Integers:
    codes: Integers = (indices.fill_null(null) if indices.null_count else indices).to_numpy()
    return codes


def decoded(codes: Integers, texts: pa.Array) -> pa.DictionaryArray:
    """The texts of *codes*, encoded as a dictionary; null for the code beyond the last text."""
    null = codes >= len(texts)
    indices = pa.array(codes.astype(np.int32), mask=null if null.any() else None)
    return pa.DictionaryArray.from_arrays(indices, texts)


class Composed:
    """Window numbers (-1: none) and codes, a row each, as one integer a row: `numbers`, negative for no window."""

    def __init__(self, windows: Integers, codes: Sequence[tuple[Integers, int]]) -> None:
        self._sizes = [size for _, size in codes]
        self._kept: Integers | None = None
        most = (int(windows.max()) + 1 if len(windows) else 1) * int(np.prod([float(s) for s in self._sizes]))
        if most >= _MOST:  # then the numbers that occur are numbered
            columns = np.column_stack([windows, *(c for c, _ in codes)]).astype(np.int64)
            self._kept, numbers = np.unique(columns, axis=0, return_inverse=True)
            self.numbers: Integers = np.where(windows < 0, -1, numbers.reshape(-1).astype(np.int64))
            return
        kind = np.int32 if most < _MOST_NARROW else np.int64
        self.numbers = windows.astype(kind, copy=False)
        for code, size in codes:
            self.numbers = self.numbers * kind(size)
            self.numbers += code.astype(kind, copy=False)

    def parted(self, numbers: Integers) -> tuple[Integers, list[Integers]]:
        """The windows and the codes of *numbers*."""
        if self._kept is not None:
            columns = self._kept[numbers]
            return columns[:, 0], [columns[:, i + 1] for i in range(len(self._sizes))]
        codes: list[Integers] = []
        left: Integers = numbers
        for size in reversed(self._sizes):
            left, code = np.divmod(left, size)
            codes.append(code)
        return left, codes[::-1]
