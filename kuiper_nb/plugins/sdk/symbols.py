"""The symbols of a plugin: what it says of them at once, and what serves them, made when it is first needed.

The plugin is ready before Arrow is imported, which takes longer than all the rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..hello import Kind, Served
from .collected import Marked
from .shapes import Context, PluginConfig

if TYPE_CHECKING:
    from ...contracts import Answer, Call
    from ...contracts import Function as Native


class FunctionSymbol:
    """A function: of a class with eKuiper's shape, or a plain one."""

    def __init__(self, marked: Marked) -> None:
        self._marked = marked
        self._instance: Any = None
        f = marked.make
        if inspect.isclass(f) or not _takes_values(f):
            made = f()
            if hasattr(made, "exec"):
                self._instance = made
                f = made
        self._f = f
        self.contexts: dict[tuple[Any, ...], Context] = {}
        self._context = Context({}, marked.name)

    @property
    def served(self) -> Served:
        """What the plugin says of it."""
        if self._instance is not None:
            aggregate = bool(self._instance.is_aggregate()) if hasattr(self._instance, "is_aggregate") else False
            vectorized = bool(getattr(self._instance, "vectorized", False))
            help = inspect.getdoc(type(self._instance)) or ""
            return Served(self._marked.name, "function", help, aggregate=aggregate, vectorized=vectorized)
        least, most, names = 0, 0, []
        unlimited = False
        for parameter in inspect.signature(self._f).parameters.values():
            names.append(parameter.name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                unlimited = True
            elif parameter.kind is not parameter.VAR_KEYWORD:
                most += 1
                least += parameter.default is parameter.empty
        return Served(
            self._marked.name,
            "function",
            inspect.getdoc(self._f) or "",
            (least, None if unlimited else most),
            tuple(names),
            self._marked.aggregate,
            self._marked.vectorized,
        )

    def validate(self, arguments: list[Any]) -> str:
        """What the function has against these arguments."""
        if self._instance is None or not hasattr(self._instance, "validate"):
            return ""
        return str(self._instance.validate(arguments) or "")

    @cached_property
    def native(self) -> Native:
        """It as a native function would be, with all that this checks."""
        from ...functions.native import native

        f = self._f
        if self._instance is not None:
            instance, mine = self._instance, self

            def called(*arguments: Any) -> Any:
                return instance.exec(list(arguments), mine._context)

            f = called
        served = self.served
        return native(f, name=served.name, vectorized=served.vectorized, aggregate=served.aggregate)

    def answer(self, call: Call) -> Answer:
        """Answer a batch."""
        if self._instance is not None:
            key = tuple(call.context.get(name) for name in ("ruleId", "opId", "instanceId", "funcId"))
            if key not in self.contexts:
                self.contexts[key] = Context(call.context, self._marked.name)
            self._context = self.contexts[key]
        return self.native.call(call)


def _takes_values(f: Any) -> bool:
    """Whether *f* is a function of values, and not a maker of instances (`lambda: instance`)."""
    try:
        parameters = inspect.signature(f).parameters
    except (ValueError, TypeError):
        return True
    return bool(parameters) or getattr(f, "__name__", "") != "<lambda>"


class Symbols:
    """All symbols of a plugin, by kind and name."""

    def __init__(self, config: PluginConfig | None, marked: Mapping[tuple[str, str], Marked]) -> None:
        found = dict(marked)
        makes: tuple[tuple[Kind, Mapping[str, Callable[[], Any]]], ...] = (
            ("function", config.functions if config else {}),
            ("source", config.sources if config else {}),
            ("sink", config.sinks if config else {}),
        )
        for kind, group in makes:
            for name, make in group.items():
                found[kind, name] = Marked(name, kind, make, live=True)
        self.functions = {m.name: FunctionSymbol(m) for m in found.values() if m.kind == "function"}
        self.sources = {m.name: m for m in found.values() if m.kind == "source"}
        self.sinks = {m.name: m for m in found.values() if m.kind == "sink"}

    @property
    def served(self) -> tuple[Served, ...]:
        """What the plugin says of them."""
        sources = [
            Served(m.name, "source", inspect.getdoc(m.make) or "", parameters=options(m), live=m.live)
            for m in self.sources.values()
        ]
        sinks = [Served(m.name, "sink", inspect.getdoc(m.make) or "", takes=takes(m)) for m in self.sinks.values()]
        return (*(f.served for f in self.functions.values()), *sources, *sinks)


def options(marked: Marked) -> tuple[str, ...]:
    """The options of a source in a stream's WITH: the parameters of a generator function."""
    if inspect.isclass(marked.make) or not inspect.isfunction(marked.make):
        return ()
    return tuple(inspect.signature(marked.make).parameters)


def takes(marked: Marked) -> str:
    """What a sink wants: classes of eKuiper's shape bytes, functions what their first parameter is annotated as."""
    if inspect.isclass(marked.make) or not _takes_values(marked.make):
        return "bytes"
    first = next(iter(inspect.signature(marked.make).parameters.values()), None)
    hint = first.annotation if first is not None else None
    name = hint if isinstance(hint, str) else getattr(hint, "__qualname__", "")
    return {"bytes": "bytes", "Table": "arrow", "pa.Table": "arrow", "pyarrow.Table": "arrow"}.get(name, "rows")
