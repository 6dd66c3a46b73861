"""A view that stands under a cell: live while its rule runs, html and text once it has stopped, live when it runs
again.

Whoever loads the page anew has no display ids any more, by which a kernel changes an output. So every output of ours
is marked in its metadata, and the views that are open put the right one in its place (`static/places.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakSet

from .chart import Chart
from .views import Place, rule_view

if TYPE_CHECKING:
    from .feed import Frame
    from .widgets import Live, ResultView

MARK = "kuiper_nb"
_MOST_QUIET = 20
"""How many views whose rules have stopped are kept for the pages that still show them live."""


class Places:
    """All views under cells, by the mark of their output; and all views that could put one in its place."""

    def __init__(self) -> None:
        self.views: WeakSet[Live] = WeakSet()
        self._standing: dict[str, Standing] = {}

    def add(self, standing: Standing) -> None:
        """One more; those that its cell showed when it ran before are gone, and so are the oldest whose rules have
        stopped, when they are too many."""
        before = [id for id, known in self._standing.items() if standing.replaces(known)]
        quiet = [id for id, known in self._standing.items() if not known.live and id not in before]
        for id in (*before, *quiet[: max(len(quiet) - _MOST_QUIET, 0)]):
            self._standing.pop(id).forget()
        self._standing[standing.id] = standing

    def tell(self, standing: Standing) -> None:
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
"""The views of this process."""


class Standing:
    """A view under a cell. Html and text are all a saved notebook needs, and show in every page.

    *live*: the widget stands there; *number* counts what has stood there.
    """

    def __init__(self, shell: Any, view: ResultView, place: Place) -> None:
        self.id = uuid4().hex
        self.number = 0
        self.live = True
        self.placed: Frame = {}
        self.over = False
        self._shell = shell
        self._view = view
        self._place = place
        self._cell, self._run = _running(shell)
        self._ended = 0
        self._publish(*view._repr_mimebundle_(), update=False)
        PLACES.add(self)

    def _publish(self, data: dict[str, Any], metadata: dict[str, Any], *, update: bool = True) -> None:
        """Show it, or with *update* in the place of what was shown."""
        self.number += 1
        marked = {**metadata, MARK: {"view": self.id, "number": self.number}}
        self.placed = {"view": self.id, "number": self.number, "data": data, "metadata": marked}
        self._shell.display_pub.publish(data, marked, transient={"display_id": self.id}, update=update)
        if update:
            PLACES.tell(self)

    def replaces(self, other: Standing) -> bool:
        """Whether it stands under the same cell, which has run again."""
        return bool(self._cell) and self._cell == other._cell and self._run != other._run

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        """Nobody writes to it."""

    def turn(self, now: float) -> bool:
        """Look whether the rule still runs, or runs again; one that is compiled anew does not for a moment."""
        if self.over:
            return False
        gone = bool(self._view.follow())
        runs = not gone and self._view.rule.active
        self._ended = 0 if runs else self._ended + 1
        if runs and not self.live:
            self.live = True
            self._publish(*self._view._repr_mimebundle_())
        elif self.live and self._ended > 1:
            self._leave()
        self.over = gone and not self.live
        return self.live and not runs

    def end(self) -> None:
        """Nothing runs any more."""
        if self.live and not self.over:
            self._leave()
        self.forget()

    def forget(self) -> None:
        """No page shows it any more."""
        self.over = True
        self._view.close()

    def _leave(self) -> None:
        """The last state, in the place of the view."""
        self.live = False
        choices = self._view.choices
        chart = Chart.of(choices.chart, self._view.drawn()) if choices.chart else None
        view = rule_view(self._view.rule, self._place, chart)
        self._publish({"text/plain": repr(view), "text/html": view._repr_html_()}, {})
        self._view.feed.awake = False


def _running(shell: Any) -> tuple[str, str]:
    """The cell that runs, and the run of it, as far as the front end says so."""
    parent: Any = getattr(shell, "get_parent", dict)() or {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))
