"""Texts as numbers: groups are found by small integers, and get their texts back afterwards."""

from __future__ import annotations

import pyarrow as pa

from ..types import unencoded


def coded(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.Array]:
    """A column of texts as int32 codes, null for null, and the texts the codes stand for; no text has two codes."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    if encoded.num_chunks == 0:
        return pa.chunked_array([], pa.int32()), pa.array([], pa.string())
    encoded = encoded.unify_dictionaries()
    texts = encoded.chunk(0).dictionary
    if texts.null_count or len(texts.unique()) < len(texts):
        return coded(unencoded(column))
    codes = pa.chunked_array([_narrow(chunk.indices) for chunk in encoded.chunks])
    return codes, texts


def decoded(codes: pa.ChunkedArray, texts: pa.Array) -> pa.DictionaryArray:
    """The texts of *codes*, encoded as a dictionary."""
    return pa.DictionaryArray.from_arrays(codes.combine_chunks(), texts)


def _narrow(indices: pa.Array) -> pa.Array:
    return indices if indices.type == pa.int32() else indices.cast(pa.int32())
