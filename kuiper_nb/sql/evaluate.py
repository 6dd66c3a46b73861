"""The exact arm: an expression becomes a Python closure over one row, or over the rows of one group.

This defines what every expression means; the lowering to DuckDB must agree with it. A closure answers a Python value or
raises RowFault. Closures are built once per rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..contracts import Failure
from ..errors import RowFault
from . import operators as op
from . import resolved as r
from . import syntax as s
from .builtins.answer import answering
from .builtins.entry import Builtin, Scope
from .stateful import Memory, changed_columns, hit, last_hit, step
from .values import described

Evaluate = Callable[["Frame"], Any]
_MISSING = object()
_NOTHING: Mapping[int, Any] = {}
_NO_PARAMETERS: Mapping[str, Any] = {}
_NO_FAILURES: Mapping[int, Failure] = {}


class Frame:
    """What an expression is evaluated over: a row, or a group of rows whose first stands for its columns.

    *row* is the column values, *at* the row's time in ms, *meta* what its source said of it. *group* holds the frames
    of
    the rows of a group, None for a single row. *bound* is the window's span, *number* the row's place in the emit.
    *analytic* holds, by site, what analytic calls answered when the row arrived; *failures* the user's functions that
    are
    known to fail for the row and need not be called again; *answers* what they have answered already, with the
    arguments.
    """

    __slots__ = ("aliases", "analytic", "answers", "at", "bound", "failures", "group", "meta", "number", "row", "scope")

    def __init__(
        self,
        row: dict[str, Any],
        at: int = 0,
        meta: Mapping[str, Any] | None = None,
        scope: Scope | None = None,
        group: list[Frame] | None = None,
        bound: Any = None,
        analytic: Mapping[int, Any] = _NOTHING,
    ) -> None:
        self.row = row
        self.at = at
        self.meta = meta or {}
        self.scope = scope
        self.group = group
        self.bound = bound
        self.analytic = analytic
        self.number = 1
        self.failures: Mapping[int, Failure] = _NO_FAILURES
        self.answers: dict[int, Any] = {}
        self.aliases: dict[str, Any] = {}


class Caller(Protocol):
    """How a user's function is called for one row or group."""

    def __call__(self, node: r.UserCall, arguments: tuple[Any, ...], frame: Frame) -> Any:
        """The value; RowFault when the call fails."""
        ...


class Evaluator:
    """Builds closures. *aliases* are the resolved expressions of the SELECT list's aliases, *parameters* the values of
    `$name`, read whenever a closure is called."""

    def __init__(
        self,
        aliases: Mapping[str, s.Node],
        caller: Caller | None = None,
        parameters: Mapping[str, Any] = _NO_PARAMETERS,
    ) -> None:
        self.aliases = aliases
        self.caller = caller
        self.parameters = parameters
        self.memory = Memory()
        self._built: dict[str, Evaluate] = {}
        self._awaiting: set[tuple[str, int]] = set()

    def build(self, node: s.Node) -> Evaluate:
        """The closure of *node*."""
        method = getattr(self, f"_{type(node).__name__.lower()}")
        built: Evaluate = method(node)
        return built

    def condition(self, node: s.Node) -> Evaluate:
        """The closure of a clause that decides: the last_hit_… calls in it note a hit only where it is true.

        Build conditions before what may share aliases with them.
        """
        hits = [n for n in r.reach(node, self.aliases) if isinstance(n, r.LastHit)]
        self._awaiting |= {(n.clause, n.site) for n in hits}
        evaluate = self.build(node)
        if not hits:
            return evaluate
        updates = [hit(n, self.memory) for n in hits]

        def decide(frame: Frame) -> Any:
            value = evaluate(frame)
            if value is True:
                for update in updates:
                    update(frame)
            return value

        return decide

    def step(self, node: r.AnalyticCall) -> Evaluate:
        """The closure that carries an analytic call on by one row; `build` answers the one that reads its value."""
        return step(node, self.build, self.aliases, self.memory)

    # ---- leaves

    def _constant(self, node: s.Constant) -> Evaluate:
        value = node.value
        return lambda frame: value

    def _parameter(self, node: s.Parameter) -> Evaluate:
        values, name = self.parameters, node.name
        return lambda frame: values[name]

    def _column(self, node: r.Column) -> Evaluate:
        name = node.name
        return lambda frame: frame.row.get(name)

    def _aliasref(self, node: r.AliasRef) -> Evaluate:
        name, column_first = node.name, node.column_first

        def evaluate(frame: Frame) -> Any:
            if column_first and name in frame.row:
                return frame.row[name]
            return self.alias(name)(frame)

        return evaluate

    def alias(self, name: str) -> Evaluate:
        """The closure of an alias, whose value is computed once a row."""
        if name not in self._built:
            inner = self.build(self.aliases[name])

            def evaluate(frame: Frame) -> Any:
                value = frame.aliases.get(name, _MISSING)
                if value is _MISSING:
                    value = frame.aliases[name] = inner(frame)
                return value

            self._built[name] = evaluate
        return self._built[name]

    def _wholerow(self, node: r.WholeRow) -> Evaluate:
        if not node.exclude and not node.replace:
            return lambda frame: dict(frame.row)
        excluded = frozenset(node.exclude)
        replaced = [(item.alias, self.build(item.value)) for item in node.replace]

        def evaluate(frame: Frame) -> Any:
            kept = {name: value for name, value in frame.row.items() if name not in excluded}
            return kept | {name: value(frame) for name, value in replaced}

        return evaluate

    def _metaref(self, node: r.MetaRef) -> Evaluate:
        key = node.key
        if key is None:
            return lambda frame: dict(frame.meta)
        return lambda frame: frame.meta.get(key)

    def _bound(self, node: r.Bound) -> Evaluate:
        if node.which == "event_time":
            return lambda frame: (
                frame.bound.trigger if frame.group is not None and frame.bound is not None else frame.at
            )
        attribute = node.which.removeprefix("window_")
        return lambda frame: None if frame.bound is None else getattr(frame.bound, attribute)

    def _rownumber(self, node: r.RowNumber) -> Evaluate:
        return lambda frame: frame.number

    def _analyticcall(self, node: r.AnalyticCall) -> Evaluate:
        site = node.site
        return lambda frame: frame.analytic.get(site)

    def _lasthit(self, node: r.LastHit) -> Evaluate:
        return last_hit(node, self.memory, (node.clause, node.site) not in self._awaiting)

    def _changedcols(self, node: r.ChangedCols) -> Evaluate:
        return changed_columns(node, self.build, self.memory)

    # ---- operators

    def _binary(self, node: s.Binary) -> Evaluate:
        name = node.op
        if name in ("AND", "OR"):
            return self._logic(node)
        left, right = self.build(node.left), self.build(node.right)
        if name in ("LIKE", "NOT LIKE"):
            negated = name == "NOT LIKE"
            return lambda frame: op.like(left(frame), right(frame), negated)
        apply = op.operation(name)
        return lambda frame: apply(left(frame), right(frame))

    def _logic(self, node: s.Binary) -> Evaluate:
        name, left, right = node.op, self.build(node.left), self.build(node.right)
        decided = name == "OR"

        def evaluate(frame: Frame) -> Any:
            first = left(frame)
            if first is decided:
                return decided
            if first is None:
                return False
            op.require_logical(name, first)
            return op.binary(name, first, right(frame))

        return evaluate

    def _between(self, node: s.Between) -> Evaluate:
        value, low, high, negated = self.build(node.value), self.build(node.low), self.build(node.high), node.negated
        return lambda frame: op.between(value(frame), low(frame), high(frame), negated)

    def _in(self, node: s.In) -> Evaluate:
        value, negated = self.build(node.value), node.negated
        if isinstance(node.items, tuple):
            items = [self.build(item) for item in node.items]
            return lambda frame: op.contained(value(frame), [item(frame) for item in items], negated)
        array = self.build(node.items)

        def evaluate(frame: Frame) -> bool:
            members = array(frame)
            if isinstance(members, str):  # a text holds nothing, as in eKuiper
                members = None
            if members is not None and not isinstance(members, list):
                raise RowFault(f"IN expects an array, but found {described(members)}")
            return op.contained(value(frame), members, negated)

        return evaluate

    def _arrow(self, node: s.Arrow) -> Evaluate:
        value, key = self.build(node.value), node.key
        return lambda frame: op.member(value(frame), key, frame.row.get(key))

    def _index(self, node: s.Index) -> Evaluate:
        value, at = self.build(node.value), self.build(node.index)
        return lambda frame: op.element(value(frame), op.position(at(frame)))

    def _slice(self, node: s.Slice) -> Evaluate:
        value = self.build(node.value)
        start = self.build(node.start) if node.start is not None else None
        stop = self.build(node.stop) if node.stop is not None else None

        def evaluate(frame: Frame) -> Any:
            low = op.position(start(frame)) if start else 0
            high = op.position(stop(frame)) if stop else None
            return op.section(value(frame), low, high)

        return evaluate

    def _paren(self, node: s.Paren) -> Evaluate:
        return self.build(node.inner)

    def _case(self, node: s.Case) -> Evaluate:
        subject = self.build(node.subject) if node.subject is not None else None
        branches = [(self.build(when), self.build(then)) for when, then in node.branches]
        otherwise = self.build(node.otherwise) if node.otherwise is not None else lambda frame: None

        def matches(frame: Frame, when: Evaluate, value: Any) -> bool:
            try:
                found = when(frame)
                return (found if subject is None else op.binary("=", value, found)) is True
            except RowFault as fault:
                raise RowFault(f"evaluate case expression error: {fault.message}") from None

        def evaluate(frame: Frame) -> Any:
            value = subject(frame) if subject is not None else None
            for when, then in branches:
                if matches(frame, when, value):
                    return then(frame)
            return otherwise(frame)

        return evaluate

    # ---- calls

    def _builtincall(self, node: r.BuiltinCall) -> Evaluate:
        arguments = [self.build(a) for a in node.arguments]
        return _aggregate(node.entry, arguments) if node.aggregate else _scalar(node.entry, arguments)

    def _usercall(self, node: r.UserCall) -> Evaluate:
        arguments = [self.build(a) for a in node.arguments]
        caller = self.caller
        if caller is None:
            raise AssertionError("user functions need a caller")
        if node.aggregate:
            return lambda frame: caller(node, tuple([a(row) for row in _rows(frame)] for a in arguments), frame)
        return lambda frame: caller(node, tuple(a(frame) for a in arguments), frame)


def _rows(frame: Frame) -> list[Frame]:
    """The rows an aggregate looks at: without a window every row is a group of one."""
    return [frame] if frame.group is None else frame.group


def _scalar(entry: Builtin, arguments: list[Evaluate]) -> Evaluate:
    answer = answering(entry)
    if entry.scope:
        return lambda frame: answer([frame.scope, *(a(frame) for a in arguments)])
    return lambda frame: answer([a(frame) for a in arguments])


def _aggregate(entry: Builtin, arguments: list[Evaluate]) -> Evaluate:
    answer = answering(entry)

    def evaluate(frame: Frame) -> Any:
        rows = _rows(frame)
        return answer([[a(row) for row in rows] for a in arguments])

    return evaluate


def fresh(frame: Frame) -> Frame:
    """The row again, nothing computed yet but what it was given on arrival: overlapping windows evaluate it anew."""
    return Frame(frame.row, frame.at, frame.meta, frame.scope, analytic=frame.analytic)
