from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb import KuiperError
from kuiper_nb.contracts import Payload
from kuiper_nb.formats import recording


def again(payload: Payload, at: int = 5) -> Payload:
    """What comes back of a payload that was a line of a file."""
    text = recording.line(recording.entry(payload, at))
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    return recording.payload(json.loads(text))


def value_again(value: Any) -> Any:
    return again(Payload({"v": value})).data["v"]


MOMENTS = st.datetimes(timezones=st.one_of(st.none(), st.just(UTC), st.just(timezone(timedelta(hours=-5, minutes=30)))))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), MOMENTS, st.dates(),
    st.decimals(allow_nan=False),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(max_size=3), st.sampled_from(["$", "$bytes", "$object"])), inner, max_size=3),
        st.dictionaries(st.integers(), inner, max_size=2),
    ),
    max_leaves=12,
)


def kinds(value: Any) -> Any:
    """The types all the way down, which equality leaves out: 1 == 1.0 == True."""
    if isinstance(value, dict):
        return {key: (type(key), kinds(inner)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [kinds(inner) for inner in value]
    return type(value)


@given(VALUES)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    found = value_again(value)

    assert found == value
    assert kinds(found) == kinds(value)


@pytest.mark.parametrize(
    "value",
    [
        math.inf,
        -math.inf,
        -0.0,
        2**70,
        "\ud800",
        "line\nend\u2028",
        {"$datetime": "not a moment"},
        {"$object": []},
        np.float64(1.5),
        np.int32(7),
        np.bool_(True),
        Decimal("1.10"),
        date(2024, 2, 29),
        datetime(2024, 3, 31, 3, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    ],
    ids=repr,
)
def test_odd_values_come_back_with_their_types(value: Any) -> None:
    found = value_again(value)

    assert (found, type(found)) == (value, type(value))
    assert math.copysign(1, found) == math.copysign(1, value) if isinstance(value, float) else True


def test_not_a_number_stays_one() -> None:
    assert math.isnan(value_again(math.nan))


def test_a_moment_keeps_the_name_of_its_zone() -> None:
    found = value_again(datetime(2024, 7, 1, tzinfo=ZoneInfo("Asia/Tokyo")))

    assert found.tzinfo.key == "Asia/Tokyo"


def test_bytes_lists_and_metadata_come_back() -> None:
    raw = Payload(b"\x00\xff{", meta={"topic": "a", "seen": datetime(2024, 1, 1, tzinfo=UTC)})
    rows = Payload([{"a": 1}, {"a": 1.0}], typed=True)

    assert again(raw) == Payload(raw.data, 5, raw.meta)
    assert again(rows) == Payload(rows.data, 5, {}, True)


def test_an_arrow_table_comes_back_with_its_schema_its_chunks_and_its_dictionaries() -> None:
    table = pa.concat_tables(
        [
            pa.table({"t": pa.array([1, None], pa.int32()), "s": pa.array(["a", "b"]).dictionary_encode()}),
            pa.table({"t": pa.array([3], pa.int32()), "s": pa.array(["a"]).dictionary_encode()}),
        ]
    ).replace_schema_metadata({"made by": "a test"})

    found = again(Payload(table, typed=True))

    assert found.data.equals(table, check_metadata=True)
    assert found.data.column("t").num_chunks == 2
    assert found.typed


def test_a_value_without_a_form_is_named() -> None:
    with pytest.raises(KuiperError, match="a set cannot be recorded"):
        recording.entry(Payload({"v": {1, 2}}), 5)
