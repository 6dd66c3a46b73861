"""What is still open when Python ends is closed then.

A thread that Python cuts off inside DuckDB aborts the whole process, and a sink that nobody closes may lose its last
rows.
"""

from __future__ import annotations

import atexit
import contextlib
from typing import Protocol
from weakref import WeakSet


class _Closeable(Protocol):
    def close(self) -> None: ...


_open: WeakSet[_Closeable] = WeakSet()


def closed_at_exit(opened: _Closeable) -> None:
    """Close *opened*, if it still exists, before Python ends."""
    _open.add(opened)


@atexit.register
def _close() -> None:
    for opened in list(_open):
        with contextlib.suppress(Exception):  # the others are closed all the same
            opened.close()
