"""What the notebook knows by name at this moment; nothing is opened, and no session is made, to find out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import kuiper_nb

if TYPE_CHECKING:
    from ..catalog import Stream
    from ..contracts import Function
    from ..engine.rule import Rule
    from ..functions.sink import SinkDefinition
    from ..functions.source import SourceDefinition
    from ..plugins.hello import Served
    from ..plugins.supervisor import Plugin
    from ..services.service import Service

_FEW = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """Copies of the session's names, which threads may change meanwhile; all empty before there is a session."""

    streams: Mapping[str, Stream] = field(default_factory=dict)
    tables: Mapping[str, Stream] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    sources: Mapping[str, SourceDefinition] = field(default_factory=dict)
    sinks: Mapping[str, SinkDefinition] = field(default_factory=dict)
    sections: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    plugins: Mapping[str, Plugin] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)

    @classmethod
    def now(cls) -> Known:
        """What the notebook's session has; nothing when it has none yet."""
        session = kuiper_nb._session
        if session is None:
            return cls()
        return cls(
            dict(session.streams),
            dict(session.tables),
            dict(session.rules),
            dict(session.functions),
            dict(session.sources),
            dict(session.sinks),
            {("source", name): sections for name, sections in session.plugins.configurations.items()}
            | dict(session._configurations),
            dict(session.plugins),
            dict(session.services),
        )

    def served(self, kind: str) -> dict[str, tuple[str, Served]]:
        """The sources or sinks of plugins: by name, the plugin and what it says of them."""
        plugins = list(self.plugins.values())
        return {s.name: (plugin.name, s) for plugin in plugins for s in plugin.hello.served if s.kind == kind}

    def columns(self, name: str) -> dict[str, str]:
        """The columns of a stream or table, each with a word about it; of a schemaless one those that rules have seen.

        Of a large emit nothing is looked at, since its rows may still have to be made.
        """
        stream = self.streams.get(name) or self.tables.get(name)
        if stream is None:
            return {}
        if stream.typed:
            return {f.name: f"column {f.type}" for f in stream.fields}
        found: dict[str, str] = {}
        for rule in self.rules.values():
            if rule.plan.stream.name == name:
                found.update(dict.fromkeys(_seen(rule), f"column, seen by {rule.id}"))
            elif ("memory", stream.datasource) in _topics(rule):
                found.update({f.name: f"column, from {rule.id}" for f in rule.plan.fields if f.kind != "star"})
        if stream.timestamp:
            found.setdefault(stream.timestamp, "column, the time")
        return found


def _seen(rule: Rule) -> list[str]:
    """The columns of its stream that a rule reads, or, where it reads all, those its newest rows have."""
    names = sorted(rule.plan.columns or ())
    if any(f.kind == "star" for f in rule.plan.fields) and not rule.plan.aggregate:
        newest = rule.emits[-1:]
        aliases = {f.name for f in rule.plan.fields if f.kind != "star"}
        names += [key for emit in newest if emit.size <= _FEW for row in emit.rows[:1] for key in row]
        names = [name for name in names if name not in aliases]
    for error in rule.errors[-1:]:
        names += [str(key) for key in error.row] if isinstance(error.row, dict) else []
    return list(dict.fromkeys(names))


def _topics(rule: Rule) -> list[tuple[str, str]]:
    session = kuiper_nb._session
    recipe = {} if session is None else session.recipes.get(rule.id, {})
    actions = recipe.get("actions") or ()
    return [(kind, str((given or {}).get("topic", ""))) for action in actions for kind, given in action.items()]
