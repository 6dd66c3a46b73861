"""Memory topics: in-process, with wildcards, without backlog; values keep their types."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kuiper_nb.catalog import Stream
from kuiper_nb.connectors import Site, Topics, sink, source, takes
from kuiper_nb.contracts import Payload
from kuiper_nb.errors import ConnectorError, NotSupported

from .draining import StandingClock


def listening(pattern: str, site: Site):
    made = source(Stream("s", (), {"TYPE": "memory", "DATASOURCE": pattern}), {}, site)
    made.open()
    return made


@pytest.fixture
def site() -> Site:
    return Site(StandingClock(5000), Topics())


def test_what_is_published_arrives_in_order_with_its_topic(site: Site):
    made = listening("a/b", site)

    site.topics.publish("a/b", Payload({"n": 1}, 10))
    site.topics.publish("a/c", Payload({"n": 2}, 11))
    site.topics.publish("a/b", Payload(b"{}", 12))

    assert [made.poll(), made.poll(), made.poll()] == [
        Payload({"n": 1}, 10, {"topic": "a/b"}),
        Payload(b"{}", 12, {"topic": "a/b"}),
        None,
    ]


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [("a/+/c", ["a/b/c"]), ("a/#", ["a/b/c", "a/d"]), ("#", ["a/b/c", "a/d", "x.y"]), ("x.y", ["x.y"]), ("a+", [])],
)
def test_patterns_have_wildcards(site: Site, pattern: str, heard: list[str]):
    made = listening(pattern, site)

    for topic in ("a/b/c", "a/d", "x.y"):
        site.topics.publish(topic, Payload({}))

    found = []
    while (payload := made.poll()) is not None:
        found.append(payload.meta["topic"])
    assert found == heard


def test_a_hash_comes_last(site: Site):
    with pytest.raises(ConnectorError, match="# must be at the last level"):
        listening("a/#/b", site)


def test_there_is_no_backlog(site: Site):
    assert site.topics.publish("t", Payload({})) == 0

    made = listening("t", site)

    assert (made.poll(), made.due()) == (None, None)


def test_it_is_due_as_soon_as_something_waits(site: Site):
    made = listening("t", site)

    site.topics.publish("t", Payload({}))

    assert (made.due(), made.backlog) == (5000, 1)


def test_whoever_waits_is_woken():
    woken: list[bool] = []
    site = Site(StandingClock(), Topics(), wake=lambda: woken.append(True))
    listening("t", site)

    site.topics.publish("t", Payload({}))

    assert woken == [True]


def test_a_closed_source_hears_nothing_more_but_still_tells_what_it_heard(site: Site):
    made = listening("t", site)
    site.topics.publish("t", Payload({"n": 1}))

    made.close()
    heard = site.topics.publish("t", Payload({"n": 2}))

    assert (heard, made.poll().data, made.poll()) == (0, {"n": 1}, None)


def test_rules_feed_each_other_with_values_of_any_type(site: Site):
    made = listening("out", site)
    item = [{"n": 1, "b": b"x", "t": datetime(2024, 1, 1, tzinfo=UTC)}]

    out = sink("memory", {"topic": "out"}, site)
    out.open()
    out.write(item, 7000)
    out.close()

    assert (takes(out), made.poll()) == ("rows", Payload(item, 7000, {"topic": "out"}, typed=True))


@pytest.mark.parametrize("properties", [{}, {"topic": 5}, {"topic": "a/#"}, {"topic": "a/+"}])
def test_a_sink_needs_a_topic_without_wildcards(site: Site, properties: dict[str, object]):
    with pytest.raises(ConnectorError, match="topic"):
        sink("memory", properties, site)


def test_updates_by_key_are_not_here_yet(site: Site):
    with pytest.raises(NotSupported, match="rowkindField"):
        sink("memory", {"topic": "t", "rowkindField": "k"}, site)


def test_a_stream_needs_a_topic(site: Site):
    with pytest.raises(ConnectorError, match="stream s: memory needs a DATASOURCE"):
        source(Stream("s", (), {"TYPE": "memory"}), {}, site)
