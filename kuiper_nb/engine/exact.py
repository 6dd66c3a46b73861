"""The exact arm of the stages: rows as dicts, one closure each; what it answers is right by definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cmp_to_key
from itertools import repeat
from typing import Any

from ..contracts import Row
from ..errors import RowFault
from ..functions.call import RowCaller
from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.arrays import NilArray
from ..sql.builtins.srf import expanded
from ..sql.depth import deep
from ..sql.evaluate import Caller, Evaluate, Evaluator, Frame
from ..sql.plan import OutputField, Plan
from ..sql.printer import printed
from ..sql.syntax import Node
from ..sql.timeformat import rfc3339
from ..sql.values import described, go_type, text
from ..windowing.windows import Span
from .emits import RowError
from .refused import refused
from .together import Together


class Exact:
    """The closures of one plan. Every method raises RowFault for the row, or window, that fails."""

    @deep()
    def __init__(self, plan: Plan, caller: Caller | None, parameters: Mapping[str, Any]) -> None:
        self.plan = plan
        self._evaluator = Evaluator(plan.aliases, caller, parameters)
        build, condition = self._evaluator.build, self._evaluator.condition
        self._where = condition(plan.where) if plan.where is not None else None
        self._filter = build(plan.window_filter) if plan.window_filter is not None else None
        self._having = condition(plan.having) if plan.having is not None else None
        self._keys = [build(key) for key in plan.group]
        self._order = [(build(key.node), key.descending) for key in plan.order]
        self._excluded = {name for f in plan.fields if f.kind == "star" for name in f.star.exclude}
        self._fields = [self._field(field) for field in plan.fields]
        named = {field.name for field in plan.fields if field.kind != "star"}
        self._named = frozenset(named)
        self._steps = [(call.site, self._evaluator.step(call)) for call in plan.analytic]
        alone = not self._steps and self._filter is None and (plan.window is None or plan.where_first)
        self._refused = refused(plan.where, plan.aliases) if alone else None
        self._caller = caller if isinstance(caller, RowCaller) else None
        self._ahead: dict[int, RowFault | None] = {}  # of frames whose analytic calls have been carried on already
        self.left = False  # whether, in some window, rows were left after WHERE

    def reset(self) -> None:
        """Forget all rows: a new run begins."""
        self._evaluator.memory.forget()

    # ---- one row

    def prepare(self, frame: Frame) -> None:
        """What happens to every row, in order, before WHERE and FILTER look at it: analytic calls are carried on."""
        if not self._steps:
            return
        if id(frame) in self._ahead:
            fault = self._ahead.pop(id(frame))
            if fault is not None:
                raise fault
            return
        frame.analytic = answers = {}
        for site, step in self._steps:
            answers[site] = step(frame)

    def passes_where(self, frame: Frame) -> bool:
        """Whether WHERE, where there is one, lets the row through."""
        if self._where is None:
            return True
        try:
            return _condition(self._where, frame, "Where")
        except RowFault as fault:
            if self._refused is not None:
                self._refused.note(frame.row, fault.message)
            raise

    @property
    def remembers(self) -> bool:
        """Whether `refusals` may know anything."""
        return self._refused is not None

    def refusals(self, rows: Sequence[Row]) -> Iterable[str | None]:
        """The faults of rows that are known to fail before anything is computed of them; None for the others."""
        return repeat(None, len(rows)) if self._refused is None else self._refused.messages(rows)

    def asked(self, frames: Iterable[Frame | RowError]) -> Iterable[Frame | RowError]:
        """*frames* with the answers of functions elsewhere, each of which has been asked about all of them at once.

        Where an expression must not be evaluated twice, they go one by one.
        """
        if not self._elsewhere():
            return frames
        listed = list(frames)
        known = [frame for frame in listed if isinstance(frame, Frame)]
        if self._steps:
            known = [frame for frame in known if self._carried(frame)]
        self._together(known, self._rehearsed if self.plan.window is None else self.enters)
        return listed

    def _elsewhere(self) -> bool:
        caller = self._caller
        return caller is not None and not self.plan.once and any(caller.elsewhere(c.name) for c in self.plan.calls)

    def _together(self, frames: Sequence[Frame], evaluate: Callable[[Frame], object]) -> None:
        assert self._caller is not None
        Together(self._caller, len(self.plan.calls), evaluate).rehearse(frames)

    def _carried(self, frame: Frame) -> bool:
        """Carry its analytic calls on, ahead of its turn; whether none of them fails."""
        fault: RowFault | None = None
        try:
            self.prepare(frame)
        except RowFault as told:
            fault = told
        self._ahead[id(frame)] = fault
        return fault is None

    def _rehearsed(self, frame: Frame) -> None:
        if (
            self.passes_where(frame)
            and self.plan.limit != 0
            and (self.plan.having is None or self.passes_having(frame))
        ):
            self.rows(frame)

    def over(self) -> None:
        """The batch is: what was answered for its rows is forgotten."""
        self._ahead.clear()
        if self._caller is not None:
            self._caller.forget()

    def passes_filter(self, frame: Frame) -> bool:
        """Whether the window's FILTER, where there is one, lets the row in."""
        return self._filter is None or _condition(self._filter, frame, "Filter")

    def enters(self, frame: Frame) -> bool:
        """Whether a row goes into windows."""
        return self.passes_filter(frame) and (not self.plan.where_first or self.passes_where(frame))

    def passes_having(self, frame: Frame) -> bool:
        """Whether HAVING, where there is one, lets a row that is a group of its own through."""
        return self._having is None or _having(self._having, frame)

    def project(self, frame: Frame) -> Row:
        """The output row."""
        out: Row = {}
        for write in self._fields:
            write(frame, out)
        return out

    def rows(self, frame: Frame) -> list[Row]:
        """The output rows of one input row: more than one where a set-returning function makes them."""
        row = self.project(frame)
        return [row] if not self.plan.set_field else expanded(row, self.plan.set_field)[: self.plan.limit]

    # ---- one window

    def emit(self, frames: list[Frame], bound: Span | None) -> list[Row] | None:
        """The rows of one window in output order; None when nothing is sent, as eKuiper sends empty windows or not."""
        plan = self.plan
        for frame in frames:
            frame.bound = bound
        if self._where is not None and not plan.where_first:
            frames = [f for f in frames if _condition(self._where, _beside(f, frames), "Where")]
            if not frames:
                return None
            self.left = True
        groups = self._groups(frames, bound)
        if groups is None:
            return None
        if plan.limit is not None:
            groups = groups[: plan.limit]
            if not plan.limit:
                return None
        if self._elsewhere():
            for frame in groups:
                frame.answers.clear()  # those of other windows
            self._together(groups, self.project)
        rows = [self.project(frame) for frame in groups]
        if not plan.set_field:
            return rows
        if plan.aggregate and not self._keys:  # eKuiper looks for the array in the rows, but it belongs to the window
            rows = [{} for _ in frames]
        return [row for made in rows for row in expanded(made, plan.set_field)][: plan.limit]

    def silent(self) -> bool:
        """Whether a window without rows sends nothing, whichever it is: as `emit` would answer for any of them."""
        plan = self.plan
        if self._keys or (self._where is not None and not plan.where_first):
            return True
        if self._having is None:
            return plan.limit == 0 and not self._order
        if not all(_timeless(node) for node in r.reach(plan.having, plan.aliases)):
            return False
        try:
            return not self.passes_having(_group([], None))
        except RowFault:
            return False

    def _groups(self, frames: list[Frame], bound: Span | None) -> list[Frame] | None:
        """The frames that become output rows: a group each, or a row each; sorted. None when HAVING leaves none."""
        if self._keys:
            groups = [_group(rows, bound) for rows in self._by_key(frames).values()]
        elif self.plan.aggregate:
            groups = [_group(frames, bound)]
        else:
            groups = frames
        if self._having is not None:
            having = self._having
            if groups is frames:
                groups = frames if _having(having, _group(frames, bound)) else []
            else:
                groups = [g for g in groups if _having(having, g)]
            if not groups:
                return None
        elif self._keys and not groups:
            return None
        for number, frame in enumerate(groups, 1):
            frame.number = number
        return self._sorted(groups)

    def _by_key(self, frames: list[Frame]) -> dict[tuple[str | None, ...], list[Frame]]:
        """eKuiper's keys are texts: 1 and "1" are one group. Null is one of its own, not that of the text `<nil>`."""
        found: dict[tuple[str | None, ...], list[Frame]] = {}
        for frame in frames:
            values = [k(frame) for k in self._keys]
            key = tuple(None if value is None else text(value) for value in values)
            found.setdefault(key, []).append(frame)
        return found

    def _sorted(self, frames: list[Frame]) -> list[Frame]:
        if not self._order:
            return frames
        keys = [[key(frame) for key, _ in self._order] for frame in frames]
        descending = [d for _, d in self._order]

        def order(a: int, b: int) -> int:
            return _compare(keys[a], keys[b], descending)

        places = sorted(range(len(frames)), key=cmp_to_key(order))
        return [frames[place] for place in places]

    # ---- fields

    def _field(self, field: OutputField) -> Callable[[Frame, Row], None]:
        if field.kind == "star":
            return self._star(field)
        name, nil = field.name, self.plan.options.send_nil_field
        if field.kind == "column":
            column = field.node.name  # type: ignore[attr-defined]
            if field.invisible or column in self._excluded:  # `* EXCEPT(a), a` leaves a out as well
                return lambda frame, out: None

            def write_column(frame: Frame, out: Row) -> None:
                if column in frame.row:
                    out[name] = _finite(frame.row[column])
                elif nil:
                    out[name] = None

            return write_column
        if isinstance(field.node, r.ChangedCols):
            return self._changed(field)
        evaluate, keep = self._evaluator.build(field.node), nil and field.alias
        if field.alias:
            evaluate = self._evaluator.alias(field.name)

        def write(frame: Frame, out: Row) -> None:
            value = _evaluated(evaluate, frame, field)
            if field.invisible:
                return
            if value is not None or keep:
                out[name] = _finite(value)

        return write

    def _changed(self, field: OutputField) -> Callable[[Frame, Row], None]:
        """changed_cols: columns of the row, or with an alias one object, null when nothing changed."""
        evaluate = self._evaluator.alias(field.name) if field.alias else self._evaluator.build(field.node)

        def write(frame: Frame, out: Row) -> None:
            changed = _evaluated(evaluate, frame, field)
            if not field.invisible:
                out.update({field.name: changed or None} if field.alias else changed)

        return write

    def _star(self, field: OutputField) -> Callable[[Frame, Row], None]:
        star = field.star
        excluded = frozenset(star.exclude)
        replaced = [(item.alias or "", self._evaluator.build(item.value)) for item in star.replace]

        def write(frame: Frame, out: Row) -> None:
            named = self._named
            for key, value in frame.row.items():
                if key not in excluded and key not in named:
                    out[key] = _finite(value)
            for key, evaluate in replaced:
                value = _evaluated(evaluate, frame, field)
                if value is None:
                    out.pop(key, None)
                else:
                    out[key] = _finite(value)

        return write


def _group(frames: list[Frame], bound: Span | None) -> Frame:
    """A group stands for its first row; an empty one has no columns."""
    if not frames:
        return Frame({}, 0, None, None, [], bound)
    first = frames[0]
    return Frame(first.row, first.at, first.meta, first.scope, frames, bound, first.analytic)


def _timeless(node: Node) -> bool:
    """Whether *node* answers the same for every empty window: nothing of the user's, of the clock or of chance."""
    if isinstance(node, r.BuiltinCall):
        return node.aggregate and not node.entry.scope
    plain = (s.Constant, s.Binary, s.Between, s.In, s.Paren, r.Column, r.WholeRow, r.AliasRef)
    return isinstance(node, plain)


def _beside(frame: Frame, frames: list[Frame]) -> Frame:
    """The row, with the whole window in sight of aggregates."""
    return Frame(frame.row, frame.at, frame.meta, frame.scope, frames, frame.bound, frame.analytic)


def _condition(evaluate: Evaluate, frame: Frame, clause: str) -> bool:
    try:
        value = evaluate(frame)
    except RowFault as fault:
        raise RowFault(f"run {clause} error: {fault.message}") from None
    if value is True or value is False:
        return bool(value)
    if value is None:
        return False
    raise RowFault(f"run {clause} error: invalid condition that returns non-bool value {described(value)}")


def _having(evaluate: Evaluate, frame: Frame) -> bool:
    try:
        value = evaluate(frame)
    except RowFault as fault:
        raise RowFault(f"run Having error: {fault.message}") from None
    if isinstance(value, bool):
        return value
    raise RowFault(f"run Having error: invalid condition that returns non-bool value {described(value)}")


def _evaluated(evaluate: Evaluate, frame: Frame, field: OutputField) -> Any:
    try:
        return evaluate(frame)
    except RowFault as fault:
        alias = f"alias: {field.name} " if field.alias else ""
        message = f"run Select error: {alias}expr: {printed(field.node)} meet error, err:{fault.message}"
        located = RowFault(message)
        located.__cause__ = fault.__cause__ or fault
        raise located from fault


def _finite(value: Any) -> Any:
    """NaN and the infinities have no JSON form: the message that holds one fails, as it does in eKuiper's sinks."""
    if type(value) is float and not math.isfinite(value):
        raise RowFault(f"json: unsupported value: {text(value)}")
    if isinstance(value, NilArray):  # no array, yet not left out: what collect() makes of an empty window, for one
        return None
    if isinstance(value, datetime) and value.utcoffset():  # another zone shows only in the text
        return rfc3339(value)
    return value


def _compare(left: Sequence[Any], right: Sequence[Any], descending: list[bool]) -> int:
    for a, b, down in zip(left, right, descending, strict=True):
        if a is None or b is None:
            if (a is None) != (b is None):
                return 1 if a is None else -1
            continue
        order = _ordered(a, b)
        if order:
            return -order if down else order
    return 0


def _ordered(a: Any, b: Any) -> int:
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
    if not numbers and go_type(a) != go_type(b):
        raise RowFault(f"run Order By error: incompatible types for comparison: {go_type(a)} and {go_type(b)}")
    if isinstance(a, (list, dict)):
        raise RowFault(f"run Order By error: incompatible types for comparison: {go_type(a)} and {go_type(b)}")
    return int(a > b) - int(a < b)
