"""What a SELECT compiles to: a frozen plan that an engine runs without ever looking at the text again."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..catalog import Stream
from ..errors import NotSupported, PlanError
from ..windowing.spec import Spec
from .resolved import AnalyticCall, UserCall
from .restart import RestartStrategy
from .ruleoptions import RULE_OPTIONS
from .syntax import Node, Star

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNIT = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def duration(value: Any, name: str = "") -> int:
    """Milliseconds of a Go duration ("1m30s") or of a plain number of ms. Raises PlanError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    text = str(value).strip()
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    found = _DURATION.findall(text)
    if not found or "".join(n + u for n, u in found) != text.lstrip("-"):
        hint = 'a duration is a number of ms or a text such as "500ms", "5s", "1m30s", "2h"'
        raise PlanError(f'{name and name + ": "}invalid duration "{text}"', hint)
    total = int(sum(float(n) * _UNIT[u] for n, u in found))
    return -total if text.startswith("-") else total


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a rule that this engine acts on; names, defaults and meaning are eKuiper's.

    *late_tolerance* in ms (eKuiper's code says 1 s; its docs 0). *flush_at_end*: a bounded source closes its last
    windows when it ends (ours; false is eKuiper's way). *restart*: what follows an error that stops the rule.
    """

    event_time: bool = False
    late_tolerance: int = 1000
    send_error: bool = False
    send_nil_field: bool = False
    send_meta: bool = False
    buffer_length: int = 1024
    restart: RestartStrategy = field(default_factory=RestartStrategy)
    flush_at_end: bool = True
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Options:
        """From eKuiper's JSON names. Unknown options are kept in *given* and otherwise ignored, as eKuiper does."""
        if not isinstance(given, (Mapping, type(None))):
            raise PlanError(f"{given!r} are no options", 'the options of a rule by name: {"isEventTime": True}')
        options = dict(given or {})
        for name in options:
            _refuse_slip(name)
        for name in ("concurrency", "qos"):
            _whole(options, name, 0)
        if duration(options.get("checkpointInterval", 0), "options.checkpointInterval") < 0:
            raise PlanError(f"option checkpointInterval is a duration from 0 on, not {options['checkpointInterval']!r}")
        for name, value in options.items():
            _refuse_missing(name, value)
        tolerance = duration(options.get("lateTolerance", 1000), "options.lateTolerance")
        return cls(
            event_time=_flag(options, "isEventTime", False),
            late_tolerance=tolerance if tolerance >= 0 else 1000,
            send_error=_flag(options, "sendError", False),
            send_nil_field=_flag(options, "sendNilField", False),
            send_meta=_flag(options, "sendMetaToSink", False),
            buffer_length=_whole(options, "bufferLength", 1024),
            restart=RestartStrategy.of(options.get("restartStrategy")),
            flush_at_end=_flag(options, "flushAtEnd", True),
            given=options,
        )


def _refuse_slip(name: str) -> None:
    """A name that only looks like an option's is a slip; others are ignored, as eKuiper does."""
    known = {option.lower(): option for option in RULE_OPTIONS}
    if name not in RULE_OPTIONS and (near := difflib.get_close_matches(name.lower(), known, 1, 0.85)):
        raise PlanError(f"there is no option {name} of a rule", f"did you mean {known[near[0]]}?")


def _refuse_missing(name: str, value: Any) -> None:
    """What a rule relies on and is not here; switched off it does no harm."""
    option = RULE_OPTIONS.get(name)
    if option is not None and option.relied and value:
        raise NotSupported(f"option {name} of a rule is not supported yet", f"{option.help}; leave it out")


def _whole(options: Mapping[str, Any], name: str, default: int) -> int:
    value = options.get(name, default)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < 2**53 or value != int(value):
        raise PlanError(f"option {name} is a whole number from 0 on, not {value!r}")
    return int(value)


def _flag(options: Mapping[str, Any], name: str, default: bool) -> bool:
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise PlanError(f"option {name} is true or false, not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class OutputField:
    """One field of the SELECT list.

    *kind* "column": a plain column, whose explicit null stays and whose absence leaves no key; "value": an expression
    or
    alias, left out when null; "star": every column of the row.
    """

    name: str
    node: Node
    kind: Literal["column", "value", "star"]
    alias: bool = False
    invisible: bool = False

    @property
    def star(self) -> Star:
        """The star itself."""
        assert isinstance(self.node, Star)
        return self.node


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of ORDER BY; null is last either way."""

    node: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule as the engine runs it, in eKuiper's order: FILTER, window, WHERE, GROUP BY, HAVING, ORDER BY, SELECT,
    LIMIT.

    *columns* is what the rule reads of its stream, None for all. *where_first*: WHERE is applied before the window, as
    eKuiper does in processing time for tumbling and hopping windows. *aggregate*: an emit has a row per group, not
    per row.
    *analytic*: the analytic calls in the order in which a row carries them on. *sequential*: rows must be looked at one
    by one, in order, because something is remembered; *once*: expressions must not be evaluated twice for a row, as
    that is remembered, or comes to something else. *set_field*: the field whose array's elements become rows, or ''.
    *parameters*: the names of its `$name`, sorted.
    """

    text: str
    stream: Stream
    fields: tuple[OutputField, ...]
    aliases: Mapping[str, Node]
    options: Options
    columns: frozenset[str] | None = None
    where: Node | None = None
    where_first: bool = True
    window: Spec | None = None
    window_filter: Node | None = None
    group: tuple[Node, ...] = ()
    having: Node | None = None
    order: tuple[OrderKey, ...] = ()
    limit: int | None = None
    aggregate: bool = False
    calls: tuple[UserCall, ...] = ()
    analytic: tuple[AnalyticCall, ...] = ()
    sequential: bool = False
    once: bool = False
    set_field: str = ""
    parameters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def one_by_one(self) -> bool:
        """Whether only the evaluator can run it: something is remembered from row to row, or an array becomes rows."""
        return self.sequential or bool(self.set_field)
