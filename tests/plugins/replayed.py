"""A plugin's side of a message log, played to a host of today: what a plugin of that time would say to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import zmq

from kuiper_nb.plugins.channel import Channel
from kuiper_nb.plugins.connection import CHANNELS, Connection
from kuiper_nb.plugins.messagelog import Said
from kuiper_nb.plugins.wire import Message, Wire, session_key

from .conftest import PATIENCE

_NEW = {"nonce", "id", "spawn"}
"""What is new each time."""


class Replayed:
    """A thread that says what the plugin of *log* said, each message after those of the host that came before it.

    *wrong* is where the host of today said something else.
    """

    def __init__(self, connection: Connection, log: Sequence[Said]) -> None:
        self.wrong: list[str] = []
        self._connection = connection
        self._log = log
        self._ids: dict[tuple[str, Any], Any] = {}
        self._context: zmq.Context[Any] = zmq.Context()
        self._channels = {
            name: Channel(
                self._context,
                connection.addresses[name],
                Wire(connection.key, "plugin", name, whole=connection.whole),
                identity=connection.spawn.encode(),
            )
            for name in CHANNELS
        }
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def close(self) -> None:
        """Wait for the end of the log."""
        self._thread.join(PATIENCE)
        for channel in self._channels.values():
            channel.close()
        self._context.destroy(0)

    def _play(self) -> None:
        for said in self._log:
            channel = self._channels[said.channel]
            if said.side == "host":
                if (came := self._awaited(channel)) is None:
                    self.wrong.append(f"nothing came for {said}")
                    return
                self._compare(said, came)
            else:
                channel.send(said.kind, self._renewed(said), said.payload)

    def _renewed(self, said: Said) -> dict[str, Any]:
        fields = dict(said.fields)
        if "spawn" in fields:
            fields["spawn"] = self._connection.spawn
            self._nonce = fields["nonce"]
        if "id" in fields:
            fields["id"] = self._ids.pop((said.channel, fields["id"]))
        return fields

    def _awaited(self, channel: Channel) -> Message | None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if (message := channel.receive()) is not None:
                return message
            channel.socket.poll(10)
        return None

    def _compare(self, said: Said, came: Message) -> None:
        if "id" in came.fields:
            self._ids[said.channel, said.fields.get("id")] = came["id"]
        if came.kind == "welcome":
            key = session_key(self._connection.key, self._nonce, came["nonce"])
            for channel in self._channels.values():
                channel.wire.renew(key)
        then = {name: value for name, value in said.fields.items() if name not in _NEW}
        now = {name: value for name, value in came.fields.items() if name not in _NEW}
        if (said.kind, then) != (came.kind, now):
            self.wrong.append(f"then {said.kind} {then}, now {came.kind} {now}")
