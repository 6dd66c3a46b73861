"""The peer that speaks eKuiper's own wire: a plugin made for eKuiper, in Python or compiled, as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..contracts import Answer, Call, Failure
from ..errors import PluginError, RowFault
from .hello import Hello, Served
from .lines import Lines
from .nanomsg_messages import (
    IS_AGGREGATE,
    OK,
    Complaint,
    answer,
    command,
    complaint,
    refusal,
    rows_of,
    start_function,
    validation,
)
from .nanomsg_places import Namespaced, Place, Redirected, Shared, namespaces
from .nanomsg_process import Trusted
from .nanomsg_sockets import MOST_MESSAGE, Closed, Inbox, Outbox, Questions
from .nanomsg_streams import SinkRun, SourceRun
from .peer import Control, Declined, Inlet, Lost
from .process import Limits

_VALIDATION = 10.0
_AGAIN = 0.1
"""Seconds after which a source or sink that has not let go is told again to stop: it may just have begun."""

Run = SourceRun | SinkRun


class EkuiperPeer:
    """See `Peer`. The process starts at once: *command*, in *folder*, with *variables* added to the environment.

    *symbols* is what the plugin's manifest says it serves. *language* is `python` or another; by it, unless *place*
    says so, it is chosen where the sockets lie. A message of more than *most* bytes is not taken.

    Raises PluginError where pynng is missing or somebody else runs the same plugin, OSError when it cannot start.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        symbols: Sequence[Served],
        lines: Lines,
        limits: Limits | None = None,
        *,
        language: str = "python",
        place: Callable[[Callable[[], int | None]], Place] | None = None,
        most: int = MOST_MESSAGE,
    ) -> None:
        self._name = name
        self._language = language
        self._symbols = tuple(symbols)
        self._lines = lines
        self._functions: dict[str, Questions] = {}
        self._runs: dict[str, Run] = {}
        self._hello: Hello | None = None
        self._spent = ""
        self._place = (place or _place(language))(lambda: self._plugin.pid_soon)
        self._plugin = Trusted(name, self._place, lines, most)
        try:
            self._control = self._questions(f"plugin_{name}.ipc", "control")
            for function in self._symbols:
                if function.kind == "function":
                    self._place.taken(f"func_{function.name}.ipc")
            argv, environment = self._place.started(command, variables)
            self._plugin.begin(argv, folder, environment, limits)
        except BaseException:
            self.close()
            raise

    # ---- what a Peer is

    @property
    def lost(self) -> str:
        """Why it is not there any more."""
        return self._plugin.lost

    @property
    def spent(self) -> str:
        """Go's SDK goes on reading a sink that has been stopped: as fast as it can, and keeping what it did not get."""
        return self._spent

    @property
    def pid(self) -> int | None:
        """Of the process."""
        process = self._plugin.process
        return None if process is None else process.pid

    @property
    def refused(self) -> int:
        """How many strangers were turned away."""
        return self._plugin.refused

    def ready(self, seconds: float) -> Hello:
        """Wait for its handshake; then start its functions, and ask which of them aggregate."""
        if self._hello is None:
            deadline = time.monotonic() + seconds
            with self._plugin.asked(f"no handshake within {seconds:g} s", "initializing"):
                self._control.greeted(deadline)
                served = [self._served(each, deadline) for each in self._symbols]
            self._hello = Hello(self._name, language=self._language, served=tuple(served), sdk="ekuiper")
        return self._hello

    def await_calls(self) -> None:
        """Its functions have been started before it was ready."""

    def on_lost(self, told: Callable[[str], None]) -> None:
        """Call *told* with why it has gone."""
        self._plugin.on_lost(told)

    def validate(self, symbol: str, arguments: Sequence[str]) -> str:
        """What a function has against these arguments."""
        function, deadline = self._function(symbol), time.monotonic() + _VALIDATION
        with self._plugin.asked(f"{symbol} did not validate within {_VALIDATION:g} s"):
            state, result = answer(function.ask(validation(arguments), deadline))
        return "" if state else refusal(result).message

    def call(self, symbol: str, call: Call, seconds: float) -> Answer:
        """Answer a batch, row by row: this wire has no other way."""
        function = self._function(symbol)
        values: list[Any] = []
        failures: dict[int, Failure] = {}
        with self._plugin.asked(f"{symbol} did not answer within {seconds:g} s"), function.turn(seconds) as ask:
            for row, request in enumerate(rows_of(call)):
                value = request if isinstance(request, Failure) else _value(ask(request))
                if isinstance(value, Failure):
                    failures[row], value = value, None
                values.append(value)
        return Answer(values, failures)

    def start(self, control: Control, inlet: Inlet | None, seconds: float) -> None:
        """Start a source or a sink."""
        if control.run in self._runs:
            raise Declined(f"{control.kind} {control.run} runs already")
        told, deadline = self._named(control), time.monotonic() + seconds
        about = told, self._lines, self._plugin.dying
        try:
            self._place.prepared(control.config)
            with self._plugin.asked(f"{control.symbol} did not start within {seconds:g} s"):
                if inlet is not None:
                    self._runs[control.run] = source = SourceRun(*about, inlet=inlet)
                    self._start_source(source, deadline)
                else:
                    self._runs[control.run] = sink = SinkRun(*about, confirms=isinstance(self._place, Redirected))
                    self._start_sink(sink, deadline)
        except BaseException as error:
            self._forget(control)
            if isinstance(error, PluginError):
                raise Declined(str(error)) from None
            raise

    def write(self, control: Control, item: Any, seconds: float) -> None:
        """Hand over one item of a sink."""
        run = self._runs.get(control.run)
        if not isinstance(run, SinkRun):
            raise Declined(f"sink {control.run} does not run")
        with self._plugin.asked(f"sink {control.symbol} did not take an item within {seconds:g} s"):
            try:
                run.write(item, seconds)
            except RowFault as error:
                raise Declined(error.message) from None

    def taken(self, control: Control, items: int) -> None:
        """So many payloads of a source have been taken."""
        run = self._runs.get(control.run)
        if isinstance(run, SourceRun):
            run.taken(items)

    def stop(self, control: Control, seconds: float) -> None:
        """Stop a source or a sink."""
        run = self._runs.get(control.run)
        if run is None:
            return
        deadline = time.monotonic() + seconds
        try:
            with self._plugin.asked(f"{control.kind} {control.symbol} did not stop within {seconds:g} s"):
                run.settle()
                run.stopping()
                said = self._control.ask(command("stop", run.control), deadline)
                while not run.gone.wait(_AGAIN):
                    self._control.ask(command("stop", run.control), deadline)
                    if time.monotonic() >= deadline:
                        raise TimeoutError
        finally:
            self._forget(control)
        if control.kind == "sink" and self._language != "python" and said == OK:
            self._spent = f"sink {control.symbol} was stopped, and its thread does not end"
        if said != OK and not said.endswith(b"not found"):  # Go's SDK: one that has ended by itself is not found
            raise _declined(control.kind, control.symbol, said)

    def close(self) -> None:
        """End it, as eKuiper does: by killing."""
        self._plugin.lose("it was stopped", kill=True)
        for run in list(self._runs.values()):
            run.end()
            run.join()
        self._runs.clear()
        if self._plugin.close():
            self._place.close()

    # ---- functions

    def _served(self, symbol: Served, deadline: float) -> Served:
        if symbol.kind != "function":
            return symbol
        self._functions[symbol.name] = function = self._questions(f"func_{symbol.name}.ipc", f"function {symbol.name}")
        said = self._control.ask(start_function(symbol.name), deadline)
        if said != OK:
            why = f"function {symbol.name} does not start: {_declined('function', symbol.name, said)}"
            self._plugin.lose(why, kill=True)
            raise Lost(why)
        state, result = answer(function.ask(IS_AGGREGATE, deadline))
        return replace(symbol, aggregate=state and result is True)

    def _function(self, symbol: str) -> Questions:
        try:
            return self._functions[symbol]
        except KeyError:
            raise Declined(f"plugin {self._name} serves no function {symbol}") from None

    def _questions(self, name: str, what: str) -> Questions:
        options = self._plugin.options(lambda: self._plugin.left(what))
        return self._plugin.opened(Questions(self._place.taken(name), **options))

    # ---- sources and sinks

    def _start_source(self, run: SourceRun, deadline: float) -> None:
        inbox = Inbox(self._place.taken(f"{run.control.run}.ipc"), **self._plugin.options(run.let_go))
        run.attach(self._plugin.opened(inbox))
        self._begin(run, deadline)

    def _start_sink(self, run: SinkRun, deadline: float) -> None:
        acks = Inbox(self._place.taken(f"{run.control.run}_ack.ipc"), **self._plugin.options(run.says_no_more))
        run.attach(self._plugin.opened(acks))
        address = self._place.taken(f"{run.control.run}.ipc", listened=False)
        self._begin(run, deadline)
        try:
            outbox = Outbox(address, **self._plugin.options(run.takes_no_more))
        except Closed as error:
            self._control.ask(command("stop", run.control), deadline)
            raise run.over(f"it does not listen where it should: {error}") from None
        run.attach(self._plugin.opened(outbox))

    def _begin(self, run: Run, deadline: float) -> None:
        said = self._control.ask(command("start", run.control), deadline)
        if said != OK:
            raise _declined(run.control.kind, run.control.symbol, said)

    def _named(self, control: Control) -> Control:
        """Go's SDK takes every instance for the first, so they differ by their operation."""
        if self._language == "python" or not control.instance:
            return control
        return replace(control, op=f"{control.op}_{control.instance}", instance=0)

    def _forget(self, control: Control) -> None:
        run = self._runs.pop(control.run, None)
        if run is None:
            return
        run.end()
        run.join()
        for each in run.sockets:
            self._plugin.closed(each)
        for name in (f"{run.control.run}.ipc", f"{run.control.run}_ack.ipc"):
            self._place.freed(name)


def _place(language: str) -> Callable[[Callable[[], int | None]], Place]:
    if language == "python":
        return Redirected
    return Namespaced if namespaces() else Shared


def _value(said: bytes) -> Any:
    """The value that a function answered for one row, or its failure."""
    try:
        state, result = answer(said)
    except RowFault as error:
        return Failure(error.message)
    if state:
        return result
    why = refusal(result)
    return Failure(why.message, why.where)


def _declined(kind: str, symbol: str, said: bytes) -> Declined:
    """What a plugin said instead of ok; the two ways in which the SDKs say that they do not know a symbol are one."""
    why = complaint(said.decode("utf-8", "replace"))
    if why in (Complaint("symbol not found"), Complaint(f"KeyError: {symbol!r}")):
        return Declined(f"the plugin has no {kind} of this name, whatever its manifest says")
    return Declined(why.message, why.where)
