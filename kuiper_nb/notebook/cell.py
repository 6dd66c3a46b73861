"""What is in a cell, done all or not at all: definitions first, then at most one SELECT, a preview or a rule."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..engine.bounds import Bounds
from ..engine.halt import HURRY, PATIENCE
from ..errors import KuiperError
from ..sql.parser import parse
from ..sql.syntax import Select, Show, Statement
from ..statements import all_or_nothing, mapping, rehearsed, run
from . import modes
from .bounded import bounds, driven
from .firstline import FirstLine
from .result import Result
from .views import Place, View, streams_view

if TYPE_CHECKING:
    from ..engine.rule import Rule
    from ..session import Session

ROWS = 20
SECONDS = 10.0
PREVIEW = "(preview)"
LINES = 20


class Interrupted(KeyboardInterrupt):
    """The user interrupted a cell that waited; *value* is what there was to show."""

    def __init__(self, message: str, value: Any = None) -> None:
        super().__init__(message)
        self.value = value

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]


@dataclass(slots=True)
class Outcome:
    """What to show: messages (texts and views) in order, then the value of the cell; *notes* are worth saying once."""

    messages: list[str | View] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    value: Any = None


def done(session: Session, text: str, first: FirstLine, bind: Callable[[str], Any], place: Place) -> Outcome:
    """Parse and check all of *text*, then do it. Raises KuiperError, in which case nothing has been done."""
    statements = parse(text, bind)
    definitions, select = _parted(statements, first)
    stage = rehearsed(session, definitions)
    outcome = Outcome()
    if select is not None:
        rehearsal = stage.rule(select, id=PREVIEW, start=False, **_given(first))
        rehearsal.drop()
        if not first.stopped:
            rehearsal.parameters.require()
    with all_or_nothing(session):
        for statement in definitions:
            outcome.messages.append(_shown(session, statement))
        if select is not None:
            _run(session, select, first, outcome, place)
    return outcome


def _parted(statements: Sequence[Statement], first: FirstLine) -> tuple[list[Statement], Select | None]:
    """The definitions and the SELECT. Raises KuiperError when there are two, or one that is not last."""
    selects = [s for s in statements if isinstance(s, Select)]
    if len(selects) > 1:
        raise _misplaced(selects[1], "a cell has at most one SELECT", "put the second into a cell of its own")
    if selects and statements[-1] is not selects[0]:
        raise _misplaced(selects[0], "the SELECT comes last in a cell", "put what follows it before it")
    if first.name and not selects:
        raise KuiperError(f"{first.name} is the name of a rule, but there is no SELECT here", "leave the name out")
    return [s for s in statements if not isinstance(s, Select)], selects[0] if selects else None


def _misplaced(select: Select, message: str, hint: str) -> KuiperError:
    return KuiperError(message, hint, line=select.place.line, column=select.place.column, statement=select.text)


def _shown(session: Session, statement: Statement) -> str | View:
    answer = run(session, statement)
    if isinstance(statement, Show):
        return streams_view(mapping(session, statement.kind), statement.kind)
    return str(answer)


def _given(first: FirstLine) -> dict[str, Any]:
    """What the first line says of a rule, as `Session.rule` takes it."""
    options = first.options if first.speed is None else {**first.options, "speed": first.speed}
    return {"options": options, "actions": [{name: {}} for name in first.sinks], "parameters": first.parameters}


def _run(session: Session, select: Select, first: FirstLine, outcome: Outcome, place: Place) -> None:
    other = first.mode is not None and first.mode != session.mode
    ground = modes.beside(session, first.mode) if other and first.mode is not None else session
    if first.name:
        rule = _rule(ground, select, first)
        if other:
            session.adopt(first.name, ground)
        outcome.value, outcome.notes = rule, (*rule.plan.notes, *_unseen(first))
        return
    try:
        outcome.value, outcome.notes = preview(ground, select, first, place)
        outcome.messages.extend(outcome.value.log)
    finally:
        if other:
            ground.close()


def _unseen(first: FirstLine) -> tuple[str, ...]:
    """The log sink writes to the rule's log, and to Python's logging, which shows nothing of level INFO by itself."""
    logger = f"kuiper_nb.rule.{first.name}"
    if not any(sink.partition(":")[0].lower() == "log" for sink in first.sinks) or logging.getLogger(
        logger
    ).isEnabledFor(logging.INFO):
        return ()
    return (f"the log sink writes into %kuiper logs {first.name} and, at level INFO, to logger {logger}",)


def _rule(session: Session, select: Select, first: FirstLine) -> Rule:
    rule = session.rule(select, id=first.name, start=False, **_given(first))
    rule.bounds = bounds(rule, first)
    if not first.stopped:
        try:
            rule.start()
        except KuiperError:
            rule.drop()
            raise
        driven(rule)
    return rule


def preview(session: Session, select: Select, first: FirstLine, place: Place) -> tuple[Result, tuple[str, ...]]:
    """Run *select* to the end of its input or to its bounds; the rule is gone afterwards. Its rows, and its notes."""
    most, seconds = first.rows or ROWS, SECONDS if first.seconds is None else first.seconds
    rule = session.rule(select, id=PREVIEW, start=False, keep=10**9, **_given(first))
    rule.bounds = Bounds(rows=most, ms=round(seconds * 1000))
    interrupted = False
    try:
        rule.start()
        rule.wait(timeout=seconds + 0.5)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        rule.drop(HURRY if interrupted else PATIENCE)
    reason = "interrupted" if interrupted else rule.status.message or f"{seconds:g} s"
    result = Result(rule.emits, rule.errors, rule.late, most=most, reason=reason, place=place, log=_printed(rule))
    if interrupted:
        raise Interrupted("the preview has ended", result)
    return result, rule.plan.notes


def _printed(rule: Rule) -> list[str]:
    """What the user's code printed: nobody can ask for the log of a preview afterwards."""
    lines = [str(line) for line in rule.log.lines() if line.kind in ("print", "more")]
    earlier = [f"… {len(lines) - LINES:,} earlier lines"] if len(lines) > LINES else []
    return [*earlier, *lines[-LINES:]]
