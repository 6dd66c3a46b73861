"""The simulator plays given rows, one every interval, on the session's clock."""

from __future__ import annotations

import pytest

from kuiper_nb.catalog import Stream
from kuiper_nb.connectors import Site, source
from kuiper_nb.contracts import EndOfStream, Payload
from kuiper_nb.errors import ConnectorError

from .draining import StandingClock

STREAM = Stream("demo", (), {"TYPE": "simulator"})


def test_the_first_row_comes_at_once_the_next_after_the_interval():
    clock = StandingClock(1000)
    made = source(STREAM, {"data": [{"a": 1}, {"a": 2}], "interval": 500}, Site(clock))
    made.open()

    first, early = made.poll(), made.poll()
    clock.at = 1500
    second = made.poll()

    assert (first, early, second) == (Payload({"a": 1}, 1000), None, Payload({"a": 2}, 1500))


def test_a_loop_starts_again():
    clock = StandingClock(0)
    made = source(STREAM, {"data": [{"a": 1}]}, Site(clock))
    made.open()

    payloads = []
    for clock.at in (0, 1000, 2000):
        assert made.due() == clock.at
        payloads.append(made.poll())

    assert payloads == [Payload({"a": 1}, 0), Payload({"a": 1}, 1000), Payload({"a": 1}, 2000)]


def test_without_a_loop_the_stream_ends():
    made = source(STREAM, {"data": [{"a": 1}], "loop": False}, Site(StandingClock(0)))
    made.open()
    made.poll()

    assert made.due() == 0
    with pytest.raises(EndOfStream):
        made.poll()
    assert made.due() is None


@pytest.mark.parametrize(
    "properties",
    [{"data": "x"}, {"data": [1]}, {"interval": 0}, {"interval": "1s"}, {"interval": True}, {"loop": "yes"}],
)
def test_bad_properties_are_refused(properties: dict[str, object]):
    with pytest.raises(ConnectorError, match="stream demo: the simulator's"):
        source(STREAM, properties, Site(StandingClock()))
