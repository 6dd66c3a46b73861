"""Where views that follow something are put: under the cell of a live rule, until it stops; and wherever one is asked
for. Widgets are imported when the first is made."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.core.getipython import get_ipython

import kuiper_nb

from ..errors import CatalogError, did_you_mean
from .views import Place, View, rule_view, status_view

if TYPE_CHECKING:
    from ..engine.rule import Rule
    from ..session import Session
    from .widgets import ResultView, StatusView


def has_widgets(shell: Any) -> bool:
    """Whether *shell* has a front end that may show widgets: a kernel does, a terminal does not."""
    return getattr(shell, "kernel", None) is not None


def _session() -> Session | None:
    return kuiper_nb._session


def _place(shell: Any) -> Place:
    magics = getattr(getattr(shell, "magics_manager", None), "registry", {}).get("Kuiper")
    place: Place = magics.cells.place if magics is not None else str
    return place


def status(session: Session, place: Place) -> View | StatusView:
    """Everything there is: for a person before a front end it follows what happens, else it stands as it is."""
    if session.mode != "live" or not has_widgets(get_ipython()):
        return status_view(session)
    return status_widget()


def status_widget() -> StatusView:
    """The status of the notebook's session as a widget."""
    from .widgets import StatusView

    kuiper_nb.session()
    return StatusView(_session, _place(get_ipython()))


def rule_widget(rule: str | Rule) -> ResultView:
    """A rule of the notebook's session as a widget, which goes on with the rule that replaces it. Raises
    CatalogError."""
    from .widgets import ResultView

    known = kuiper_nb.session().rules
    id = rule if isinstance(rule, str) else rule.id
    if id not in known:
        raise CatalogError(f"no rule named {id}", did_you_mean(id, known))
    return ResultView(known[id], _session, _place(get_ipython()))


def show(shell: Any, rule: Rule, place: Place) -> None:
    """Put a view under the cell, which follows *rule* and leaves its last state behind.

    Raises NotImplementedError, IPython's word for "look elsewhere", where a text will do.
    """
    if rule.status.mode != "live" or not rule.active or not has_widgets(shell):
        raise NotImplementedError
    from .pump import PUMP
    from .widgets import ResultView

    view = ResultView(rule, _session, place, text=rule.plan.text)
    standing = _Standing(shell, view, place)
    standing.publish(*view._repr_mimebundle_())
    PUMP.watch(standing)


class _Standing:
    """A view under a cell. When its rule has stopped, html and text take its place: they are all a saved notebook
    needs, and show in every page."""

    def __init__(self, shell: Any, view: ResultView, place: Place) -> None:
        self._shell = shell
        self._view = view
        self._place = place
        self._id = uuid4().hex
        self._ended = 0
        self.over = False

    def publish(self, data: dict[str, Any], metadata: dict[str, Any], *, update: bool = False) -> None:
        """Show it, or with *update* in the place of what was shown."""
        self._shell.display_pub.publish(data, metadata, transient={"display_id": self._id}, update=update)

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        """Nobody writes to it."""

    def turn(self, now: float) -> bool:
        """Look whether the rule still runs; one that is compiled anew does not for a moment."""
        ended = bool(self._view.follow()) or not self._view.rule.active
        self._ended = self._ended + 1 if ended else 0
        if self._ended > 1:
            self.end()
        return ended and not self.over

    def end(self) -> None:
        """The last state, as it is from now on."""
        self.over = True
        view = rule_view(self._view.rule, self._place)
        self.publish({"text/plain": repr(view), "text/html": view._repr_html_()}, {}, update=True)
        self._view.feed.awake = False
        self._view.close()
