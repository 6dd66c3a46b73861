"""A plan as text: its steps in the order rows go through them, the arm each takes and why, and DuckDB's SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from ..contracts import Function
from ..sql.plan import Plan
from ..sql.printer import printed
from ..sql.resolved import BuiltinCall
from ..windowing.spec import Count, Hopping, Tumbling
from .batch import FEW
from .hoist import sites
from .substitute import expanded
from .vector import Vector

Arm = Literal["duckdb", "exact"]


class Explained(str):
    """A plan as text, and what the text is made of: its steps (name and text), the arm, why, and DuckDB's SQL."""

    steps: tuple[tuple[str, str], ...]
    arm: Arm
    reason: str
    sql: tuple[str, ...]


def explained(plan: Plan, vector: Vector | None, sinks: Sequence[str], functions: Mapping[str, Function]) -> Explained:
    """The steps of *plan*, one a line; then the arms and the SQL."""
    steps = [*_input(plan), *_rows(plan), *_calls(plan, functions), *_output(plan, sinks)]
    arm, reason, sql = _arms(vector)
    width = max(len(name) for name, _ in steps)
    lines = [f"{number:2} {name:<{width}}  {text}" for number, (name, text) in enumerate(steps, 1)]
    taken = "DuckDB" if arm == "duckdb" else "the evaluator, row by row"
    indented = [f"  {line}" for text in sql for line in text.splitlines()]
    by_types = reason.startswith("by the types")
    found = Explained("\n".join([*lines, "", f"arm: {taken}{', ' if by_types else '; '}{reason}", *indented]))
    found.steps, found.arm, found.reason, found.sql = tuple(steps), arm, reason, tuple(sql)
    return found


def _input(plan: Plan) -> list[tuple[str, str]]:
    stream, options = plan.stream, plan.options
    columns = (
        "all columns"
        if plan.columns is None
        else ", ".join(_typed(plan, c) for c in sorted(plan.columns)) or "no column"
    )
    steps = [("source", f"{stream.name}: {stream.type} {stream.datasource}".rstrip())]
    steps.append(("decode", f"{stream.format}, {'typed' if stream.typed else 'schemaless'}: {columns}"))
    if options.event_time:
        steps.append(
            ("watermark", f"{options.late_tolerance} ms behind the newest {stream.timestamp}; rows behind it are late")
        )
    return steps


def _typed(plan: Plan, column: str) -> str:
    declared = plan.stream.column(column)
    return f"{column} {declared.type}" if declared is not None else column


def _rows(plan: Plan) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    where = ("where", printed(plan.where)) if plan.where is not None else None
    if plan.window is None:
        return [where] if where else []
    if plan.window_filter is not None:
        steps.append(("filter", printed(plan.window_filter)))
    if where and plan.where_first:
        steps.append(where)
    steps.append(("window", _window(plan)))
    if where and not plan.where_first:
        steps.append(where)
    if plan.group:
        steps.append(("group", ", ".join(printed(key) for key in plan.group)))
    return steps


def _window(plan: Plan) -> str:
    time = "event time" if plan.options.event_time else "processing time"
    match plan.window:
        case Tumbling(unit=unit, count=count):
            return f"TUMBLINGWINDOW({unit.lower()}, {count}), {time}"
        case Hopping(unit=unit, count=count, hop=hop):
            return f"HOPPINGWINDOW({unit.lower()}, {count}, {hop}), {time}"
        case Count(length=length):
            return f"COUNTWINDOW({length}), every {plan.window.every} rows"
    return str(plan.window)


def _calls(plan: Plan, functions: Mapping[str, Function]) -> list[tuple[str, str]]:
    nodes = [plan.having, *(f.node for f in plan.fields), *(key.node for key in plan.order)]
    where = expanded(plan.where, plan.aliases) if plan.where is not None else None
    found = sites([expanded(n, plan.aliases) for n in nodes if n is not None], where)
    steps = []
    for site in found:
        how = "built in, answered by Python" if isinstance(site.call, BuiltinCall) else _user(functions, site.call.name)
        when = "" if site.always else ", only for rows that get there"
        steps.append(("call", f"{printed(site.call)}: {how}{when}"))
    return steps


def _user(functions: Mapping[str, Function], name: str) -> str:
    function = functions.get(name)
    if function is None:
        return "dropped"
    owners = {"portable": f", plugin {function.owner}", "external": f", service {function.owner}"}
    kind = f"{function.kind}{owners.get(function.kind, '')}"
    return f"{kind}, generation {function.generation}{', vectorised' if function.vectorized else ''}"


def _output(plan: Plan, sinks: Sequence[str]) -> list[tuple[str, str]]:
    steps = []
    if plan.having is not None:
        steps.append(("having", printed(plan.having)))
    if plan.order:
        keys = (f"{printed(key.node)}{' DESC' if key.descending else ''}" for key in plan.order)
        steps.append(("order", ", ".join(keys)))
    fields = []
    for f in plan.fields:
        if f.kind == "star":
            fields.append("*" + (f" EXCEPT({', '.join(f.star.exclude)})" if f.star.exclude else ""))
        else:
            text = printed(f.node)
            fields.append((text if text == f.name else f"{text} AS {f.name}") + (" INVISIBLE" if f.invisible else ""))
    steps.append(("select", ", ".join(fields)))
    if plan.limit is not None:
        steps.append(("limit", str(plan.limit)))
    steps.append(("sinks", ", ".join(["rule.emits", *sinks])))
    return steps


def _arms(vector: Vector | None) -> tuple[Arm, str, list[str]]:
    """The arm, why it is taken, and the SQL."""
    few = f"batches of fewer than {FEW} rows take the evaluator, which is done before DuckDB has begun"
    if vector is None:
        return "exact", "the plan looks at rows one after the other", []
    texts, why = vector.sketch()
    if why:
        return "exact", why, []
    named = [_FEED.sub('"batch"', text) for text in texts]
    return "duckdb", few if texts else f"by the types each batch turns out to have; {few}", named


_FEED = re.compile(r'"__duckdb_source_\w+"')
"""What DuckDB calls a table of Arrow: another name in every process."""
