"""For authors of plugins in Python: sources, sinks and functions that run in a process of their own.

    from kuiper_nb.sdk import Function, PluginConfig, plugin

    class Reverse(Function):
        def exec(self, args, ctx):
            return args[0][::-1]

    plugin.start(PluginConfig("mirror", {}, {}, {"reverse": Reverse}))

The classes have the shapes of eKuiper's package `ekuiper`. Decorated functions do as well: @function, @aggregate,
@source, @sink. Importing this loads no DuckDB and no IPython.
"""

from __future__ import annotations

from .plugins.sdk import (
    Context,
    Function,
    PluginConfig,
    Sink,
    Source,
    aggregate,
    function,
    plugin,
    sink,
    source,
)

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
