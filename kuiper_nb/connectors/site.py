"""What a connector is given of the world around it: the clock, the memory topics, the rule it works for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from threading import Lock

from ..contracts import Clock, Payload
from ..errors import ConnectorError

Deliver = Callable[[str, Payload], None]
"""Takes what was published: the topic and the payload."""


class Topics:
    """The memory topics of a session: in-process, without backlog; what is published before anyone listens is lost.

    `+` in a pattern stands for one level, a last `#` for any. As in eKuiper a pattern with wildcards may match in the
    middle of a topic.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count()
        self._listeners: dict[int, tuple[str, re.Pattern[str] | None, Deliver]] = {}

    def subscribe(self, pattern: str, deliver: Deliver) -> Callable[[], None]:
        """Calls *deliver*, in the publisher's thread, for each payload on a matching topic, until the answer is called.

        Raises ConnectorError when the pattern is none.
        """
        compiled = _compiled(pattern)
        with self._lock:
            number = next(self._numbers)
            self._listeners[number] = (pattern, compiled, deliver)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return unsubscribe

    def publish(self, topic: str, payload: Payload) -> int:
        """Hands a payload to all that listen to the topic, in the order they came; answers how many they were."""
        with self._lock:
            listening = [
                deliver
                for pattern, compiled, deliver in self._listeners.values()
                if (pattern == topic if compiled is None else compiled.search(topic) is not None)
            ]
        for deliver in listening:
            deliver(topic, payload)
        return len(listening)


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern's regular expression; None when it has no wildcards."""
    if "+" not in pattern and "#" not in pattern:
        return None
    levels = pattern.split("/")
    if "#" in "".join(levels[:-1]):
        raise ConnectorError(f"invalid memory topic {pattern}: # must be at the last level")
    escaped = re.escape(pattern).replace(re.escape("+"), "([^/]+)").replace(re.escape("#"), ".")
    return re.compile(escaped)


def _awake() -> None:
    """Nobody waits."""


@dataclass(frozen=True, slots=True)
class Site:
    """The surroundings of one source or sink.

    *columns* are those the rule uses, None for all: a source that can leave the others out may. *wake* is called, from
    any thread, when a source has something new that its `due` did not announce.
    """

    clock: Clock
    topics: Topics = field(default_factory=Topics)
    rule: str = ""
    columns: frozenset[str] | None = None
    wake: Callable[[], None] = _awake
