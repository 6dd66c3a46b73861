"""When a rule of a cell ends: by its own --rows and --for, and in bounded mode in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.bounds import Bounds
from .firstline import FirstLine

if TYPE_CHECKING:
    from ..engine.rule import Rule

EMITS = 20
SECONDS = 60.0


def bounds(rule: Rule, first: FirstLine) -> Bounds:
    """What ends *rule*: what its first line asks for, else, bounded and without an end of its own, 20 emits or 60 s."""
    asked = Bounds(rows=first.rows, ms=None if first.seconds is None else round(first.seconds * 1000))
    if asked != Bounds() or rule.status.mode == "live" or rule.input != "unbounded":
        return asked
    return Bounds(emits=EMITS, ms=round(SECONDS * 1000))


def driven(rule: Rule) -> None:
    """In bounded mode nothing runs by itself: run *rule* to its end now, unless its input is still to be pushed."""
    if rule.status.mode == "bounded" and rule.input != "pushed":
        rule.wait(None if rule.input == "bounded" else SECONDS)
