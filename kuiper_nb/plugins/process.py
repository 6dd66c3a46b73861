"""A program that runs beside this one: its group, its end, its output. It never outlives its host."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .guardian import guardian
from .lines import Lines

Limits = Mapping[str, int]
"""Of a process: `memory` (bytes), `files`, `processes` (of its user)."""

_READ = 65536
_RLIMITS = {"memory": "RLIMIT_AS", "files": "RLIMIT_NOFILE", "processes": "RLIMIT_NPROC"}


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its exit code, or the signal that killed it."""

    code: int

    def __str__(self) -> str:
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            name = f"signal {-self.code}"
        return f"{name}, maybe out of memory" if name == "SIGKILL" else name


class Process:
    """Runs *argv* in *folder*, in a session of its own, its output to *lines*. Raises OSError when it cannot start.

    *fileno* becomes readable when it has ended. Where the system has no pidfd, or *pidfd* is False, a thread waits.
    """

    def __init__(
        self,
        argv: Sequence[str],
        folder: Path,
        lines: Lines,
        *,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        pidfd: bool = True,
    ) -> None:
        self.started = time.monotonic()
        self.killed = ""
        """Why the host has killed it; '' when it has not."""
        self._child = subprocess.Popen(
            list(argv),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,  # its end tells the plugin that the host is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._exit: Exit | None = None
        self._on_exit: list[Callable[[Exit], None]] = []
        guardian.keep(self.pid)
        _limit(self.pid, {"files": 1024, **(limits or {})})
        self._ended, self._told = os.pipe()
        self._pidfd = _pidfd(self.pid) if pidfd else None
        self._lines = lines
        self._output = threading.Thread(target=self._drain, name=f"output of {self.pid}", daemon=True)
        self._output.start()
        if self._pidfd is None:
            threading.Thread(target=self._wait, name=f"end of {self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its id, and that of its group."""
        return self._child.pid

    @property
    def fileno(self) -> int:
        """A descriptor that is readable once the process has ended."""
        return self._ended if self._pidfd is None else self._pidfd

    @property
    def exit(self) -> Exit | None:
        """How it ended; None while it runs."""
        if self._exit is None:
            with self._lock:
                code = self._child.poll()
                if code is not None and self._exit is None:
                    self._exit = Exit(code)
        return self._exit

    def wait(self, seconds: float) -> Exit | None:
        """Its end, if that comes within *seconds*."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while self.exit is None and (left := deadline - time.monotonic()) > 0:
                selector.select(left)
        return self.exit

    def flush(self) -> None:
        """Read what it has written so far: it is in the lines afterwards."""
        for name, stream in self._outputs:
            with contextlib.suppress(OSError, ValueError), self._reading:  # nothing more, or closed
                os.set_blocking(stream.fileno(), False)
                while read := os.read(stream.fileno(), _READ):
                    self._lines.feed(name, read)

    def drained(self, seconds: float) -> bool:
        """Whether all that it has written is read, at the latest after *seconds*."""
        self._output.join(seconds)
        return not self._output.is_alive()

    def kill(self, why: str = "") -> None:
        """End it with everything it has started."""
        self.killed = self.killed or why
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._child.kill()

    def interrupt(self) -> None:
        """Ask it to end by itself: SIGTERM, and the end of its standard input."""
        with contextlib.suppress(OSError):
            self._child.terminate()
        with contextlib.suppress(OSError):
            assert self._child.stdin is not None
            self._child.stdin.close()

    def close(self) -> Exit | None:
        """Kill what is left of it and let go of everything; its last output is read first."""
        self.kill()
        ended = self.wait(5)
        self._output.join(1)
        guardian.release(self.pid)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        for descriptor in (self._pidfd, self._ended, self._told):
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        return ended

    def _wait(self) -> None:
        self._child.wait()
        with contextlib.suppress(OSError):
            os.write(self._told, b"!")

    @property
    def _outputs(self) -> list[tuple[str, IO[bytes]]]:
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        return [("stdout", self._child.stdout), ("stderr", self._child.stderr)]

    def _drain(self) -> None:
        """Read what it writes, for ever: a process whose pipe is full stands still."""
        with selectors.DefaultSelector() as selector:
            for name, stream in self._outputs:
                os.set_blocking(stream.fileno(), False)  # as `flush` may be faster
                selector.register(stream.fileno(), selectors.EVENT_READ, name)
            while selector.get_map():
                for key, _ in selector.select():
                    if not self._read(key.fd, key.data):
                        selector.unregister(key.fd)
                        self._lines.end(key.data)

    def _read(self, descriptor: int, name: str) -> bool:
        """Whether there may be more to come."""
        with self._reading:
            try:
                read = os.read(descriptor, _READ)
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._lines.feed(name, read)
        return bool(read)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _limit(pid: int, limits: Limits) -> None:
    """Set what the system can limit; the process has hardly begun."""
    try:
        import resource

        for name, most in limits.items():
            kind = getattr(resource, _RLIMITS[name])
            _, hard = resource.prlimit(pid, kind)
            soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, kind, (soft, hard))
    except (ImportError, AttributeError, OSError):  # not on this system, or ended already
        return
