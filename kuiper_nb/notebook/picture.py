"""`%kuiper explain` as a picture: the steps of a rule as boxes, one below the other, with what has passed each.

One drawing without scripts, ids or anything from elsewhere: the same plan and counts give the same bytes. In a page it
takes the page's colours; alone, as image/svg+xml, it stands on white.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from .stages import By, Count, Stage, staged
from .tables import printable, xml_text

if TYPE_CHECKING:
    from ..engine.explain import Explained
    from ..engine.rule import Rule
    from ..engine.status import RuleStatus

_WIDTH = 760
_BOX = 560
_PAD = 14
_LINE = 17
_GAP = 26
_LABEL = 76
_CHARACTERS = 62
_MOST_LINES = 5
_COLOURS: dict[By, str] = {
    "outside": "var(--kuiper-outside, #8a94a6)",
    "integers": "var(--kuiper-window, #9b6dd6)",
    "duckdb": "var(--kuiper-duckdb, #d99a00)",
    "exact": "var(--kuiper-evaluator, #3b82d6)",
    "python": "var(--kuiper-python, #2f9e67)",
}
_ARMS: dict[By, str] = {
    "outside": "", "integers": "integers only", "duckdb": "DuckDB", "exact": "evaluator", "python": "your functions",
}  # fmt: skip
_FATES = {
    "used": "var(--kuiper-used, #2f9e67)",
    "filtered": "var(--kuiper-filtered, #8a94a6)",
    "late": "var(--kuiper-late, #e07b39)",
    "errored": "var(--kuiper-errored, #d64545)",
    "waiting": "var(--kuiper-window, #9b6dd6)",
}
_SANS = "var(--jp-ui-font-family, system-ui, sans-serif)"
_MONO = "var(--jp-code-font-family, ui-monospace, 'DejaVu Sans Mono', monospace)"


class Picture:
    """What `%kuiper explain` shows: a picture where there are pictures, the text of `Rule.explain` elsewhere.

    *status* brings the counts; None leaves them out.
    """

    def __init__(self, explained: Explained, status: RuleStatus | None = None) -> None:
        self._explained = explained
        self._status = status

    def __repr__(self) -> str:
        return str(self._explained)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Mapping[str, str]:
        return {"text/plain": repr(self), "text/html": self.html(), "image/svg+xml": self.svg(alone=True)}

    def html(self) -> str:
        """The picture, and DuckDB's SQL folded away below it."""
        sql = "\n\n".join(self._explained.sql)
        head = '<details style="margin-top:8px"><summary style="cursor:pointer">The SQL that DuckDB runs</summary>'
        folded = f"{head}<pre>{escape(sql)}</pre></details>"
        return f'<div style="max-width:{_WIDTH}px">{self.svg()}{folded if sql else ""}</div>'

    def svg(self, *, alone: bool = False) -> str:
        """The picture itself; *alone* it brings its own ground and colour of text."""
        stages = staged(self._explained, self._status)
        drawn, top = [], 1.0
        for number, stage in enumerate(stages):
            drawn.append(_box(stage, top))
            top += _height(stage)
            if number < len(stages) - 1:
                drawn.append(_arrow(top))
                top += _GAP
        foot, height = self._foot(top + 22)
        ground = f'<rect width="{_WIDTH + 24}" height="{height + 24:g}" rx="8" fill="#ffffff"/>' if alone else ""
        edge = 12 if alone else 0
        colour = "#1f2328" if alone else "inherit"
        inner = f'<g transform="translate({edge},{edge})">{"".join(drawn)}{foot}</g>'
        size = (_WIDTH + 2 * edge, height + 2 * edge)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]:g}" width="{size[0]}" '
            f'role="img" style="max-width:100%;height:auto;color:{colour};font-family:{_SANS}" fill="currentColor">'
            f"<title>{xml_text(self._title(stages))}</title>{ground}{inner}</svg>"
        )

    def _title(self, stages: tuple[Stage, ...]) -> str:
        """What somebody hears who cannot see it."""
        parts = []
        for stage in stages:
            counts = ", ".join(f"{count.number:,} {count.word}" for count in stage.counts)
            parts.append(f"{stage.name} ({counts})" if counts else stage.name)
        return " → ".join(parts)

    def _foot(self, top: float) -> tuple[str, float]:
        """Why this arm, what became of the rows; and where the picture ends."""
        arm = "DuckDB" if self._explained.arm == "duckdb" else "The evaluator, row by row"
        drawn, y = [], top
        for number, line in enumerate(textwrap.wrap(f"{arm}: {self._explained.reason}", 104) or [arm]):
            dot = f'<circle cx="6" cy="{y - 4:g}" r="5" style="fill:{_COLOURS[self._explained.arm]}"/>'
            drawn.append(("" if number else dot) + _text(18, y, line, size=12, faint=True))
            y += _LINE
        if self._status is None or not self._status.rows_in:
            return "".join(drawn), y - 8
        if self._status.arms:
            drawn.append(_text(18, y, f"So far: {_taken(self._status.arms)}.", size=12, faint=True))
            y += _LINE
        bar, y = _bar(self._status, y + 6)
        return "".join(drawn) + bar, y


def picture(rule: Rule) -> Picture:
    """The picture of a rule, with its counts once it has been started."""
    status = rule.status
    return Picture(rule.explain(), None if status.started is None else status)


def _taken(arms: Mapping[str, int]) -> str:
    """How many rows each arm has computed."""
    words = {"duckdb": "DuckDB", "exact": "the evaluator"}
    return ", ".join(f"{number:,} rows by {words.get(arm, arm)}" for arm, number in sorted(arms.items()) if number)


def _height(stage: Stage) -> float:
    return 2 * _PAD + max(sum(len(lines) for _, lines in _laid_out(stage)), 1) * _LINE - 4


def _laid_out(stage: Stage) -> list[tuple[str, list[str]]]:
    """The labels and lines of a box, beside whose name the first stands, if it has no label."""
    texts = [("" if label in (stage.name, "call") else label, text) for label, text in stage.lines]
    room = _CHARACTERS - (len(_ARMS[stage.by]) if texts and not texts[0][0] else 0)
    found = [(label, _wrapped(text, _CHARACTERS if label else room)) for label, text in texts]
    return found if not texts[0][0] else [("", [""]), *found]


def _box(stage: Stage, top: float) -> str:
    height = _height(stage)
    colour = _COLOURS[stage.by]
    parts = [
        f'<rect x="1" y="{top:g}" width="{_BOX}" height="{height:g}" rx="8" fill="currentColor" fill-opacity="0.04" '
        'stroke="currentColor" stroke-opacity="0.22"/>',
        f'<rect x="1" y="{top + 8:g}" width="4" height="{height - 16:g}" rx="2" style="fill:{colour}"/>',
        _text(18, top + _PAD + 10, stage.name, size=14, bold=True),
    ]
    if _ARMS[stage.by]:
        parts.append(_text(_BOX - 14, top + _PAD + 9, _ARMS[stage.by], size=11, colour=colour, end=True, bold=True))
    y = top + _PAD + 10
    for label, lines in _laid_out(stage):
        if label:
            parts.append(_text(18, y, label, size=12, faint=True))
        for line in lines:
            if line:
                parts.append(_text(18 + _LABEL, y, line, size=12, mono=True))
            y += _LINE
    parts += _exits(stage.counts, top, height)
    return "".join(parts)


def _exits(counts: tuple[Count, ...], top: float, height: float) -> list[str]:
    """The counts at the right of a box; a line leads to what leaves the way there."""
    first = top + height / 2 - (len(counts) - 1) * 11
    drawn = []
    for number, count in enumerate(counts):
        y, colour = first + number * 22, _FATES[count.word] if count.leaves else ""
        if count.leaves:
            drawn.append(
                f'<path d="M{_BOX + 1} {y:g}h18" style="stroke:{colour}" stroke-width="1.5" stroke-dasharray="3 3" '
                'fill="none"/>'
            )
        strong = _text(_BOX + 26, y + 4, f"{count.number:,}", size=13, colour=colour, bold=True)
        place = _BOX + 32 + 8 * len(f"{count.number:,}")
        drawn.append(strong + _text(place, y + 4, count.word, size=12, colour=colour))
    return drawn


def _arrow(top: float) -> str:
    x, bottom = 34, top + _GAP
    return (
        f'<path d="M{x} {top + 2:g}V{bottom - 8:g}" stroke="currentColor" stroke-opacity="0.45" stroke-width="1.5"/>'
        f'<path d="M{x - 4.5} {bottom - 9:g}h9l-4.5 7z" fill="currentColor" fill-opacity="0.45"/>'
    )


def _bar(status: RuleStatus, top: float) -> tuple[str, float]:
    """All rows that came in, by what became of them; and where it ends."""
    parts = [(word, int(getattr(status, word)), colour) for word, colour in _FATES.items()]
    total = max(sum(number for _, number, _ in parts), 1)
    drawn, x, label = [], 1.0, 1.0
    for word, number, colour in parts:
        if number:
            width = max(round(_BOX * number / total, 1), 2.0)
            drawn.append(f'<rect x="{x:g}" y="{top:g}" width="{width:g}" height="8" style="fill:{colour}"/>')
            x = round(x + width, 1)
            text = f"{number:,} {word}"
            drawn.append(f'<rect x="{label:g}" y="{top + 17:g}" width="9" height="9" rx="2" style="fill:{colour}"/>')
            drawn.append(_text(label + 14, top + 26, text, size=12))
            label += 14 + 7.2 * len(text) + 16
    return "".join(drawn), top + 34


def _text(
    x: float, y: float, text: str, *, size: int, bold: bool = False, faint: bool = False, mono: bool = False,
    end: bool = False, colour: str = "",
) -> str:  # fmt: skip
    style = (f"fill:{colour};" if colour else "") + (f"font-family:{_MONO};" if mono else "")
    marks = [f'style="{style}"'] if style else []
    marks += ['font-weight="600"'] if bold else []
    marks += ['fill-opacity="0.68"'] if faint else []
    marks += ['text-anchor="end"'] if end else []
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{"".join(f" {m}" for m in marks)}>{xml_text(text)}</text>'


def _wrapped(text: str, characters: int) -> list[str]:
    """*text* in lines that fit into a box; of a long one the first few."""
    lines = textwrap.wrap(printable(text), characters, break_on_hyphens=False) or [""]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][: characters - 2] + " …"]
    return lines
