"""Where views that follow something are put: under the cell of a live rule, and wherever one is asked for. Widgets are
imported when the first is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython

import kuiper_nb

from ..errors import CatalogError, did_you_mean
from .views import Place, View, status_view

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
    from .standing import Standing
    from .widgets import ResultView

    view = ResultView(rule, _session, place, text=rule.plan.text)
    PUMP.watch(Standing(shell, view, place))
