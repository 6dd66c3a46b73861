"""What is told about a connector is what it does: the defaults and values are read from the same place."""

from __future__ import annotations

import pytest

from kuiper_nb.catalog import Stream
from kuiper_nb.connectors import SINKS, SOURCES, Site, documented, source
from kuiper_nb.connectors.documented import Documented, Property
from kuiper_nb.errors import NotSupported
from kuiper_nb.windowing.clock import VirtualClock


@pytest.mark.parametrize(("what", "kind"), [("source", kind) for kind in SOURCES] + [("sink", kind) for kind in SINKS])
def test_every_connector_says_what_it_does(what: str, kind: str) -> None:
    told = documented(what, kind)

    assert told is not None
    assert told.help


@pytest.mark.parametrize("kind", ["memory", "file", "simulator"])
def test_the_example_of_a_source_makes_one(kind: str) -> None:
    from kuiper_nb import Session

    told = documented("source", kind)
    assert told is not None
    with Session(clock=VirtualClock(0)) as session:
        session.sql(told.example)
        assert session.streams["demo"].type == kind


def test_the_simulator_waits_for_its_documented_interval() -> None:
    told = documented("source", "simulator")
    assert told is not None
    site = Site(VirtualClock(0))
    made = source(Stream("demo", options={"TYPE": "simulator"}), {"data": [{"a": 1}, {"a": 2}]}, site)
    made.open()
    made.poll()

    assert made.due() == told.default("interval")


def test_a_property_that_is_not_here_yet_is_refused_by_name() -> None:
    told = Documented("", "", (Property("parallel", later=True), Property("path")))

    told.refuse_later({"path": "x", "parallel": 0}, "file source")
    with pytest.raises(NotSupported, match="the file source's property parallel is not here yet"):
        told.refuse_later({"parallel": 2}, "file source")


def test_of_what_is_no_connector_nothing_is_known() -> None:
    assert documented("source", "log") is None
    assert documented("sink", "nonsense") is None
