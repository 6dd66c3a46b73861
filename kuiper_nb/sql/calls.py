"""What a call means: a built-in, a user's function, a bound of the window, metadata; and whether its arguments can be
right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from ..contracts import Function
from ..errors import NotSupported, PlanError, did_you_mean
from . import resolved as r
from . import syntax as s
from .builtins import find, table
from .builtins.entry import Builtin

Clause = Literal["select", "where", "group", "filter", "when", "having", "order"]
Refuse = Callable[..., PlanError]

_BOUNDS = ("window_start", "window_end", "window_trigger", "event_time")
_WINDOWS = tuple(f"{kind}window" for kind in ("tumbling", "hopping", "sliding", "session", "count", "state"))
_LATER = {
    "function": ("dedup_trigger", "get_keyed_state", "mqtt"),
}  # fmt: skip

RESERVED = frozenset(
    (*_BOUNDS, *_WINDOWS, "meta", "row_number", *(name for names in _LATER.values() for name in names))
)
"""Names that call something although they stand in no table of built-ins."""


class CallResolver:
    """Resolves every `Invoke`. Built-in names go first and in any case; a user's functions are case-sensitive."""

    def __init__(self, functions: Mapping[str, Function], refuse: Refuse) -> None:
        self.functions = functions
        self.refuse = refuse
        self._sites: dict[tuple[int, int], int] = {}

    def optional(self, node: s.Node | None, clause: Clause) -> s.Node | None:
        """`resolve`, for what may be missing."""
        return None if node is None else self.resolve(node, clause)

    def resolve(self, node: s.Node, clause: Clause, inside: str = "") -> s.Node:
        """*node* with its calls resolved; *inside* is the aggregate it is an argument of."""
        if isinstance(node, s.Invoke):
            return self._invoke(node, clause, inside)
        return r.rebuilt(node, lambda child: self.resolve(child, clause, inside))

    def _invoke(self, node: s.Invoke, clause: Clause, inside: str) -> s.Node:
        name = node.name.lower()
        if name in _BOUNDS:
            self._arity(node, name, (0, 0))
            return r.Bound(name, place=node.place)  # type: ignore[arg-type]
        if name == "meta":
            return self._meta(node)
        if name == "row_number":
            return self._row_number(node, clause)
        if name in _WINDOWS:
            raise self.refuse(f"{name} stands only in GROUP BY", f"GROUP BY {name.upper()}(…)", node.place)
        for kind, names in _LATER.items():
            if name in names:
                place = node.place
                raise NotSupported(
                    f"the {kind} {name} is not supported yet",
                    line=place.line,
                    column=place.column,
                    statement=self._text(),
                )
        entry = find(node.name)
        if node.over is not None and (entry is None or entry.kind != "analytic"):
            raise self.refuse(f"Found OVER after non analytic function {name}", "", node.place)
        if entry is not None and entry.kind in ("analytic", "state", "columns"):
            return self._stateful(node, entry, clause, inside)
        if entry is not None:
            return self._builtin(node, entry, clause, inside)
        if node.name in self.functions:
            return self._user(node, self.functions[node.name], clause, inside)
        known = [*table(), *self.functions, *_BOUNDS]
        if clause == "group":
            known += [window.upper() for window in _WINDOWS]
        hint = did_you_mean(node.name, known)
        raise self.refuse(f"function {node.name} not found", hint or "define it: @kuiper.function", node.place)

    def _text(self) -> str | None:
        return self.refuse("").statement

    def _arity(self, node: s.Invoke, name: str, arity: tuple[int, int | None]) -> None:
        least, most = arity
        count = len(node.arguments)
        if least <= count and (most is None or count <= most):
            return
        wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        message = f"validate function {name} error: Expect {wanted} arguments but found {count}."
        raise self.refuse(message, "", node.place)

    def _meta(self, node: s.Invoke) -> s.Node:
        self._arity(node, "meta", (1, 1))
        argument = node.arguments[0]
        if isinstance(argument, s.Star):
            return r.MetaRef(None, place=node.place)
        path: list[str] = []
        while isinstance(argument, s.Arrow):
            path.insert(0, argument.key)
            argument = argument.value
        if not isinstance(argument, s.Name):
            message = "validate function meta error: Expect meta reference type for parameter 1."
            raise self.refuse(message, "meta(topic), meta(stream.topic) or meta(*)", node.place)
        found: s.Node = r.MetaRef(argument.parts[-1], place=node.place)
        for key in path:
            found = s.Arrow(found, key, place=node.place)
        return found

    def _row_number(self, node: s.Invoke, clause: Clause) -> s.Node:
        self._arity(node, "row_number", (0, 0))
        if clause != "select":
            raise self.refuse("window functions can only be in select fields", "", node.place)
        if node.over is not None:
            raise self.refuse("row_number() takes no OVER here", "it numbers the rows of an emit", node.place)
        return r.RowNumber(place=node.place)

    def _builtin(self, node: s.Invoke, entry: Builtin, clause: Clause, inside: str) -> s.Node:
        self._arity(node, entry.name, entry.arity)
        self._literals(node, entry)
        if entry.bind is not None:
            entry = entry.bind(node.arguments)
        aggregate = entry.kind == "aggregate"
        if aggregate and inside:
            raise self.refuse(f"invalid argument for func {inside}: aggregate argument is not allowed", "", node.place)
        within = entry.name if aggregate else inside
        arguments = tuple(self.resolve(a, clause, within) for a in node.arguments)
        if entry.name == "deduplicate":
            arguments = (r.WholeRow(place=node.place), *arguments)
        return r.BuiltinCall(entry, arguments, place=node.place)

    def _stateful(self, node: s.Invoke, entry: Builtin, clause: Clause, inside: str) -> s.Node:
        if entry.kind == "columns" and clause != "select":
            raise self.refuse(f"function {entry.name} can only be used inside the select clause", "", node.place)
        self._arity(node, entry.name, entry.arity)
        site = self._site(node)
        if entry.kind == "state":
            hit = r.LastHit(entry, clause, site, place=node.place)
            if hit.aggregate and inside:
                message = f"invalid argument for func {inside}: aggregate argument is not allowed"
                raise self.refuse(message, "", node.place)
            return hit
        arguments = tuple(self.resolve(a, clause, inside) for a in node.arguments)
        if entry.kind == "columns":
            prefix, ignore, *columns = arguments
            named = tuple(c for c in columns if isinstance(c, s.SelectItem))
            return r.ChangedCols(entry, _unnamed(prefix), _unnamed(ignore), named, site, place=node.place)
        self._literals(node, entry)
        if entry.bind is not None:
            entry = entry.bind(node.arguments)
        over = node.over or s.Over()
        partition = tuple(self.resolve(p, clause, inside) for p in over.partition)
        return r.AnalyticCall(entry, arguments, partition, self.optional(over.when, clause), site, place=node.place)

    def _site(self, node: s.Invoke) -> int:
        return self._sites.setdefault((node.place.line, node.place.column), len(self._sites))

    def _literals(self, node: s.Invoke, entry: Builtin) -> None:
        for number, argument in enumerate(node.arguments):
            kind = entry.arguments[min(number, len(entry.arguments) - 1)] if entry.arguments else "any"
            wrong = _wrong_literal(argument, kind)
            if wrong:
                message = f"validate function {entry.name} error: Expect {wrong} type for parameter {number + 1}."
                raise self.refuse(message, "", argument.place)
        fault = entry.check(node.arguments) if entry.check else ""
        if fault:
            raise self.refuse(f"validate function {entry.name} error: {fault}", "", node.place)

    def _user(self, node: s.Invoke, function: Function, clause: Clause, inside: str) -> s.Node:
        self._arity(node, function.name, function.arity)
        if function.aggregate and inside:
            raise self.refuse(f"invalid argument for func {inside}: aggregate argument is not allowed", "", node.place)
        within = function.name if function.aggregate else inside
        arguments = tuple(self.resolve(a, clause, within) for a in node.arguments)
        return r.UserCall(node.name, arguments, function.aggregate, self._site(node), place=node.place)


def _unnamed(item: s.Node) -> s.Node:
    return item.value if isinstance(item, s.SelectItem) else item


def _wrong_literal(argument: s.Node, kind: str) -> str:
    """What was expected instead of this literal; '' when it fits, or is no literal."""
    literal_only = kind.startswith("literal ")
    kind = kind.removeprefix("literal ")
    if not isinstance(argument, s.Constant):
        return kind if literal_only else ""
    value = argument.value
    if kind == "column":
        return "column"
    fits = {
        "any": True,
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "int": type(value) is int,
        "string": isinstance(value, str),
        "bool": isinstance(value, bool),
    }[kind]
    return "" if fits else "number - float or int" if kind == "number" else kind
