"""A rule under a cell, in html, for pages that hear nothing between two cells: it is updated while a cell runs, when
that arrives everywhere."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

from .followed import Followed
from .placed import PLACES, Placed
from .refreshed import Refreshed
from .views import Place, View, rule_view


class Updated(Placed):
    """Shown as soon as it is made; with *instead_of* only when the next cell runs, in the place of that."""

    def __init__(self, shell: Any, followed: Followed, place: Place, instead_of: Placed | None = None) -> None:
        super().__init__(shell, *((instead_of.id, instead_of.number) if instead_of else (uuid4().hex,)))
        self._followed = followed
        self._place = place
        self._refreshed = Refreshed(self._view, ("rule", followed.rule.id))
        self._lock = threading.Lock()
        self._ended = 0
        self._in_cell = instead_of is None
        self._shown: dict[str, Any] = {}
        if instead_of is None:
            self._tell(update=False)
        self._events = {"pre_run_cell": self._begins, "post_run_cell": self._ends}
        for event, act in self._events.items():
            shell.events.register(event, act)
        PLACES.add(self)

    def turn(self, now: float) -> bool:
        """Tell what is new, where it arrives; once a second will do, but for a rule that may have stopped."""
        gone = bool(self._followed.turn())
        runs = not gone and self._followed.rule.active
        self._ended = 0 if runs else self._ended + 1
        if self._in_cell:
            self._tell()
        if gone and not self.live:
            self.forget()
        return self._ended == 1

    def end(self) -> None:
        """Nothing runs any more."""
        self._ended = 2
        self._tell()
        self.forget()

    def forget(self) -> None:
        """No page shows it any more."""
        if not self.over:
            super().forget()
            for event, act in self._events.items():
                self._shell.events.unregister(event, act)

    def _view(self) -> View:
        return rule_view(self._followed.rule, self._place)

    def _begins(self, info: Any) -> None:
        self._in_cell = True

    def _ends(self, result: Any) -> None:
        """The last moment at which something arrives for sure."""
        self._in_cell = False
        self._tell()

    def _tell(self, *, update: bool = True) -> None:
        """What there is to see, if it is something else; a rule that has stopped (for more than a moment, in which it
        may be compiled anew) needs no refreshing."""
        with self._lock:
            live = self._ended < 2 or self._followed.rule.active
            view = self._refreshed if live else self._view()
            data = {"text/plain": repr(view), "text/html": view._repr_html_()}
            if data != self._shown and not self.over:
                self._shown = data
                self.publish(data, {}, update=update)
            self.live = live
