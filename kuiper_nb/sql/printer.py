"""An expression as text again, the way its author would write it: for messages and `explain`."""

from __future__ import annotations

import json

from . import resolved as r
from . import syntax as s


def printed(node: s.Node | None) -> str:
    """*node* as SQL of the dialect."""
    match node:
        case None:
            return ""
        case s.Constant(value=value):
            return json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value).upper()
        case r.Column(name=name) | r.AliasRef(name=name):
            return name if name.isidentifier() else f"`{name}`"
        case s.Unit(name=name):
            return name
        case s.Parameter(name=name):
            return f"${name}"
        case s.Name(parts=parts):
            return ".".join(parts)
        case s.Star(exclude=exclude, replace=replaced) | r.WholeRow(exclude=exclude, replace=replaced):
            return _printed_star(exclude, replaced)
        case r.MetaRef(key=key):
            return f"meta({key or '*'})"
        case r.Bound(which=which):
            return f"{which}()"
        case r.RowNumber():
            return "row_number()"
        case r.BuiltinCall(entry=entry, arguments=arguments):
            shown = arguments[1:] if entry.name == "deduplicate" else arguments
            return f"{entry.name}({', '.join(map(printed, shown))})"
        case r.AnalyticCall(entry=entry, arguments=arguments):
            return f"{entry.name}({', '.join(map(printed, arguments))}){_printed_over(node)}"
        case r.LastHit(entry=entry):
            return f"{entry.name}()"
        case r.ChangedCols(entry=entry, prefix=prefix, ignore_null=ignore, columns=columns):
            return f"{entry.name}({', '.join(map(printed, (prefix, ignore, *(item.value for item in columns))))})"
        case r.UserCall(name=name, arguments=arguments):
            return f"{name}({', '.join(map(printed, arguments))})"
        case s.Invoke(name=name, arguments=invoked):
            return f"{name}({', '.join(map(printed, invoked))})"
    return _printed_operator(node)


def _printed_star(exclude: tuple[str, ...], replaced: tuple[s.SelectItem, ...]) -> str:
    named = ", ".join(f"{printed(item.value)} AS {item.alias}" for item in replaced)
    return "*" + (f" EXCEPT({', '.join(exclude)})" if exclude else "") + (f" REPLACE({named})" if named else "")


def _printed_over(call: r.AnalyticCall) -> str:
    parts = [f"PARTITION BY {', '.join(map(printed, call.partition))}"] if call.partition else []
    if call.when is not None:
        parts.append(f"WHEN {printed(call.when)}")
    return f" OVER ({' '.join(parts)})" if parts else ""


def _printed_operator(node: s.Node) -> str:
    match node:
        case s.Binary(op=op, left=left, right=right):
            return f"{_nested(left)} {op} {_nested(right)}"
        case s.Between(value=value, low=low, high=high, negated=negated):
            word = "NOT BETWEEN" if negated else "BETWEEN"
            return f"{_nested(value)} {word} {_nested(low)} AND {_nested(high)}"
        case s.In(value=value, items=items, negated=negated):
            word = "NOT IN" if negated else "IN"
            listed = f"({', '.join(map(printed, items))})" if isinstance(items, tuple) else printed(items)
            return f"{_nested(value)} {word} {listed}"
        case s.Arrow(value=value, key=key):
            return f"{_nested(value)}->{key}"
        case s.Index(value=value, index=index):
            return f"{_nested(value)}[{printed(index)}]"
        case s.Slice(value=value, start=start, stop=stop):
            return f"{_nested(value)}[{printed(start)}:{printed(stop)}]"
        case s.Paren(inner=inner):
            return f"({printed(inner)})"
        case s.Case(subject=subject, branches=branches, otherwise=otherwise):
            middle = " ".join(f"WHEN {printed(a)} THEN {printed(b)}" for a, b in branches)
            tail = f" ELSE {printed(otherwise)}" if otherwise is not None else ""
            return f"CASE {printed(subject)} {middle}{tail} END".replace("CASE  ", "CASE ")
    return type(node).__name__


def _nested(node: s.Node) -> str:
    """An operand: in parentheses when it is an operation itself."""
    inner = printed(node)
    return f"({inner})" if isinstance(node, (s.Binary, s.Between, s.In)) else inner
