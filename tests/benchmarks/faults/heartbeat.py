"""What the notebook feels of a fault: how long it cannot do anything, and how much memory it takes."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil


class Heartbeat:
    """Wakes every millisecond while it is entered; *worst* is the longest it had to wait beyond that (ms)."""

    def __enter__(self) -> Heartbeat:
        self.worst = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        before = time.perf_counter()
        while not self._over.wait(0.001):
            now = time.perf_counter()
            self.worst = max(self.worst, (now - before - 0.001) * 1000)
            before = now


class Memory:
    """How much more than at the beginning this process has had at its worst moment since (MiB); on Linux."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = psutil.Process().memory_info().rss

    @property
    def grown(self) -> float:
        """Now and then, but at most."""
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return (peak * 1024 - self._before) / 2**20
