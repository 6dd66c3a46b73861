"""What a rule is given to run with, by whoever puts the house together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from ..contracts import Clock, Payload, Source
from ..functions.call import RowCaller
from ..sql.plan import Plan
from .outlet import Outlet
from .parameters import Parameters
from .vector import Vector

if TYPE_CHECKING:
    from .rule import Rule

Mode = Literal["live", "bounded", "virtual"]


class Tape(Protocol):
    """Records what a rule's source delivers; may be started again."""

    def start(self, at: int) -> None:
        """The rule starts *at* (ms)."""
        ...

    def take(self, payloads: Sequence[Payload], now: int, floor: int) -> None:
        """The payloads of one step at *now* (ms); none of them arrives before *floor*."""
        ...

    def close(self, *, ended: bool) -> None:
        """The rule has stopped; *ended*: because its input had come to an end."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What functions may know of the rule that calls them."""

    clock: Clock
    rule: str
    started: int

    @property
    def now(self) -> int:
        """The session's clock, ms."""
        return self.clock.now()


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a rule is given to run with. *source* and *outlets* make new ones for every start; *drive* runs it without a
    thread (under a virtual clock) until a condition holds; *tape* makes what records its input, if anything does."""

    clock: Clock
    caller: RowCaller
    source: Callable[[], Source]
    outlets: Callable[[], list[Outlet]]
    vector: Callable[[Plan, RowCaller, Parameters], Vector | None]
    run: Callable[[Rule], None]
    drive: Callable[[Rule, Callable[[], bool], float | None], bool]
    dropped: Callable[[Rule], None]
    mode: Mode = "live"
    tape: Callable[[], Tape | None] = lambda: None
