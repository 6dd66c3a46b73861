"""A rule as one frame of its result view: figures, a table, a chart, what failed; all of it text and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..engine.rule import Rule
from .choices import SIZE, Choices
from .feed import Frame
from .tables import shown
from .tail import Sent, Tail, kept, page
from .views import Place, headline, row_text

MOST_COLUMNS = 60
MOST_SERIES = 8
_MOST_POINTS = 1200
_MOST_KEYS = 200
_NEWEST_FAILURES = 50
_LONGEST = 300
_MOST_LINES = 200


class RuleFrames:
    """The frames of one rule for one view; what is frozen stays as it was."""

    def __init__(self, rule: Rule, place: Place) -> None:
        self.rule = rule
        self._place = place
        self._keys = natural_keys(rule)
        self._tail = Tail(rule, self._keys)
        self._frozen: tuple[Choices, float, Frame] | None = None

    def frame(self, choices: Choices, share: float = 1.0, note: str = "") -> Frame:
        """What the view shows now, with *share* (0 to 1) of the rows. *note* says what became of the rule, if anything
        did."""
        return {
            "head": head(self.rule, note),
            "choices": choices.told(),
            **self._data(choices, share),
            "panel": panel(self.rule, choices.panel, share, self._place),
        }

    def choose(self, before: Choices, after: Choices) -> Choices:
        """Take over what was chosen; freezing holds on to the page that is shown."""
        if after.keys != before.keys:
            self._tail.keyed_by(after.keys or self._keys)
        if after.chart and not after.columns:
            self._tail.read()
            after = after.with_those({"columns": self._worth_drawing()[:1]})
        self._frozen = None if not after.frozen else self._frozen
        return after

    def drawn(self, choices: Choices) -> Frame:
        """The chosen columns as series of points, with the newest rows."""
        self._tail.read()
        return chart(self._tail.rows, choices, 1.0)

    def _data(self, choices: Choices, share: float) -> Frame:
        """The table and the chart; while frozen those of before, unless something else was chosen."""
        key = choices.with_those({"panel": ""})
        if self._frozen is not None and self._frozen[:2] == (key, share):
            return self._frozen[2]
        if self._frozen is None or not choices.frozen:
            self._tail.read()
        numeric = self._numeric()
        data = {
            "table": self._table(choices, share),
            "columns": {"all": list(self._tail.columns)[:MOST_COLUMNS], "numeric": numeric},
            "chart": chart(self._tail.rows, choices, share) if choices.chart else None,
        }
        self._frozen = (key, share, data) if choices.frozen else None
        return data

    def _numeric(self) -> list[str]:
        newest = list(self._tail.rows)[-200:]
        return [
            n for n in list(self._tail.columns)[:MOST_COLUMNS] if any(number(s.row.get(n)) is not None for s in newest)
        ]

    def _worth_drawing(self) -> list[str]:
        """Those with numbers, the moments last."""
        newest = self._tail.rows[-1].row if self._tail.rows else {}
        return sorted(self._numeric(), key=lambda name: _is_moment(number(newest.get(name))))

    def _table(self, choices: Choices, share: float) -> Frame:
        oldest, end = kept(self.rule)
        size = max(1, round(SIZE * share))
        if choices.mode == "append":
            first = max(oldest, end - size) if choices.first is None else min(max(choices.first, oldest), end)
            rows = page(self.rule, first, first + size)[::-1]
            keys = [str(first + place) for place in reversed(range(len(rows)))]
            return {**cells(rows, self._tail.columns), "keys": keys, "first": first, "oldest": oldest, "end": end}
        newest = list(self._tail.rows)[-1:]
        if choices.mode == "update" and self._tail.by_key:
            newest = list(self._tail.by_key.values())
        most = max(1, round(_MOST_KEYS * share)) if choices.mode == "update" else 1
        rows = [sent.row for sent in newest[-most:]]
        by = choices.keys or self._keys
        names = ["\x1f".join(shown(row.get(name)) for name in by) if by else "" for row in rows]
        return {**cells(rows, self._tail.columns), "keys": names, "first": 0, "oldest": 0, "end": len(newest)}


def natural_keys(rule: Rule) -> tuple[str, ...]:
    """The output columns that a rule groups by."""
    return tuple(f.name for f in rule.plan.fields if any(f.node == node for node in rule.plan.group))


def head(rule: Rule, note: str) -> Frame:
    """The figures of a rule."""
    status, quantiles = rule.status, rule.pace.quantiles()
    last = rule.emits.newest(1)
    return {
        "id": rule.id,
        "state": status.state,
        "headline": headline(rule)[:_LONGEST],
        "note": note,
        "rows_in": status.rows_in,
        "rows_out": status.rows_out,
        "late": status.late,
        "errors": status.errors,
        "generation": status.generation,
        "started": status.started,
        "sent": last[-1].at if last else None,
        "took": None if quantiles is None else [round(ms, 2) for ms in quantiles],
        "keys": list(natural_keys(rule)),
        "logs": callable(getattr(rule, "logs", None)),
    }


def cells(rows: Sequence[Mapping[str, Any]], known: Iterable[str]) -> Frame:
    """Rows as texts in columns; the columns stay in the order in which they first came."""
    there = {name for row in rows for name in row}
    names = [name for name in dict.fromkeys([*known, *(n for row in rows for n in row)]) if name in there]
    names, more = names[:MOST_COLUMNS], max(len(names) - MOST_COLUMNS, 0)
    return {
        "names": names,
        "more": more,
        "right": [any(_is_number(row.get(name)) for row in rows) for name in names],
        "rows": [[shown(row[name]) if name in row else None for name in names] for row in rows],
    }


def chart(rows: Iterable[Sent], choices: Choices, share: float) -> Frame:
    """The chosen columns as series of points [x, y]; x in ms, or what the chosen column holds."""
    series: dict[str, list[list[float]]] = {}
    left_out: set[str] = set()
    for sent in rows:
        x = number(sent.row.get(choices.x)) if choices.x else float(sent.at)
        if x is None:
            continue
        group = shown(sent.row.get(choices.by)) if choices.by else ""
        for column in choices.columns:
            y = number(sent.row.get(column))
            if y is None:
                continue
            name = column if not group else f"{group} · {column}" if len(choices.columns) > 1 else group
            if name not in series and len(series) >= MOST_SERIES:
                left_out.add(name)
                continue
            series.setdefault(name, []).append([x, float(f"{y:.6g}")])
    most = max(2, round(_MOST_POINTS * share / max(len(series), 1)))
    return {
        "time": not choices.x or _looks_like_time(series),
        "series": [{"name": name, "points": points[-most:]} for name, points in sorted(series.items())],
        "left_out": len(left_out),
    }


def number(value: Any) -> float | None:
    """A value as a point of a chart: a finite number, true and false as 1 and 0, a moment as ms; else None."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000
    if isinstance(value, (int, float)):
        try:
            as_float = float(value)
        except OverflowError:
            return None
        return as_float if math.isfinite(as_float) else None
    return None


def _looks_like_time(series: Mapping[str, Sequence[Sequence[float]]]) -> bool:
    """Whether every x is a moment between 2001 and 2100 in ms."""
    xs = [point[0] for points in series.values() for point in points]
    return bool(xs) and all(_is_moment(x) for x in xs)


def _is_moment(value: float | None) -> bool:
    return value is not None and 1e12 <= value <= 4.1e12


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def panel(rule: Rule, which: str, share: float, place: Place) -> Frame | None:
    """The table that is open below: the newest first."""
    most = max(1, round(_NEWEST_FAILURES * share))
    match which:
        case "errors":
            rows = [
                {
                    "at": _clock(error.at),
                    "message": error.message[:_LONGEST],
                    "where": place(error.where) if error.where else "",
                    "row": "" if error.row is None else row_text(error.row),
                }
                for error in reversed(rule.errors.newest(most))
            ]
        case "late":
            rows = [
                {"at": _clock(late.at), "late by": f"{late.by:,} ms", "row": row_text(late.row)}
                for late in reversed(rule.late.newest(most))
            ]
        case "logs":
            return {"kind": which, "lines": log_lines(rule, max(1, round(_MOST_LINES * share)))}
        case _:
            return None
    names = list(rows[0]) if rows else []
    return {"kind": which, "names": names, "rows": [[row[name] for name in names] for row in rows]}


def log_lines(rule: Rule, most: int) -> list[str]:
    """The newest lines of a rule's log, newest last."""
    logs = getattr(rule, "logs", None)
    lines = [str(line) for line in logs()] if callable(logs) else []
    return [line[:_LONGEST] for line in lines[-most:]]


def _clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S}.{at % 1000:03d}"
