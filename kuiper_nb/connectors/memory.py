"""Memory topics: how rules feed each other, and where `push` goes. Values keep their types."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..catalog import Stream
from ..contracts import Payload
from ..errors import ConnectorError
from .documented import Documented, Property
from .site import Site

SOURCE = Documented(
    "rows that `push` or another rule's memory sink publishes on a topic",
    'CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")',
    datasource="the topic; + stands for one level, a last # for any",
)
SINK = Documented(
    "publishes what the rule emits on a topic, for other rules to read",
    '{"memory": {"topic": "out"}}',
    (
        Property("topic", help="where to publish; no wildcards"),
        Property("rowkindField", later=True, help="the field that says insert, update or delete"),
        Property("keyField", later=True, help="the field that says which row"),
    ),
)


class MemorySource:
    """Listens to the topic in DATASOURCE, which may hold wildcards."""

    bounded = False  # there may always be more

    def __init__(self, topic: str, site: Site) -> None:
        self._topic = topic
        self._site = site
        self._waiting: deque[Payload] = deque()
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def backlog(self) -> int:
        """How many payloads wait to be polled."""
        return len(self._waiting)

    def open(self) -> None:
        """Starts to listen."""
        if self._unsubscribe is None:
            self._unsubscribe = self._site.topics.subscribe(self._topic, self._take)

    def poll(self) -> Payload | None:
        """The oldest payload that waits; never ends."""
        return self._waiting.popleft() if self._waiting else None

    def due(self) -> int | None:
        """Now when something waits; else None, since it is pushed."""
        return self._site.clock.now() if self._waiting else None

    def close(self) -> None:
        """Stops listening; what waits can still be polled."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _take(self, topic: str, payload: Payload) -> None:
        meta = {**payload.meta, "topic": topic}
        self._waiting.append(Payload(payload.data, payload.at, meta, payload.typed))
        self._site.wake()


class MemorySink:
    """Publishes each item on its topic: a row, or all rows of an emit as one payload."""

    takes = "rows"

    def __init__(self, topic: str, site: Site) -> None:
        self._topic = topic
        self._site = site

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, item: Any, at: int) -> None:
        """Publishes rows (or an Arrow table) as they are."""
        self._site.topics.publish(self._topic, Payload(item, at, {}, typed=True))

    def close(self) -> None:
        """Nothing to let go of."""


def source(stream: Stream, properties: Mapping[str, Any], site: Site) -> MemorySource:
    """A stream on a memory topic; ConnectorError without DATASOURCE."""
    if not stream.datasource:
        raise ConnectorError(f"stream {stream.name}: memory needs a DATASOURCE, the topic")
    return MemorySource(stream.datasource, site)


def sink(properties: Mapping[str, Any], site: Site) -> MemorySink:
    """A sink on the topic in *topic*; ConnectorError when it is missing or has wildcards."""
    topic = properties.get("topic")
    if not isinstance(topic, str) or not topic:
        raise ConnectorError("memory sink: property topic is required")
    if "#" in topic or "+" in topic:
        raise ConnectorError(f"memory sink: invalid topic {topic}: wildcards are for sources")
    SINK.refuse_later(properties, "memory sink")
    return MemorySink(topic, site)
