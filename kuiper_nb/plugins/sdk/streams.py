"""The sources and sinks of a plugin that are running: each in a thread of its own, one more for the channel."""

from __future__ import annotations

import contextlib
import inspect
import os
import queue
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import zmq

from ..channel import Channel, Gone
from ..wire import Message, Refused
from .collected import Marked
from .faults import fault
from .limits import size, too_long
from .shapes import Context, Sink, SourceError
from .symbols import Symbols, takes

_AHEAD = 1024
"""Items a source may be ahead of what has been sent."""

_ROWS = 1024
"""Rows of one message, where they come one by one faster than they can be sent."""


class Streams:
    """What was started and not stopped, by its run. *most*: bytes of a message that the host takes; 0 for any."""

    def __init__(self, channel: Channel, symbols: Symbols, most: int) -> None:
        self._channel = channel
        self._symbols = symbols
        self._most = most
        self._over = False
        self._running: dict[str, RunningSource | RunningSink] = {}
        self._wake, self._waker = os.pipe()
        self._thread: threading.Thread | None = None

    def start(self, message: Message) -> None:
        """Start what *message* names. Raises what its `configure` or `open` raises."""
        run, name, kind = str(message["run"]), str(message["symbol"]), message["type"]
        known = self._symbols.sources if kind == "source" else self._symbols.sinks
        if name not in known:
            raise ValueError(f"there is no {kind} {name}")
        if run in self._running:
            self.stop(run)
        made = (RunningSource if kind == "source" else RunningSink)(known[name], message, self.awake)
        if self._thread is None:
            self._thread = threading.Thread(target=self._exchange, name="data", daemon=True)
            self._thread.start()
        self._running[run] = made
        made.begin()

    def stop(self, run: str) -> None:
        """Stop it, if it runs."""
        running = self._running.pop(run, None)
        if running is not None:
            running.end()

    def close(self) -> None:
        """Stop everything; what arrives from now on has no answer, so that its sender asks the next process."""
        self._over = True
        for run in list(self._running):
            self.stop(run)

    def awake(self) -> None:
        """There is something to send."""
        os.write(self._waker, b"!")

    def _exchange(self) -> None:
        """For ever: what sources have emitted goes out, credits and items for sinks come in."""
        poller = zmq.Poller()
        poller.register(self._channel.socket, zmq.POLLIN)
        poller.register(self._wake, zmq.POLLIN)
        while True:
            if self._wake in dict(poller.poll()):
                os.read(self._wake, 4096)
            with contextlib.suppress(Refused, Gone):
                while (message := self._channel.receive()) is not None:
                    running = self._running.get(str(message.get("run", "")))
                    if running is not None:
                        running.take(message)
                    elif message.kind == "emit" and not self._over:
                        error = f"{message.get('run')} has not been started"
                        self._channel.send("ack", {"id": message.get("id"), "error": error})
            for run, running in list(self._running.items()):
                while (outgoing := running.outgoing(self._most)) is not None:
                    kind, fields, payload = outgoing
                    with contextlib.suppress(Gone):
                        self._channel.send(kind, {"run": run, **fields}, payload)


def _told(error: str) -> tuple[str, dict[str, Any], Any]:
    """An error of a source that goes on."""
    return "fault", {"error": error, "goes_on": True}, []


class RunningSource:
    """A source at work. Emits wait where the host has not given credit for more."""

    def __init__(self, marked: Marked, message: Message, awake: Any) -> None:
        self._marked = marked
        self._awake = awake
        self._datasource = str(message.get("datasource", ""))
        self._config: dict[str, Any] = dict(message.get("config", {}))
        self._credits = int(message.get("credits", 1))
        self._ready: deque[tuple[Any, Mapping[str, Any]]] = deque()
        self._room = threading.Semaphore(_AHEAD)
        self._stopped = threading.Event()
        self._over: tuple[str, dict[str, Any]] | None = None
        self.context = Context(message.get("meta", {}), marked.name, self._emit)
        made = marked.make() if inspect.isclass(marked.make) or not _is_generator(marked.make) else None
        self._instance = made if made is not None and hasattr(made, "open") and hasattr(made, "configure") else None
        if self._instance is not None:
            self._instance.configure(self._datasource, self._config)

    def begin(self) -> None:
        """Run it in a thread of its own."""
        threading.Thread(target=self._run, name=f"source {self._marked.name}", daemon=True).start()

    def end(self) -> None:
        """Ask it to end; what it still emits is dropped."""
        self._stopped.set()
        self._room.release(_AHEAD)
        if self._instance is not None:
            self._instance.close(self.context)

    def take(self, message: Message) -> None:
        """A message of the host: credit."""
        if message.kind == "credit":
            self._credits += int(message.get("items", 1))

    def outgoing(self, most: int) -> tuple[str, dict[str, Any], Any] | None:
        """The next message to send, if there is one and credit for it; of at most so many bytes."""
        if not self._ready:
            over, self._over = self._over, None
            return None if over is None else (*over, [])
        if self._credits <= 0:
            return None
        item, meta = self._ready.popleft()
        self._room.release()
        if isinstance(item, SourceError):
            return _told(str(item))
        fields, payload = self._packed(item, meta, most)
        if too_long(payload, most):
            return _told(f"{size(payload) >> 20} MiB of a source are more than one message may hold ({most >> 20} MiB)")
        self._credits -= 1
        return "rows", {**fields, "meta": dict(meta)} if meta else fields, payload

    def _packed(self, item: Any, meta: Mapping[str, Any], most: int) -> tuple[dict[str, Any], Any]:
        """*item*, and, when it is a row, as many after it as one message may hold."""
        from ..streams import packed_item

        if not isinstance(item, dict):
            return packed_item(item)
        rows = [item]
        while len(rows) < _ROWS and self._ready and self._ready[0][1] == meta and isinstance(self._ready[0][0], dict):
            rows.append(self._ready.popleft()[0])
        packed = packed_item(rows[0] if len(rows) == 1 else rows)
        while too_long(packed[1], most) and len(rows) > 1:
            rows, later = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            self._ready.extendleft((row, meta) for row in reversed(later))
            packed = packed_item(rows[0] if len(rows) == 1 else rows)
        for _ in rows[1:]:
            self._room.release()
        return packed

    def _emit(self, item: Any, meta: Mapping[str, Any]) -> None:
        self._room.acquire()
        if self._stopped.is_set():
            raise Stopped
        self._ready.append((item, meta))
        self._awake()

    def _run(self) -> None:
        try:
            if self._instance is not None:
                self._instance.open(self.context)
                return  # it may go on emitting from threads of its own
            self._generate()
            self._over = "end", {}
        except Stopped:
            return
        except BaseException as error:
            self._over = "fault", {**fault(error), "error": f"{type(error).__name__}: {error}"}
        self._awake()

    def _generate(self) -> None:
        from ...contracts import EndOfStream
        from ...functions.source import filled, items

        options = {"datasource": self._datasource, **self._config}
        made = items(self._marked.make(**filled(self._marked.make, options, f"source {self._marked.name}")))
        pause = int(options.get("interval") or options.get("INTERVAL") or 0) / 1000
        try:
            while not self._stopped.is_set():
                self._emit(made.next(), {})
                if pause and self._stopped.wait(pause):
                    return
        except EndOfStream:
            return
        finally:
            made.close()


class Stopped(BaseException):
    """The source has been stopped."""


class RunningSink:
    """A sink at work: items one after the other, each acknowledged."""

    def __init__(self, marked: Marked, message: Message, awake: Any) -> None:
        self._name = marked.name
        self._awake = awake
        self._items: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._acks: deque[tuple[str, dict[str, Any], Any]] = deque()
        self.context = Context(message.get("meta", {}), marked.name)
        config: dict[str, Any] = dict(message.get("config", {}))
        maker = inspect.isclass(marked.make) or (takes(marked) == "bytes" and _is_maker(marked.make))
        self._instance: Any = marked.make() if maker else _Plain(marked, config)
        self._instance.configure(config)
        self._instance.open(self.context)
        self._thread = threading.Thread(target=self._run, name=f"sink {self._name}", daemon=True)

    def begin(self) -> None:
        """Take items in a thread of its own."""
        self._thread.start()

    def end(self) -> None:
        """Close it after what it has been handed."""
        self._items.put(None)
        self._thread.join()

    def take(self, message: Message) -> None:
        """An item to collect."""
        self._items.put(message)

    def outgoing(self, most: int) -> tuple[str, dict[str, Any], Any] | None:
        """The next acknowledgement."""
        return self._acks.popleft() if self._acks else None

    def _run(self) -> None:
        from ..streams import unpacked_item

        while (message := self._items.get()) is not None:
            fields: dict[str, Any] = {"id": message.get("id")}
            try:
                self._instance.collect(self.context, unpacked_item(message.fields, message.payload))
            except BaseException as error:
                fields |= fault(error)
            self._acks.append(("ack", fields, []))
            self._awake()
        with contextlib.suppress(Exception):
            self._instance.close(self.context)


class _Plain(Sink):
    """A plain function as a sink; the action's properties fill its further parameters."""

    def __init__(self, marked: Marked, config: Mapping[str, Any]) -> None:
        names = list(inspect.signature(marked.make).parameters)[1:]
        self._f = marked.make
        self._arguments = {name: value for name, value in config.items() if name in names}

    def collect(self, ctx: Context, data: Any) -> None:
        self._f([data] if isinstance(data, dict) else data, **self._arguments)


def _goes_with(ready: tuple[Any, Mapping[str, Any]], meta: Mapping[str, Any]) -> bool:
    return isinstance(ready[0], dict) and ready[1] == meta


def _is_generator(f: Any) -> bool:
    return inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f)


def _is_maker(f: Any) -> bool:
    return not inspect.signature(f).parameters
