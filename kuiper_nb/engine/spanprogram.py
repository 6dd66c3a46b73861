"""The span stage over columns of given types: all windows that close in a batch are one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..duck import Cursor
from ..functions.call import RowCaller
from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.depth import deep
from ..sql.lowered import NotLowered
from ..sql.plan import OutputField, Plan
from ..sql.syntax import Node
from ..types import BIGINT
from ..windowing.windows import Span
from .batch import Times
from .beforehand import Beforehand
from .folded import KEY, NUMBER, PANE, Folded
from .groupquery import GUARD, Groups
from .hoist import HIDDEN, is_call
from .ordering import Numbers, copies, first_rows, ordered, ranked
from .rowprogram import Outcome, RowProgram
from .spangroups import SpanGroups
from .substitute import Split, expanded
from .typing import Typing, columns_of

_WINDOW = HIDDEN + "window"


@dataclass(slots=True)
class Closed:
    """What became of spans: the rows of span i are table[offsets[i]:offsets[i + 1]].

    *filled*: spans that held a row. *exact*: spans for the evaluator, those in which a call failed among them: which
    failure comes first shows only in its order.
    """

    table: pa.Table
    offsets: Numbers
    filled: npt.NDArray[np.bool_]
    exact: set[int]


class SpanProgram:
    """Computes the windows of *plan* over columns of *typing*. Raises NotLowered or QueryError when it cannot."""

    def __init__(self, cursor: Cursor, plan: Plan, typing: Typing, caller: RowCaller, *, wrapped: bool = False) -> None:
        self.typing = typing
        self._plan = plan
        where = plan.where if not plan.where_first else None
        self._where = expanded(where, plan.aliases, dict(typing)) if where is not None else None
        if any(isinstance(n, r.BuiltinCall) and n.aggregate for n in r.walk(self._where)):
            raise NotLowered("WHERE looks at the whole window")
        self._cursor = cursor
        self._wrapped = wrapped
        self._span: SpanGroups | None = None
        self._before: Beforehand | None = None
        self._after: dict[Typing, SpanGroups] = {}  # by the types that the calls before answered
        if plan.aggregate:
            self._grouped(caller)
        else:
            self._listed(caller)

    @property
    def texts(self) -> list[str]:
        """The SQL of its queries, as far as they are made."""
        parts = [self._before, self._span, *self._after.values(), self._rows]
        return [text for part in parts if part is not None for text in part.texts]

    @property
    def folds(self) -> bool:
        """Whether rows can be folded into parts that are fewer, before their windows are finished."""
        return self._span is not None and self._span.folds

    def run(self, spans: Sequence[Span], table: pa.Table, keys: Times) -> Closed:
        """Compute *spans* over the rows of *table*, whose keys are *keys*. Raises QueryError and NotUniform."""
        exact: set[int] = set()
        span = self._span
        if self._before is not None:
            table, keys, exact, span = self._called(self._before, spans, table, keys)
        times, windows = copies(keys, *_bounds(spans))
        if times > 1:
            table, keys = pa.concat_tables([table] * times), np.tile(keys, times)
        order = ordered(keys)
        if span is not None:
            return self._grouped_rows(spans, span, span.of_rows(table, windows, order), exact)
        inside = np.flatnonzero(windows >= 0)
        inside = inside[np.lexsort((order[inside], windows[inside]))]
        numbers = windows[inside].astype(np.int64)
        rows = self._bounded(table.take(pa.array(inside)), spans, numbers)
        return self._finished(rows, self.typing, numbers, len(spans), set())

    def fold(self, folded: Folded, table: pa.Table, keys: Times, numbers: Numbers, upper: int) -> None:
        """Add the rows of *table* with keys below *upper* to *folded*; *numbers* say in which order they came.

        Raises QueryError.
        """
        assert self._span is not None
        begin, panes = folded.panes(keys, upper)
        parts = self._span.parts_of(table, panes, ordered(keys))
        first = first_rows(parts.order, keys)
        made = parts.table.append_column(PANE, pa.array(begin + parts.windows * folded.length))
        made = made.append_column(KEY, pa.array(keys[first])).append_column(NUMBER, pa.array(numbers[first]))
        folded.add(made, int(np.count_nonzero(panes >= 0)))

    def run_folded(self, spans: Sequence[Span], parts: pa.Table) -> Closed:
        """Compute *spans* over rows that are folded into *parts*. Raises QueryError and NotUniform."""
        assert self._span is not None
        times, windows = copies(parts.column(PANE).to_numpy(), *_bounds(spans))
        parts = pa.concat_tables([parts] * times)
        order = ranked(parts.column(KEY).to_numpy(), parts.column(NUMBER).to_numpy())
        return self._grouped_rows(spans, self._span, self._span.of_parts(parts, windows, order), set())

    def _grouped_rows(self, spans: Sequence[Span], span: SpanGroups, groups: Groups, exact: set[int]) -> Closed:
        table, numbers = groups.table, groups.windows
        if GUARD in table.column_names:
            exact |= set(numbers[pc.fill_null(table.column(GUARD), False).to_numpy().astype(bool)].tolist())
            table = table.drop_columns([GUARD])
        return self._finished(self._bounded(table, spans, numbers), span.typing, numbers, len(spans), exact)

    def _called(
        self, before: Beforehand, spans: Sequence[Span], table: pa.Table, keys: Times
    ) -> tuple[pa.Table, Times, set[int], SpanGroups]:
        """The rows of *spans* with the answers of calls, their keys, the spans for the evaluator, and the grouping."""
        bounds = _bounds(spans)
        _, windows = copies(keys, *bounds)
        inside = (windows.reshape(-1, len(keys)) >= 0).any(axis=0) if len(keys) else np.empty(0, bool)
        keys = keys[inside]
        made = before(table.filter(pa.array(inside)))
        _, odd = copies(keys[made.odd], *bounds)
        return made.table, keys[made.places], set(odd[odd >= 0].tolist()), self._after_calls(made.typing)

    def _after_calls(self, typing: Typing) -> SpanGroups:
        assert self._before is not None
        if typing not in self._after:
            with deep():
                self._after[typing] = SpanGroups(self._cursor, typing, self._before.split, None, wrapped=self._wrapped)
        return self._after[typing]

    # ---- making it

    def _grouped(self, caller: RowCaller) -> None:
        plan = self._plan
        split = Split(plan.group, plan.aliases, dict(self.typing))
        fields = [f for f in plan.fields if _computable(f) and not self._absent(f)]
        outputs = [(f.name, _listless(split.over_groups(f.node), split)) for f in fields]
        having = None
        if plan.having is not None:
            having = _listless(split.over_groups(plan.having), split)
            if not isinstance(having, (s.Binary, s.Between, s.In)):
                raise NotLowered("HAVING that may be null")
        order = [(_listless(split.over_groups(key.node), split), key.descending) for key in plan.order]
        self._bounds = list(split.bounds.values())
        if Beforehand.needed(split, self._where):
            self._before = Beforehand(self._cursor, self.typing, split, self._where, caller, self._wrapped)
        else:
            self._span = SpanGroups(self._cursor, self.typing, split, self._where, wrapped=self._wrapped)
        self._rows = RowProgram(
            self._cursor,
            outputs,
            having,
            caller,
            placed=bool(order) or having is not None,
            wrapped=self._wrapped,
            order=order,
            order_first=self._first(order),
        )
        if self._span is not None:
            self._rows.prepare(self._with_bounds(self._span.typing))

    def _listed(self, caller: RowCaller) -> None:
        plan = self._plan
        if plan.having is not None:
            raise NotLowered("HAVING over a window without groups")
        bounds: dict[str, str] = {}

        def bound(node: Node) -> Node:
            if isinstance(node, r.Bound):
                if node.which == "event_time":
                    raise NotLowered("event_time()")
                return r.Column(bounds.setdefault(node.which, HIDDEN + node.which))
            return r.rebuilt(node, bound)

        outputs: list[tuple[str, Node]] = []
        for f in plan.fields:
            if f.kind == "star":
                outputs += self._starred(f)
            elif _computable(f) and not self._absent(f):
                outputs.append((f.name, bound(expanded(f.node, plan.aliases, dict(self.typing)))))
        order = [(bound(expanded(key.node, plan.aliases, dict(self.typing))), key.descending) for key in plan.order]
        self._bounds = list(bounds.values())
        self._rows = RowProgram(
            self._cursor,
            outputs,
            self._where,
            caller,
            placed=True,
            wrapped=self._wrapped,
            order=order,
            order_first=self._first(order),
        )
        self._rows.prepare(self._with_bounds(self.typing))

    def _starred(self, star: OutputField) -> list[tuple[str, Node]]:
        if star.star.replace:
            raise NotLowered("* REPLACE")
        named = {f.name for f in self._plan.fields if f.kind != "star"}
        return [(n, r.Column(n)) for n in columns_of(self.typing) if n not in named and n not in star.star.exclude]

    def _absent(self, f: OutputField) -> bool:
        """Whether a field leaves no key: a column that no row has, or that `* EXCEPT` leaves out everywhere."""
        if f.kind != "column" or not isinstance(f.node, r.Column):
            return False
        if any(other.kind == "star" and f.node.name in other.star.exclude for other in self._plan.fields):
            return True
        return f.node.name not in dict(self.typing) and not self._plan.options.send_nil_field

    @staticmethod
    def _first(order: Sequence[tuple[Node, bool]]) -> list[str]:
        return [_WINDOW] if order else []

    def _with_bounds(self, typing: Typing) -> Typing:
        extra = [(name, BIGINT) for name in self._bounds]
        if self._plan.order:
            extra.append((_WINDOW, BIGINT))
        return (*typing, *extra)

    # ---- running it

    def _bounded(self, groups: pa.Table, spans: Sequence[Span], numbers: Numbers) -> pa.Table:
        for name in self._bounds:
            attribute = name.removeprefix(HIDDEN + "window_")
            values = np.array([getattr(span, attribute) for span in spans], np.int64)
            groups = groups.append_column(name, pa.array(values[numbers]))
        return groups.append_column(_WINDOW, pa.array(numbers)) if self._plan.order else groups

    def _finished(self, groups: pa.Table, typing: Typing, numbers: Numbers, count: int, exact: set[int]) -> Closed:
        filled = np.zeros(count, bool)
        filled[numbers] = True
        outcome: Outcome = self._rows.run(groups, self._with_bounds(typing), None)
        for places in outcome.exact:
            exact |= set(numbers[places].tolist())
        exact |= {int(numbers[place]) for place, _, _ in outcome.failed}
        left = numbers if outcome.places is None else numbers[outcome.places]
        offsets = np.searchsorted(left, np.arange(count + 1))
        return Closed(outcome.table, offsets, filled, exact)


def _computable(f: OutputField) -> bool:
    if f.kind == "star":
        raise NotLowered("* of a group")
    return True


def _listless(node: Node, split: Split) -> Node:
    """Calls of aggregates that Python answers, over the columns that hold their lists."""
    if is_call(node) and node in split.called:
        return replace(node, arguments=tuple(r.Column(name) for name in split.called[node]))
    return r.rebuilt(node, lambda child: _listless(child, split))


def _bounds(spans: Sequence[Span]) -> tuple[Numbers, Numbers]:
    return np.array([span.lower for span in spans], np.int64), np.array([span.upper for span in spans], np.int64)
