"""Where views that follow something are put: under the cell of a live rule, and wherever one is asked for. Widgets are
imported when the first is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython

import kuiper_nb

from ..errors import CatalogError, did_you_mean
from ..functions.places import said
from .followed import Current, Followed
from .pluginviews import plugin_view
from .refreshed import Refreshed, in_colab
from .views import Place, View, rule_view, session_now, status_view

if TYPE_CHECKING:
    from ..engine.rule import Rule
    from ..plugins.supervisor import Plugin
    from ..session import Session
    from .widgets import PluginView, ResultView, StatusView


def has_front_end(shell: Any) -> bool:
    """Whether *shell* has a page before it: a kernel does, a terminal does not."""
    return getattr(shell, "kernel", None) is not None


def _session() -> Session | None:
    return kuiper_nb._session


def _of(session: Session | None) -> Current:
    """Answers *session*; without one the notebook's, which is made when there is none yet."""
    if session is not None:
        return lambda: session
    kuiper_nb.session()
    return _session


def status(session: Session, place: Place) -> View | StatusView | Refreshed:
    """Everything there is: for a person before a front end it follows what happens, else it stands as it is."""
    if session.mode != "live" or not has_front_end(get_ipython()):
        return status_view(session)
    return status_widget()


def status_widget(session: Session | None = None) -> StatusView | Refreshed:
    """The status of *session*, or of the notebook's, as a widget; where there are none, as html."""
    current = _of(session)
    if in_colab():
        return Refreshed(lambda: session_now(current()), () if session else ("status", ""))
    from .widgets import StatusView

    return StatusView(current, said)


def plugin(session: Session, plugin: Plugin) -> View | PluginView:
    """One plugin: for a person before a front end it follows what happens, else it stands as it is."""
    if session.mode != "live" or not has_front_end(get_ipython()) or in_colab():
        return plugin_view(plugin, session)
    from .widgets import PluginView

    return PluginView(plugin.name, _session, said)


def rule_widget(rule: str | Rule, session: Session | None = None) -> ResultView | Refreshed:
    """A rule of *session*, or of the notebook's, as a widget, which goes on with the rule that replaces it; where
    there are none, as html. Raises CatalogError."""
    current = _of(session)
    found = _known(rule, current)
    if in_colab():
        return Refreshed(lambda: rule_view(found, said), () if session else ("rule", found.id))
    from .widgets import ResultView

    return ResultView(found, current, said)


def _known(rule: str | Rule, current: Current) -> Rule:
    session = current()
    known = session.rules if session is not None else {}
    id = rule if isinstance(rule, str) else rule.id
    named = known.get(id)
    if named is not None and (isinstance(rule, str) or named is rule or not rule.active):
        return named
    if isinstance(rule, str):
        raise CatalogError(f"no rule named {id}", did_you_mean(id, known))
    raise CatalogError(f"rule {id} is not of this session", "kuiper.view(rule, session) shows one of another session")


def show(shell: Any, rule: Rule, place: Place) -> None:
    """Put a view under the cell, which follows *rule* and leaves its last state behind.

    Raises NotImplementedError, IPython's word for "look elsewhere", where a text will do.
    """
    if rule.status.mode != "live" or not rule.active or not has_front_end(shell):
        raise NotImplementedError
    from .pump import PUMP

    if in_colab():
        from .updated import Updated

        PUMP.watch(Updated(shell, Followed(rule, _session, rule.plan.text), place))
        return
    from .standing import Standing
    from .widgets import ResultView

    PUMP.watch(Standing(shell, ResultView(rule, _session, place, text=rule.plan.text), place))
