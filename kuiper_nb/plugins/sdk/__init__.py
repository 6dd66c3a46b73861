"""The plugin's side of the wire, in Python: see `kuiper_nb.sdk`."""

from __future__ import annotations

from . import plugin
from .collected import aggregate, function, sink, source
from .shapes import Context, Function, PluginConfig, Sink, Source

__all__ = [
    "Context",
    "Function",
    "PluginConfig",
    "Sink",
    "Source",
    "aggregate",
    "function",
    "plugin",
    "sink",
    "source",
]
