"""The peer that speaks our wire: a plugin kernel, one process from its hello to its end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as Late
from typing import Any

import zmq

from ..contracts import Answer, Call, Failure
from .calls import Calls, Pending
from .channel import MOST_MESSAGE, Channel
from .codec import ARROW, Unreadable, packed, unpacked
from .connection import Connection
from .encounter import Encounter
from .exchange import Exchange
from .hello import Hello
from .lines import Lines
from .messagelog import MessageLog
from .peer import Control, Declined, Inlet, Lost
from .process import Process
from .streams import Item, packed_item
from .wire import Message, Refused, Wire

CHUNK = 8192
"""Rows of one message of a call; a batch is cut into as many, so that both sides work at the same time."""

IN_FLIGHT = 4
LOADING = 60.0
"""Seconds after its hello in which a plugin must be able to answer calls."""

CREDITS = 16
"""Payloads a source may send before the first of them has been taken."""


class Kernel:
    """See `Peer`. Its sockets are open at once, at the addresses of *connection*; `listen` begins.

    What the plugin logs goes to *lines*, all messages to *log*. A message of more than *most* bytes is not taken.
    *released* is called when it is closed.
    """

    def __init__(
        self,
        connection: Connection,
        lines: Lines,
        *,
        most: int = MOST_MESSAGE,
        released: Callable[[], None] = lambda: None,
        log: MessageLog | None = None,
    ) -> None:
        self._released = released
        self._log = log
        self._process: Process | None = None
        self._lines = lines
        self._context: zmq.Context[Any] = zmq.Context()
        self._channels = {
            name: Channel(
                self._context,
                address,
                Wire(connection.key, "host", name, whole=connection.whole),
                most=most,
                watched=True,
                log=log,
            )
            for name, address in connection.addresses.items()
        }
        self.chunk = CHUNK
        self._most = most
        self._lock = threading.Lock()
        self._why = ""
        self._told: list[Callable[[str], None]] = []
        self._closed = False
        encounter = Encounter(connection, most)
        self._exchange = Exchange(self._channels, encounter, lines, self._lose, self._gone)
        self._calls = Calls(self._channels["calls"], lambda seconds: self._gone(seconds) if seconds else self._why)

    @property
    def addresses(self) -> dict[str, str]:
        """Where it listens."""
        return {name: channel.address for name, channel in self._channels.items()}

    def listen(self, process: Process | None = None) -> None:
        """Begin. *process* is the plugin's; None where somebody else has started it."""
        self._process = process
        if process is not None:
            self._calls.watch(process.fileno)
        self._exchange.begin(process)

    # ---- what a Peer is

    @property
    def lost(self) -> str:
        """Why it is not there any more."""
        return self._gone(0)

    @property
    def spent(self) -> str:
        """A process of our own SDKs wears out no more than others."""
        return ""

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid if self._process is not None else None

    @property
    def refused(self) -> int:
        """How many messages were not of the plugin, or none at all."""
        return sum(sum(channel.refused.values()) for channel in self._channels.values())

    def ready(self, seconds: float) -> Hello:
        """Wait for hello; what does not say it in time is killed. What it has written before is in its lines then."""
        try:
            hello = self._exchange.hello.result(seconds)
        except Late:
            why = f"it did not say hello within {seconds:g} s"
            self._lose(why, True)
            raise Lost(why, hung=True) from None
        self.flush()
        return hello

    def await_calls(self) -> None:
        """Wait until the plugin has loaded what it answers calls with. Raises Lost."""
        if not self._exchange.callable.is_set() and not self._exchange.callable.wait(LOADING):
            why = f"it could not be called within {LOADING:g} s"
            self._lose(why, True)
            raise Lost(why, hung=True)
        if self._why:
            raise Lost(self._why)

    def flush(self) -> None:
        """Read what it has written so far."""
        if self._process is not None:
            self._process.flush()

    def on_lost(self, told: Callable[[str], None]) -> None:
        """Call *told* with why it has gone."""
        with self._lock:
            if not self._why:
                self._told.append(told)
                return
        told(self._why)

    def validate(self, symbol: str, arguments: Sequence[str]) -> str:
        """What a function has against these arguments."""
        answer = self._exchange.ask("control", "validate", {"symbol": symbol, "arguments": list(arguments)}, 10)
        return str(answer.get("against", ""))

    def call(self, symbol: str, call: Call, seconds: float) -> Answer:
        """Answer a batch, in several messages where it is long; *seconds* begin when the plugin can answer at all."""
        self.await_calls()
        deadline = time.monotonic() + seconds
        values: list[Any] = []
        failures: dict[int, Failure] = {}
        pending: list[tuple[int, int, Pending]] = []
        chunk = self.chunk
        starts = iter(range(0, call.rows, chunk))
        try:
            while True:
                while len(pending) < IN_FLIGHT and (first := next(starts, None)) is not None:
                    rows = min(chunk, call.rows - first)
                    pending.append((first, rows, self._asked_for(symbol, call, first, rows)))
                if not pending:
                    return Answer(_joined(values), failures)
                first, rows, waiting = pending.pop(0)
                values.append(self._answered(self._calls.answer(waiting, deadline), first, rows, failures))
        except TimeoutError:
            why = f"{symbol} did not answer within {seconds:g} s"
            self._lose(why, True)
            raise Lost(why, hung=True) from None
        except Lost as lost:
            self._lose(lost.why, True)
            raise
        except (Unreadable, Refused) as error:
            why = f"{symbol} answered what is no answer: {error}"
            self._lose(why, True)
            raise Lost(why) from None

    def start(self, control: Control, inlet: Inlet | None, seconds: float) -> None:
        """Start a source or a sink."""
        if inlet is not None:
            self._exchange.inlets[control.run] = inlet
        try:
            self._exchange.ask("control", "start", {**_described(control), "credits": CREDITS}, seconds)
        except BaseException:
            self._exchange.inlets.pop(control.run, None)
            raise

    def write(self, control: Control, item: Item, seconds: float) -> None:
        """Hand over one item of a sink."""
        fields, payload = packed_item(item)
        self._fits(payload, "one emit")
        self._exchange.ask("data", "emit", {"run": control.run, **fields}, seconds, payload)

    def taken(self, control: Control, items: int) -> None:
        """So many payloads of a source have been taken."""
        self._exchange.post("data", "credit", {"run": control.run, "items": items})

    def stop(self, control: Control, seconds: float) -> None:
        """Stop a source or a sink."""
        self._exchange.inlets.pop(control.run, None)
        self._exchange.ask("control", "stop", _described(control), seconds)

    def close(self) -> None:
        """End it: asked first, then killed."""
        with self._lock:
            closed, self._closed = self._closed, True
        if closed:
            return
        if self._process is not None and not self._gone(0) and self._exchange.hello.done():
            self._exchange.post("control", "bye", {})
            self._process.wait(0.5)
        self._lose("it was stopped")
        self._exchange.close()
        if self._process is not None:
            self._process.close()
        for channel in self._channels.values():
            with channel.lock:
                channel.close()
        self._context.destroy(0)
        if self._log is not None:
            self._log.close()
        self._released()

    # ---- calls

    def _asked_for(self, symbol: str, call: Call, first: int, rows: int) -> Pending:
        columns = [column[first : first + rows] for column in call.arguments]
        hello = self._exchange.hello.result(0)
        codec, payload = packed(columns, rows, arrow=ARROW in hello.codecs)
        fields = {"symbol": symbol, "rows": rows, "columns": len(columns), "codec": codec}
        if call.context:
            fields["context"] = dict(call.context)
        self._fits(payload, "arguments")
        return self._calls.ask("call", fields, payload)

    def _fits(self, payload: Sequence[Any], what: str) -> None:
        """Raises Declined when no message may hold it: the plugin would drop its connection."""
        size = sum(memoryview(part).nbytes for part in payload)
        if size > self._most:
            raise Declined(f"{size >> 20} MiB of {what} are more than one message may hold ({self._most >> 20} MiB)")

    def _answered(self, answer: Message, first: int, rows: int, failures: dict[int, Failure]) -> Any:
        if answer.get("rows") != rows:
            raise Unreadable(f"{answer.get('rows')} rows for {rows}")
        if (error := answer.get("error")) is not None:
            raise Declined(str(error), str(answer.get("where", "")))
        try:
            for place, message, where in answer.get("failures", ()):
                if not 0 <= place < rows:
                    raise Unreadable(f"a failure of row {place} of {rows}")
                failures[first + place] = Failure(str(message), str(where))
        except (TypeError, ValueError):
            raise Unreadable("failures that are none") from None
        return unpacked(str(answer["codec"]), answer.payload, 1, rows)[0] if rows else []

    # ---- its end

    def _gone(self, seconds: float) -> str:
        if self._why:
            return self._why
        process = self._process
        ended = None if process is None else process.exit or (process.wait(seconds) if seconds else None)
        return "" if ended is None or process is None else process.killed or f"it ended with {ended}"

    def _lose(self, why: str, kill: bool = False) -> None:
        with self._lock:
            first, self._why = not self._why, self._why or why
            told, self._told = self._told, []
        if kill and self._process is not None:
            self._process.kill(why)
        if not first:
            return
        self._calls.give_up(why)
        self._exchange.give_up(why)
        for each in told:
            each(why)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if not any(isinstance(part, list) for part in parts):
        import pyarrow as pa

        with contextlib.suppress(pa.ArrowException):
            return pa.chunked_array(_alike(parts))
    return [value for part in parts for value in (part if isinstance(part, list) else part.to_pylist())]


def _alike(parts: list[Any]) -> list[Any]:
    """Parts of nothing but nulls in the type of the others."""
    import pyarrow as pa

    kind = next((part.type for part in parts if part.type != pa.null()), pa.null())
    return [part.cast(kind) if part.type == pa.null() else part for part in parts]


def _described(control: Control) -> dict[str, Any]:
    """A start or stop in eKuiper's words."""
    return {
        "run": control.run,
        "symbol": control.symbol,
        "type": control.kind,
        "meta": {"ruleId": control.rule, "opId": control.op, "instanceId": control.instance},
        "datasource": control.datasource,
        "config": dict(control.config),
    }
