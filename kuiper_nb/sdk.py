"""For authors of plugins in Python: sources, sinks and functions that run in a process of their own.

    from kuiper_nb.sdk import Function, PluginConfig, plugin

    class Reverse(Function):
        def exec(self, args, ctx):
            return args[0][::-1]

    plugin.start(PluginConfig("mirror", {}, {}, {"reverse": Reverse}))

The classes have the shapes of eKuiper's package `ekuiper`. Decorated functions do as well: @function, @aggregate,
@source, @sink. Importing this loads no DuckDB and no IPython. `python -m kuiper_nb.sdk FILE` runs a plugin by hand, in
a debugger, say, and tells how to attach it.
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

if __name__ == "__main__":
    import sys

    from .plugins.sdk.run import serve

    if len(sys.argv) < 2:
        raise SystemExit("python -m kuiper_nb.sdk FILE: serves what the file marks, once a host attaches")
    serve(sys.argv[1], sys.argv[2:])
