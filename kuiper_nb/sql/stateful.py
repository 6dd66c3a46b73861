"""What a run remembers from row to row, and the closures that read it and carry it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import RowFault
from . import resolved as r
from .builtins.analytic import Machine
from .syntax import Node
from .values import text

if TYPE_CHECKING:
    from .evaluate import Evaluate, Frame

Build = Callable[[Node], "Evaluate"]


@dataclass(slots=True)
class Memory:
    """The states of one run: a machine for every analytic call and partition, what a last_hit_… call remembers of its
    hits, and what every changed_cols call saw last.
    """

    machines: dict[tuple[int, tuple[str, ...]], Machine] = field(default_factory=dict)
    hits: dict[tuple[str, int], int] = field(default_factory=dict)
    columns: dict[int, Any] = field(default_factory=dict)

    def forget(self) -> None:
        """A new run begins."""
        self.machines.clear()
        self.hits.clear()
        self.columns.clear()


def step(node: r.AnalyticCall, build: Build, aliases: Mapping[str, Node], memory: Memory) -> Evaluate:
    """The closure that carries an analytic call on by one row and answers the row's value."""
    name, make, site, machines = node.entry.name, node.entry.reference, node.site, memory.machines
    if any(isinstance(n, (r.BuiltinCall, r.UserCall, r.LastHit)) and n.aggregate for n in r.reach(node, aliases)):
        return _too_early(name)
    arguments, keys = [build(a) for a in node.arguments], [build(k) for k in node.partition]
    when = build(node.when) if node.when is not None else None

    def evaluate(frame: Frame) -> Any:
        values = tuple([a(frame) for a in arguments])
        counts = when is None or _counts(when, frame)
        key = site, tuple([text(k(frame)) for k in keys])
        known = machines.get(key)
        machine: Machine = make() if known is None else known
        try:
            value = machine(values, counts)
        except RowFault as fault:
            raise RowFault(f"call func {name} error: {fault.message}") from None
        machines[key] = machine  # only now: a first row that fails leaves no trace
        return value

    return evaluate


def _too_early(name: str) -> Evaluate:
    """Aggregates are known when the window closes; analytic functions look at rows as they arrive."""

    def evaluate(frame: Frame) -> Any:
        raise RowFault(f"call func {name} error: there is no aggregate yet when a row arrives")

    return evaluate


def _counts(when: Evaluate, frame: Frame) -> bool:
    """Only a plain false keeps a row out: null, other values and errors do not."""
    try:
        return when(frame) is not False
    except RowFault:
        return True


def last_hit(node: r.LastHit, memory: Memory, counting: bool) -> Evaluate:
    """The closure of last_hit_…(): what was remembered before; if it is *counting*, this is a hit by itself."""
    hits, key, update = memory.hits, (node.clause, node.site), hit(node, memory)

    def evaluate(frame: Frame) -> int:
        before = hits.get(key, 0)
        if counting:
            update(frame)
        return before

    return evaluate


def hit(node: r.LastHit, memory: Memory) -> Callable[[Frame], None]:
    """What happens to a last_hit_… call at a hit."""
    hits, key, after = memory.hits, (node.clause, node.site), node.entry.reference

    def update(frame: Frame) -> None:
        time = frame.bound.trigger if frame.group is not None and frame.bound is not None else frame.at
        hits[key] = after(hits.get(key, 0), time)

    return update


def changed_columns(node: r.ChangedCols, build: Build, memory: Memory) -> Evaluate:
    """The closure of changed_cols(…): an object of the columns that changed, maybe an empty one."""
    name, make, site, machines = node.entry.name, node.entry.reference, node.site, memory.columns
    prefix, ignore_null = build(node.prefix), build(node.ignore_null)
    columns = [(item.alias, None if isinstance(item.value, r.WholeRow) else build(item.value)) for item in node.columns]

    def evaluate(frame: Frame) -> Any:
        pairs: list[tuple[str, Any]] = []
        for column, value in columns:
            pairs.extend(frame.row.items() if value is None else [(column, value(frame))])
        try:
            return machines.setdefault(site, make())(prefix(frame), ignore_null(frame), pairs)
        except RowFault as fault:
            raise RowFault(f"call func {name} error: {fault.message}") from None

    return evaluate
