"""`%%kuiper test`: a cell that says which rows go in and which must come out; `%kuiper test` lists and writes them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from ..errors import KuiperError, PlanError
from ..session import Session
from ..sql.parser import parse_rule
from ..sql.syntax import Select
from ..testing.export import Kept, written
from ..testing.notation import USAGE, script
from ..testing.report import Report
from ..testing.trial import run
from .firstline import FirstLine, FirstLineError
from .views import View, counted

_run: WeakKeyDictionary[Session, dict[str, Kept]] = WeakKeyDictionary()
"""The tests of each session, by name, as they were run last."""


class TestFailed(KuiperError):
    """A test did not come out as expected; *report* shows the difference."""

    __test__ = False  # no test itself, whatever pytest may think of its name

    def __init__(self, report: Report) -> None:
        super().__init__(report.verdict.headline)
        self.report = report


def tested(session: Session, first: FirstLine, text: str, bind: Callable[[str], Any]) -> Report:
    """Run the test in a cell and keep it. Raises TestFailed, or KuiperError when it cannot be run."""
    if not text.strip():
        raise FirstLineError("the test is empty", USAGE)
    if first.sinks or first.rows or first.seconds or first.speed is not None or first.stopped or first.mode:
        message = "a test has a clock of its own and sends nothing anywhere"
        raise FirstLineError(message, "of the options --event-time, --late, --option and -o fit a test")
    values: dict[str, Any] = {}

    def remembered(expression: str) -> Any:
        values[expression] = bind(expression)
        return values[expression]

    read, tests = script(text), _run.setdefault(session, {})
    select, options, parameters = _query(session, read.query, remembered)
    same = (name for name, kept in tests.items() if kept.text == text)
    name = first.name or next(same, f"{len(tests) + 1}")
    options, parameters = {**options, **first.options}, {**parameters, **first.parameters}
    verdict = run(session, name, read, select, options=options, parameters=parameters)
    body = text if read.query not in session.rules else text.replace(read.query, select.text.strip(), 1)
    streams = (*dict.fromkeys((select.stream, *read.streams)),)
    tests[name] = Kept(name, text, body, streams, verdict.functions, options, parameters, values, verdict.passed)
    if not verdict.passed:
        raise TestFailed(Report(verdict))
    return Report(verdict)


def _query(session: Session, query: str, bind: Callable[[str], Any]) -> tuple[Select, dict[str, Any], dict[str, Any]]:
    """The SELECT of a test, and the options and parameters that come with it if it is a rule's. Raises KuiperError."""
    if query in session.rules:
        recipe = session.recipes[query]
        return recipe["sql"], dict(recipe["options"] or {}), dict(recipe["parameters"])
    if len(query.split()) == 1:
        raise PlanError(f"no rule named {query}", "a test begins with a SELECT, or the name of a rule")
    return parse_rule(query, bind), {}, {}


def listed(session: Session, words: Sequence[str]) -> View | str:
    """The tests that were run; with --pytest FILE they are written. Raises KuiperError."""
    tests = _run.get(session, {})
    if not words:
        rows = [{"test": kept.name, "came out": "passed" if kept.passed else "failed"} for kept in tests.values()]
        return View((rows if rows else "no tests yet; %%kuiper test NAME makes one",))
    words = shlex.split(" ".join(words))
    if words[0] != "--pytest" or len(words) != 2:
        raise FirstLineError(f"{' '.join(words)} does not fit after test", "%kuiper test --pytest tests/test_rules.py")
    if not tests:
        raise KuiperError("there are no tests to write", "%%kuiper test NAME makes one")
    file = Path(words[1])
    if not file.name.startswith("test_") or file.suffix != ".py":
        raise FirstLineError(f"pytest does not look into {file}", f"%kuiper test --pytest test_{file.stem}.py")
    text = written(session, list(tests.values()))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KuiperError(f"{file} cannot be written: {error.strerror}") from error
    return f"{counted(len(tests), 'test')} in {file}; python -m pytest {file} runs them."
