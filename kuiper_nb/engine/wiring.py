"""What a rule is given to run with, by whoever puts the house together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..contracts import Clock, Source
from ..functions.call import RowCaller
from ..sql.plan import Plan
from .outlet import Outlet
from .vector import Vector

if TYPE_CHECKING:
    from .rule import Rule

Mode = Literal["live", "bounded", "virtual"]


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
    thread (under a virtual clock) until a condition holds."""

    clock: Clock
    caller: RowCaller
    source: Callable[[], Source]
    outlets: Callable[[], list[Outlet]]
    vector: Callable[[Plan, RowCaller], Vector | None]
    run: Callable[[Rule], None]
    drive: Callable[[Rule, Callable[[], bool], float | None], bool]
    dropped: Callable[[Rule], None]
    mode: Mode = "live"
