"""A plugin, kept running: started again when it dies, asked again what it did not answer, left alone when it cannot.

a process dies or answers nonsense           a new one, and the same batch once more
… again on the same batch, or it hangs       the batch is halved until the rows that do it are found; they fail
… and three times in five minutes            quarantine: nothing is started until somebody says `restart`
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..contracts import Answer, Call
from ..errors import PluginError
from ..meter import Meter
from .begun import Launch, begun
from .bisection import failed, halved
from .crashes import Crashes, Policy
from .hello import Hello
from .lines import Line, Lines
from .peer import Control, Declined, Inlet, Lost, Peer
from .running import Running, stopped
from .status import PluginStatus, State, memory_of
from .usage import Usage, What

T = TypeVar("T")

_GRACE = 0.5
"""Seconds in which a process that is to be stopped may answer what it has been asked."""


class Plugin:
    """One plugin of a session, whatever process is running for it. Used from any thread.

    *changed* is called with its hello when that is not what it was: other symbols, say.
    """

    def __init__(
        self,
        name: str,
        launch: Launch,
        policy: Policy | None = None,
        *,
        show: Callable[[Line], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.policy = policy or Policy()
        self.lines = Lines(show)
        self.generation = 1
        self.forget: Callable[[str], None] | None = None
        """Stops it and takes it from where it is kept."""
        self.hello = Hello(name)
        self._launch = launch
        self._clock = clock
        self._lock = threading.RLock()
        self._peer: Peer | None = None
        self._state: State = "stop"
        self._error = ""
        self._restarts = 0
        self._started = 0.0
        self._crashes = Crashes(clock)
        self._quarantined = False
        self._stops = 0
        self._looking = 0  # bisections under way: what dies meanwhile is no news
        self._running = Running()
        self._usage = Usage(lambda: self._peer)
        self._meter = Meter()

    # ---- life

    def start(self) -> Hello:
        """Start it, unless it runs. Raises PluginError."""
        self._state = "initializing" if self._state == "stop" else self._state
        self._current()
        return self.hello

    def stop(self) -> None:
        """End its process; nothing starts it again but `start` and `restart`."""
        with self._lock:
            peer, self._peer = self._peer, None
            self._state, self._error = "stop", ""
            self._stops += 1
        if peer is not None:
            self._let_go(peer, _GRACE)

    def drop(self) -> None:
        """Stop and forget it. Raises PluginError while rules use it, naming them."""
        if self.forget is None:
            self.stop()
        else:
            self.forget(self.name)

    def restart(self) -> Hello:
        """A new process, out of quarantine as well. Raises PluginError."""
        with self._lock:
            self._quarantined = False
            self._crashes.clear()
            self.stop()
            self._state = "initializing"
            self._current()
            self._restarts += 1
        return self.hello

    def swap(
        self, launch: Launch, policy: Policy | None = None, *, accept: Callable[[Hello], None] = lambda hello: None
    ) -> Hello:
        """Put a new plugin in the place of this one, between two batches. The old one stays if that does not start, or
        *accept* raises for what it says. Raises PluginError.
        """
        peer, hello = begun(self.name, self.lines, launch, policy or self.policy, loaded=True)
        try:
            accept(hello)
        except BaseException:
            peer.close()
            raise
        with self._lock:
            old, was_launch, was_policy = self._peer, self._launch, self.policy
            self._launch, self.policy = launch, policy or self.policy
            try:
                self._handed_over(old, peer)
            except (Lost, Declined) as why:
                self._launch, self.policy = was_launch, was_policy
                raise PluginError(f"plugin {self.name} stays as it was: {why}") from None
            self._peer, self.hello = peer, hello
            self._state, self._error, self._started = "running", "", self._clock()
            self._quarantined = False
            self._crashes.clear()
            self.generation += 1
        self._watch(peer)
        if old is not None:
            self._let_go(old, self.policy.timeout)
        return hello

    # ---- what it is asked

    def call(self, symbol: str, call: Call) -> Answer:
        """Answer a batch; whatever happens, every row has a value or a failure."""
        began = time.perf_counter()
        try:
            answer = self._answered(symbol, call)
        except (PluginError, Declined) as error:
            message = error.message if isinstance(error, PluginError) else error.why
            where = error.where if isinstance(error, Declined) else ""
            return failed(call.rows, message, where)
        self._meter.add(time.perf_counter() - began, call.rows)
        return answer

    def validate(self, symbol: str, arguments: list[str]) -> str:
        """What a function has against these arguments; '' for nothing. Raises PluginError."""
        try:
            return self._asked("calling", lambda peer: peer.validate(symbol, arguments))
        except (Lost, Declined) as error:
            raise PluginError(f"plugin {self.name}: {symbol} cannot be validated: {error}") from None

    def begin(self, control: Control, inlet: Inlet | None) -> None:
        """Start a source or sink, and again whenever the process is a new one. Raises PluginError."""

        def start(peer: Peer) -> None:
            self._running.add(control, inlet)
            peer.start(control, inlet, self.policy.timeout)

        for attempt in (1, 2):
            try:
                self._asked("streaming", start)
                return
            except Lost as why:
                if attempt == 2:
                    self._running.remove(control)
                    raise PluginError(f"plugin {self.name}: {control.symbol} does not start: {why}") from None
            except Declined as why:
                self._running.remove(control)
                message = f"plugin {self.name}: {control.kind} {control.symbol} does not start: {why.why}"
                raise PluginError(message, why.where) from None
            except PluginError:
                self._running.remove(control)
                raise

    def write(self, control: Control, item: Any) -> None:
        """Hand an item to a sink, to a new process if the old one dies with it. Raises PluginError."""
        for attempt in (1, 2):
            try:
                self._asked("streaming", lambda peer: peer.write(control, item, self.policy.timeout))
                return
            except Lost as why:
                if attempt == 2:
                    raise PluginError(f"plugin {self.name}: sink {control.symbol} {why}") from None
            except Declined as why:
                raise PluginError(f"sink {control.symbol} failed: {why.why}", why.where) from None

    def taken(self, control: Control, items: int) -> None:
        """So many payloads of a source have been taken."""
        peer = self._peer
        if peer is not None:
            with contextlib.suppress(Lost):
                peer.taken(control, items)

    def end(self, control: Control) -> None:
        """Stop a source or a sink."""
        self._running.remove(control)
        peer = self._peer
        stopped(peer, control, min(self.policy.timeout, 2.0))
        if peer is not None and peer.spent:
            threading.Thread(target=self._renewed, args=(peer,), name=f"renew {self.name}", daemon=True).start()

    # ---- what it shows

    @property
    def launch(self) -> Launch:
        """What starts its processes."""
        return self._launch

    @property
    def status(self) -> PluginStatus:
        """A snapshot."""
        peer, measured = self._peer, self._meter.measured
        pid = peer.pid if peer is not None and not peer.lost else None
        return PluginStatus(
            name=self.name,
            status=self._state,
            refCount=self._running.users,
            errMsg=self._error,
            language=self.hello.language,
            version=self.hello.version,
            functions=self.hello.names("function"),
            sources=self.hello.names("source"),
            sinks=self.hello.names("sink"),
            pid=pid,
            uptime=self._clock() - self._started if pid is not None else 0.0,
            generation=self.generation,
            restarts=self._restarts,
            quarantined=self._quarantined,
            calls=measured.calls,
            rows=measured.rows,
            rate=measured.rate,
            p50=measured.p50,
            p99=measured.p99,
            memory=memory_of(pid),
            refused=getattr(peer, "refused", 0),
            lines=tuple(self.lines.tail()),
        )

    def logs(self, most: int = 100) -> list[Line]:
        """The newest lines of its output and log, up to what it writes at this moment."""
        if (flush := getattr(self._peer, "flush", None)) is not None:
            flush()
        return self.lines.tail(most)

    # ---- a batch

    def _answered(self, symbol: str, call: Call) -> Answer:
        message = f"call func {symbol} error: plugin {self.name}:"
        for _ in range(2):
            try:
                return self._once(symbol, call)
            except Lost as why:
                if why.hung:  # it has had its time
                    if call.rows <= 1:
                        return failed(call.rows, f"{message} {why.why}")
                    self._current()  # takes note of it: what dies in the search is no news
                    break
        with self._lock:
            self._looking += 1
        try:
            return halved(call, lambda part: self._once(symbol, part), message)
        finally:
            with self._lock:
                self._looking -= 1

    def _once(self, symbol: str, call: Call) -> Answer:
        return self._asked("calling", lambda peer: peer.call(symbol, call, self.policy.timeout))

    def _asked(self, what: What, ask: Callable[[Peer], T]) -> T:
        """What the process that runs answers; the next one, where somebody stops it meanwhile. Raises Lost, …"""
        while True:
            stops, peer = self._stops, self._current()
            try:
                with self._usage.of(peer, what) as current:
                    if current:
                        return ask(peer)
            except Lost:
                if stops == self._stops:
                    raise

    # ---- the process

    def _current(self) -> Peer:
        """The process that runs, a new one if need be. Raises PluginError."""
        peer = self._peer
        if peer is not None and not peer.lost:
            return peer
        with self._lock:
            if self._peer is not None and not self._peer.lost:
                return self._peer
            if self._state == "stop":
                raise PluginError(f"plugin {self.name} is stopped", f"%kuiper plugin restart {self.name}")
            if self._peer is not None:
                self._crashed(self._peer.lost)
            if self._quarantined:
                raise PluginError(
                    f"plugin {self.name} is in quarantine: {self._error}", f"%kuiper plugin restart {self.name}"
                )
            try:
                peer, self.hello = begun(self.name, self.lines, self._launch, self.policy)
                self._moved_to(peer)
            except PluginError as error:
                self._crashed(error.message)
                raise
            except (Lost, Declined) as why:
                self._crashed(str(why))
                raise PluginError(f"plugin {self.name}: {why}") from None
            self._state, self._error, self._started = "running", "", self._clock()
        self._watch(peer)
        return peer

    def _crashed(self, why: str) -> None:
        """Take note of the end of a process; with too many of them, start no more."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self._let_go(peer, self.policy.timeout)
        self._state, self._error = "error", why
        self._restarts += 1
        if self._looking:
            return
        if too_often := self._crashes.add(why, self.policy):
            self._quarantined, self._error = True, too_often

    def _watch(self, peer: Peer) -> None:
        """When it dies a new one is started at once: who asks next need not wait, and sources go on."""

        def told(_: str) -> None:
            threading.Thread(target=self._revived, args=(peer,), name=f"revive {self.name}", daemon=True).start()

        peer.on_lost(told)

    def _revived(self, peer: Peer) -> None:
        """A new one in the place of *peer*, and another if that dies before it is ready, until quarantine."""
        if self._peer not in (peer, None):
            return
        while self._state != "stop" and not self._quarantined:
            with contextlib.suppress(PluginError):
                self._current()
                return

    def _handed_over(self, old: Peer | None, new: Peer) -> None:
        """Sources and sinks move from one process to another: stopped there before they start here, or else started
        there again.
        """
        self._peer = None  # who calls now waits for the new one
        running, seconds = self._running, self.policy.timeout
        try:
            self._stopped(old)
            self._moved_to(new)
        except BaseException:
            new.close()
            begun = running.start_again("sink", old, seconds) if old is not None else []
            self._peer = old
            if old is not None:
                begun += running.start_again("source", old, seconds)
                running.stop_ended(old, begun, seconds)
            raise

    def _moved_to(self, new: Peer) -> None:
        """The process that is asked from now on: with its sinks before anybody can, and its sources when they can."""
        running, seconds = self._running, self.policy.timeout
        try:
            begun = running.start("sink", new, seconds)
        except BaseException:
            new.close()
            raise
        self._peer = new
        begun += running.start("source", new, seconds)
        running.stop_ended(new, begun, seconds)

    def _renewed(self, spent: Peer) -> None:
        """A process that lives, and is of no use any more, gives way to a new one between two calls."""
        with self._lock, contextlib.suppress(PluginError):
            if self._peer is not spent:
                return
            self._peer = None  # who calls now waits for the new one
            self._stopped(spent)
            self.lines.add("INFO", f"the process is replaced: {spent.spent}")
            self._let_go(spent, self.policy.timeout)
            self._current()

    def _stopped(self, old: Peer | None) -> None:
        """What runs there ends, once what was on its way there has arrived."""
        if old is not None:
            self._usage.wait(old, "streaming", self.policy.timeout)
            self._running.stop(old, self.policy.timeout)

    def _let_go(self, old: Peer, seconds: float) -> None:
        """Close it once nobody waits for its answers, or after so long."""
        self._usage.end(old, seconds)
        old.close()
