"""Figures as JSON lines and as a table: rows a second, ratios, goals."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, replace
from typing import Any

from .measure import CASES, Measured
from .plugins import Calls, Rules
from .services import Asked
from .starts import Started

LOOP_GOALS = {"W1": 1.5, "W2": 1.2, "W4row": 0.9, "W4vec": 0.9}
PLAIN_GOALS = {"W2": 0.45}
BATCH_GOAL = 2.5  # times a bare EXECUTE, for a batch of one row
MEMORY_GOAL = 64  # MB that ten times the rows may take more
EMITS_GOALS = {"idle": 2.0, "busy": 5.0}  # ms, p99, at 1,000 events a second
ANSWER_GOAL = 100.0  # ms, the longest
COMPLETION_GOAL = 50.0  # ms, the longest

PLUGIN_GOALS = {("plus", 100): 100.0, ("plus", 1_000): 400.0, ("plus_all", 10_000): 4_000.0}  # times eKuiper's wire
READY_GOAL = 150.0  # ms, p50
APART_GOAL = 0.5  # of a rule whose function is native


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. Ratios are how many times as fast we are; *met* is None where there is no goal."""

    case: str
    ours: str
    plain: float | None
    loop: float | None
    memory: str
    goal: str
    met: bool | None
    record: dict[str, Any]

    def text(self) -> str:
        """For people."""
        ratios = [f"{ratio:7.2f}x" if ratio is not None else " " * 8 for ratio in (self.plain, self.loop)]
        verdict = "" if self.met is None else "met" if self.met else "MISSED"
        return f"{self.case:<40}{self.ours:>16} {' '.join(ratios)}  {self.memory:<16}{self.goal:<40}{verdict}"

    def json(self) -> str:
        """For programs."""
        return json.dumps({"case": self.case, "goal": self.goal, "met": self.met, **self.record})


HEAD = f"{'case':<40}{'ours':>16} {'x plain':>8} {'x loop':>8}  {'peak MB (1/10)':<16}{'goal'}"


def streamed(m: Measured, by: str) -> Line:
    """A case over a file; ratios of seconds by the clock (*by* "wall") or of CPU seconds ("cpu")."""
    spent = m.cpu if by == "cpu" else m.seconds
    plain, loop = spent["plain"] / spent["ours"], spent["byhand"] / spent["ours"]
    grown = m.peak_mb["ours"] - (m.peak_shorter_mb or 0)
    goals = [(f">= {g} of loop", loop >= g) for g in _goals(LOOP_GOALS, m.case)]
    goals += [(f">= {g} of plain", plain >= g) for g in _goals(PLAIN_GOALS, m.case)]
    goals.append(("flat memory", grown <= MEMORY_GOAL))
    record = {
        "rows": m.rows,
        "rows_per_s": round(m.rows / spent["ours"]),
        "plain_ratio": round(plain, 3),
        "loop_ratio": round(loop, 3),
        "by": by,
        "seconds": _rounded(m.seconds),
        "cpu": _rounded(m.cpu),
        "peak_mb": m.peak_mb,
        "peak_mb_of_a_tenth": m.peak_shorter_mb,
    }
    return Line(
        f"{m.case} {CASES[m.case]}",
        f"{m.rows / spent['ours'] / 1e6:.2f} M rows/s",
        plain,
        loop,
        f"{m.peak_mb['ours']} ({m.peak_shorter_mb})",
        ", ".join(text for text, _ in goals),
        all(met for _, met in goals),
        record,
    )


def started(m: Measured) -> Line:
    """A fresh process to its first row."""
    plain, loop = m.seconds["plain"] / m.seconds["ours"], m.seconds["byhand"] / m.seconds["ours"]
    record = {"seconds": _rounded(m.seconds), "plain_ratio": round(plain, 3), "loop_ratio": round(loop, 3)}
    return Line("W5 fresh process to first row", f"{m.seconds['ours']:.2f} s", plain, loop, "", "", None, record)


def pushed(found: dict[str, Any]) -> list[Line]:
    """A micro-batch, pushed as Arrow and as dicts."""
    lines = []
    for way in ("arrow", "dicts"):
        times = found[f"{way}_us"] / found["bare_us"]
        goal = f"<= {BATCH_GOAL} bare EXECUTE" if found["rows"] == 1 else ""
        record = {
            "us": round(found[f"{way}_us"], 1),
            "bare_us": round(found["bare_us"], 1),
            "times_bare": round(times, 2),
        }
        met = times <= BATCH_GOAL if goal else None
        lines.append(
            Line(f"{found['case']} {way}", f"{found[f'{way}_us']:.0f} us", 1 / times, None, "", goal, met, record)
        )
    return lines


def mixed(found: dict[str, Any]) -> Line:
    """Dicts, some of them dirty."""
    plain, loop = found["plain"] / found["ours"], found["byhand"] / found["ours"]
    record = {
        "rows_per_s": round(found["rows"] / found["ours"]),
        "plain_ratio": round(plain, 3),
        "loop_ratio": round(loop, 3),
    }
    speed = f"{found['rows'] / found['ours'] / 1e6:.2f} M rows/s"
    return Line(found["case"], speed, plain, loop, "", "", None, record)


def emitted(found: dict[str, Any]) -> Line:
    """From a push to the row; the ratio is that of the p99 of a loop by hand."""
    goal = EMITS_GOALS[found["state"]]
    return _delayed(f"event to emits, {found['state']} kernel", found["ours"], "p99", goal, found["by_hand"])


def answered(found: dict[str, float]) -> Line:
    """A cell that does nothing beside a rule that has much to do."""
    return _delayed("no-op cell at 100,000 rows/s", found, "max", ANSWER_GOAL)


def completed(found: dict[str, float]) -> Line:
    """The first completion."""
    return _delayed("first completion in a kernel", found, "max", COMPLETION_GOAL)


def seen(found: dict[str, float]) -> Line:
    """From a push to the row in a browser, which is told at most four times a second."""
    return _delayed("event to visible row", found, "p99")


def _delayed(
    case: str, ms: dict[str, float], which: str, goal: float | None = None, loop: dict[str, float] | None = None
) -> Line:
    record: dict[str, Any] = {f"{name}_ms": round(value, 3) for name, value in ms.items()}
    if loop is not None:
        record["loop_ms"] = {name: round(value, 3) for name, value in loop.items()}
    text = "" if goal is None else f"{which} < {goal:g} ms"
    met = None if goal is None else ms[which] < goal
    ratio = None if loop is None else loop[which] / ms[which]
    figures = f"{ms['p50']:.2f}/{ms[which]:.2f} ms"
    return Line(f"{case} (p50/{which})", figures, None, ratio, "", text, met, record)


def _goals(goals: dict[str, float], case: str) -> list[float]:
    return [goals[case]] if case in goals else []


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {way: round(value, 4) for way, value in values.items()}


def asked(c: Calls) -> Line:
    """A function in a plugin, by our wire and by eKuiper's."""
    ratio, goal = c.ours / c.theirs, PLUGIN_GOALS[c.function, c.rows]
    how = "vectorised" if c.function.endswith("_all") else "a row"
    record = {"rows_per_s": round(c.ours), "ekuiper_rows_per_s": round(c.theirs), "ratio": round(ratio, 1)}
    return Line(
        f"plugin, {how}, batches of {c.rows:,}",
        f"{c.ours / 1e6:.2f} M rows/s",
        None,
        None,
        f"{ratio:,.0f}x eKuiper's",
        f">= {goal:,.0f} of eKuiper's wire",
        ratio >= goal,
        record,
    )


def begun(s: Started) -> Line:
    """A plugin's process, until it is ready."""
    ms = {"p50": statistics.median(s.ms), "max": s.ms[-1]}
    line = _delayed(f"plugin in {s.language}, start to ready", ms, "max")
    record = {**line.record, "bare_ms": round(s.bare, 1), "with_zmq_ms": round(s.with_zmq, 1)}
    beside = f"Python {s.bare:.0f}, zmq {s.with_zmq:.0f} ms"
    goal, met = f"p50 <= {READY_GOAL:g} ms", ms["p50"] <= READY_GOAL
    return replace(line, memory=beside, goal=goal, met=met, record=record)


def served(a: Asked) -> Line:
    """A rule that asks a service, beside a loop that asks row by row."""
    ratio = a.ours / a.loop
    met = ratio >= a.least_ratio or 0 < a.least <= a.ours
    goal = (f">= {a.least:,.0f} rows/s, or " if a.least else "") + f">= {a.least_ratio:g} of loop"
    record = {"rows": a.rows, "different": a.different, "rows_per_s": round(a.ours), "loop_rows_per_s": round(a.loop)}
    ours = f"{a.ours:,.0f} rows/s"
    return Line(f"service, {a.case}", ours, None, ratio, "", goal, met, {**record, "ratio": round(ratio, 2)})


def apart(r: Rules) -> Line:
    """A whole rule with its function in a plugin, beside the same with a native one."""
    ratio = r.native / r.portable
    record = {
        "rows": r.rows,
        "native_s": round(r.native, 4),
        "portable_s": round(r.portable, 4),
        "ratio": round(ratio, 3),
    }
    return Line(
        "rule, function a row, in a plugin",
        f"{r.rows / r.portable / 1e6:.2f} M rows/s",
        None,
        None,
        f"{ratio:.2f} of native",
        f">= {APART_GOAL} of native",
        ratio >= APART_GOAL,
        record,
    )
