"""One service of a session: what its file says, bound, and bound anew when the file is edited."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..contracts import Answer, Call, Clock, Failure, Function
from ..errors import KuiperError, ServiceError, did_you_mean
from ..functions.output import note
from .binder import Bindings
from .bound import Dry
from .cassette import Cassette
from .freshness import Freshness
from .loop import Loop
from .protocol import Operation
from .reading import Described, found
from .status import ServiceStatus

Renew = Callable[["Service", Described], None]


class Service:
    """A service and its functions. Used from any thread.

    *renew* makes an edited file count, or raises; *forget* drops the service from its session.
    """

    def __init__(self, name: str, clock: Clock, loop: Loop, renew: Renew, forget: Callable[[str], None]) -> None:
        self.name = name
        self._loop = loop
        self.generation = 0
        self._clock = clock
        self._renew = renew
        self._forget = forget
        self._lock = threading.Lock()
        self._bindings: Bindings | None = None
        self._freshness = Freshness(())
        self._fault = ""
        self._retired: list[Bindings] = []

    # ---- what a session does with it

    def bind(self, described: Described) -> Bindings:
        """The interfaces of a file, ready to be called, and not used yet. Raises ServiceError."""
        return Bindings(self.name, described, self._clock, self._loop, self.answer)

    def use(self, bindings: Bindings) -> None:
        """From the next batch on; batches under way end with what they began with."""
        old, self._bindings = self._bindings, bindings
        self._freshness = Freshness(bindings.files)
        self._fault = ""
        self.generation += 1
        if old is not None:
            bindings.tape(old.cassette)
            self._retired.append(old)
            old.retire(lambda: self._retired.remove(old) if old in self._retired else None)

    def close(self) -> None:
        """Let go of connections; what was recorded is written."""
        with contextlib.suppress(KuiperError):
            self.tape(None)
        for bindings in (*self._retired, *([self._bindings] if self._bindings is not None else [])):
            bindings.close()
        self._retired.clear()

    # ---- calls

    @property
    def given(self) -> set[str]:
        """The functions that its file names; others are brought along by its schemas."""
        return self._now.given

    @property
    def functions(self) -> Mapping[str, Function]:
        """What SQL can call."""
        return self._now.functions

    def answer(self, function: str, call: Call) -> Answer:
        """Answer a batch by what the file says now; whatever happens, every row has a value or a failure."""
        self.refresh()
        bindings = self._now
        if function not in bindings.functions:
            gone = Failure(f"call func {function} error: service {self.name} does not offer it any more")
            return Answer([None] * call.rows, dict.fromkeys(range(call.rows), gone))
        return bindings.answer(function, call)

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function once, outside of any rule; its value. Raises ServiceError."""
        dry = self.dry(function, *arguments)
        if dry.error:
            raise ServiceError(dry.error, f"%kuiper service call {function} … shows the request")
        return dry.value

    def dry(self, function: str, *arguments: Any) -> Dry:
        """The same with all there is to see: the request, the reply, the value or the error, how long it took.

        Raises ServiceError for a function it does not offer.
        """
        self.refresh()
        if function not in self._now.functions:
            hint = did_you_mean(function, self._now.functions)
            raise ServiceError(f"service {self.name} has no function {function}", hint)
        return self._now.dry(function, arguments)

    # ---- recordings

    def record(self, file: str | Path) -> None:
        """Keep every answer from now on; `live` ends that and writes the file."""
        self.tape(Cassette(Path(file).expanduser(), "record"))

    def replay(self, file: str | Path) -> None:
        """Answer from a recording, and ask nobody. Raises ServiceError."""
        self.tape(Cassette(Path(file).expanduser(), "replay"))

    def live(self) -> None:
        """Ask the server again. Raises ServiceError where a recording cannot be written."""
        self.tape(None)

    def tape(self, cassette: Cassette | None) -> None:
        """Take it in the place of the one there is, which is written if it was recorded."""
        before = self._bindings.cassette if self._bindings is not None else None
        if self._bindings is not None:
            self._bindings.tape(cassette)
        if before is not None and before.mode == "record":
            before.save()

    # ---- its file

    def refresh(self) -> None:
        """Make an edited file count; one that is wrong is told in the status, and what was there before goes on."""
        if not self._freshness.stale():
            return
        with self._lock:
            if self._freshness.stale():
                self._freshness = self._freshness.renewed()
                try:
                    self.reload()
                except KuiperError as error:
                    self._fault = error.message
                    note(f"service {self.name}: the edited file is not used: {error.message}")

    def reload(self) -> None:
        """Read its file again. Raises ServiceError; then what was there before goes on."""
        described = self._now.described
        self._renew(self, described if described.origin is None else found(described.origin, self.name))
        note(f"service {self.name}: generation {self.generation} is in use")

    def drop(self) -> None:
        """Forget it. Raises ServiceError while rules use it."""
        self._forget(self.name)

    # ---- what is known of it

    @property
    def status(self) -> ServiceStatus:
        """A snapshot."""
        return self._now.status(self.generation, self._fault)

    def operation(self, function: str) -> Operation:
        """What a function asks of which interface. Raises KeyError."""
        return self._now.operation(function)

    @property
    def described(self) -> Described:
        """What its file says."""
        return self._now.described

    def dead_letters(self) -> list[dict[str, Any]]:
        """The calls that `onError: deadLetter` has put aside, oldest first: function, arguments, error, at (ms)."""
        return self._now.dead_letters()

    @property
    def _now(self) -> Bindings:
        assert self._bindings is not None
        return self._bindings

    def __repr__(self) -> str:
        return f"<service {self.name}: {', '.join(self.functions) or 'nothing'}>"
