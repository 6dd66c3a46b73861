"""What is known of a service, at one moment; and what counts it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..meter import Measured, Meter
from .protocol import CallFailed

State = Literal["running", "error", "stop"]
_LETTERS = 10_000
"""Calls put aside, at most."""


@dataclass(frozen=True, slots=True)
class InterfaceStatus:
    """A snapshot of one interface. *reachable* is None while nothing has been asked; *rate*: calls a second of late;
    *p50*, *p99*: of a call, ms; *errors* by kind; *hits*: answers that served again; *breaker*: whether it is left
    alone; *last_failure*: the arguments and the message of the newest."""

    name: str
    protocol: str
    address: str
    functions: tuple[str, ...] = ()
    reachable: bool | None = None
    breaker: bool = False
    calls: int = 0
    rows: int = 0
    rate: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    errors: Mapping[str, int] = field(default_factory=dict)
    hits: int = 0
    last_failure: str = ""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A snapshot. *errMsg* says why an edited file is not used, or what failed last."""

    name: str
    status: State
    errMsg: str = ""
    generation: int = 1
    functions: tuple[str, ...] = ()
    interfaces: tuple[InterfaceStatus, ...] = ()
    notes: tuple[str, ...] = ()
    cassette: str = ""

    @property
    def calls(self) -> int:
        """Of all interfaces."""
        return sum(each.calls for each in self.interfaces)

    @property
    def rows(self) -> int:
        """Of all interfaces."""
        return sum(each.rows for each in self.interfaces)

    @property
    def errors(self) -> Mapping[str, int]:
        """Of all interfaces."""
        return dict(sum((Counter(each.errors) for each in self.interfaces), Counter[str]()))


class Tally:
    """Counts the calls of one interface, from any thread."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._lock = threading.Lock()
        self._rows = 0
        self.errors: Counter[str] = Counter()
        self.reachable: bool | None = None
        self.last_failure = ""
        self.letters: deque[dict[str, Any]] = deque(maxlen=_LETTERS)

    def attempted(self, seconds: float, failed: CallFailed | None) -> None:
        """An attempt took so long."""
        self._meter.add(seconds, 1)
        if failed is None:
            self.reachable = True
            return
        with self._lock:
            self.errors[failed.kind] += 1
        self.reachable = failed.kind not in ("refused", "address", "tls", "broken") and failed.kind != "deadline"

    def answered(self, rows: int) -> None:
        """A batch had so many rows."""
        with self._lock:
            self._rows += rows

    @property
    def measured(self) -> Measured:
        """Calls, their rate and their times."""
        return self._meter.measured

    @property
    def rows(self) -> int:
        """Of all batches."""
        return self._rows
