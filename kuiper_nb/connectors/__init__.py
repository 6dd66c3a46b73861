"""Connectors: where rows come from and go to, by the names TYPE and the actions of a rule know.

One file per system, its source and its sink together, imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..catalog import Stream
from ..contracts import Sink, Source
from ..errors import ConnectorError, NotSupported, did_you_mean
from .documented import Documented
from .site import Site, Topics

__all__ = ["SINKS", "SOURCES", "Documented", "Site", "Topics", "documented", "sink", "source", "takes"]

SOURCES = {"memory": "memory", "simulator": "simulator", "file": "file"}
SINKS = {"memory": "memory", "file": "file", "log": "log", "nop": "nop"}

_BOTH_ELSEWHERE = ("mqtt", "websocket", "neuron", "edgex", "kafka", "sql", "zmq")
_SOURCES_ELSEWHERE = (*_BOTH_ELSEWHERE, "httppull", "httppush", "nexmark", "redissub", "video", "random")
_SINKS_ELSEWHERE = (
    *_BOTH_ELSEWHERE,
    "rest",
    "sse",
    "logtomemory",
    "redis",
    "redispub",
    "image",
    "influx",
    "influx2",
    "tdengine3",
)


def source(stream: Stream, properties: Mapping[str, Any], site: Site) -> Source:
    """The source of a stream, not opened yet. *properties* are merged already: configuration section, then EXTRA.

    Raises ConnectorError for an unknown TYPE or a bad property, NotSupported for a TYPE that only eKuiper has.
    """
    module = _module("source", stream.type, SOURCES, _SOURCES_ELSEWHERE)
    made: Source = module.source(stream, properties, site)
    return made


def sink(kind: str, properties: Mapping[str, Any], site: Site) -> Sink:
    """The sink of an action, not opened yet. *properties* are the action's; the common ones among them are not its own.

    Raises ConnectorError for an unknown type or a bad property, NotSupported for a type that only eKuiper has.
    """
    made: Sink = _module("sink", kind, SINKS, _SINKS_ELSEWHERE).sink(properties, site)
    return made


def takes(made: Sink) -> str:
    """What a sink is written: "rows" (a row, or a list of them) or "bytes" (an encoded payload)."""
    return getattr(made, "takes", "rows")


def documented(what: str, kind: str) -> Documented | None:
    """What is known of the "source" or "sink" *kind*: what it does, its properties. None for one that is not here."""
    known = SOURCES if what == "source" else SINKS
    if kind.lower() not in known:
        return None
    module = import_module(f".{known[kind.lower()]}", __name__)
    made = getattr(module, what)
    found = getattr(module, what.upper(), None)
    return found if isinstance(found, Documented) else Documented((made.__doc__ or "").split("\n")[0], "")


def _module(what: str, kind: str, known: Mapping[str, str], elsewhere: tuple[str, ...]) -> Any:
    name = kind.lower()
    if name in known:
        return import_module(f".{known[name]}", __name__)
    if name in elsewhere:
        raise NotSupported(f"{what} type {kind} is not here yet", f"known: {', '.join(sorted(known))}")
    raise ConnectorError(f"{what} type {kind} not found", did_you_mean(name, known))
