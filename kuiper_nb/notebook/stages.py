"""The steps of a plan as the boxes of a picture: what each does, the arm that does it, and what has passed it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..engine.explain import Explained
    from ..engine.status import RuleStatus

By = Literal["outside", "integers", "duckdb", "exact", "python"]
"""Who does it: a connector or format, the machine of windows, DuckDB, the evaluator, the user's Python."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows (or emits) at a box. *leaves*: they go no further."""

    number: int
    word: str
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A box: its name, its lines (name of the step, text), who does it, and its counts."""

    name: str
    lines: tuple[tuple[str, str], ...]
    by: By
    counts: tuple[Count, ...] = ()


_DECODE = ("decode", "watermark")
_OUTPUT = ("having", "order", "select", "limit")


def staged(explained: Explained, status: RuleStatus | None) -> tuple[Stage, ...]:
    """The boxes in the order rows go through them; without counts when *status* is None."""
    names = [name for name, _ in explained.steps]
    windowed = "window" in names
    at = names.index("window") if windowed else len(names)
    rows = [step for step in explained.steps[:at] if step[0] in ("filter", "where")]
    late = [step for step in explained.steps[at:] if step[0] in ("where", "group")]
    output = [*late, *_named(explained, _OUTPUT)]
    calls = tuple(_named(explained, ("call",)))
    stages = [
        Stage("source", tuple(_named(explained, ("source",))), "outside", _counts(status, "rows_in")),
        Stage("decode", tuple(_named(explained, _DECODE)), "outside", _counts(status, "late")),
        Stage("rows", tuple(rows), explained.arm, _counts(status, "filtered") if rows else ()),
        Stage("window", tuple(_named(explained, ("window",))), "integers", _counts(status, "waiting")),
        Stage("calls", calls, "python"),
        Stage("span" if windowed else "row", tuple(output), explained.arm, _counts(status, "used", "errored")),
        Stage("sinks", tuple(_named(explained, ("sinks",))), "outside", _counts(status, "emits", "rows_out")),
    ]
    return tuple(stage for stage in stages if stage.lines)


def _named(explained: Explained, names: Iterable[str]) -> list[tuple[str, str]]:
    wanted = set(names)
    return [step for step in explained.steps if step[0] in wanted]


_WORDS = {"rows_in": "rows in", "rows_out": "rows out"}
_LEAVES = ("late", "filtered", "waiting", "errored")


def _counts(status: RuleStatus | None, *names: str) -> tuple[Count, ...]:
    """What has passed, always; what has not, where there is any."""
    if status is None:
        return ()
    found = [Count(int(getattr(status, name)), _WORDS.get(name, name), name in _LEAVES) for name in names]
    return tuple(count for count in found if count.number or not count.leaves)
