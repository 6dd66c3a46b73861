"""Where calls may stand that are more than a value of their row: set-returning, remembering and aggregating ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from . import resolved as r
from . import syntax as s
from .builtins import find
from .plan import OutputField

if TYPE_CHECKING:
    from .passes import Draft


def is_aggregate(node: s.Node | None, aliases: Mapping[str, s.Node]) -> bool:
    """Whether *node* calls an aggregate, itself or through an alias."""
    calls = (r.BuiltinCall, r.UserCall, r.LastHit)
    return any(isinstance(n, calls) and n.aggregate for n in r.reach(node, aliases))


def without_aggregates(node: s.Node | None, aliases: Mapping[str, s.Node]) -> s.Node | None:
    """*node* as it is where there is no group yet: every aggregate in it, or behind an alias, is null."""
    if node is None:
        return None

    def emptied(n: s.Node) -> s.Node:
        aggregate = isinstance(n, (r.BuiltinCall, r.UserCall, r.LastHit)) and n.aggregate
        if aggregate or (isinstance(n, r.AliasRef) and is_aggregate(aliases[n.name], aliases)):
            return r.NOTHING
        return r.rebuilt(n, emptied)

    return emptied(node)


def groups_only(written: s.Node | None, resolved: s.Node, aliases: Mapping[str, s.Node]) -> bool:
    """Whether HAVING looks at groups: a column or call on either side of its operators must be, or hold, an aggregate.

    Literals pass, and so does, as in eKuiper, what stands in parentheses, behind an arrow or an index, or in CASE.
    """
    if isinstance(written, s.Binary) and isinstance(resolved, s.Binary):
        if not groups_only(written.left, resolved.left, aliases):
            return False
        return "LIKE" in written.op or groups_only(written.right, resolved.right, aliases)
    if isinstance(written, (s.Between, s.In)) and isinstance(resolved, (s.Between, s.In)):
        return groups_only(written.value, resolved.value, aliases)
    if isinstance(written, s.Invoke) or (isinstance(written, s.Name) and not isinstance(resolved, s.Arrow)):
        return is_aggregate(resolved, aliases)
    return True


# ---- set-returning functions


def check_sets(draft: Draft) -> Draft:
    """A set-returning function is a field of its own: one of them, and not in another call."""
    select = draft.select
    sets = [call for item in select.items for call in _sets(item)]
    for item in select.items:
        for node in s.walk(item):
            if isinstance(node, s.Invoke) and (nested := list(_sets(node.arguments))):
                message = "select clause shouldn't has nested set-returning-functions."
                raise draft.refuse(message, f"{nested[0].name}(…) is a field of its own", nested[0].place)
    if len(sets) > 1:
        message = "select clause shouldn't has multi set-returning-functions."
        raise draft.refuse(message, "one array of a row can become rows", sets[1].place)
    elsewhere = (select.where, select.group, select.windows, select.having, select.order, select.joins)
    for call in _sets(elsewhere):
        raise draft.refuse("select statement shouldn't has srf except fields.", "SELECT unnest(…) AS x", call.place)
    return draft


def _sets(root: object) -> Iterator[s.Invoke]:
    for node in s.walk(root):
        if isinstance(node, s.Invoke) and (entry := find(node.name)) is not None and entry.kind == "set":
            yield node


def set_field(fields: Iterable[OutputField]) -> str:
    """The output name of the field that is a set-returning call; '' when none is."""
    for field in fields:
        if isinstance(field.node, r.BuiltinCall) and field.node.entry.kind == "set":
            return field.name
    return ""


# ---- functions that remember


def check_hits(draft: Draft) -> Draft:
    """last_hit_… is about single rows: under a window only the conditions of the window may ask for it."""
    select = draft.resolved
    assert select is not None
    if not (select.windows or select.group):
        return draft
    roots = [item.value for item in select.items] + [*select.group, *(o.value for o in select.order)]
    for root in (*roots, select.where, select.having):
        for node in r.walk(root):
            if isinstance(node, r.LastHit) and not node.aggregate:
                name = node.entry.name
                hint = f"{name.replace('hit', 'agg_hit')}() counts groups"
                raise draft.refuse(f"function {name} is not allowed in an aggregate query", hint, node.place)
    return draft


def analytic_calls(select: s.Select, aliases: Mapping[str, s.Node]) -> tuple[r.AnalyticCall, ...]:
    """The analytic calls in the order in which a row carries them on: fields first, before a call what it looks at."""
    found: dict[int, r.AnalyticCall] = {}
    entered: set[str] = set()

    def visit(node: s.Node) -> None:
        if isinstance(node, r.AliasRef) and node.name not in entered:
            entered.add(node.name)
            visit(aliases[node.name])
        for child in r.children(node):
            visit(child)
        if isinstance(node, r.AnalyticCall):
            found.setdefault(node.site, node)

    roots: list[s.Node | None] = [item.value for item in select.items]
    roots += [select.where, *select.windows, *select.group, select.having, *(o.value for o in select.order)]
    for root in roots:
        if root is not None:
            visit(root)
    return tuple(found.values())
