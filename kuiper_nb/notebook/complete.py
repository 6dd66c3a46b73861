"""Completion in `%%kuiper` cells and on `%kuiper` lines, by IPython's own matchers; elsewhere it says nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

    from .candidates import Candidate

IDENTIFIER = "kuiper_nb.complete"
_PRIORITY = 1000
_WIDEST = 80
_CELL = re.compile(r"\s*%%kuiper(?:[ \t]|\n|\Z)")
_LINE = re.compile(r"\s*(?:[\w.\[\], \"']+=\s*)?%kuiper(?:[ \t]|\Z)")


@context_matcher(identifier=IDENTIFIER, priority=_PRIORITY)  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """What completes the cell at the cursor. Never raises: nobody wants a traceback for a tabulator."""
    try:
        found = completed(context.full_text, context.cursor_line, context.cursor_position)
    except Exception:
        found = None
    if found is None:
        return {"completions": []}
    typed, candidates = found
    completions = [SimpleCompletion(candidate.text, type=_told(candidate.about)) for candidate in candidates]
    return {"completions": completions, "matched_fragment": typed, "suppress": True, "ordered": True}


def _told(about: str) -> str:
    """What is said beside a completion, as its type: the only text that IPython carries to the front end.

    JupyterLab breaks a line at every blank it may.
    """
    told = "\u00a0".join(about.split())
    return told if len(told) <= _WIDEST else told[: _WIDEST - 1] + "…"


def completed(text: str, line: int, column: int) -> tuple[str, list[Candidate]] | None:
    """What completes *text* at *line*, *column* (both from 0), and what is replaced; None where it is none of ours."""
    lines = text.split("\n")
    before = lines[line][:column]
    cell = _CELL.match(text)
    if cell is None:
        called = _LINE.match(before)
        return None if called is None else _of_line(before[called.end() :], lines[line][called.end() :])
    first = text[: cell.end()].rstrip().count("\n")
    if line < first:
        return None
    if line == first:
        rest = before.partition("%%kuiper")[2]
        return _of_first_line(rest) if rest[:1].isspace() else None
    body = "\n".join(lines[first + 1 :])
    offset = sum(len(each) + 1 for each in lines[first + 1 : line]) + column
    return _of_statement(body, offset)


def is_statement(text: str, offset: int) -> bool:
    """Whether at *offset* of the cell *text* stands a statement of ours, not Python."""
    line = text[:offset].rpartition("\n")[2]
    cell = _CELL.match(text)
    return (cell is not None and offset >= cell.end()) or _LINE.match(line) is not None


def _of_first_line(line: str) -> tuple[str, list[Candidate]] | None:
    from .known import Known
    from .linewords import of_first_line

    return of_first_line(line, Known.now())


def _of_line(before: str, line: str) -> tuple[str, list[Candidate]] | None:
    from .known import Known
    from .linewords import of_line
    from .verbs import is_sql

    statement = line.removeprefix("explain ")
    if before and is_sql(statement):
        return _of_statement(statement, len(before) - (len(line) - len(statement)))
    return of_line(before, Known.now())


def _of_statement(text: str, offset: int) -> tuple[str, list[Candidate]] | None:
    from .candidates import of_statement
    from .known import Known

    return of_statement(text, offset, Known.now())


def register(shell: Any) -> None:
    """Let the shell ask for completions here, too."""
    unregister(shell)
    shell.Completer.custom_matchers.append(matcher)


def unregister(shell: Any) -> None:
    """Take them away again, also those of an earlier import of this module."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", None) != IDENTIFIER]
