"""A rule seen from outside: a frozen snapshot, in eKuiper's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .pipeline import Pipeline

State = Literal["starting", "running", "stopping", "stopped", "stopped by error"]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """What a rule is doing and has done since it was started.

    rows_in = used + filtered + late + errored + waiting at every batch border; *errored* has the rows, too, that waited
    when an error or a stop ended the run they belonged to. *errors* counts everything in
    `rule.errors`: rows, payloads, and windows that failed as a whole (*window_errors*, whose rows count as used).
    *attempt* is the restart after an error that it is at, or waits for, 0 when there was none; *unread* counts the
    pushed batches that a stopped rule has not read, and reads when it is started again. *arms* counts rows by the arm
    that computed them, *log_lines* all lines of its log, kept or not. Times are ms; *watermark* None before there is
    one.
    """

    id: str
    state: State = "stopped"
    message: str = ""
    mode: Literal["live", "bounded", "virtual"] = "live"
    rows_in: int = 0
    rows_out: int = 0
    emits: int = 0
    used: int = 0
    filtered: int = 0
    late: int = 0
    errored: int = 0
    waiting: int = 0
    errors: int = 0
    window_errors: int = 0
    watermark: int | None = None
    started: int | None = None
    last_error: str = ""
    generation: int = 1
    generations: Mapping[str, int] = field(default_factory=dict)
    arms: Mapping[str, int] = field(default_factory=dict)
    batches: int = 0
    attempt: int = 0
    unread: int = 0
    log_lines: int = 0


def counted(counts: Mapping[str, int], pipeline: Pipeline | None) -> dict[str, Any]:
    """What a status counts, by the names of its fields: of the rule, and of the run that is under way."""
    watermark = pipeline.watermark.at if pipeline is not None and pipeline.watermark is not None else None
    return {
        **{name: counts[name] for name in _COUNTS},
        "waiting": pipeline.waiting if pipeline is not None else 0,
        "watermark": watermark if watermark is not None and watermark > -(2**62) else None,
        "arms": dict(pipeline.arms) if pipeline is not None else {},
    }


_COUNTS = ("rows_in", "rows_out", "emits", "used", "filtered", "late", "errored", "errors", "window_errors")
