"""A ZeroMQ socket that speaks the wire: the host's, which listens, or the plugin's, which connects.

The host answers nobody but the one peer that has signed with the key. Whatever else arrives is counted, and has no
effect.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import zmq

from .wire import Buffer, Message, Refused, Side, Wire

if TYPE_CHECKING:
    from .messagelog import MessageLog

MOST_MESSAGE = 64 << 20
"""Bytes of one message, unless the plugin's manifest says otherwise."""

_WAITING = 64
_STRANGERS = 64
"""Messages that are refused at a time."""

_LARGE = 64 << 10
"""Payloads from so many bytes on are handed to ZeroMQ without a copy."""

_READABLE, _LAST, _MORE = int(zmq.POLLIN), int(zmq.NOBLOCK), int(zmq.NOBLOCK | zmq.SNDMORE)
"""Plain numbers: every operation on a member of an enumeration costs as much as the signature of a message."""


class Gone(Exception):
    """The peer is not connected (any more), or does not read."""


class Channel:
    """One channel of one encounter. Used by one thread at a time, or under `lock`.

    *fileno* is readable when something may have arrived; then `receive` must be called until it answers None, and is
    no longer `readable`.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        wire: Wire,
        *,
        most: int = MOST_MESSAGE,
        identity: bytes = b"",
        watched: bool = False,
        log: MessageLog | None = None,
    ) -> None:
        host = wire.side == "host"
        self.wire = wire
        self._log = log
        self.refused: Counter[str] = Counter()
        self.lock = threading.Lock()
        self._peer: bytes | None = None
        self._connection: int | None = None
        self._accepted: set[int] = set()
        self._lost = False
        self._socket = context.socket(zmq.ROUTER if host else zmq.DEALER)
        self._socket.linger = 0
        self._socket.sndhwm = self._socket.rcvhwm = _WAITING
        self._socket.maxmsgsize = most
        self._monitor: zmq.Socket[Any] | None = None
        if host:
            self._socket.router_mandatory = True
            self._watch(watched)
            self._socket.bind(address)
        else:
            self._socket.setsockopt(zmq.IDENTITY, identity)
            self._socket.reconnect_ivl = 5
            self._watch(watched)
            self._socket.connect(address)
        self.address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.fileno: int = self._socket.getsockopt(zmq.FD)

    def _watch(self, watched: bool) -> None:
        if watched:
            self._monitor = self._socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)

    @property
    def side(self) -> Side:
        """Whose end this is."""
        return self.wire.side

    @property
    def socket(self) -> zmq.Socket[Any]:
        """For a poller."""
        socket: zmq.Socket[Any] = self._socket
        return socket

    @property
    def met(self) -> bool:
        """Whether the peer has shown itself."""
        return self._peer is not None or self.side == "plugin"

    def send(self, kind: str, fields: Mapping[str, Any] | None = None, payload: Sequence[Buffer] = ()) -> None:
        """Send a message. Raises Gone."""
        frames = self.wire.pack(kind, fields, payload)
        if self._log is not None:
            self._log.note(self.side, self.wire.channel, frames[1], payload)
        if self.side == "host":
            if self._peer is None:
                raise Gone("nobody has connected")
            frames = [self._peer, *frames]
        large = bool(payload) and sum(memoryview(part).nbytes for part in payload) >= _LARGE
        try:
            for frame in frames[:-1]:
                self._socket.send(frame, _MORE, not large)
            self._socket.send(frames[-1], _LAST, not large)
        except zmq.Again:
            raise Gone("it does not read what it is sent") from None
        except zmq.ZMQError as error:
            raise Gone(str(error)) from None

    @property
    def readable(self) -> bool:
        """Whether something has arrived."""
        try:
            return bool(self._socket.getsockopt(zmq.EVENTS) & _READABLE)
        except zmq.ZMQError:  # closed
            return False

    def receive(self) -> Message | None:
        """The next message of the peer that is there now; None when there is none, or too much of strangers before it:
        then it is still `readable`, and whoever waits can look at the clock.
        """
        for _ in range(_STRANGERS):
            if not self.readable:  # an exception would cost several times as much
                return None
            try:
                parts, connection = self._arrived()
            except zmq.ZMQError:  # closed
                return None
            identity = b""
            if self.side == "host":
                identity, parts = bytes(parts[0]), parts[1:]
                if self._peer is not None and identity != self._peer:
                    self.refused["stranger"] += 1
                    continue
            try:
                message = self.wire.unpack(parts)
            except Refused as why:
                self.refused[why.reason] += 1
                if why.reason == "malformed":
                    raise
                continue
            if self.side == "host" and self._peer is None:
                self._peer, self._connection = identity, connection
            if self._log is not None:
                self._log.note(self.wire.other, self.wire.channel, parts[1], parts[2:])
            return message
        return None

    def _arrived(self) -> tuple[list[Buffer], int | None]:
        """What has arrived, and, as long as the peer is unknown, the descriptor of the connection that it came by."""
        if self._peer is not None or self.side == "plugin":
            return list(self._socket.recv_multipart(_LAST)), None
        frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        connection = int(frames[0].get(zmq.SRCFD))
        return [frame.bytes for frame in frames], connection

    @property
    def monitor_fileno(self) -> int | None:
        """Readable when connections have come or gone: call `disconnected` then. None where it is not watched."""
        return None if self._monitor is None else int(self._monitor.getsockopt(zmq.FD))

    def disconnected(self) -> bool:
        """Whether the connection of the peer has been lost, by its end or a message above the limit; only for a channel
        that is watched. What becomes of the connections of strangers is nothing to us.
        """
        if self._monitor is None:
            return False
        from zmq.utils.monitor import recv_monitor_message  # brings asyncio, for which most plugins need not wait

        with contextlib.suppress(zmq.ZMQError):  # closed
            while self._monitor.poll(0):
                found = recv_monitor_message(self._monitor, zmq.NOBLOCK)
                if found["event"] == zmq.EVENT_ACCEPTED:
                    self._accepted.add(int(found["value"]))
                else:
                    self._accepted.discard(int(found["value"]))
                    self._lost = self._lost or self.side == "plugin"
        return self._lost or (self._connection is not None and self._connection not in self._accepted)

    def close(self) -> None:
        """Close the socket."""
        if self._monitor is not None:
            self._socket.disable_monitor()
        self._socket.close(0)
