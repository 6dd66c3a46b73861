"""A verdict as text and as html: the rows in order, with marks where they are not as expected."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from .difference import Line
from .trial import Verdict

_MARK = {"same": " ", "missing": "-", "unexpected": "+"}
_WORD = {"same": "", "missing": "expected", "unexpected": "came"}
_COLOUR = {"same": "inherit", "missing": "#d33", "unexpected": "#292"}
_AROUND = 3
"""How many rows that are as expected are shown beside those that are not."""


class Report:
    """How a verdict looks in a notebook, and in a terminal."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def __repr__(self) -> str:
        found = self.verdict
        if found.passed:
            return found.headline
        return "\n".join([found.headline, *map(_text, _near(found)), *_notes(found)])

    def _repr_html_(self) -> str:
        found = self.verdict
        if found.passed:
            return f"<div>{escape(found.headline)}</div>"
        rows = "".join(_html(line) for line in _near(found))
        table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
        notes = "".join(f"<div>{escape(note)}</div>" for note in _notes(found))
        return f"<div>{escape(found.headline)}</div>{table}{notes}"


def _near(verdict: Verdict) -> list[Line | int]:
    """The lines worth showing; a number stands for so many rows that are as expected and left out."""
    wrong = [i for i, line in enumerate(verdict.lines) if line.kind != "same"]
    shown: list[Line | int] = []
    skipped = 0
    for i, line in enumerate(verdict.lines):
        if any(abs(i - at) <= _AROUND for at in wrong):
            shown += [skipped, line] if skipped else [line]
            skipped = 0
        else:
            skipped += 1
    return [*shown, skipped] if skipped else shown


def _notes(verdict: Verdict) -> list[str]:
    late = verdict.late
    notes = [f"{late:,} {'row' if late == 1 else 'rows'} came too late"] if late else []
    return [*verdict.errors, *notes, *([verdict.why] if verdict.why else [])]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _moment(line: Line) -> str:
    return "" if line.out.at is None else f"@{line.out.at}"


def _differing(line: Line) -> str:
    return ", ".join([*(["the time"] if line.moment else []), *line.columns])


def _text(line: Line | int) -> str:
    if isinstance(line, int):
        return f"    … {line:,} as expected"
    moment = f"{_moment(line)} " if line.out.at is not None else ""
    differing = f"    ({_differing(line)})" if line.kind == "unexpected" and _differing(line) else ""
    return f"  {_MARK[line.kind]} {moment}{_json(dict(line.out.row))}{differing}"


def _html(line: Line | int) -> str:
    if isinstance(line, int):
        return f'<tr><td></td><td></td><td style="text-align:left">… {line:,} as expected</td></tr>'
    cells = ", ".join(_cell(name, value, line) for name, value in line.out.row.items())
    moment = _marked(_moment(line), line.moment)
    style = f'style="text-align:left;color:{_COLOUR[line.kind]}"'
    return f"<tr><td {style}>{_WORD[line.kind]}</td><td {style}>{moment}</td><td {style}>{{{cells}}}</td></tr>"


def _cell(name: str, value: Any, line: Line) -> str:
    return _marked(f"{_json(name)}: {_json(value)}", name in line.columns)


def _marked(text: str, different: bool) -> str:
    return f"<b>{escape(text)}</b>" if different else escape(text)
