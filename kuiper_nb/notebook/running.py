"""The verbs that make rules run, wait and stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import KuiperError
from .bounded import driven
from .cell import Interrupted
from .firstline import FirstLine
from .views import View, counted, headline

if TYPE_CHECKING:
    from ..engine.rule import Rule
    from ..session import Session

_TICK = 0.1


def wait(session: Session, first: FirstLine, named: Callable[[], Rule]) -> str | None:
    """Until the named rule's input has ended, it has sent --rows rows or --for has passed; without a name or bounds,
    until all that was pushed has passed all rules. Raises Interrupted, and the rule runs on."""
    try:
        if not first.name:
            session.settle(first.seconds)
            return None
        rule = named()
        if rule.input == "pushed" and first.rows is None and first.seconds is None:
            session.settle()
        else:
            _wait(rule, first)
        return headline(rule)
    except KeyboardInterrupt:
        raise Interrupted("the rules run on" if not first.name else f"rule {first.name} runs on") from None


def _wait(rule: Rule, first: FirstLine) -> None:
    """In ticks, by the clock of the rule."""
    if first.rows is None:
        rule.wait(first.seconds)
        return
    wanted, passed = first.rows, 0.0
    while rule.active and rule.status.rows_out < wanted and (first.seconds is None or passed < first.seconds):
        rule.wait(_TICK)
        passed += _TICK


def step(rule: Rule, session: Session) -> View:
    """One micro-batch of a rule; a stopped rule gets ready first. Raises KuiperError for one that runs by itself."""
    if not rule.active:
        rule.start(by_hand=True)
    elif not rule.clock.virtual and rule.threaded:
        raise KuiperError(f"rule {rule.id} runs by itself", f"%kuiper stop {rule.id}, then step it by hand")
    from ..engine import timeline  # here, as it brings DuckDB along

    before, emits = rule.status, len(rule.emits)
    due = rule.due()
    if rule.clock.virtual and due is not None and due > rule.now():
        session.advance(due)
    else:
        timeline.step(rule)
    after = rule.status
    rows = [row for emit in rule.emits[emits:] for row in emit.rows]
    text = (
        f"{counted(after.rows_in - before.rows_in, 'row')} in, {after.waiting:,} waiting in windows, {len(rows):,} out"
    )
    text += "" if after.watermark is None else f"; watermark {after.watermark}"
    return View((text, rows[:20], f"the first 20 of {len(rows):,}" if len(rows) > 20 else "", _over(rule)))


def _over(rule: Rule) -> str:
    return "" if rule.active else headline(rule)


def stop(rule: Rule) -> str:
    """Stop it; open windows are not sent. Raises Interrupted, and the rule has stopped all the same."""
    try:
        rule.stop()
    except KeyboardInterrupt:
        raise Interrupted(headline(rule)) from None
    return headline(rule)


def start(rule: Rule) -> Rule:
    """Run it again, from the start of its input."""
    rule.start()
    driven(rule)
    return rule


def restart(rule: Rule) -> Rule:
    """Stop and start it."""
    stop(rule)
    return start(rule)
