"""The chart of a rule that has stopped: what the live view drew last, as a picture that needs no script and no page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import Any

from .tables import xml_text

Point = Sequence[float]
"""x and y."""

_WIDTH, _HEIGHT = 620, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 14, 10, 26
_LEGEND = 20
_TICKS_X, _TICKS_Y = 5, 4
_LONGEST = 40
_TONES = ("#0969da", "#d9730d", "#2f9e67", "#9b6dd6", "#d64545", "#0f8b8d", "#b8860b", "#c2549d")
_TIMES = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800, 2592000, 31536000,
)  # fmt: skip
_DAY = 86_400_000.0


@dataclass(frozen=True)
class Chart:
    """Named series of points [x, y], as lines or as bars (*kind*); with *time* x is ms since 1970, else any number.

    *left_out* counts the series that found no room.
    """

    kind: str
    series: tuple[tuple[str, tuple[Point, ...]], ...]
    time: bool
    left_out: int = 0

    @classmethod
    def of(cls, kind: str, frame: dict[str, Any]) -> Chart | None:
        """The chart of a frame of the live view; None where there is nothing to draw."""
        series = tuple((s["name"], tuple(s["points"])) for s in frame["series"] if s["points"])
        return cls(kind, series, bool(frame["time"]), int(frame["left_out"])) if series else None

    def __repr__(self) -> str:
        return "\n".join(f"chart of {told}" for told in self._told())

    def _told(self) -> list[str]:
        """Every series in words."""
        told = []
        for name, points in self.series:
            ys = [y for _, y in points]
            told.append(f"{name}: newest {_number(ys[-1])}, from {_number(min(ys))} to {_number(max(ys))}")
        return told

    def svg(self) -> str:
        """The picture. Its text has the colour of the page."""
        scale = _Scale.over(self)
        drawn = [*_axes(scale, self.time)]
        for place, (name, points) in enumerate(self.series):
            draw = _bars if self.kind == "bar" else _line
            drawn += draw(name, points, scale, place, len(self.series))
        legend, height = self._legend()
        label = xml_text("; ".join(self._told()))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
            f'aria-label="{label}" style="max-width:100%;height:auto;font-family:var(--jp-ui-font-family, system-ui, '
            f'sans-serif)" fill="currentColor" font-size="12">{"".join(drawn)}{legend}</svg>'
        )

    def _legend(self) -> tuple[str, int]:
        """The names of the series with their newest values; and where the picture ends."""
        drawn, x, y = [], float(_LEFT), _HEIGHT + 14
        entries = [
            (_TONES[place % len(_TONES)], name, _number(points[-1][1]))
            for place, (name, points) in enumerate(self.series)
        ]
        entries += [("", f"and {self.left_out} more", "")] if self.left_out else []
        for tone, name, newest in entries:
            name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
            width = 15 + 7.0 * (len(name) + len(newest) + 1) + 14
            if x + width > _WIDTH and x > _LEFT:
                x, y = float(_LEFT), y + _LEGEND
            swatch = f'<rect x="{x:g}" y="{y - 9}" width="10" height="10" rx="2" fill="{tone}"/>' if tone else ""
            value = f' <tspan font-weight="600">{newest}</tspan>' if newest else ""
            drawn.append(f'{swatch}<text x="{x + 15:g}" y="{y}">{xml_text(name)}{value}</text>')
            x += width
        return "".join(drawn), y + 10


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where values lie in the picture."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float
    pad: float
    slot: float

    @classmethod
    def over(cls, chart: Chart) -> _Scale:
        xs = [x for _, points in chart.series for x, _ in points]
        ys = [y for _, points in chart.series for _, y in points]
        bars = chart.kind == "bar"
        low_x, high_x = _apart(min(xs), max(xs), 500.0 if chart.time else 0.5)
        low_y, high_y = (min(*ys, 0), max(*ys, 0)) if bars else (min(ys), max(ys))
        low_y, high_y = _apart(low_y, high_y, abs(high_y) * 0.05 + 0.5)
        room = (high_y - low_y) * 0.06
        slot = (_WIDTH - _LEFT - _RIGHT) / max(len(set(xs)), 1)
        return cls(
            low_x, high_x, low_y if bars and low_y >= 0 else low_y - room, high_y + room,
            min(slot / 2, 40.0) if bars else 0.0, slot,
        )  # fmt: skip

    def x(self, value: float) -> float:
        wide = _WIDTH - _LEFT - _RIGHT - 2 * self.pad
        return round(_LEFT + self.pad + (value - self.low_x) / (self.high_x - self.low_x) * wide, 1)

    def y(self, value: float) -> float:
        high = _HEIGHT - _TOP - _BOTTOM
        return round(_HEIGHT - _BOTTOM - (value - self.low_y) / (self.high_y - self.low_y) * high, 1)


def _apart(low: float, high: float, room: float) -> tuple[float, float]:
    return (low, high) if low < high else (low - room, high + room)


def _axes(scale: _Scale, time: bool) -> Iterable[str]:
    for at in _steps(scale.low_y, scale.high_y, _TICKS_Y):
        y = scale.y(at)
        yield f'<path d="M{_LEFT} {y:g}H{_WIDTH - _RIGHT}" stroke="currentColor" stroke-opacity="0.15"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end" fill-opacity="0.68">{_number(at)}</text>'
    ticks = _times if time else _steps
    for at in ticks(scale.low_x, scale.high_x, _TICKS_X):
        text = _clock(at, scale.high_x - scale.low_x) if time else _number(at)
        x, y = scale.x(at), _HEIGHT - 6
        yield f'<text x="{x:g}" y="{y}" text-anchor="middle" fill-opacity="0.68">{text}</text>'


def _line(name: str, points: Sequence[Point], scale: _Scale, place: int, many: int) -> Iterable[str]:
    tone, placed = _TONES[place % len(_TONES)], [(scale.x(x), scale.y(y)) for x, y in sorted(points, key=itemgetter(0))]
    path = "L".join(f"{x:g} {y:g}" for x, y in _thinned(placed))
    yield (
        f'<path data-series="{xml_text(name)}" d="M{path}" fill="none" stroke="{tone}" stroke-width="1.6" '
        'stroke-linejoin="round"/>'
    )
    x, y = placed[-1]
    yield f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{tone}"/>'


def _thinned(placed: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without the points that lie on their neighbour, which nobody could see."""
    return [placed[0], *(b for a, b in pairwise(placed) if a != b)]


def _bars(name: str, points: Sequence[Point], scale: _Scale, place: int, many: int) -> Iterable[str]:
    tone = _TONES[place % len(_TONES)]
    wide = max(1.0, min(scale.slot * 0.8 / many, 48.0))
    bars = []
    for x, y in points:
        top, bottom = sorted((scale.y(y), scale.y(0)))
        left = scale.x(x) - wide * many / 2 + place * wide
        bars.append(f"M{left:.1f} {top:g}h{max(wide - 1, 1):.1f}V{max(bottom, top + 1):g}h-{max(wide - 1, 1):.1f}z")
    yield f'<path data-series="{xml_text(name)}" d="{"".join(bars)}" fill="{tone}"/>'


def _steps(low: float, high: float, most: int) -> list[float]:
    """Round numbers between *low* and *high*, about so many."""
    rough = (high - low) / most
    if not math.isfinite(rough) or rough <= 0:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)][:20]


def _times(low: float, high: float, most: int) -> list[float]:
    """Round moments between *low* and *high* (ms)."""
    rough = (high - low) / 1000 / most
    step = next((size for size in _TIMES if size >= rough), _TIMES[-1]) * 1000
    return [float(n * step) for n in range(math.ceil(low / step), math.floor(high / step) + 1)][:20]


def _clock(ms: float, span: float) -> str:
    """A moment by the clock on the wall, as the live view tells it."""
    try:
        at = datetime.fromtimestamp(ms / 1000)
    except (OverflowError, OSError, ValueError):
        return ""
    return f"{at:%m-%d %Hh}" if span > 2 * _DAY else f"{at:%H:%M}" if span > _DAY / 12 else f"{at:%H:%M:%S}"


def _number(value: float) -> str:
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-3:
        for least, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if least <= size < 1e13:
                return f"{value / least:.4g} {letter}"
        return f"{value:.2g}"
    return f"{value:.6g}"
