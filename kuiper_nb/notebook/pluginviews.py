"""How a plugin looks in text and plain html. What differs from run to run (process ids, times, sizes) is left out where
the notebook is bounded, so that it shows the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .views import View, counted

if TYPE_CHECKING:
    from ..plugins.hello import Served
    from ..plugins.installed import Plugins
    from ..plugins.status import PluginStatus
    from ..plugins.supervisor import Plugin
    from ..session import Session

_NEWEST = 5
_MEGABYTE = 1_000_000


def state(status: PluginStatus) -> str:
    """eKuiper's word for it, or that it is in quarantine."""
    return "quarantined" if status.quarantined else status.status


def signature(served: Served) -> str:
    """`fahrenheit(c)`."""
    if served.kind == "sink" or (served.kind == "source" and not served.parameters):
        return served.name
    anything = not served.parameters and served.arity != (0, 0)
    return f"{served.name}({'…' if anything else ', '.join(served.parameters)})"


def serves(plugin: Plugin) -> str:
    """`functions rev(t), twice(n); source ticks(n)`."""
    kinds: dict[str, list[str]] = {}
    for served in plugin.hello.served:
        kind = "aggregate" if served.aggregate else served.kind
        kinds.setdefault(kind, []).append(signature(served))
    return "; ".join(f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}" for kind, names in kinds.items())


def lasting(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 5 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole // 60 % 60} min"


def headline(plugin: Plugin, mode: str) -> str:
    """One line: which plugin, what it does, how long it has been at it."""
    status = plugin.status
    word = {"stop": "stopped", "error": "in error", "initializing": "starting"}.get(state(status), state(status))
    facts = [f"generation {status.generation}"]
    facts += [counted(status.restarts, "restart")] if status.restarts else []
    if mode == "live" and status.pid is not None:
        memory = f", {status.memory / _MEGABYTE:,.0f} MB" if status.memory else ""
        facts = [f"pid {status.pid}, up {lasting(status.uptime)}{memory}", *facts]
    language = f" ({status.language})" if status.language else ""
    return f"Plugin {status.name}{language} is {word}: {', '.join(facts)}"


def plugin_view(plugin: Plugin, session: Session) -> View:
    """One plugin: its state, what it serves and to whom, what it has done, its newest lines."""
    status, live = plugin.status, session.mode == "live"
    parts: list[Any] = [headline(plugin, session.mode)]
    if status.errMsg:
        again = f"; %kuiper restart plugin {plugin.name}" if status.quarantined else ""
        parts.append(f"last error: {status.errMsg}{again}")
    parts.append(served_rows(plugin, session))
    if status.calls:
        done = f"{counted(status.calls, 'call')}, {counted(status.rows, 'row')}"
        parts.append(done + (f"; a call takes {_ms(status.p50)} ms (p50), {_ms(status.p99)} ms (p99)" if live else ""))
    if live and (lines := plugin.logs(_NEWEST)):
        parts.append("\n".join(["newest lines:", *(f"  {line.text}" for line in lines)]))
    return View(tuple(parts))


def _ms(taken: float) -> str:
    return f"{taken:.2f}" if taken < 10 else f"{taken:,.0f}"


def served_rows(plugin: Plugin, session: Session) -> list[dict[str, str]]:
    """What it serves, one a row."""
    return [
        {
            "serves": "aggregate" if served.aggregate else served.kind,
            "name": signature(served),
            "help": served.help.split("\n")[0],
            "used by": ", ".join(session.users(served.kind, served.name)),
        }
        for served in plugin.hello.served
    ]


def plugins_view(plugins: Plugins, mode: str) -> View:
    """All of them, one a row."""
    rows = [_row(plugin, mode) for plugin in list(plugins.values())]
    return View((rows if rows else "no plugins; a cell that begins with %%kuiper plugin NAME makes one",))


def _row(plugin: Plugin, mode: str) -> dict[str, Any]:
    status = plugin.status
    live = {"pid": status.pid, "up": lasting(status.uptime), "MB": round(status.memory / _MEGABYTE)}
    return {
        "plugin": plugin.name,
        "state": state(status),
        "language": status.language,
        **(live if mode == "live" else {}),
        "generation": status.generation,
        "restarts": status.restarts,
        "calls": status.calls,
        "serves": serves(plugin),
    }
