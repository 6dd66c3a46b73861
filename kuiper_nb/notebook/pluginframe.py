"""A plugin as a frame: of its card, and as a row of the status view."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from ..errors import KuiperError
from .feed import Frame
from .pluginviews import served_rows, serves, state
from .views import counted

if TYPE_CHECKING:
    from ..plugins.status import PluginStatus
    from ..plugins.supervisor import Plugin
    from ..session import Session

ACTIONS = ("start", "stop", "restart", "drop")
_LONGEST = 300
_MEGABYTE = 1_000_000
_LINES = 200


class Since:
    """When the processes of plugins began (ms), which is said the same way in every frame."""

    def __init__(self) -> None:
        self._began: dict[tuple[str, int], int] = {}

    def of(self, status: PluginStatus) -> int | None:
        """When the one that runs now did; None where none does."""
        if status.pid is None:
            return None
        return self._began.setdefault((status.name, status.pid), round(1000 * (time() - status.uptime)))


def card(plugin: Plugin, session: Session, since: Since, share: float, note: str = "") -> Frame:
    """Everything there is to say of it, with *share* (0 to 1) of its lines. *note*: what became of it."""
    status = plugin.status
    return {
        "head": {
            **_head(status, since),
            "note": note,
            "language": status.language,
            "version": status.version[:_LONGEST],
        },
        "facts": {
            "pid": status.pid,
            "restarts": status.restarts,
            "generation": status.generation,
            "calls": status.calls,
            "rows": status.rows,
            "rate": round(status.rate, 1),
            "took": _took(status.calls, status.p50, status.p99),
            "memory": _megabytes(status.memory),
            "refused": status.refused,
        },
        "serves": [{name: text[:_LONGEST] for name, text in row.items()} for row in served_rows(plugin, session)][:100],
        "refs": [[rule[:_LONGEST], count] for rule, count in list(status.refCount.items())[:50]],
        "lines": log_lines(plugin, max(1, round(_LINES * share))),
        "earlier": max(plugin.lines.total - _LINES, 0),
    }


def row(plugin: Plugin, since: Since) -> Frame:
    """The row of the status view."""
    status = plugin.status
    beside = [f"pid {status.pid}"] if status.pid is not None else []
    beside += [f"{_megabytes(status.memory)} MB"] if status.memory else []
    beside += [counted(status.calls, "call")]
    beside += [counted(status.restarts, "restart")] if status.restarts else []
    return {
        **_head(status, since),
        "kind": "plugin",
        "detail": serves(plugin)[:_LONGEST],
        "message": ", ".join(beside),
        "rows_in": status.rows,
        "rate": round(status.rate, 1) if status.pid is not None else None,
        "took": _took(status.calls, status.p50, status.p99),
        "generation": status.generation,
        "actions": [*ACTIONS, "logs"],
    }


def log_lines(plugin: Plugin, most: int) -> list[str]:
    """Its newest lines, newest last."""
    return [line.text[:_LONGEST] for line in plugin.lines.tail(most)]


def _head(status: PluginStatus, since: Since) -> dict[str, Any]:
    return {
        "name": status.name[:_LONGEST],
        "state": state(status),
        "last_error": status.errMsg[:_LONGEST],
        "started": since.of(status),
    }


def _took(calls: int, p50: float, p99: float) -> list[float] | None:
    return [round(p50, 2), round(p99, 2)] if calls else None


def _megabytes(memory: int) -> int:
    return round(memory / _MEGABYTE)


def done(session: Session, action: str, name: str) -> str:
    """Start, stop or restart it; what became of it, in words. Raises KuiperError."""
    plugin = session.plugins.get(name)
    if plugin is None:
        raise KuiperError(f"there is no plugin {name} any more", "")
    {"start": plugin.start, "stop": plugin.stop, "restart": plugin.restart}[action]()
    return f"plugin {name} is {state(plugin.status)}"
