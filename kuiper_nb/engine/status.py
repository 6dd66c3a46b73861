"""A rule seen from outside: a frozen snapshot, in eKuiper's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["starting", "running", "stopping", "stopped", "stopped by error"]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """What a rule is doing and has done since it was started.

    rows_in = used + filtered + late + errored + waiting at every batch border. *errors* counts everything in
    `rule.errors`: rows, payloads, and windows that failed as a whole (*window_errors*, whose rows count as used).
    *arms* counts rows by the arm that computed them, *log_lines* all lines of its log, kept or not. Times are ms;
    *watermark* None before there is one.
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
    log_lines: int = 0
