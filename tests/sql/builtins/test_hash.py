"""The hash functions."""

from __future__ import annotations

from typing import Any

import pytest

from kuiper_nb.types import STRING

from .agreement import differences
from .calling import kinds, outcome

NAMES = ("md5", "sha1", "sha256", "sha384", "sha512", "crc32")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("md5", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha1", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("sha256", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("crc32", "e8b7be43"),
    ],
)
def test_a_text_has_a_digest(name: str, expected: str) -> None:
    assert outcome(name, "a") == expected


def test_the_longer_digests_are_longer() -> None:
    assert (len(outcome("sha384", "a")), len(outcome("sha512", "a"))) == (96, 128)


def test_a_checksum_has_no_leading_zeros() -> None:
    assert outcome("crc32", "k2") == "f07f113"


@pytest.mark.parametrize(
    ("value", "same"),
    [(1234567.0, "1.234567e+06"), (True, "true"), ([1.0, 2.0], "[1 2]"), ({"k": 1}, "map[k:1]"), (b"hi", "[104 105]")],
)
@pytest.mark.parametrize("name", NAMES)
def test_other_values_count_as_their_text(name: str, value: Any, same: str) -> None:
    assert outcome(name, value) == outcome(name, same)


@pytest.mark.parametrize("name", NAMES)
def test_null_has_no_digest_and_numbers_are_refused(name: str) -> None:
    assert outcome(name, None) is None
    assert kinds(name) == ("string",)


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_duckdb_agrees_on_texts(name: str) -> None:
    assert differences(name, (STRING,), [("",), ("a",), ("日本",), ("x\x00y",), (None,)]) == []
