"""The simulator: given rows, one every interval, on the session's clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog import Stream
from ..contracts import EndOfStream, Payload, Row
from ..errors import ConnectorError
from .documented import Documented, Property
from .site import Site

SOURCE = Documented(
    "plays given rows, one every interval, by the session's clock",
    r'CREATE STREAM demo () WITH (TYPE="simulator", EXTRA="{\"data\": [{\"a\": 1}, {\"a\": 2}], \"interval\": 500}")',
    (
        Property("data", [], "the rows, a list of objects"),
        Property("interval", 1000, "ms between two rows"),
        Property("loop", True, "begin again after the last row"),
    ),
)


class SimulatorSource:
    """Plays *data*: the first row when it is opened, then one every *interval* ms, again from the start with *loop*."""

    def __init__(self, data: list[Row], interval: int, loop: bool, site: Site) -> None:
        self._data = data
        self._interval = interval
        self._loop = loop
        self._site = site
        self._next = 0
        self._due = 0
        self._ended = False

    @property
    def bounded(self) -> bool:
        """Whether its rows come only once."""
        return not self._loop

    def open(self) -> None:
        """Starts with the first row, now."""
        self._next = 0
        self._ended = False
        self._due = self._site.clock.now()

    def poll(self) -> Payload | None:
        """The row whose time has come; EndOfStream after the last one without *loop*."""
        if self._next >= len(self._data):
            if not (self._loop and self._data):
                self._ended = True
                raise EndOfStream
            self._next = 0
        if self._site.clock.now() < self._due:
            return None
        row, at = self._data[self._next], self._due
        self._next += 1
        self._due += self._interval
        return Payload(row, at)

    def due(self) -> int | None:
        """When the next row comes, or the end is told; None once that has been."""
        if self._ended:
            return None
        return self._due if self._next < len(self._data) or (self._loop and self._data) else self._site.clock.now()

    def close(self) -> None:
        """Nothing to let go of."""


def source(stream: Stream, properties: Mapping[str, Any], site: Site) -> SimulatorSource:
    """A simulator with the properties *data* (rows), *interval* (ms, 1000) and *loop* (true); else ConnectorError."""
    data = properties.get("data", SOURCE.default("data"))
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ConnectorError(f"stream {stream.name}: the simulator's data is a list of objects, not {data!r}")
    interval = properties.get("interval", SOURCE.default("interval"))
    if isinstance(interval, bool) or not isinstance(interval, (int, float)) or interval < 1:
        raise ConnectorError(f"stream {stream.name}: the simulator's interval is at least 1 ms, not {interval!r}")
    loop = properties.get("loop", SOURCE.default("loop"))
    if not isinstance(loop, bool):
        raise ConnectorError(f"stream {stream.name}: the simulator's loop is true or false, not {loop!r}")
    return SimulatorSource(data, int(interval), loop, site)
