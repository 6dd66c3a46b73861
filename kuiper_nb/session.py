"""The composition root: owns what is defined and what runs, and works just as well in a script as in a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from types import TracebackType
from typing import Any

from .actions import chosen
from .catalog import Stream
from .connectors import SINKS, SOURCES, Site, Topics
from .connectors import sink as connector_sink
from .connectors import source as connector_source
from .connectors.readahead import ReadAhead
from .connectors.replay import replayed
from .contracts import Clock, Function, Payload, Sink, Source
from .duck import Duck
from .engine.halt import drop_all
from .engine.lifetime import closed_at_exit
from .engine.outlet import Outlet
from .engine.rule import Rule
from .engine.runner import run
from .engine.timeline import Timeline
from .engine.vector import Vector
from .engine.wiring import Mode, Wiring
from .errors import CatalogError, ClockError, ConnectorError, FunctionError, KuiperError, NotSupported, did_you_mean
from .formats.coerce import extra
from .formats.properties import COMMON
from .formats.transform import Transform
from .functions.call import RowCaller
from .functions.definitions import Definitions
from .functions.native import native
from .functions.registry import Registry
from .functions.sink import NativeSink, SinkDefinition, sink_definition
from .functions.source import NativeSource, SourceDefinition, source_name
from .later import Later
from .recordings import Recordings
from .sql.compiler import compile_select
from .sql.parser import parse, parse_rule
from .sql.plan import Options
from .sql.syntax import Select
from .statements import check, known, renew_users, uses
from .statements import mapping as named
from .statements import run as run_statement
from .tabular import declared, payload_data
from .windowing.clock import SystemClock, VirtualClock

Bind = Callable[[str], Any]


class Session(Recordings):
    """Streams, tables, functions and rules, and the clock they run by.

    With a `VirtualClock` nothing runs by itself: `push`, `advance` and `wait` do the work in the caller's thread.
    With the real clock every rule has a thread. Also a context manager; `close` stops every rule.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.streams: dict[str, Stream] = {}
        self.tables: dict[str, Stream] = {}
        self.rules: dict[str, Rule] = {}
        self.functions = Registry()
        self.sources: Definitions[SourceDefinition] = Definitions("source")
        self.sinks: Definitions[SinkDefinition] = Definitions("sink")
        self.plugins, self.services = Later("portable plugins"), Later("external services")
        self._topics = Topics()
        self._duck = Duck()
        self._frames: dict[str, Any] = {}
        self._configurations: dict[tuple[str, str], Mapping[str, Mapping[str, Any]]] = {}
        self._generations: dict[str, int] = {}
        self.recipes: dict[str, dict[str, Any]] = {}
        self.mode: Mode = "virtual" if self.clock.virtual else "live"
        self._timeline = Timeline(self.clock, self._own_rules) if isinstance(self.clock, VirtualClock) else None
        closed_at_exit(self)

    def _own_rules(self) -> list[Rule]:
        """The rules that run by this session's clock."""
        return [rule for rule in self.rules.values() if rule.clock is self.clock]

    # ---- statements

    def sql(self, text: str, *, replace: bool = False, bind: Bind | None = None) -> Any:
        """Run statements, separated by ';', other than SELECT; answers the result of the last.

        All are parsed and checked before the first takes effect. CREATE and DROP answer a message, SHOW a list of
        names, DESCRIBE a text. A second CREATE of a name is refused unless *replace*. Raises KuiperError.
        """
        statements = parse(text, bind)
        if not statements:
            raise KuiperError("no statement", "CREATE STREAM …, SHOW STREAMS, DESCRIBE STREAM …, DROP STREAM …")
        for statement in statements:
            check(self, statement, replace)
        return [run_statement(self, statement) for statement in statements][-1]

    def beside(self, clock: Clock | None = None) -> Session:
        """A session without rules that knows the same definitions; by default on this clock."""
        other = Session(clock or self.clock)
        other.streams, other.tables = dict(self.streams), dict(self.tables)
        other.functions, other.sources, other.sinks = self.functions, self.sources, self.sinks
        other._frames, other._configurations = dict(self._frames), dict(self._configurations)
        other._topics, other.replays = self._topics, self.replays
        return other

    def adopt(self, id: str, other: Session) -> None:
        """Keep a rule that was made in a session beside this one, and runs on by the clock of that."""
        if id in self.rules:
            self.rules[id].drop()
        self.rules[id], self.recipes[id] = other.rules[id], other.recipes[id]

    # ---- rules

    def rule(
        self,
        sql: str | Select,
        *,
        id: str | None = None,
        options: Mapping[str, Any] | None = None,
        actions: Iterable[Mapping[str, Mapping[str, Any] | None]] | None = None,
        start: bool = True,
        keep: int = 100_000,
        bind: Bind | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Rule:
        """Compile a SELECT, and run it unless *start* is false. It replaces a rule of the same *id*, once it is valid.

        *options* and *actions* have eKuiper's names and JSON shapes: {"isEventTime": True}, [{"log": {}}]. *keep* is
        how many rows `emits`, `errors` and `late` hold, *parameters* the values of `$name`. Raises KuiperError.
        """
        select = sql if isinstance(sql, Select) else parse_rule(sql, bind)
        given = Options.of(options)
        plan = compile_select(select, {**self.tables, **self.streams}, self.functions, given)
        name = id or next(f"rule{n}" for n in count(1) if f"rule{n}" not in self.rules)
        sinks = chosen(actions)
        wiring = self._wiring(name, plan.stream, plan.columns, sinks, given)
        wiring.source()
        wiring.outlets()
        generation = self._generations.get(name, 0) + 1
        made = Rule(name, plan, wiring, keep=keep, generation=generation)
        made.parameters.set(parameters or {}, all_of_them=start)
        if name in self.rules:
            self.rules[name].drop()
        self._generations[name] = generation
        self.rules[name] = made
        recipe = {"sql": select, "options": options, "keep": keep, "parameters": made.parameters.given}
        self.recipes[name] = {**recipe, "actions": [{kind: properties} for kind, properties in sinks]}
        if start:
            try:
                made.start()
            except KuiperError:
                self.rules.pop(name, None)
                raise
        return made

    def _wiring(
        self,
        name: str,
        stream: Stream,
        columns: frozenset[str] | None,
        actions: list[tuple[str, dict[str, Any]]],
        options: Options,
    ) -> Wiring:
        speed = options.given.get("speed")

        def wake() -> None:
            if name in self.rules:
                self.rules[name].wake()

        site = Site(self.clock, self._topics, name, columns, wake)
        return Wiring(
            clock=self.clock,
            caller=RowCaller(self.functions),
            source=lambda: replayed(self._input(stream, site), stream, speed, self.clock),
            outlets=lambda: [self._outlet(kind, properties, site, options.send_error) for kind, properties in actions],
            vector=lambda plan, call, given: None if plan.one_by_one else Vector(plan, call, self._duck, given),
            run=run,
            drive=self._timeline.drive if self._timeline is not None else lambda rule, done, timeout: done(),
            dropped=self._forget,
            mode=self.mode,
            tape=self._tape(stream, site, options.given.get("record")),
        )

    def _forget(self, rule: Rule) -> None:
        if self.rules.get(rule.id) is rule:
            del self.rules[rule.id]

    def source_of(self, stream: Stream, site: Site) -> Source:
        """A source of *stream*, not opened yet. Raises ConnectorError for an unknown TYPE or a bad property."""
        properties = {**self._configured("source", stream.type, stream.options.get("CONF_KEY", "")), **extra(stream)}
        if stream.type in self.sources:
            options = {k.lower(): v for k, v in stream.options.items()}
            return NativeSource(stream.type, self.sources, {**properties, **options}, self.clock)
        if stream.type.lower() not in SOURCES and self.sources:
            known = [*SOURCES, *self.sources]
            hint = did_you_mean(stream.type, known)
            if hint.startswith("did"):
                raise ConnectorError(f"source type {stream.type} not found", hint)
        if stream.type == "frame" and self._frames.get(stream.name) is not None:
            from .connectors.frame import FrameSource

            return FrameSource(self._frames[stream.name])
        made = connector_source(stream, properties, site)
        return ReadAhead(made) if not getattr(made, "paced", True) else made

    def _outlet(self, kind: str, given: dict[str, Any], site: Site, send_error: bool) -> Outlet:
        name, _, conf_key = kind.partition(":")
        properties = {**self._configured("sink", name, conf_key), **given}
        transform = Transform(properties)
        made: Sink
        if name in self.sinks:
            made = NativeSink(name, self.sinks, transform.own, COMMON)
        elif name.lower() not in SINKS and (hint := did_you_mean(name, [*SINKS, *self.sinks])).startswith("did"):
            raise ConnectorError(f"sink type {name} not found", hint)
        else:
            made = connector_sink(name, properties, site)
        return Outlet(name, made, transform, properties, send_error=send_error)

    def configure(self, what: str, name: str, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """Connector configuration as in eKuiper's yaml: *what* is "source" or "sink", sections by CONF_KEY."""
        if what not in ("source", "sink"):
            raise KuiperError(f"there is no configuration for a {what}", "source or sink")
        self._configurations[what, name] = dict(sections)

    def _configured(self, what: str, name: str, key: str) -> dict[str, Any]:
        sections = self._configurations.get((what, name), {})
        return {**sections.get("default", {}), **sections.get(key.lower(), sections.get(key, {}))}

    # ---- data and time

    def push(self, topic: str, data: Any, at: int | None = None) -> None:
        """Push one payload into memory topic *topic*: a row, a list of rows, bytes, a DataFrame or Arrow.

        Under a virtual clock it moves time to *at* (ms; else now) and everything it causes has happened on return.
        Under the real clock it only enqueues, and blocks while a rule's buffer is full. Raises ClockError.
        """
        value, typed = payload_data(data)
        if self._timeline is None:
            if at is not None:
                raise ClockError("push(at=…) needs a virtual clock", "Session(clock=VirtualClock(start))")
            self._make_room()
            self._topics.publish(topic, Payload(value, self.clock.now(), {}, typed))
            return
        if at is not None:
            self._timeline.advance(at)
        self._topics.publish(topic, Payload(value, self.clock.now(), {}, typed))
        self._timeline.settle()

    def _make_room(self) -> None:
        for rule in list(self.rules.values()):
            while rule.active and rule.backlog >= rule.plan.options.buffer_length:
                time.sleep(0.0005)

    def advance(self, to: int) -> None:
        """Move the virtual clock to *to* (ms); timers until then fire one by one, at their times, or ClockError."""
        if self._timeline is None:
            raise ClockError("the real clock moves by itself", "Session(clock=VirtualClock(start))")
        self._timeline.advance(to)

    def settle(self, timeout: float | None = None) -> bool:
        """Until all that was pushed has passed all rules; False when *timeout* seconds passed first."""
        if self._timeline is not None:
            self._timeline.settle()
            return True
        end = None if timeout is None else time.monotonic() + timeout
        while not all(rule.idle for rule in list(self.rules.values())):
            if end is not None and time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True

    def stream(self, name: str, data: Any, *, timestamp: str = "", replace: bool = True) -> Stream:
        """A DataFrame, an Arrow table or the path of a file (.csv, .json, .ndjson, .parquet) as a stream.

        *timestamp* names the column of event time. The answer's `statement` is the CREATE STREAM it stands for.
        """
        statement, table = declared(name, data, timestamp)
        before = self._frames.get(name)
        if table is not None:
            self._frames[name] = table
        try:
            message = self.sql(statement, replace=replace)
        except KuiperError:
            self._frames[name] = before  # still what the stream of that name reads
            raise
        if table is not None and "unchanged" in message:
            renew_users(self, "stream", name)
        return self.streams[name]

    # ---- native code

    def function(self, f: Callable[..., Any] | None = None, name: str | None = None, vectorized: bool = False) -> Any:
        """Make *f* callable from SQL: values in, value out; *vectorized*: an array per argument in, one out.

        Answers *f*. Without *f*, a decorator. A running rule uses a redefinition at its next batch; one that its calls
        do not fit is refused.
        """
        return self._defining(f, lambda g: self._add(native(g, name=name, vectorized=vectorized)))

    def aggregate(self, f: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Make *f* an aggregate: one list (or, if annotated, array) per argument in, a value out. Answers *f*."""
        return self._defining(f, lambda g: self._add(native(g, name=name, aggregate=True)))

    def _add(self, function: Function) -> Function:
        running = {rule.id: rule.plan.calls for rule in self.rules.values() if rule.active}
        return self.functions.add(function, running)

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

    # ---- ends

    def drop(self, kind: str, name: str) -> None:
        """Drop a rule, stream, table, function, aggregate, source or sink. Refused while rules use it, naming them."""
        if kind == "rule":
            if name not in self.rules:
                raise CatalogError(f"no rule named {name}", did_you_mean(name, self.rules))
            self.rules.pop(name).drop()
            return
        if kind in ("plugin", "service"):
            raise NotSupported(f"a {kind} is not supported yet")
        self.refuse_used(kind, name)
        if kind in ("stream", "table"):
            known(self, kind, name, "Drop")
            del named(self, kind)[name]
            self._frames.pop(name, None)
        elif kind in ("function", "aggregate"):
            self.functions.drop(name)
        elif kind in ("source", "sink"):
            (self.sources if kind == "source" else self.sinks).drop(name)
        else:
            raise KuiperError(f"there is no {kind} to drop", "rule stream table function aggregate source sink")

    def refuse_used(self, kind: str, name: str) -> None:
        """Raises CatalogError when rules use it, naming them."""
        used = self.users(kind, name)
        if used:
            message = f"{kind} {name} is used by {'rule' if len(used) == 1 else 'rules'} {', '.join(used)}"
            raise CatalogError(message, f"drop {used[0] if len(used) == 1 else 'them'} first")

    def users(self, kind: str, name: str) -> list[str]:
        """The ids of the rules that use it."""
        return [id for id, rule in self.rules.items() if uses(rule, kind, name)]

    def close(self) -> None:
        """Stop and forget every rule."""
        drop_all(list(self.rules.values()))
        self._duck.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session: {len(self.streams)} streams, {len(self.rules)} rules>"
