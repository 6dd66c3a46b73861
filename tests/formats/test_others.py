"""The small formats, and finding a format by its name."""

from __future__ import annotations

import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.errors import ConnectorError, NotSupported, RowFault
from kuiper_nb.formats import get
from kuiper_nb.types import BIGINT, BYTEA, FLOAT


def test_binary_is_the_payload_in_one_column():
    assert get("binary").decoder(Stream("s"))(b"\x00hi") == [{"self": b"\x00hi"}]
    assert get("binary").decoder(Stream("s", (Field("img", BYTEA),)))(b"hi") == [{"img": b"hi"}]


def test_binary_takes_one_column_of_bytes_at_most():
    with pytest.raises(ConnectorError, match="binary takes one BYTEA column, or none"):
        get("binary").decoder(Stream("s", (Field("a", BIGINT),)))


def test_binary_sends_the_column_self():
    encode = get("binary").encoder({})

    assert encode({"self": b"hi", "other": 1}) == b"hi"
    with pytest.raises(RowFault, match="field self not exist"):
        encode({"other": 1})
    with pytest.raises(RowFault, match="must be a map"):
        encode([{"self": b"hi"}])


@pytest.mark.parametrize(
    ("payload", "row"),
    [
        (b"a=1&b=two", {"a": "1", "b": "two"}),
        (b"", {}),
        (b"a", {"a": ""}),
        (b"=1", {"": "1"}),
        (b"a=1&a=2&&b=", {"a": ["1", "2"], "b": ""}),
        (b"a=%C3%A9&b=x+y&c=1%2B1&d=e=f", {"a": "é", "b": "x y", "c": "1+1", "d": "e=f"}),
    ],
)
def test_urlencoded_values_are_texts(payload: bytes, row: dict[str, object]):
    assert get("urlencoded").decoder(Stream("s"))(payload) == [row]


@pytest.mark.parametrize("payload", [b"a=%zz", b"a=%", b"a=1;b=2"])
def test_what_is_badly_urlencoded_fails(payload: bytes):
    with pytest.raises(RowFault, match=f"fail to parse url encoded value {payload.decode()}"):
        get("urlencoded").decoder(Stream("s"))(payload)


def test_a_text_is_no_number_under_strict_validation():
    stream = Stream("s", (Field("a", BIGINT),), {"STRICT_VALIDATION": "true"})

    with pytest.raises(RowFault, match=r"cannot convert string\(1\) to int64"):
        get("urlencoded").decoder(stream)(b"a=1")


def test_urlencoded_writes_sorted_keys_and_repeats_those_of_arrays():
    encode = get("urlencoded").encoder({})

    assert (
        encode({"b": "x y", "a": [1.0, "é"], "c": None, "d": 1.5, "e": True}) == b"a=1&a=%C3%A9&b=x+y&c=&d=1.5&e=true"
    )
    with pytest.raises(RowFault, match=r"unsupported type \[map\[a:1\]\], must be a map"):
        encode([{"a": 1}])


def test_parquet_keeps_the_types():
    rows = [{"a": 1, "b": 2.5, "c": b"x"}, {"a": None, "b": 0.5, "c": None}]

    payload = get("parquet").encoder({})(rows)

    assert get("parquet").decoder(Stream("s"))(payload) == rows
    assert get("parquet").decoder(Stream("s", (Field("b", FLOAT),)))(payload) == [{"b": 2.5}, {"b": 0.5}]
    with pytest.raises(RowFault, match="no Parquet"):
        get("parquet").decoder(Stream("s"))(b"hello")


def test_a_format_is_found_by_its_name_in_any_case():
    assert get("JSON") is get("json")


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(ConnectorError, match=r"(?s)there is no format jsn.*did you mean json\?"):
        get("jsn")


@pytest.mark.parametrize("name", ["protobuf", "custom"])
def test_formats_that_only_ekuiper_has_are_named(name: str):
    with pytest.raises(NotSupported, match=f"format {name} is not here yet"):
        get(name)


def test_a_damaged_parquet_payload_is_refused():
    encoded = get("parquet").encoder({})([{"a": 1.5}])

    for payload in (b"hi", encoded[:4] + b"\x00" * (len(encoded) - 12) + encoded[-8:], encoded[:20] + encoded[-8:]):
        with pytest.raises(RowFault, match="no Parquet"):
            get("parquet").decoder(Stream("s"))(payload)
