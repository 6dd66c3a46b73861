"""Why a rule sends nothing: the one reason, from its counts and its plan, with the numbers and what would help."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..contracts import Source
from ..sql.plan import Plan
from ..sql.printer import printed
from ..windowing.spec import Count, Hopping, Tumbling, aligned_first_end
from ..windowing.watermark import EventTime
from .buffer import FrameSegment, Segment
from .status import RuleStatus

if TYPE_CHECKING:
    from .pipeline import Pipeline
    from .rule import Rule

_PATIENCE = 0.3
"""Seconds that rows on their way have to pass a rule."""

_DATES_FROM = 10**11
"""Times from here on (1973, in ms) are shown as dates; smaller ones count from 0, as in lessons and tests."""


def reason(rule: Rule, pipeline: Pipeline | None, source: Source | None, place: Callable[[str], str] = str) -> str:
    """One or two lines. *place* says where in the user's code `file:line` is."""
    _let_arrive(rule)
    status = rule.status
    for found in (
        _not_running(rule, status),
        _sent(status),
        _at_work(rule, status, place),
        _no_row(rule, status, source),
        _all_failed(rule, status, place),
        _all_late(rule, status),
        _all_filtered(rule, status),
        _windows_failed(rule, status, place),
        _removed(rule, status, pipeline),
        _waiting(rule, status, pipeline),
    ):
        if found:
            return found
    return _summed(status)


def _let_arrive(rule: Rule) -> None:
    """What was pushed in the line before counts, too; but a rule may be at work for long."""
    until = time.monotonic() + _PATIENCE
    while not rule.status.rows_out and not rule.idle and time.monotonic() < until:
        time.sleep(0.005)


def _not_running(rule: Rule, status: RuleStatus) -> str:
    if status.state == "stopped by error":
        return f"Rule {rule.id} was stopped by an error: {status.message}"
    if status.state == "starting" and status.message:
        return f"Rule {rule.id} waits to start again: {status.message}"
    if status.started is None:
        return f"Rule {rule.id} has never been started; %kuiper start {rule.id} runs it."
    return ""


def _sent(status: RuleStatus) -> str:
    if not status.rows_out:
        return ""
    lost = [f"{n:,} {what}" for n, what in ((status.late, "came too late"), (status.errored, "failed")) if n]
    more = f" Of {_rows(status.rows_in)} in, {' and '.join(lost)}." if lost else ""
    emits = "emit" if status.emits == 1 else "emits"
    return f"Rule {status.id} has sent {_rows(status.rows_out)} in {status.emits:,} {emits}.{more}"


def _at_work(rule: Rule, status: RuleStatus, place: Callable[[str], str]) -> str:
    """Counts are of whole micro-batches, and the first is not over."""
    if status.rows_in or status.state != "running" or rule.idle:
        return ""
    what, where = rule.guard.what, rule.guard.place()
    in_user_code = f": {what} has not returned, in {place(where)}" if where else ""
    return f"Rule {rule.id} is at work on the first rows{in_user_code}."


def _no_row(rule: Rule, status: RuleStatus, source: Source | None) -> str:
    if status.rows_in:
        return ""
    stream, topic = rule.plan.stream, rule.plan.stream.datasource
    what = f"{stream.name} ({stream.type}{f' {topic}' if topic else ''})"
    if status.state == "stopped":
        ended = "its input had no row" if status.message == "done" else "it was stopped before a row arrived"
        return f"No row has arrived: {ended}, from {what}."
    if rule.input == "pushed":
        return f'No row has arrived: nothing was pushed since the rule started. kuiper.push("{topic}", …) would.'
    due = source.due() if source is not None else None
    if due is not None and due > rule.now():
        return f"No row has arrived yet: {what} delivers the next one in {_long(due - rule.now())}."
    since = rule.now() - (status.started or 0)
    waited = f", {_long(since)} ago" if since else ""
    return f"No row has arrived: {what} has delivered nothing since the rule started{waited}."


def _all_failed(rule: Rule, status: RuleStatus, place: Callable[[str], str]) -> str:
    if not status.errored or status.errored < status.rows_in or not rule.errors:
        return ""
    return f"{_all(status.rows_in)} failed. The first: {_told(rule, place)}"


def _windows_failed(rule: Rule, status: RuleStatus, place: Callable[[str], str]) -> str:
    if not status.window_errors or not rule.errors:
        return ""
    windows = "The window that has" if status.window_errors == 1 else f"All {status.window_errors:,} windows that have"
    return f"{windows} ended failed as a whole. The first: {_told(rule, place)}"


def _told(rule: Rule, place: Callable[[str], str]) -> str:
    first = rule.errors[0]
    return f"{first.message} ({place(first.where)})" if first.where else first.message


def _all_late(rule: Rule, status: RuleStatus) -> str:
    """Late rows are the reason when hardly any row is left without them: one must have moved the watermark."""
    left = status.rows_in - status.late - status.errored - status.filtered
    if not status.late or left > status.late:
        return ""
    tolerance = rule.plan.options.late_tolerance
    needed = -(-(max(late.by for late in rule.late) + tolerance) // 1000)
    which = f"{status.late:,} of {_rows(status.rows_in)}"
    return (
        f"{which} came too late, behind the newest {rule.plan.stream.timestamp} by more than {_long(tolerance)}. "
        f"A tolerance of {needed:,} s would have kept them: --late {needed}s (lateTolerance)."
    )


def _all_filtered(rule: Rule, status: RuleStatus) -> str:
    plan = rule.plan
    if not status.filtered or status.filtered + status.errored + status.late < status.rows_in:
        return ""
    clauses = [("FILTER", plan.window_filter), ("WHERE", plan.where if plan.where_first else None)]
    named = [(name, printed(node)) for name, node in clauses if node is not None]
    names, conditions = " and ".join(n for n, _ in named), "; ".join(c for _, c in named)
    which = "the only row" if status.rows_in == 1 else f"all {_rows(status.filtered)}"
    if status.filtered < status.rows_in:
        rest = [f"{n:,} {what}" for n, what in ((status.errored, "failed"), (status.late, "came too late")) if n]
        which = f"{status.filtered:,} of {_rows(status.rows_in)} ({', '.join(rest)})"
    return f"{names} removed {which}: {conditions}{_values(rule)}."


def _removed(rule: Rule, status: RuleStatus, pipeline: Pipeline | None) -> str:
    """Rows went through, yet nothing came out."""
    plan = rule.plan
    if not status.used and not _seen_by_windows(plan, pipeline):
        return ""
    if plan.limit == 0:
        return "LIMIT 0 lets nothing out."
    where = plan.where if plan.window is not None and not plan.where_first else None
    left = where is not None and _left_by_where(pipeline)
    name, node = ("HAVING", plan.having) if where is None or left else ("WHERE", where)
    if node is None:
        return ""
    removed = "every group" if name == "HAVING" and plan.aggregate else "every row"
    which = f"{removed} that WHERE had left" if left else removed
    through = _rows(status.used or status.waiting)
    return f"{name} removed {which}, of {through} that went through: {printed(node)}{_values(rule)}."


def _left_by_where(pipeline: Pipeline | None) -> bool:
    """Whether in some window a WHERE that comes after it has left rows for HAVING to look at."""
    if pipeline is None:
        return False
    return pipeline.exact.left or (pipeline.vector is not None and pipeline.vector.spans.left)


def _seen_by_windows(plan: Plan, pipeline: Pipeline | None) -> bool:
    """Whether a row that still waits was in a window that has ended, as in overlapping ones."""
    if not isinstance(plan.window, Hopping) or pipeline is None or pipeline.windows is None:
        return False
    due = pipeline.windows.due()
    if due is None:
        return False
    ended = due - plan.window.step
    return any(_first_key(segment) < ended for segment in pipeline.buffer.segments)


def _first_key(segment: Segment) -> int:
    """The least key of its rows; where they are on disk, one that none of them is below."""
    if isinstance(segment, FrameSegment):
        return min(segment.keys)
    if segment.spilled:
        return segment.least
    keys = segment.rows[1]
    return int(keys[keys >= segment.least].min())


def _waiting(rule: Rule, status: RuleStatus, pipeline: Pipeline | None) -> str:
    if not status.waiting or pipeline is None:
        return ""
    held = f"{_rows(status.waiting)} {'waits' if status.waiting == 1 else 'wait'}"
    if status.state == "stopped":
        why = "its input broke off there" if status.message == "done" else "stop never sends an open window"
        return f"{held} in a window that had not ended when the rule stopped; {why}."
    if isinstance(rule.plan.window, Count):
        return _counting(rule.plan.window, status, held)
    if isinstance(pipeline.watermark, EventTime):
        return _behind_watermark(rule, held, pipeline, pipeline.watermark)
    due = pipeline.windows.due() if pipeline.windows is not None else None
    if due is None:
        return f"{held}."
    ends = f"the window ends by the clock, in {_long(due - rule.now())}"
    stream = rule.plan.stream
    if stream.timestamp:
        return (
            f"{stream.name} has TIMESTAMP={stream.timestamp}, but the rule is in processing time: {held}, and {ends}. "
            "With --event-time (isEventTime) the rows' own time ends it."
        )
    return f"The window has not ended yet: {held}, and {ends}."


def _counting(window: Count, status: RuleStatus, held: str) -> str:
    missing = window.length - status.waiting
    return f"COUNTWINDOW({window.length}) is not full: {held}, {missing:,} {'is' if missing == 1 else 'are'} missing."


def _behind_watermark(rule: Rule, held: str, pipeline: Pipeline, watermark: EventTime) -> str:
    tolerance, name = rule.plan.options.late_tolerance, rule.plan.stream.timestamp
    newest = watermark.at + tolerance
    behind = f" ({_long(tolerance)} after it, for lateTolerance)" if tolerance else ""
    end = _end(rule.plan, pipeline)
    if end is None:
        watermark_is = f"the watermark, {_long(tolerance)} behind the newest {name} ({_at(newest)}), has passed"
        return f"{held} until {watermark_is}: a row of a later {name} must come."
    needed = end + tolerance
    return (
        f"No row is past the end of the window yet: {held}, the window ends at {name} = {_at(end)}, the newest row "
        f"is of {_at(newest)}. A row of {_at(needed)} or later must come{behind}: {_long(needed - newest)} are missing."
    )


def _end(plan: Plan, pipeline: Pipeline) -> int | None:
    """Where the next window ends, also when no row has gone on yet that would align it."""
    if pipeline.windows is None or not isinstance(plan.window, (Tumbling, Hopping)):
        return None
    due = pipeline.windows.due()
    first = pipeline.first_pending
    return due if due is not None or first is None else aligned_first_end(plan.window, first)


def _summed(status: RuleStatus) -> str:
    parts = [("filtered", "were filtered"), ("late", "came too late"), ("errored", "failed"), ("waiting", "wait")]
    told = [f"{getattr(status, name):,} {what}" for name, what in parts if getattr(status, name)]
    told += [f"{status.used:,} went through"] if status.used else []
    return f"Of {_rows(status.rows_in)}, {', '.join(told) or 'none is accounted for'}; nothing came out."


# ---- words


def _values(rule: Rule) -> str:
    """The parameters, of which the conditions show only the names."""
    told = ", ".join(f"${name} is {value}" for name, value in rule.parameters.items())
    return f", and {told}" if told else ""


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def _all(number: int) -> str:
    return "The only row" if number == 1 else f"All {number:,} rows"


def _long(ms: int) -> str:
    """A length of time, for people."""
    if abs(ms) < 1000:
        return f"{ms} ms"
    if abs(ms) < 120_000:
        return f"{round(ms / 1000, 1):g} s"
    return f"{round(ms / 60_000, 1):g} min" if abs(ms) < 7_200_000 else f"{round(ms / 3_600_000, 1):g} h"


def _at(ms: int) -> str:
    """A moment: as it stands in the rows where it is small, else as a date."""
    if not _DATES_FROM <= ms < 253_402_300_800_000:
        return f"{ms:,} ms"
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
