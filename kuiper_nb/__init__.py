"""eKuiper's streaming SQL in a notebook: rules on DuckDB micro-batches, functions, sources and sinks from Python cells.

    from kuiper_nb import Session
    with Session() as session: ...

The module-level names (`function`, `push` …) act on the notebook's session, which `%load_ext kuiper_nb` creates.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .session import Session

__all__ = [
    "ClockError",
    "Emit",
    "KuiperError",
    "Late",
    "NotSupported",
    "RowError",
    "RowFault",
    "Rule",
    "Session",
    "SystemClock",
    "VirtualClock",
    "aggregate",
    "forget_session",
    "function",
    "load_ipython_extension",
    "plugins",
    "push",
    "rules",
    "session",
    "sink",
    "source",
    "status",
    "stream",
    "unload_ipython_extension",
    "view",
]

_HOME = {
    "ClockError": "errors",
    "KuiperError": "errors",
    "NotSupported": "errors",
    "RowFault": "errors",
    "Emit": "engine.emits",
    "Late": "engine.emits",
    "RowError": "engine.emits",
    "Rule": "engine.rule",
    "Session": "session",
    "SystemClock": "windowing.clock",
    "VirtualClock": "windowing.clock",
}
_session: Session | None = None
_opening: Callable[[], Session] | None = None
"""How a notebook opens its session; set by `%load_ext kuiper_nb`."""


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used, so that importing the package costs next to nothing."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name == "rules":
        return session().rules
    if name == "plugins":
        return session().plugins
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def session() -> Session:
    """The session of this notebook (or script), made when it is first asked for."""
    global _session  # noqa: PLW0603
    if _session is None:
        from .session import Session

        _session = _opening() if _opening is not None else Session()
    return _session


def serve_instead(session: Any) -> None:
    """Let *session* take what the decorators mark: in the process of a plugin there is no other."""
    global _session  # noqa: PLW0603
    _session = session


def forget_session() -> None:
    """Close the session of this notebook, if there is one: its rules stop, and the next use opens a new one."""
    global _session
    closing, _session = _session, None
    if closing is not None:
        closing.close()


def function(f: Any = None, name: str | None = None, vectorized: bool = False, *, process: bool = False) -> Any:
    """`Session.function` of the notebook's session."""
    return session().function(f, name=name, vectorized=vectorized, process=process)


def aggregate(f: Any = None, *, name: str | None = None, process: bool = False) -> Any:
    """`Session.aggregate` of the notebook's session."""
    return session().aggregate(f, name=name, process=process)


def source(f: Any = None, *, name: str | None = None, live: bool = False, process: bool = False) -> Any:
    """`Session.source` of the notebook's session."""
    return session().source(f, name=name, live=live, process=process)


def sink(f: Any = None, *, name: str | None = None, process: bool = False) -> Any:
    """`Session.sink` of the notebook's session."""
    return session().sink(f, name=name, process=process)


def push(topic: str, data: Any, at: int | None = None) -> None:
    """`Session.push` of the notebook's session."""
    session().push(topic, data, at)


def stream(name: str, data: Any, *, timestamp: str = "") -> Any:
    """`Session.stream` of the notebook's session."""
    return session().stream(name, data, timestamp=timestamp)


def view(rule: Any, session: Session | None = None) -> Any:
    """A rule of the notebook's session, or of *session* (or its name), as a widget that follows it, for `VBox` and the
    like.

    Raises CatalogError when there is no such rule.
    """
    from .notebook.live import rule_widget

    return rule_widget(rule, session)


def status(session: Session | None = None) -> Any:
    """Everything in the notebook's session, or in *session*, as a widget that follows it; it starts, stops, drops."""
    from .notebook.live import status_widget

    return status_widget(session)


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext kuiper_nb`."""
    from .notebook.extension import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext kuiper_nb`."""
    from .notebook.extension import unload

    unload(ipython)


class _Package(ModuleType):
    """This package, in which `session` stays the function, and `plugins` those of the session, although modules that
    are called so are imported, too."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("session", "plugins") and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
