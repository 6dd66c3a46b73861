"""The loop of a plugin: it answers calls in the main thread, and control beside them."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import zmq

from ..channel import Channel, Gone
from ..connection import CHANNELS, Connection
from ..encounter import hello_fields
from ..hello import Hello
from ..wire import Message, Refused, Wire, session_key
from .faults import fault
from .limits import size, too_long
from .symbols import Symbols

if TYPE_CHECKING:
    from .streams import Streams

    Answered = Callable[[Symbols, Message, int], tuple[dict[str, Any], Any]]


class Serving:
    """One plugin and its host. *spawned*: the host has started this process, which ends with it."""

    def __init__(self, connection: Connection, name: str, symbols: Symbols, *, spawned: bool) -> None:
        self._connection = connection
        self._symbols = symbols
        self._spawned = spawned
        sdk = f"python {sys.version.split()[0]}"
        self._hello = Hello(name, language="python", served=symbols.served, codecs=("arrow", "json"), sdk=sdk)
        self._context = context = zmq.Context[Any]()
        identity = connection.spawn.encode()
        self._channels = {
            channel: Channel(
                context,
                connection.addresses[channel],
                Wire(connection.key, "plugin", channel, whole=connection.whole),
                identity=identity,
                watched=channel == "control" and not spawned,
            )
            for channel in CHANNELS
        }
        self._streams: Streams
        self._answered: Answered
        self._most = 0  # bytes of a message that the host takes; 0 for any

    def run(self) -> bool:
        """Say hello and serve until the host says good-bye; False when it goes without that."""
        if self._spawned:
            threading.Thread(target=_end_with_host, name="host", daemon=True).start()
        self._meet()
        self._load()
        control, calls = self._channels["control"], self._channels["calls"]
        calls.send("join")
        poller = zmq.Poller()
        poller.register(control.socket, zmq.POLLIN)
        poller.register(calls.socket, zmq.POLLIN)
        if control.monitor_fileno is not None:
            poller.register(control.monitor_fileno, zmq.POLLIN)
        while not control.disconnected():
            ready = dict(poller.poll())
            if control.socket in ready:
                while (message := _received(control)) is not None:
                    if message.kind == "bye":
                        self._streams.close()
                        return True
                    self._control(message)
            if calls.socket in ready:
                while (message := _received(calls)) is not None:
                    with contextlib.suppress(Gone):
                        self._call(message)
        self._streams.close()
        self._context.destroy(0)
        return False

    def _load(self) -> None:
        """What logs, streams and calls need: Arrow above all. The host knows us already, and does not count this time
        as a call's.
        """
        from . import answering, logs, streams

        logs.to_host(self._channels["log"])
        self._streams = streams.Streams(self._channels["data"], self._symbols, self._most)
        self._answered = answering.answered
        for function in self._symbols.functions.values():
            function.native  # noqa: B018  made, and kept

    def _meet(self) -> None:
        nonce = os.urandom(16).hex()
        control = self._channels["control"]
        control.send("hello", hello_fields(self._hello, self._connection.spawn, nonce))
        while (welcome := _received(control)) is None or welcome.kind != "welcome":
            control.socket.poll()
        key = session_key(self._connection.key, nonce, str(welcome["nonce"]))
        self._most = int(welcome.get("limits", {}).get("message", 0))
        for name, channel in self._channels.items():
            channel.wire.renew(key)
            if name in ("data", "log"):
                channel.send("join")

    # ---- control

    def _control(self, message: Message) -> None:
        try:
            fields: dict[str, Any] = self._done(message)
        except Exception as error:
            fields = fault(error)
        self._channels["control"].send("failed" if "error" in fields else "ok", {"id": message["id"], **fields})

    def _done(self, message: Message) -> dict[str, Any]:
        if message.kind == "validate":
            symbol = self._symbols.functions.get(message["symbol"])
            return {"against": symbol.validate(message["arguments"]) if symbol is not None else "no such function"}
        if message.kind == "start":
            self._streams.start(message)
        elif message.kind == "stop":
            self._streams.stop(message["run"])
        else:
            raise ValueError(f"{message.kind} is not known")
        return {}

    # ---- calls

    def _call(self, message: Message) -> None:
        number, rows = message["id"], message["rows"]
        try:
            fields: dict[str, Any]
            fields, payload = self._answered(self._symbols, message, rows)
        except Exception as error:
            fields, payload = fault(error), []
        if too_long(payload, self._most):
            fields = {"error": f"{size(payload) >> 20} MiB of answers are more than one message may hold"}
            payload = []
        self._channels["calls"].send("answer", {"id": number, "rows": rows, **fields}, payload)


def _received(channel: Channel) -> Message | None:
    """The next message; what is none has no effect here."""
    while True:
        try:
            return channel.receive()
        except Refused:
            continue


def _end_with_host() -> None:
    """The host holds the other end of our standard input: with it we end, whatever the main thread does."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(0)
