"""The part of a session that takes functions, sources and sinks in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from .connectors import SINKS, SOURCES
from .contracts import Function
from .engine.rule import Rule
from .errors import CatalogError, FunctionError, did_you_mean
from .functions.definitions import Definitions
from .functions.native import native
from .functions.registry import Registry
from .functions.sink import SinkDefinition, sink_definition
from .functions.source import SourceDefinition, source_name
from .plugins.installed import Plugins
from .plugins.moved import moved
from .plugins.supervisor import Plugin
from .services.installed import Services
from .sql.resolved import UserCall
from .statements import renew_users

if TYPE_CHECKING:
    from .session import Session


class Defining:
    """What the decorators call."""

    functions: Registry
    sources: Definitions[SourceDefinition]
    sinks: Definitions[SinkDefinition]
    rules: dict[str, Rule]
    plugins: Plugins
    services: Services

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
            self._take(native(g, name=name, vectorized=vectorized), process)

        return self._defining(f, define)

    def aggregate(self, f: Callable[..., Any] | None = None, *, name: str | None = None, process: bool = False) -> Any:
        """Make *f* an aggregate: one list (or, if annotated, array) per argument in, a value out. Answers *f*."""
        return self._defining(f, lambda g: self._take(native(g, name=name, aggregate=True), process))

    def _take(self, function: Function, process: bool) -> None:
        if process:
            self._move(function)
        else:
            self._add(function)

    def _check(self, function: Function) -> None:
        self.functions.check(function, self._calls())

    def _calls(self) -> Mapping[str, Iterable[UserCall]]:
        return {rule.id: rule.plan.calls for rule in list(self.rules.values()) if rule.active}

    def _add(self, function: Function) -> Function:
        added = self.functions.add(function, self._calls())
        if function.kind != "portable":
            self.plugins.released("function", function.name)
        if function.kind != "external":
            self.services.released(function.name)
        return added

    def source(
        self,
        f: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        live: bool = False,
        process: bool = False,
    ) -> Any:
        """Make a generator, an async generator or a class with open, poll and close a source: TYPE="name".

        *live*: it reads the world, so bounded notebooks replay a recording instead. *process*: as of `function`.
        """

        def define(g: Callable[..., Any]) -> None:
            called = source_name(g, name)
            self._refuse_taken(called, SOURCES, "source")
            definition = SourceDefinition.of(called, g, live)
            if process:
                self._move(definition)
            else:
                self.sources.define(called, definition)
                self._take_back("source", called)

        return self._defining(f, define)

    def sink(self, f: Callable[..., Any] | None = None, *, name: str | None = None, process: bool = False) -> Any:
        """Make *f* a sink: it gets the rows of an emit as a list of dicts, or what its first parameter asks for.

        *process*: as of `function`.
        """

        def define(g: Callable[..., Any]) -> None:
            definition = sink_definition(g, name)
            self._refuse_taken(definition.name, SINKS, "sink")
            if process:
                self._move(definition)
            else:
                self.sinks.define(definition.name, definition)
                self._take_back("sink", definition.name)

        return self._defining(f, define)

    # ---- in a process of its own, and back

    def portable(self, name: str) -> Plugin:
        """Move the code of the native function, source or sink *name* into a plugin of that name; rules go on with it.

        Defining it in Python again takes it back. Raises KuiperError.
        """
        found = [d for d in (self.functions.get(name), self.sources.get(name), self.sinks.get(name)) if d is not None]
        if not found:
            known = [*self.functions, *self.sources, *self.sinks]
            raise CatalogError(f"no function, source or sink named {name}", did_you_mean(name, known))
        if len(found) > 1:
            raise CatalogError(f"{name} is the name of several things", "give them names of their own")
        if isinstance(found[0], Function) and found[0].kind != "native":
            raise CatalogError(
                f"function {name} is served by plugin {found[0].owner} already", "it has a process of its own"
            )
        return self._move(found[0])

    def _move(self, made: Function | SourceDefinition | SinkDefinition) -> Plugin:
        """Define the plugin that serves it; the rules that run with a native source or sink of its name begin anew."""
        if isinstance(made, Function):
            given = {"vectorized": made.vectorized, "aggregate": made.aggregate}
            assert made.origin is not None
            return self.plugins.define(made.name, moved(made.origin, made.name, "function", **given), moving=True)
        kind, native = ("source", self.sources) if isinstance(made, SourceDefinition) else ("sink", self.sinks)
        if isinstance(made, SourceDefinition):
            code = moved(made.make, made.name, kind, live=made.live)
        else:
            code = moved(made.write, made.name, kind)
        plugin = self.plugins.define(made.name, code)
        if made.name in native:
            native.drop(made.name)
            renew_users(cast("Session", self), kind, made.name, running=True)
        return plugin

    def _take_back(self, kind: str, name: str) -> None:
        """What a plugin served is native again, for the rules that use it, too."""
        if self.plugins.owner(kind, name):
            renew_users(cast("Session", self), kind, name, running=True)
            self.plugins.released(kind, name)

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
