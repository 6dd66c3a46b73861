"""The functions on the rule, on sizes and on compressed bytes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kuiper_nb.types import BIGINT, ArrayOf

from .agreement import differences
from .calling import checked, kinds, outcome


def test_a_rule_knows_itself() -> None:
    assert outcome("rule_id") == "hot"
    assert outcome("rule_start") == 1_699_999_999_000


def test_a_new_uuid_is_of_version_1() -> None:
    assert UUID(outcome("newuuid")).version == 1


@pytest.mark.parametrize(
    ("value", "expected"), [([1, None], 2), ([], 0), (None, 0), ({"a": 1}, 0), ("abc", 0), (b"abc", 3), (5.0, 0)]
)
def test_only_arrays_and_bytes_have_a_cardinality(value: Any, expected: int) -> None:
    assert outcome("cardinality", value) == expected


def test_duckdb_agrees_on_cardinality() -> None:
    assert differences("cardinality", (ArrayOf(BIGINT),), [([1, None],), ([],), (None,)]) == []


@pytest.mark.parametrize("algorithm", ["gzip", "zlib", "flate", "zstd"])
@pytest.mark.parametrize("value", ["hello hello hello", "", "日本", b"\xff\xfe"])
def test_what_is_compressed_comes_back_as_bytes(algorithm: str, value: str | bytes) -> None:
    expected = value if isinstance(value, bytes) else value.encode()
    assert outcome("decompress", outcome("compress", value, algorithm), algorithm) == expected


@pytest.mark.parametrize("algorithm", ["gzip", "zlib", "flate", "zstd"])
def test_what_was_not_compressed_is_a_fault(algorithm: str) -> None:
    assert outcome("decompress", "plain text", algorithm).startswith(f"fault: {algorithm}: ")


def test_compression_needs_a_known_algorithm_and_bytes() -> None:
    assert outcome("compress", "a", "lzma") == "fault: unsupported compressor: lzma"
    assert outcome("decompress", "a", None) == "fault: unsupported decompressor: "
    assert outcome("compress", 5.0, "gzip") == "fault: require string or bytea parameter, but got 5"
    assert outcome("compress", None, "gzip") is None
    assert kinds("compress") == ("string",)


def test_a_property_that_is_not_there_is_a_fault() -> None:
    assert outcome("props", "et") == "fault: there is no property et"
    assert outcome("props", 12) == "fault: invalid input 12: must be property name of string type"


def test_a_delay_answers_at_once() -> None:
    assert outcome("delay", 10.5, "bar") == "bar"
    assert outcome("delay", "bar", "bar") == "fault: cannot convert string(bar) to int"


def test_keyed_state_is_always_the_default() -> None:
    assert outcome("get_keyed_state", "k", "bigint", 7) == 7
    assert outcome("get_keyed_state", 5, "bigint", 7) == "fault: key 5 is not a string"
    assert checked("get_keyed_state", "k", "bigint", 1) == ""
    assert checked("get_keyed_state", "k", "int", 1).startswith("expect one of following value")
