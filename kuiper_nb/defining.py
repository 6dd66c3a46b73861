"""The part of a session that takes functions, sources and sinks in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .connectors import SINKS, SOURCES
from .contracts import Function
from .engine.rule import Rule
from .errors import FunctionError
from .functions.definitions import Definitions
from .functions.native import native
from .functions.registry import Registry
from .functions.sink import SinkDefinition, sink_definition
from .functions.source import SourceDefinition, source_name
from .plugins.installed import Plugins
from .plugins.moved import moved
from .sql.resolved import UserCall


class Defining:
    """What the decorators call."""

    functions: Registry
    sources: Definitions[SourceDefinition]
    sinks: Definitions[SinkDefinition]
    rules: dict[str, Rule]
    plugins: Plugins

    def function(
        self,
        f: Callable[..., Any] | None = None,
        name: str | None = None,
        vectorized: bool = False,
        *,
        process: bool = False,
    ) -> Any:
        """Make *f* callable from SQL: values in, value out; *vectorized*: an array per argument in, one out.

        *process*: it runs in a process of its own, as a plugin of its name. Answers *f*. Without *f*, a decorator. A
        running rule uses a redefinition at its next batch; one that its calls do not fit is refused.
        """

        def define(g: Callable[..., Any]) -> None:
            if process:
                made = native(g, name=name, vectorized=vectorized)
                self.plugins.define(made.name, moved(g, made.name, "function", vectorized=vectorized), moving=True)
            else:
                self._add(native(g, name=name, vectorized=vectorized))

        return self._defining(f, define)

    def aggregate(self, f: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Make *f* an aggregate: one list (or, if annotated, array) per argument in, a value out. Answers *f*."""
        return self._defining(f, lambda g: self._add(native(g, name=name, aggregate=True)))

    def _check(self, function: Function) -> None:
        self.functions.check(function, self._calls())

    def _calls(self) -> Mapping[str, Iterable[UserCall]]:
        return {rule.id: rule.plan.calls for rule in self.rules.values() if rule.active}

    def _add(self, function: Function) -> Function:
        added = self.functions.add(function, self._calls())
        if function.kind == "native":
            self.plugins.released("function", function.name)
        return added

    def source(self, f: Callable[..., Any] | None = None, *, name: str | None = None, live: bool = False) -> Any:
        """Make a generator, an async generator or a class with open, poll and close a source: TYPE="name".

        *live*: it reads the world, so bounded notebooks replay a recording instead.
        """

        def define(g: Callable[..., Any]) -> None:
            called = source_name(g, name)
            self._refuse_taken(called, SOURCES, "source")
            self.sources.define(called, SourceDefinition.of(called, g, live))

        return self._defining(f, define)

    def sink(self, f: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Make *f* a sink: it gets the rows of an emit as a list of dicts, or what its first parameter asks for."""

        def define(g: Callable[..., Any]) -> None:
            definition = sink_definition(g, name)
            self._refuse_taken(definition.name, SINKS, "sink")
            self.sinks.define(definition.name, definition)

        return self._defining(f, define)

    @staticmethod
    def _defining(f: Callable[..., Any] | None, define: Callable[[Callable[..., Any]], object]) -> Any:
        def decorate(g: Callable[..., Any]) -> Callable[..., Any]:
            define(g)
            return g

        return decorate if f is None else decorate(f)

    @staticmethod
    def _refuse_taken(name: str, taken: Mapping[str, str], what: str) -> None:
        if name.lower() in taken:
            raise FunctionError(
                f"{name} is a built-in {what} of eKuiper and goes before yours", "give yours another name"
            )
