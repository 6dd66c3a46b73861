"""Connectors are found by name; those that only eKuiper has are named; log and nop."""

from __future__ import annotations

import logging

import pyarrow as pa
import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.connectors import Site, sink, source, takes
from kuiper_nb.connectors.frame import FrameSource, fields
from kuiper_nb.errors import ConnectorError, NotSupported
from kuiper_nb.types import BIGINT, FLOAT, STRING

from .draining import StandingClock, drained, kinds, rows

SITE = Site(StandingClock(), rule="hot")


def test_an_unknown_source_names_the_nearest():
    with pytest.raises(ConnectorError, match=r"(?s)source type simulater not found.*did you mean simulator\?"):
        source(Stream("s", (), {"TYPE": "simulater"}), {}, SITE)


def test_an_unknown_sink_names_the_nearest():
    with pytest.raises(ConnectorError, match=r"(?s)sink type memori not found.*did you mean memory\?"):
        sink("memori", {}, SITE)


@pytest.mark.parametrize("kind", ["mqtt", "httppull", "redisSub"])
def test_sources_that_only_ekuiper_has_are_named(kind: str):
    with pytest.raises(NotSupported, match=f"source type {kind} is not here yet"):
        source(Stream("s", (), {"TYPE": kind}), {}, SITE)


@pytest.mark.parametrize("kind", ["mqtt", "rest", "influx2"])
def test_sinks_that_only_ekuiper_has_are_named(kind: str):
    with pytest.raises(NotSupported, match=f"sink type {kind} is not here yet"):
        sink(kind, {}, SITE)


def test_the_log_sink_writes_payloads_to_the_rules_log(caplog: pytest.LogCaptureFixture):
    made = sink("log", {}, SITE)

    with caplog.at_level(logging.INFO, "kuiper_nb.rule.hot"):
        made.write(b'[{"a":1}]', 0)

    assert (takes(made), caplog.messages) == ("bytes", ['sink result for rule hot: [{"a":1}]'])


def test_the_nop_sink_is_silent_unless_told_otherwise(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "kuiper_nb.rule.hot"):
        sink("nop", {}, SITE).write([{"a": 1}], 0)
        sink("nop", {"log": True}, SITE).write([{"a": 1}], 0)

    assert caplog.messages == ["nop sink takes [{'a': 1}]"]


TABLE = pa.table({"a": [1, 2], "b": [0.5, None], "c": ["x", "y"]})


def test_a_frame_is_played_in_slices():
    big = pa.table({"n": pa.array(range(150_000))})

    payloads = drained(FrameSource(big))

    assert [p.data.num_rows for p in payloads] == [50_000, 50_000, 50_000]
    assert (all(p.typed for p in payloads), kinds(payloads)) == (True, ["Table"] * 3)


def test_pandas_polars_and_arrow_are_frames():
    import polars as pl

    frames = [TABLE, TABLE.to_batches()[0], TABLE.to_pandas(), pl.from_arrow(TABLE)]

    assert [rows(drained(FrameSource(frame))) for frame in frames] == [TABLE.to_pylist()] * 4


def test_a_frame_declares_its_columns():
    assert fields(TABLE) == (Field("a", BIGINT), Field("b", FLOAT), Field("c", STRING))


def test_what_is_no_table_is_refused():
    with pytest.raises(ConnectorError, match="a list is no table"):
        FrameSource([1, 2])
