"""A view under a cell, which follows its rule and leaves html and text behind."""

from __future__ import annotations

import threading
from contextvars import Context
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .followed import Followed
from .refreshed import Refreshed
from .views import Place, View, rule_view

if TYPE_CHECKING:
    from .widgets import ResultView

_REFRESHED = 1.0
"""Seconds between two updates of html, while a cell runs."""


class Standing:
    """A widget; or, where none is shown or nothing arrives at it, html that is updated while a cell runs, for that is
    when it arrives everywhere.

    When the rule has stopped, html and text take its place: they are all a saved notebook needs, and show in every
    page.
    """

    def __init__(self, shell: Any, followed: Followed, place: Place, widget: ResultView | None) -> None:
        self.over = False
        self._shell = shell
        self._followed = followed
        self._place = place
        self._widget = widget
        self._refreshed = Refreshed(self._view, ("rule", followed.rule.id))
        self._id = uuid4().hex
        self._lock = threading.RLock()
        self._ended = 0
        self._cell = True
        self._due = 0.0
        self._events = {"pre_run_cell": self._begins, "post_run_cell": self._ends}

    def open(self) -> None:
        """Show it."""
        if self._widget is not None:
            self._publish(*self._widget._repr_mimebundle_())
        else:
            self._publish(_static(self._refreshed))
        for event, act in self._events.items():
            self._shell.events.register(event, act)

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        """Nobody writes to it."""

    def turn(self, now: float) -> bool:
        """Look whether the rule still runs; one that is compiled anew does not for a moment."""
        ended = bool(self._followed.turn()) or not self._followed.rule.active
        self._ended = self._ended + 1 if ended else 0
        if self._ended > 1 and (self._cell or not self._drops):
            self.end()
        elif self._cell and now >= self._due:
            self._due = now + _REFRESHED
            self._refresh()
        return ended and not self.over

    def end(self) -> None:
        """The last state, as it is from now on."""
        with self._lock:
            if self.over:
                return
            self.over = True
            self._publish(_static(self._view()), update=True)
            self._close()
        for event, act in self._events.items():
            self._shell.events.unregister(event, act)

    def _view(self) -> View:
        return rule_view(self._followed.rule, self._place)

    def _begins(self, info: Any) -> None:
        self._cell = True

    def _ends(self, result: Any) -> None:
        """The last moment at which an update arrives for sure."""
        self._cell = False
        if self._ended > 1:
            self.end()
        else:
            self._refresh()

    @property
    def _drops(self) -> bool:
        """Whether the page drops what comes while no cell runs."""
        return self._widget is None or self._widget.feed.lost

    def _refresh(self) -> None:
        with self._lock:
            if self.over or not self._drops:
                return
            self._close()
            self._publish(_static(self._refreshed), update=True)

    def _close(self) -> None:
        widget, self._widget = self._widget, None
        if widget is not None:
            widget.feed.awake = False
            widget.close()

    def _publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, *, update: bool = False) -> None:
        transient = {"display_id": self._id}
        self._shell.display_pub.publish(data, metadata or {}, transient=transient, update=update)


def _static(view: View | Refreshed) -> dict[str, Any]:
    return {"text/plain": repr(view), "text/html": view._repr_html_()}
