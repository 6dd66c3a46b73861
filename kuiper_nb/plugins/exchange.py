"""The thread of a plugin's host that reads control, data and log, and sends what other threads have to say there."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from itertools import count
from typing import Any

import zmq

from ..contracts import Payload
from .calls import GRACE
from .channel import Channel, Gone
from .encounter import Encounter
from .hello import Hello
from .lines import Lines
from .peer import Declined, Inlet, Lost
from .process import Process
from .streams import payload_of
from .wire import Message, Refused

_DISCONNECTED = "it closed its connection, or sent more in one message than `limits.message` allows"
Outgoing = tuple[str, str, dict[str, Any], Sequence[Any]]


class Exchange:
    """What goes over *channels* but calls, from the meeting on; the calls channel is read here until it has met, too.

    *lose* is told why the plugin is not to be trusted any more, and whether it must be killed; *gone* says why it is
    not there, if it is not after so many seconds.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        encounter: Encounter,
        lines: Lines,
        lose: Callable[[str, bool], None],
        gone: Callable[[float], str],
    ) -> None:
        self.hello: Future[Hello] = Future()
        self.callable = threading.Event()
        self.inlets: dict[str, Inlet] = {}
        self._channels = channels
        self._encounter = encounter
        self._lines = lines
        self._lose = lose
        self._gone = gone
        self._ids = count(1)
        self._asked: dict[int, Future[Message]] = {}
        self._outgoing: list[Outgoing] = []
        self._lock = threading.Lock()
        self._wake, self._waker = os.pipe()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="plugin", daemon=True)
        self._process: Process | None = None

    def begin(self, process: Process | None) -> None:
        """Read from now on. *process* is the plugin's, None where somebody else has started it."""
        self._process = process
        self._thread.start()

    def ask(
        self, channel: str, kind: str, fields: dict[str, Any], seconds: float, payload: Sequence[Any] = ()
    ) -> Message:
        """Ask and wait for the answer. Raises Lost, and Declined where that is a failure."""
        number, future = next(self._ids), Future[Message]()
        self._asked[number] = future
        try:
            if why := self._gone(0):
                raise Lost(why)
            self.post(channel, kind, {"id": number, **fields}, payload)
            answer = future.result(seconds)
        except Late:
            why = f"{kind} was not answered within {seconds:g} s"
            self._lose(why, True)
            raise Lost(why, hung=True) from None
        finally:
            self._asked.pop(number, None)
        if (error := answer.get("error")) is not None:
            raise Declined(str(error), str(answer.get("where", "")))
        return answer

    def post(self, channel: str, kind: str, fields: dict[str, Any], payload: Sequence[Any] = ()) -> None:
        """Send, soon."""
        with self._lock:
            self._outgoing.append((channel, kind, fields, payload))
        self._awake()

    def give_up(self, why: str) -> None:
        """Nobody will be answered any more."""
        self.callable.set()
        waiting: list[Future[Any]] = [self.hello, *self._asked.values()]
        for future in waiting:
            if not future.done():
                with contextlib.suppress(Exception):  # answered at this very moment
                    future.set_exception(Lost(why))

    def close(self) -> None:
        """End the thread."""
        self._closing = True
        self._awake()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(2)
        for descriptor in (self._wake, self._waker):
            os.close(descriptor)

    # ---- the thread

    def _awake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._waker, b"!")

    def _run(self) -> None:
        poller = zmq.Poller()
        read = list(self._channels.values())
        for channel in read:
            poller.register(channel.socket, zmq.POLLIN)
        poller.register(self._wake, zmq.POLLIN)
        if self._process is not None:
            poller.register(self._process.fileno, zmq.POLLIN)
        monitors = {channel.monitor_fileno: channel for channel in read}
        for monitor, channel in monitors.items():
            poller.register(monitor, zmq.POLLIN)
            channel.disconnected()  # only who has looked once is told of more
        ended = False
        while not self._closing:
            ready = dict(poller.poll())
            if self._wake in ready:
                os.read(self._wake, 4096)
            try:
                for channel in read:
                    self._receive(channel)
                self._send()
            except Refused as why:
                self._lose(f"it sent what is no message: {why}", True)
            calls = self._channels["calls"]
            if self._encounter.over and calls in read:  # from now on it is for those who call, and only for them
                poller.unregister(calls.socket)
                read.remove(calls)
                self.callable.set()
            if any(channel.disconnected() for monitor, channel in monitors.items() if monitor in ready):
                self._lose(self._gone(GRACE) or _DISCONNECTED, True)
            if self._process is not None and not ended and self._process.exit is not None:
                ended = True
                poller.unregister(self._process.fileno)
                self._lose(self._gone(0), False)

    def _receive(self, channel: Channel) -> None:
        while not (self._encounter.over and channel is self._channels["calls"]):  # its answers are for those who call
            with channel.lock:
                message = channel.receive()
            if message is None:
                return
            if not self._encounter.over and message.kind in ("hello", "join"):
                self._meet(channel, message)
            elif message.kind in ("ok", "failed", "ack"):
                future = self._asked.get(message.get("id", 0))
                if future is not None and not future.done():
                    future.set_result(message)
            elif message.kind == "log":
                self._lines.add(str(message.get("level", "INFO")), str(message.get("text", "")))
            elif (inlet := self.inlets.get(str(message.get("run", "")))) is not None:
                self._deliver(message, inlet)

    def _meet(self, channel: Channel, message: Message) -> None:
        """As long as not all channels have met: hello, welcome, join."""
        answer = self._encounter.take(channel.wire.channel, message)
        if answer is not None:
            with channel.lock:
                channel.send(*answer)
            for each in self._channels.values():
                each.wire.renew(self._encounter.key)
        if self._encounter.ready and not self.hello.done():
            self.hello.set_result(self._encounter.hello)

    def _deliver(self, message: Message, inlet: Inlet) -> None:
        if message.kind == "rows":
            inlet.rows(payload_of(message))
        elif message.kind == "end":
            inlet.ended()
        elif message.kind == "fault" and message.get("goes_on"):
            told = str(message.get("error", ""))
            self._lines.add("ERROR", told)
            inlet.rows(Payload([told]))  # what is no row is an error of the rule
        elif message.kind == "fault":
            inlet.failed(str(message.get("error", "")), str(message.get("where", "")))

    def _send(self) -> None:
        while True:
            with self._lock:
                if not self._outgoing:
                    return
                channel, kind, fields, payload = self._outgoing.pop(0)
            try:
                with self._channels[channel].lock:
                    self._channels[channel].send(kind, fields, payload)
            except Gone as why:
                future = self._asked.get(fields.get("id", 0))
                if future is not None and not future.done():
                    future.set_exception(Lost(self._gone(GRACE) or str(why)))
