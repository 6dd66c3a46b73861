"""The data beside the notebooks: one series in three formats, the same in each."""

from __future__ import annotations

from pathlib import Path

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.connectors import Site, source
from kuiper_nb.types import BIGINT, FLOAT, STRING

from .draining import StandingClock, drained, kinds, rows

DATA = Path(__file__).parents[2] / "notebooks" / "data"
FIELDS = (Field("ts", BIGINT), Field("time", STRING), Field("temperature", FLOAT))


def test_all_three_files_hold_the_same_rows_and_are_read_as_arrow():
    read = []
    for name, form in (("ndjson", "json"), ("csv", "delimited"), ("parquet", "parquet")):
        options = {"TYPE": "file", "DATASOURCE": str(DATA / f"sea_temperature.{name}"), "FORMAT": form}
        read.append(drained(source(Stream("sea", FIELDS, options), {}, Site(StandingClock()))))

    assert {kind for payloads in read for kind in kinds(payloads)} == {"Table"}
    assert rows(read[0]) == rows(read[1]) == rows(read[2])
    assert len(rows(read[0])) == 19_226
    assert rows(read[0])[0] == {"ts": 1455494400000, "time": "2016-02-15T00:00:00Z", "temperature": 4.929}
