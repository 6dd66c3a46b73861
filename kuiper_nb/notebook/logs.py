"""The verbs that show a rule's log: its newest lines, and what is added to it."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING

from .cell import Interrupted
from .firstline import FirstLine
from .views import headline

if TYPE_CHECKING:
    from ..engine.log import RuleLog
    from ..engine.rule import Rule

_NEWEST = 50
_BEFORE = 10
_TICK = 0.1


def logs(rule: Rule, first: FirstLine) -> str:
    """The newest lines, or as many as --rows says."""
    lines = rule.logs()
    most = first.rows or _NEWEST
    earlier = [f"… {len(lines) - most:,} earlier; --rows {len(lines)} shows them"] if len(lines) > most else []
    return "\n".join([*earlier, *lines[-most:]]) or f"rule {rule.id} has no log yet"


def tail(rule: Rule, first: FirstLine) -> str:
    """The last lines, then what is new, until the rule stops or --for has passed; in bounded mode nothing is new.

    Answers what the rule does then. Raises Interrupted, and the rule runs on.
    """
    from ..engine.halt import PATIENCE

    end = None if first.seconds is None else monotonic() + first.seconds
    seen = _printed(rule.log, 0, _BEFORE)
    try:
        while rule.active and not rule.clock.virtual and (end is None or monotonic() < end):
            sleep(_TICK)
            seen = _printed(rule.log, seen)
        if not rule.active and not rule.clock.virtual:
            rule.wait(PATIENCE)  # that it has stopped may have yet to be said
    except KeyboardInterrupt:
        raise Interrupted(f"rule {rule.id} runs on") from None
    _printed(rule.log, seen)
    return headline(rule)


def _printed(log: RuleLog, seen: int, most: int | None = None) -> int:
    """Print the lines after the first *seen*, at most the newest *most*; answers how many there have been."""
    lines, seen = log.since(seen)
    for line in lines if most is None else lines[-most:]:
        print(line)
    return seen
