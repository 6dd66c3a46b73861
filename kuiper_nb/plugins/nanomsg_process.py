"""The process of an eKuiper plugin and all sockets to it: trusted until it ends, hangs, or answers nonsense."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import RowFault
from .lines import Lines
from .nanomsg_messages import Garbled
from .nanomsg_places import Place
from .nanomsg_sockets import Closed, Questions, Socket
from .peer import Lost
from .process import Limits, Process

GRACE = 0.5
"""Seconds in which a process that has hung up may turn out to have ended."""

_REST = 30.0
"""Seconds after which what a plugin has said to nobody is taken: `handshake`, every five seconds."""

_MOMENT = 0.2
"""Seconds between the last sign of a process that dies and its death."""

S = TypeVar("S", bound=Socket)


class Trusted:
    """Until it is lost; with that every socket is closed, so that whoever waits in one is told at once."""

    def __init__(self, name: str, place: Place, lines: Lines, most: int) -> None:
        self.name = name
        self.why = ""
        """Why it is trusted no more."""
        self.process: Process | None = None
        self._place = place
        self._lines = lines
        self._most = most
        self._lock = threading.Lock()
        self._closed = False
        self._started = threading.Event()
        self._told: list[Callable[[str], None]] = []
        self._sockets: list[Socket] = []
        self._hung_up: deque[Callable[[], None]] = deque()
        self._began = time.time()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._watcher = threading.Thread(target=self._watch, name=f"plugin {name}", daemon=True)

    def begin(self, argv: Sequence[str], folder: Path, environment: Mapping[str, str], limits: Limits | None) -> None:
        """Start the process. Raises OSError."""
        self.process = Process(argv, folder, self._lines, environment=environment, limits=limits)
        self._started.set()
        self._watcher.start()

    @property
    def pid_soon(self) -> int | None:
        """The id of the process, which may connect before it is known here; None when there is none."""
        self._started.wait(5)
        return None if self.process is None else self.process.pid

    @property
    def lost(self) -> str:
        """Why it is not there any more."""
        if not self.why and self.process is not None and self.process.exit is not None:
            return self._ending(self.process)
        return self.why

    @property
    def refused(self) -> int:
        """How many strangers were turned away."""
        return sum(each.turned_away for each in self._sockets)

    def on_lost(self, told: Callable[[str], None]) -> None:
        """Call *told* with why it has gone, on the thread that watches; at once if it has."""
        with self._lock:
            if not self.why:
                self._told.append(told)
                return
        told(self.why)

    # ---- sockets

    def options(self, gone: Callable[[], None]) -> dict[str, Any]:
        """For a socket. *gone* is called, by the thread that watches, when the plugin has hung up there."""

        def notice() -> None:  # on a thread of nng's, and inside a lock of its
            self._hung_up.append(gone)
            self._wake()

        return {"most": self._most, "door": self._place.admits, "gone": notice}

    def opened(self, opened: S) -> S:
        """A socket that is closed when the process is lost. Raises Closed where it is already."""
        with self._lock:
            if not self.why:
                self._sockets.append(opened)
                return opened
        opened.close()
        raise Closed

    def closed(self, closed: Socket) -> None:
        """A socket that is of no use any more."""
        with self._lock, contextlib.suppress(ValueError):
            self._sockets.remove(closed)
        closed.close()

    def left(self, what: str) -> None:
        """The plugin has hung up where it must not: it ends, or has gone wrong."""
        if self.process is not None and self.process.wait(GRACE) is None:
            limit = f"or sent more than {self._most >> 20} MiB in one message"
            self.lose(f"it closed the channel of {what}, {limit}", kill=True)

    # ---- its end

    def dying(self) -> bool:
        """Whether it is lost, or has ended and will be in a moment: its sockets break before it is noticed."""
        return bool(self.why) or (self.process is not None and self.process.wait(_MOMENT) is not None)

    def lose(self, why: str, *, kill: bool = False) -> bool:
        """Trust it no more; whether this is news."""
        with self._lock:
            first, self.why = not self.why, self.why or why
            opened = list(self._sockets)
        if kill and self.process is not None and self.process.exit is None:
            self.process.kill(why)
        if first:
            for each in opened:
                each.close()
            self._wake()
        return first

    @contextlib.contextmanager
    def asked(self, late: str, status: str = "running") -> Iterator[None]:
        """Inside, the process is asked something: what says that it cannot be trusted becomes Lost."""
        if why := self.lost:
            raise Lost(why)
        try:
            yield
        except Closed:
            self._watcher.join(GRACE)
            self.lose("it broke the connection", kill=True)
            raise Lost(self.why) from None
        except TimeoutError:
            hung = self.lose(f"time out, plugin {self.name} status {status}, message: {late}", kill=True)
            raise Lost(self.why, hung=hung) from None
        except (Garbled, RowFault) as error:
            self.lose(f"it answered what is no answer: {error}", kill=True)
            raise Lost(self.why) from None

    def close(self) -> bool:
        """Let go of it, after it is lost; False where that was done already."""
        with self._lock:
            if self._closed:
                return False
            self._closed = True
        if self._watcher.ident is not None and self._watcher is not threading.current_thread():
            self._watcher.join(2)
        if self.process is not None:
            self.process.close()
        self._woken.close()
        self._waker.close()
        return True

    def _watch(self) -> None:
        process = self.process
        assert process is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.fileno, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self.why:
                ready = selector.select(_REST)
                if not ready:
                    self._rest()
                for key, _ in ready:
                    if key.fileobj is self._woken:
                        self._woken.recv(4096)
                while self._hung_up and not self.why:
                    self._hung_up.popleft()()
                if process.exit is not None:
                    process.drained(0.05)
                    self.lose(self._ending(process))
        with self._lock:
            told, self._told = self._told, []
        for each in told:
            each(self.why)

    def _rest(self) -> None:
        with self._lock:
            opened = [each for each in self._sockets if isinstance(each, Questions)]
        for each in opened:
            with contextlib.suppress(Closed):
                each.rest()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def _ending(self, process: Process) -> str:
        """How it ended, and the last that it wrote about that."""
        if process.killed:
            return process.killed
        ended, said = process.exit, ""
        for line in self._lines.tail(200):
            if line.origin == "stderr" and line.at >= self._began and line.text.strip():
                said = said if said.startswith("panic:") else line.text.strip()  # Go says that before its stacks
        return f"it ended with {ended}" + (f": {said}" if said and ended and ended.code != -9 else "")
