"""The composition root: owns what is defined and what runs, and works just as well in a script as in a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from types import TracebackType
from typing import Any

from .actions import chosen
from .catalog import Stream
from .connecting import Connecting
from .connectors import Site, Topics
from .connectors.replay import replayed
from .contracts import Clock, Payload
from .defining import Defining
from .duck import Duck
from .engine.halt import drop_all
from .engine.lifetime import closed_at_exit
from .engine.rule import Rule
from .engine.runner import run
from .engine.timeline import Timeline
from .engine.vector import Vector
from .engine.wiring import Mode, Wiring
from .errors import CatalogError, ClockError, KuiperError, did_you_mean
from .functions.call import RowCaller
from .functions.definitions import Definitions
from .functions.registry import Registry
from .functions.sink import SinkDefinition
from .functions.source import SourceDefinition
from .plugins.installed import Plugins
from .recordings import Recordings
from .services.installed import Services
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


class Session(Connecting, Defining, Recordings):
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
        self.plugins = Plugins(self._check, self._add, self.functions, self.users)
        self._lent = False  # its plugins are those of a session beside it
        self.services = Services(self.clock, self._check, self._add, self.functions, self.users)
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
        return [rule for rule in list(self.rules.values()) if rule.clock is self.clock]

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
        other.plugins, other.services, other._lent = self.plugins, self.services, True
        other._frames, other._configurations = dict(self._frames), dict(self._configurations)
        other._topics, other.replays = self._topics, self.replays
        return other

    def inherit(self, other: Session) -> None:
        """Own the plugins and services of *other*, which this one was made beside, and which ends now."""
        self.plugins, self.services, self._lent, other._lent = other.plugins, other.services, False, True
        self.plugins.belong(self._check, self._add, self.functions, self.users)
        self.services.belong(self.clock, self._check, self._add, self.functions, self.users)

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
            caller=RowCaller(self.functions, name),
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

    # ---- ends

    def drop(self, kind: str, name: str) -> None:
        """Drop a rule, stream, table, function, aggregate, source, sink, plugin or service. Refused while rules use it,
        naming them."""
        if kind == "rule":
            if name not in self.rules:
                raise CatalogError(f"no rule named {name}", did_you_mean(name, self.rules))
            self.rules.pop(name).drop()
            return
        if kind == "plugin":
            self.plugins.drop(name)
            return
        if kind == "service":
            self.services.drop(name)
            return
        self._refuse_plugins(kind, name)
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
            raise KuiperError(
                f"there is no {kind} to drop", "rule stream table function aggregate source sink plugin service"
            )

    def _refuse_plugins(self, kind: str, name: str) -> None:
        """What a plugin serves goes with it."""
        owner = self.plugins.owner("function" if kind == "aggregate" else kind, name)
        if owner:
            raise CatalogError(f"{kind} {name} is served by plugin {owner}", f"%kuiper drop plugin {owner}")
        owner = self.services.owner(name) if kind in ("function", "aggregate") else ""
        if owner:
            raise CatalogError(f"{kind} {name} is answered by service {owner}", f"%kuiper drop service {owner}")

    def refuse_used(self, kind: str, name: str) -> None:
        """Raises CatalogError when rules use it, naming them."""
        used = self.users(kind, name)
        if used:
            message = f"{kind} {name} is used by {'rule' if len(used) == 1 else 'rules'} {', '.join(used)}"
            raise CatalogError(message, f"drop {used[0] if len(used) == 1 else 'them'} first")

    def users(self, kind: str, name: str) -> list[str]:
        """The ids of the rules that use it."""
        return [id for id, rule in list(self.rules.items()) if uses(rule, kind, name)]

    def close(self) -> None:
        """Stop and forget every rule."""
        drop_all(list(self.rules.values()))
        if not self._lent:
            self.plugins.close()
            self.services.close()
        self._duck.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session: {len(self.streams)} streams, {len(self.rules)} rules>"
