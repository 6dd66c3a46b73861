"""The host's end of the reaper: whatever is under its guard is gone when this process is, however it ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

_REAPER = Path(__file__).with_name("reaper.py")


class Guardian:
    """One reaper for this process, started when there is something to guard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reaper: subprocess.Popen[bytes] | None = None
        self._kept: list[str] = []
        self._host = os.getpid()

    def keep(self, what: int | Path) -> None:
        """Guard a process group, or a folder."""
        with self._lock:
            self._kept.append(str(what))
            self._tell(f"+ {what}")

    def release(self, what: int | Path) -> None:
        """Guard it no more; without anything to guard the reaper ends."""
        with self._lock:
            with contextlib.suppress(ValueError):
                self._kept.remove(str(what))
            if self._kept:
                self._tell(f"- {what}")
            else:
                self._end()

    @property
    def pid(self) -> int | None:
        """The reaper's."""
        return self._reaper.pid if self._reaper is not None else None

    def _tell(self, line: str) -> None:
        if self._reaper is not None and self._reaper.poll() is not None:  # somebody killed it
            self._end()
        if self._reaper is None:
            self._start()
            return
        assert self._reaper.stdin is not None
        with contextlib.suppress(OSError):
            self._reaper.stdin.write(line.encode() + b"\n")

    def _start(self) -> None:
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_REAPER), str(self._host)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            cwd="/" if os.name == "posix" else None,
        )
        for what in self._kept:
            self._tell(f"+ {what}")

    def _end(self) -> None:
        """Let it go, with nothing left to kill."""
        reaper, self._reaper = self._reaper, None
        if reaper is None or reaper.stdin is None:
            return
        with contextlib.suppress(OSError):
            reaper.stdin.write(b"".join(f"- {what}\n".encode() for what in self._kept))
            reaper.stdin.close()
        reaper.kill()
        reaper.wait()


guardian = Guardian()
"""Of this process."""
