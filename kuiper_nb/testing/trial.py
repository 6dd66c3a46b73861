"""A test that is run: a session beside, a clock that starts at 0, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..connectors import Topics
from ..engine.emits import RowError
from ..engine.rule import Rule
from ..errors import KuiperError, did_you_mean
from ..session import Session
from ..sql.syntax import Select
from ..windowing.clock import VirtualClock
from .difference import Line, Outgoing, compared, plain, same
from .notation import Script


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a test. *lines* compares the rows, *errors* says which did not fail as expected, or failed though
    they should not. *why* says why nothing came out, where nothing did."""

    name: str
    rows_in: int
    rows_out: int
    lines: tuple[Line, ...]
    errors: tuple[str, ...] = ()
    late: int = 0
    why: str = ""
    functions: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.errors and all(line.kind == "same" for line in self.lines)

    @property
    def headline(self) -> str:
        """One line: what was tested, and what came of it."""
        if self.passed:
            return f"test {self.name} passed: {_rows(self.rows_in)} in, {_rows(self.rows_out)} out"
        missing = sum(line.kind == "missing" and not _paired(line) for line in self.lines)
        extra = sum(line.kind == "unexpected" and not _paired(line) for line in self.lines)
        differ = sum(line.kind == "missing" and _paired(line) for line in self.lines)
        counts = [(differ, "differ" if differ > 1 else "differs"), (missing, "missing"), (extra, "unexpected")]
        told = [f"{_rows(number)} {word}" for number, word in counts if number]
        wrong = f"{len(self.errors)} {'error is' if len(self.errors) == 1 else 'errors are'} not as expected"
        told += [wrong] if self.errors else []
        return f"test {self.name} failed: {', '.join(told)}"


def _paired(line: Line) -> bool:
    return bool(line.columns) or line.moment


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def run(
    session: Session,
    name: str,
    script: Script,
    query: str | Select,
    *,
    options: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    bind: Any = None,
) -> Verdict:
    """Run *query* over the arrivals of *script*, beside *session*, which is not touched. Raises KuiperError."""
    with session.beside(VirtualClock(0)) as stage:
        stage._topics, stage.replays = Topics(), {}
        for stream in dict.fromkeys(script.streams):
            if stream not in stage.streams:
                raise KuiperError(f"no stream named {stream}", did_you_mean(stream, stage.streams))
        for stream, known in stage.streams.items():  # what a test gives stands in for every source
            memory = {**known.options, "TYPE": "memory", "DATASOURCE": stream}
            stage.streams[stream] = replace(known, options=memory)
        given = {key: value for key, value in (options or {}).items() if key not in ("record", "speed")}
        rule = stage.rule(query, id=name, options=given, parameters=parameters, bind=bind)
        for arrival in script.arrivals:
            if arrival.data is None:
                stage.advance(arrival.at)
            else:
                stage.push(arrival.stream, arrival.data, at=arrival.at)
        stage.advance(max(script.until, stage.clock.now()))
        return _verdict(name, script, rule)


def _verdict(name: str, script: Script, rule: Rule) -> Verdict:
    status = rule.status
    if status.state == "stopped by error":
        raise KuiperError(f"test {name}: the rule stopped: {status.message}")
    came = [Outgoing(plain(row), emit.at) for emit in rule.emits for row in emit.rows]
    expected = [Outgoing(e.row, e.at) for e in script.expected]
    return Verdict(
        name,
        status.rows_in,
        status.rows_out,
        tuple(compared(expected, came)),
        tuple(_errors(script.errors, list(rule.errors))),
        status.late,
        rule.why() if not came else "",
        frozenset(call.name for call in rule.plan.calls),
    )


def _errors(expected: Sequence[Any], came: list[RowError]) -> list[str]:
    """What is wrong with the errors, in words; every expected one stands for one that came."""
    left = list(came)
    wrong = []
    for wanted in expected:
        found = next((error for error in left if _fits(wanted, error)), None)
        if found is None:
            wrong.append(f"did not fail as expected: {wanted}")
        else:
            left.remove(found)
    return [
        *wrong,
        *(f"failed: {error.message}" + (f", row {plain(error.row)}" if error.row else "") for error in left),
    ]


def _fits(wanted: Any, error: RowError) -> bool:
    return wanted in error.message if isinstance(wanted, str) else same(wanted, plain(error.row))
