"""The sockets of eKuiper's wire, and the only place that knows pynng.

On the control channel of a plugin and on that of each function, the plugin's socket is the one that requests (REQ). It
requests once, `handshake`; what the host asks travels as the reply, and the plugin's next request is the answer. A
plugin that has nothing to do says `handshake` again every few seconds, and with that forgets the request that the host
was about to reply to: what was said in reply must then be said again.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import PluginError
from .nanomsg_messages import HANDSHAKE, Garbled

MOST_MESSAGE = 64 << 20
"""Bytes of a message that is taken; the sender of a longer one is cut off."""

_MOST_HANDSHAKES = 1000
"""In answer to one question: those of a long rest come one after the other, those of a confused plugin for ever."""

_QUIET = 0.005
"""Seconds without a message after which a plugin has said all that it had to say."""

Door = Callable[[int | None, int | None], bool]
"""Whether a process may come in, by its user and its id (None: not known)."""


T = TypeVar("T")


class Closed(Exception):
    """The socket is closed, by this side."""


def library() -> Any:
    """pynng. Raises PluginError where it is not installed."""
    try:
        import pynng
    except ImportError:
        raise PluginError(
            "plugins made for eKuiper are spoken to over nanomsg, and pynng is not installed",
            "%pip install 'kuiper-nb[ekuiper]'",
        ) from None
    return pynng


class Socket:
    """*door*: who may connect. *gone* is called when somebody who was connected is not any more; it must be quick."""

    def __init__(
        self, protocol: str, *, most: int = MOST_MESSAGE, door: Door | None = None, gone: Callable[[], None]
    ) -> None:
        self._nng = library()
        self._using = threading.Lock()
        self._closing = False
        self._polls: dict[str, select.poll] = {}
        self._woken, self._waker = socket.socketpair()
        self._socket = getattr(self._nng, protocol)(recv_max_size=most)
        self._door = door
        self._socket.add_pre_pipe_connect_cb(self._entering)
        self._socket.add_post_pipe_remove_cb(lambda _: gone())
        self.met = threading.Event()
        """Somebody has connected."""
        self.turned_away = 0

    def receive(self, deadline: float | None) -> bytes:
        """The next message. Raises Closed, and TimeoutError when *deadline* (monotonic seconds) has passed."""
        with self._using:
            return self._patiently(self._received, "recv_fd", deadline)

    def send(self, data: bytes, deadline: float | None) -> None:
        """Send a message. Raises as `receive` does."""
        with self._using:
            self._patiently(lambda: self._socket.send(data, block=False), "send_fd", deadline)

    def close(self) -> None:
        """Close it: whoever waits in it is told so."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._waker.send(b"!")
        with self._using:
            self._socket.close()
            self._woken.close()
            self._waker.close()

    def _received(self) -> bytes:
        try:
            data: bytes = self._socket.recv(block=False)
        except RuntimeError:  # how pynng says that a message is empty
            return b""
        return data

    def _patiently(self, act: Callable[[], T], descriptor: str, deadline: float | None) -> T:
        """Wait by polling, and not in nng: there, a socket that is closed while a message arrives waits for ever."""
        while not self._closing:
            if not self._poll(descriptor).poll(_left(deadline)):
                raise TimeoutError
            if self._closing:
                break
            try:
                return act()
            except self._nng.TryAgain:
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError from None
            except self._nng.NNGException:
                raise Closed from None
        raise Closed

    def _poll(self, descriptor: str) -> select.poll:
        poll = self._polls.get(descriptor)
        if poll is None:
            self._polls[descriptor] = poll = select.poll()
            poll.register(getattr(self._socket, descriptor), select.POLLIN)
            poll.register(self._woken, select.POLLIN)
        return poll

    def _listen(self, address: str) -> None:
        try:
            self._socket.listen(address)
            os.chmod(address.removeprefix("ipc://"), 0o600)
        except OSError:  # gone again
            pass
        except self._nng.NNGException as error:
            self.close()
            raise PluginError(f"cannot listen at {address}: {error}") from None

    def _entering(self, pipe: Any) -> None:
        if self._door is not None and not self._door(self._known(pipe, "uid"), self._known(pipe, "pid")):
            self.turned_away += 1
            pipe.close()
        else:
            self.met.set()

    def _known(self, pipe: Any, what: str) -> int | None:
        found = self._nng.ffi.new("uint64_t *")
        failed = self._nng.lib.nng_pipe_get_uint64(pipe.pipe, f"ipc:peer-{what}".encode(), found)
        return None if failed else int(found[0])


class Questions(Socket):
    """Asks a plugin, one question at a time."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__("Rep0", **options)
        self._asking = threading.Lock()
        self._owed = False  # whether the plugin waits for a reply
        self._listen(address)

    def greeted(self, deadline: float) -> None:
        """Wait until the plugin has said something."""
        with self._asking:
            self._await(deadline)

    def ask(self, question: bytes, deadline: float) -> bytes:
        """The plugin's answer. Raises Garbled for one that is none, and as `receive` does."""
        with self._asking:
            self._await(deadline)
            return self._ask(question, deadline)

    @contextmanager
    def turn(self, seconds: float) -> Iterator[Callable[[bytes], bytes]]:
        """A turn to ask several, within *seconds* from when it is ours."""
        with self._asking:
            deadline = time.monotonic() + seconds
            self._await(deadline)
            yield lambda question: self._ask(question, deadline)

    def rest(self) -> None:
        """Take what the plugin says while nobody asks; a few hundred handshakes would fill the connection for good."""
        if self._asking.acquire(blocking=False):
            try:
                self._drain(_QUIET)
            finally:
                self._asking.release()

    def _ask(self, question: bytes, deadline: float) -> bytes:
        before = b""
        for _ in range(_MOST_HANDSHAKES):
            self._reply(question, deadline)
            self._owed = False
            answer = self.receive(deadline)
            self._owed = True
            if answer[:1] != HANDSHAKE[:1] or (answer != HANDSHAKE and answer == before):
                return answer  # an error may begin with the same letter: it comes again
            before = answer
        raise Garbled("it says nothing but handshake")

    def _reply(self, question: bytes, deadline: float) -> None:
        """Not by polling: nng would have forgotten whom to reply to when it says that it cannot send yet."""
        with self._using:
            if self._closing:
                raise Closed
            try:
                self._socket.send_timeout = _left(deadline)
                self._socket.send(question)
            except self._nng.Timeout:
                raise TimeoutError from None
            except self._nng.NNGException:
                raise Closed from None

    def _await(self, deadline: float) -> None:
        """Let the plugin's newest request be the one that is replied to."""
        self._drain()
        if not self._owed:
            self.receive(deadline)
            self._owed = True

    def _drain(self, patience: float = 0.0) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                self.receive(time.monotonic() + patience)
                self._owed = True


class Inbox(Socket):
    """Listens for what a source sends, or for a sink's acknowledgements."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__("Pull0", **options)
        self._listen(address)


class Outbox(Socket):
    """Hands items to a sink that listens."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__("Push0", **options)
        try:
            self._socket.dial(address, block=True)
        except self._nng.NNGException as error:
            self.close()
            raise Closed(str(error)) from None


def _left(deadline: float | None) -> int:
    """Milliseconds to poll, -1 for ever."""
    return -1 if deadline is None else max(math.ceil((deadline - time.monotonic()) * 1000), 0)
