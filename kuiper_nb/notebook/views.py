"""How results, rules and the whole session look: lines of text and tables, in text and in plain html."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from .tables import html_table, html_text, shown, text_table

if TYPE_CHECKING:
    from ..catalog import Stream
    from ..engine.emits import Late, RowError
    from ..engine.rule import Rule
    from ..plugins.status import PluginStatus
    from ..session import Session
    from .chart import Chart

Rows = Sequence[Mapping[str, Any]]
Place = Callable[[str], str]
"""Turns `file:line` into words: `cell [3], line 2`."""

_NEWEST = 10
_MOST_ERRORS = 3


@dataclass(frozen=True)
class Beside:
    """A table with its chart to the right of it, or below it where there is no room."""

    rows: Rows
    chart: Chart


@dataclass(frozen=True)
class View:
    """Texts and tables, one under the other."""

    parts: tuple[str | Rows | Beside, ...]

    def __repr__(self) -> str:
        return "\n".join(text for part in self.parts if (text := _text(part)))

    def _repr_html_(self) -> str:
        return "\n".join(html for part in self.parts if (html := _html(part)))


def _text(part: str | Rows | Beside) -> str:
    if isinstance(part, Beside):
        return f"{text_table(part.rows)}\n{part.chart!r}"
    return part if isinstance(part, str) else text_table(part)


def _html(part: str | Rows | Beside) -> str:
    if isinstance(part, Beside):
        row = "display:flex;flex-wrap:wrap;gap:8px 24px;align-items:flex-start"
        sides = f"<div>{html_table(part.rows)}</div><div style='flex:1 1 300px'>{part.chart.svg()}</div>"
        return f'<div style="{row}">{sides}</div>'
    if not isinstance(part, str):
        return html_table(part)
    return html_text(part) if "\n" in part else f"<div>{escape(part)}</div>" if part else ""


def counted(number: int, word: str) -> str:
    """`1 row`, `12 rows`."""
    return f"{number:,} {word if number == 1 else word + 's'}"


def result_view(rows: Rows, errors: Sequence[RowError], late: Sequence[Late], reason: str, place: Place) -> View:
    """A preview: its rows, why there are no more, and what failed."""
    return View((rows, _ending(len(rows), reason), *_failures(errors, len(errors), place), _late(late, len(late))))


def _ending(rows: int, reason: str) -> str:
    found = counted(rows, "row") if rows else "no rows"
    if reason == "done":
        return f"{found}; the input has ended"
    if reason.endswith(("row", "rows")):
        return f"the first {counted(rows, 'row')}; --rows {10 * rows} shows more"
    if reason.endswith(" s"):
        return f"{found} in {reason}; --for 60s waits longer"
    return f"{found}; {reason}" if reason else found


def _failures(errors: Sequence[RowError], number: int, place: Place) -> list[str]:
    if not number:
        return []
    texts = [f"{counted(number, 'row')} failed:"]
    for error in errors[-_MOST_ERRORS:]:
        where = f" ({place(error.where)})" if error.where else ""
        row = "" if error.row is None else f"\n    row {row_text(error.row)}"
        texts.append(f"  {error.message}{where}{row}")
    if number > _MOST_ERRORS:
        texts[0] = f"{counted(number, 'row')} failed; the newest {_MOST_ERRORS}:"
    return ["\n".join(texts)]


def row_text(row: Any) -> str:
    """A row that failed, as JSON, on one line of at most 200 characters."""
    if isinstance(row, bytes):
        return shown(row.decode("utf-8", "backslashreplace"))
    try:
        text = json.dumps(row, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = repr(row)
    return text if len(text) <= 200 else text[:199] + "…"


def _late(late: Sequence[Late], number: int) -> str:
    if not number:
        return ""
    last = f"; the last by {late[-1].by:,} ms" if late else ""
    return f"{counted(number, 'row')} came too late{last}"


def rule_view(rule: Rule, place: Place, chart: Chart | None = None) -> View:
    """A rule: its state, its newest rows (with *chart* beside them), what failed."""
    status = rule.status
    total = sum(emit.size for emit in rule.emits)
    rows = newest(rule, _NEWEST)
    footer = f"the newest {len(rows)} of {counted(total, 'row')}; .df() has all" if total > len(rows) else ""
    table = rows if chart is None else Beside(rows, chart)
    return View(
        (headline(rule), table, footer, *_failures(rule.errors, status.errors, place), _late(rule.late, status.late))
    )


def headline(rule: Rule) -> str:
    """One line: which rule, what it does, what it has done."""
    status = rule.status
    counts = f"{counted(status.rows_in, 'row')} in, {status.rows_out:,} out"
    if status.state == "running":
        return f"Rule {rule.id} is running ({status.mode}): {counts}"
    if status.state == "starting" and status.message:
        return f"Rule {rule.id} waits: {status.message}"
    if status.state == "stopped by error":
        return f"Rule {rule.id} is stopped by an error: {status.message}"
    if status.message == "done":
        return f"Rule {rule.id} has read all its input: {counts}"
    if status.message.endswith("for the next start"):
        return f"Rule {rule.id} is {status.state}: {counts}; {status.message}"
    if status.message:
        return f"Rule {rule.id} has stopped after {status.message}: {counts}"
    return f"Rule {rule.id} is {status.state}: {counts}"


def newest(rule: Rule, most: int) -> list[dict[str, Any]]:
    """The newest rows a rule has sent, oldest first."""
    found: list[dict[str, Any]] = []
    for emit in reversed(list(rule.emits)):
        if len(found) >= most:
            break
        found = [*emit.rows[-(most - len(found)) :], *found]
    return found


def status_view(session: Session) -> View:
    """Everything there is: the rules as a table, the rest by name."""
    rows = [_status_row(rule) for rule in list(session.rules.values())]
    parts: list[str | Rows] = [_mode(session), rows if rows else "no rules; %%kuiper NAME with a SELECT makes one"]
    for kind, names in _definitions(session).items():
        if names:
            parts.append(f"{kind}: {', '.join(names)}")
    return View(tuple(parts))


def session_now(session: Session | None) -> View:
    """The same of a session that may be gone."""
    return status_view(session) if session is not None else View(("the session has been closed",))


def _mode(session: Session) -> str:
    if session.mode == "live":
        return "live: on the clock on the wall"
    at = datetime.fromtimestamp(session.clock.now() / 1000, UTC)
    return f"{session.mode}: on a clock of its own, which stands at {at:%Y-%m-%d %H:%M:%S} UTC"


def _status_row(rule: Rule) -> dict[str, Any]:
    status = rule.status
    return {
        "rule": rule.id,
        "state": status.state + (f" ({status.message})" if status.message else ""),
        "reads": rule.plan.stream.name,
        "in": status.rows_in,
        "out": status.rows_out,
        "late": status.late,
        "errors": status.errors,
        "generation": status.generation,
        "functions": ", ".join(f"{name} ({number})" for name, number in sorted(status.generations.items())),
    }


def _definitions(session: Session) -> dict[str, list[str]]:
    return {
        "streams": sorted(session.streams),
        "tables": sorted(session.tables),
        "functions": [
            f"{name} (generation {session.functions.generation(name)})" for name in sorted(session.functions)
        ],
        "sources": [f"{name} (generation {session.sources.generation(name)})" for name in sorted(session.sources)],
        "sinks": [f"{name} (generation {session.sinks.generation(name)})" for name in sorted(session.sinks)],
        "plugins": [_plugin(plugin.status) for plugin in list(session.plugins.values())],
        "services": [f"{s.name} ({s.status.status}, generation {s.generation})" for s in session.services.values()],
    }


def _plugin(status: PluginStatus) -> str:
    state = "quarantined" if status.quarantined else status.status
    return f"{status.name} ({state}, generation {status.generation})"


def streams_view(streams: Mapping[str, Stream], kind: str) -> View:
    """Streams or tables, one a line."""
    rows = [
        {
            kind: name,
            "type": stream.type,
            "format": stream.format,
            "from": stream.datasource,
            "columns": ", ".join(f"{f.name} {f.type}" for f in stream.fields) or "any",
        }
        for name, stream in sorted(streams.items())
    ]
    return View((rows if rows else f"no {kind}s",))
