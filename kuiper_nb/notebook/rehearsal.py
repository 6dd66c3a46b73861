"""What the first completion, and the first cell of ours, import and compute: done while nobody waits, between cells.

In the kernel's own loop, a piece at a time, not in a thread: what two threads import at once may fail in one of them,
and a thread would slow down the cell that runs. A cell, or a completion, waits for the piece under way at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

from . import complete

AFTER = 0.3
"""Seconds after loading: the cell that loads answers first."""
BREATH = 0.02
"""Seconds between two pieces, for the kernel to see to what has come in."""
_PIECES = ("contracts", "sql.resolved", "sql.parser", "tabular", "notebook.candidates", "notebook.linewords")
_LATER = ("duck", "engine.rule", "session")
"""What the first statement needs, and the first help: it shows what a function answers."""
_ASKED = ("%%kuiper\nSELECT ", "%%kuiper rule --", "%kuiper ")


class Rehearsal:
    """One at a time: begun anew, it goes on where it was."""

    def __init__(self, pieces: Iterator[None]) -> None:
        self._left = pieces
        self._next: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Go through the pieces, where a loop runs in this thread that comes to them; a terminal has none."""
        self.end()
        with suppress(RuntimeError):
            self._later(asyncio.get_running_loop(), AFTER)

    def end(self) -> None:
        """Leave the rest to whoever needs it first."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to be done."""
        return self._next is None

    def _later(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._next = loop.call_later(seconds, self._piece, loop)

    def _piece(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = None
        with suppress(Exception):  # whoever needs it will be told
            next(self._left)
            self._later(loop, BREATH)


def _pieces() -> Iterator[None]:
    """Each takes some tens of milliseconds; to make the parser's tables, the longest, about 200."""
    yield from _imported(_PIECES)
    from ..sql.builtins import FAMILIES, family

    for name in FAMILIES:
        family(name)
        yield
    for cell in _ASKED:
        lines = cell.split("\n")
        complete.completed(cell, len(lines) - 1, len(lines[-1]))
        yield
    yield from _imported(_LATER)
    from ..engine.ready import ready_for_queries

    ready_for_queries()


def _imported(names: tuple[str, ...]) -> Iterator[None]:
    package = __package__.rpartition(".")[0]
    for name in names:
        import_module(f"{package}.{name}")
        yield


REHEARSAL = Rehearsal(_pieces())
"""The one of this process."""
