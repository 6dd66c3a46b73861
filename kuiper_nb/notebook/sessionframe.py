"""A whole session as one frame of the status view: everything there is, one row each, and what became of commands."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..connectors.system import process_memory
from ..engine.rule import Rule
from ..errors import KuiperError
from ..session import Session
from . import pluginframe, serviceframe
from .feed import Frame
from .pluginframe import Since
from .ruleframe import log_lines

MOST_ROWS = 200
POINTS = 60
"""How many points a sparkline has; one a second."""
_LONGEST = 200
_MEGABYTE = 1_000_000

ACTIONS = {
    "rule": ("start", "stop", "restart", "drop"),
    "stream": ("drop",),
    "table": ("drop",),
    "function": ("drop",),
    "source": ("drop",),
    "sink": ("drop",),
    "plugin": pluginframe.ACTIONS,
    "service": serviceframe.ACTIONS,
}
"""What a row can be asked to do, by its kind."""


@dataclass
class _History:
    """How many rows a rule had taken in at which moment, and how many a second that was."""

    rule: Rule
    at: float
    rows: int
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=POINTS))


class SessionFrames:
    """The frames of a session for one view; it remembers how fast the rules were."""

    def __init__(self) -> None:
        self._histories: dict[str, _History] = {}
        self._since = Since()

    def measure(self, session: Session, now: float) -> None:
        """Look at what the rules have taken in, once a second (*now* in seconds of any clock)."""
        rules = dict(session.rules)
        for id in [id for id in self._histories if id not in rules]:
            del self._histories[id]
        for id, rule in rules.items():
            known = self._histories.get(id)
            rows = rule.status.rows_in
            if known is None or known.rule is not rule:
                self._histories[id] = _History(rule, now, rows)
            elif now - known.at >= 1:
                known.rates.append(round((rows - known.rows) / (now - known.at), 1))
                known.at, known.rows = now, rows

    def frame(self, session: Session, logs_of: tuple[str, str], share: float = 1.0) -> Frame:
        """Everything there is, with *share* (0 to 1) of the rows; *logs_of* is the kind and name of the rule or plugin
        whose log is open, or ''."""
        plugins = [pluginframe.row(plugin, self._since) for plugin in list(session.plugins.values())]
        services = [serviceframe.row(service) for service in list(session.services.values())]
        rows = [*self._rules(session), *plugins, *services, *_definitions(session)]
        most = max(1, round(MOST_ROWS * share))
        return {
            "head": {
                "mode": session.mode,
                "running": sum(rule.active for rule in list(session.rules.values())),
                "rules": len(session.rules),
                "memory": round(process_memory() / _MEGABYTE),
            },
            "rows": rows[:most],
            "more": max(len(rows) - most, 0),
            "logs": _logs(session, *logs_of, share),
        }

    def _rules(self, session: Session) -> Iterator[Frame]:
        for rule in list(session.rules.values()):
            status, quantiles = rule.status, rule.pace.quantiles()
            history = self._histories.get(rule.id)
            rates = list(history.rates) if history is not None else []
            yield {
                "kind": "rule",
                "name": rule.id[:_LONGEST],
                "state": status.state,
                "message": status.message[:_LONGEST],
                "detail": f"reads {rule.plan.stream.name}"[:_LONGEST],
                "rows_in": status.rows_in,
                "rows_out": status.rows_out,
                "late": status.late,
                "errors": status.errors,
                "rate": rates[-1] if rates and rule.active else None,
                "took": None if quantiles is None else [round(ms, 2) for ms in quantiles],
                "started": status.started if rule.active else None,
                "last_error": status.last_error[:_LONGEST],
                "generation": status.generation,
                "spark": rates,
                "actions": [*ACTIONS["rule"], *(["logs"] if callable(getattr(rule, "logs", None)) else [])],
            }


_OWNERS = {"external": "service"}


def _definitions(session: Session) -> Iterator[Frame]:
    for kind, streams in (("stream", session.streams), ("table", session.tables)):
        for name, stream in sorted(streams.items()):
            yield _defined(session, kind, name, f"{stream.type} {stream.datasource}".strip(), None)
    native: tuple[tuple[str, Any], ...] = (
        ("function", session.functions), ("source", session.sources), ("sink", session.sinks),
    )  # fmt: skip
    for kind, definitions in native:
        for name in sorted(definitions):
            defined = definitions[name]
            help, owner = getattr(defined, "help", "") or "", getattr(defined, "owner", "")
            detail = ": ".join(
                text
                for text in (
                    f"{_OWNERS.get(getattr(defined, 'kind', ''), 'plugin')} {owner}" if owner else "",
                    help.split("\n")[0],
                )
                if text
            )
            yield _defined(session, kind, name, detail, definitions.generation(name), dropped=not owner)


def _defined(
    session: Session, kind: str, name: str, detail: str, generation: int | None, *, dropped: bool = True
) -> Frame:
    """*dropped*: it can be, by itself."""
    users = session.users(kind, name)
    return {
        "kind": kind,
        "name": name[:_LONGEST],
        "state": "in use" if users else "defined",
        "message": f"by {', '.join(users)}"[:_LONGEST] if users else "",
        "detail": detail[:_LONGEST],
        "generation": generation,
        "actions": list(ACTIONS[kind]) if dropped else [],
    }


def _logs(session: Session, kind: str, name: str, share: float) -> Frame | None:
    most = max(1, round(200 * share))
    plugin, rule = session.plugins.get(name), session.rules.get(name)
    if kind == "plugin" and plugin is not None:
        return {"kind": kind, "name": name[:_LONGEST], "lines": pluginframe.log_lines(plugin, most)}
    if kind == "rule" and rule is not None:
        return {"kind": kind, "name": name[:_LONGEST], "lines": log_lines(rule, most)}
    return None


def done(session: Session, action: str, kind: str, name: str) -> str:
    """Do what a row was asked for; what became of it, in words. Raises KuiperError."""
    if action not in ACTIONS.get(kind, ()):
        raise KuiperError(f"a {kind} cannot {action}", ", ".join(ACTIONS.get(kind, ())))
    if action == "drop":
        session.drop(kind, name)
        return f"{kind} {name} is dropped"
    if kind == "plugin":
        return pluginframe.done(session, action, name)
    if kind == "service":
        session.services[name].reload()
        return f"service {name} is read anew"
    if name not in session.rules:
        raise KuiperError(f"there is no rule {name} any more", "")
    rule = session.rules[name]
    if action in ("stop", "restart"):
        rule.stop()
    if action in ("start", "restart"):
        rule.start()
    return f"{kind} {name} is {rule.status.state}"
