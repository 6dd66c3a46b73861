"""What stands under the cells of a notebook, and how it is changed.

Whoever loads the page anew has no display ids any more, by which a kernel changes an output. So every output of ours
is marked in its metadata, and the views that are open put the right one in its place (`static/places.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from .feed import Frame
    from .widgets import Live

MARK = "kuiper_nb"
_MOST_QUIET = 20
"""How many views whose rules have stopped are kept for the pages that still show them live."""


class Placed:
    """An output under a cell.

    *live*: what stands there follows its rule; *number* counts what has stood there.
    """

    def __init__(self, shell: Any, id: str, number: int = 0) -> None:
        self.id = id
        self.number = number
        self.live = True
        self.placed: Frame = {}
        self.over = False
        self._shell = shell
        self._cell, self._run = _running(shell)

    def publish(self, data: dict[str, Any], metadata: Mapping[str, Any], *, update: bool = True) -> None:
        """Show it, or with *update* in the place of what was shown."""
        self.number += 1
        marked = {**metadata, MARK: {"view": self.id, "number": self.number}}
        self.placed = {"view": self.id, "number": self.number, "data": data, "metadata": marked}
        self._shell.display_pub.publish(data, marked, transient={"display_id": self.id}, update=update)
        if update:
            PLACES.tell(self)

    def replaces(self, other: Placed) -> bool:
        """Whether it stands under the same cell, which has run again."""
        return bool(self._cell) and self._cell == other._cell and self._run != other._run

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        """Nobody writes to it."""

    def stirred(self, now: float) -> bool:
        """It can wait for its turn."""
        return False

    def forget(self) -> None:
        """No page shows it any more."""
        self.over = True


class Places:
    """All outputs under cells, by their marks; and all views that could put one in its place."""

    def __init__(self) -> None:
        self.views: WeakSet[Live] = WeakSet()
        self._standing: dict[str, Placed] = {}

    def add(self, standing: Placed) -> None:
        """One more; those that its cell showed when it ran before are gone, and so are the oldest whose rules have
        stopped, when they are too many."""
        before = [id for id, known in self._standing.items() if standing.replaces(known)]
        quiet = [id for id, known in self._standing.items() if not known.live and id not in before]
        for id in (*before, *quiet[: max(len(quiet) - _MOST_QUIET, 0)]):
            self._standing.pop(id).forget()
        self._standing[standing.id] = standing

    def tell(self, standing: Placed) -> None:
        """Its output is another now."""
        for view in list(self.views):
            view.feed.tell({"placed": standing.placed})

    def tell_what_differs(self, view: Live, seen: Mapping[str, Any]) -> None:
        """The page of *view* shows the outputs *seen* (numbers by marks): correct those that are not the newest."""
        for id, number in seen.items():
            standing = self._standing.get(id)
            if standing is not None and standing.number != number:
                view.feed.tell({"placed": standing.placed})


PLACES = Places()
"""The outputs of this process."""


def _running(shell: Any) -> tuple[str, str]:
    """The cell that runs, and the run of it, as far as the front end says so."""
    parent: Any = getattr(shell, "get_parent", dict)() or {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))
