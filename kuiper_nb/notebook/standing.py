"""A view that stands under a cell: live while its rule runs, html and text once it has stopped, live when it runs
again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .chart import Chart
from .followed import Followed
from .placed import PLACES, Placed
from .pump import PUMP
from .updated import Updated
from .views import Place, rule_view

if TYPE_CHECKING:
    from .widgets import ResultView


class Standing(Placed):
    """A widget under a cell. Html and text are all a saved notebook needs, and show in every page."""

    def __init__(self, shell: Any, view: ResultView, place: Place) -> None:
        super().__init__(shell, uuid4().hex)
        self._view = view
        self._place = place
        self._ended = 0
        self.publish(*view._repr_mimebundle_(), update=False)
        PLACES.add(self)

    def turn(self, now: float) -> bool:
        """Look whether the rule still runs, or runs again; one that is compiled anew does not for a moment."""
        if self.over:
            return False
        if self.live and self._view.feed.lost:
            self._give_up()
            return False
        gone = bool(self._view.follow())
        runs = not gone and self._view.rule.active
        self._ended = 0 if runs else self._ended + 1
        if runs and not self.live:
            self.live = True
            self.publish(*self._view._repr_mimebundle_())
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
        super().forget()
        self._view.close()

    def _leave(self) -> None:
        """The last state, in the place of the view."""
        self.live = False
        choices = self._view.choices
        chart = Chart.of(choices.chart, self._view.drawn()) if choices.chart else None
        view = rule_view(self._view.rule, self._place, chart)
        self.publish({"text/plain": repr(view), "text/html": view._repr_html_()}, {})
        self._view.feed.awake = False

    def _give_up(self) -> None:
        """Nothing arrives at the widget: from now on html stands in its place."""
        followed = Followed(self._view.rule, self._view.current, self._view.text)
        PUMP.watch(Updated(self._shell, followed, self._place, instead_of=self))
        self._view.feed.awake = False
        self.forget()
