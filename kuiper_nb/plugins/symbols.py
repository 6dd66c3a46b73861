"""What a plugin serves, as the functions, sources and sinks of a session: used like native ones."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from ..contracts import Answer, Call, Clock, EndOfStream, Function, Payload
from ..errors import ConnectorError, PluginError, RowFault
from ..functions.answered import all_held
from ..functions.source import pause
from .hello import Served
from .peer import Control
from .supervisor import Plugin

_instances = count()


def function_of(plugin: Plugin, served: Served) -> Function:
    """A function of the plugin; it is called with Arrow columns, for whole batches."""

    def call(batch: Call) -> Answer:
        return all_held(served.name, plugin.call(served.name, batch))

    def one(*arguments: Any) -> Any:
        answer = call(Call(tuple([argument] for argument in arguments), 1))
        if answer.failures:
            raise RowFault(answer.failures[0].message)
        return answer.values[0] if isinstance(answer.values, list) else answer.values[0].as_py()

    return Function(
        name=served.name,
        kind="portable",
        call=call,
        one=one,
        arity=served.arity,
        aggregate=served.aggregate,
        vectorized=served.vectorized,
        columnar=True,
        help=served.help,
        parameters=served.parameters,
        owner=plugin.name,
    )


class PluginSource:
    """A source of a plugin in one rule. See `contracts.Source`.

    Under a virtual clock it waits for each row, so that the same rows come at the same moments whatever the speed of
    the plugin; `interval`, which a plugin otherwise keeps itself, is kept by that clock.
    """

    bounded: bool | None = None

    def __init__(
        self,
        find: Callable[[], Plugin],
        served: Served,
        rule: str,
        datasource: str,
        config: Mapping[str, Any],
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._find = find
        self._clock = clock
        self._wake = wake
        self.live = served.live
        self._interval = 0
        if clock.virtual:
            self._interval = pause(config.get("interval"), served.name)
            config = {name: value for name, value in config.items() if name != "interval"}
        self.paced = not clock.virtual or self._interval > 0
        self._due = 0
        self._rows: deque[Payload] = deque()
        op = f"source_{served.name}"
        self._control = Control(served.name, "source", rule, op, next(_instances), datasource, config)
        self._plugin: Plugin | None = None
        self._ready: queue.SimpleQueue[Payload | BaseException] = queue.SimpleQueue()
        self._ended: BaseException | None = None

    def open(self) -> None:
        """Start it in the plugin. Raises ConnectorError."""
        self._due = self._clock.now()
        try:
            self._plugin = self._find()
            self._plugin.begin(self._control, self)
        except PluginError as error:
            raise ConnectorError(error.message, error.hint) from None

    def poll(self) -> Payload | None:
        """What has arrived; EndOfStream after the last, ConnectorError when the source failed."""
        if self._ended is not None:
            raise self._ended
        if self._clock.virtual:
            return self._awaited()
        try:
            return self._taken(self._ready.get_nowait())
        except queue.Empty:
            return None

    def _awaited(self) -> Payload | None:
        """The next row, however long the plugin takes for it, within its patience."""
        if self._clock.now() < self._due:
            return None
        assert self._plugin is not None
        patience = self._plugin.policy.timeout
        try:
            while not self._rows:
                self._rows.extend(_singly(self._taken(self._ready.get(timeout=patience))))
        except queue.Empty:
            message = f"source {self._control.symbol} has sent nothing for {patience:g} s"
            raise ConnectorError(message, "a source that reads the world is marked live=True") from None
        self._due += self._interval
        return self._rows.popleft()

    def _taken(self, item: Payload | BaseException) -> Payload:
        if isinstance(item, BaseException):
            self._ended = item
            raise item
        assert self._plugin is not None
        self._plugin.taken(self._control, 1)
        return item

    def due(self) -> int | None:
        """Now, if something has arrived; when the next row is to come, under a virtual clock."""
        if self._clock.virtual:
            return self._due if self._interval else self._clock.now()
        return self._clock.now() if not self._ready.empty() else None

    def close(self) -> None:
        """Stop it in the plugin."""
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            plugin.end(self._control)

    # ---- an Inlet, called on a thread of the peer's

    def rows(self, payload: Payload) -> None:
        """Something arrived."""
        self._ready.put(payload)
        self._wake()

    def ended(self) -> None:
        """There will be no more."""
        self._ready.put(EndOfStream())
        self._wake()

    def failed(self, why: str, where: str) -> None:
        """The source has raised."""
        self._ready.put(SourceFailure(f"source {self._control.symbol} failed: {why}", where))
        self._wake()


def _singly(payload: Payload) -> list[Payload]:
    """Row by row: how many of them came at once is a matter of speed."""
    if not isinstance(payload.data, list):
        return [payload]
    return [replace(payload, data=row) for row in payload.data]


class SourceFailure(ConnectorError):
    """A source of a plugin raised; *where* is the file and line."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


class PluginSink:
    """A sink of a plugin in one rule. See `contracts.Sink`."""

    def __init__(self, find: Callable[[], Plugin], served: Served, rule: str, config: Mapping[str, Any]) -> None:
        self._find = find
        self.takes = served.takes
        self._control = Control(served.name, "sink", rule, f"sink_{served.name}", next(_instances), "", config)
        self._plugin: Plugin | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Start it in the plugin. Raises ConnectorError."""
        try:
            self._plugin = self._find()
            self._plugin.begin(self._control, None)
        except PluginError as error:
            raise ConnectorError(error.message, error.hint) from None

    def write(self, item: Any, at: int) -> None:
        """Hand over one item. Raises ConnectorError when the plugin did not take it."""
        assert self._plugin is not None
        try:
            with self._lock:
                self._plugin.write(self._control, item)
        except PluginError as error:
            raise ConnectorError(error.message, error.hint) from None

    def close(self) -> None:
        """Stop it in the plugin."""
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            plugin.end(self._control)
