"""What a name means: a column, an alias, or a path into an object; and what a field is called in the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..catalog import Stream
from ..errors import PlanError, did_you_mean
from . import resolved as r
from . import syntax as s
from .builtins import find

Refuse = Callable[..., PlanError]


def output_names(select: s.Select, refuse: Refuse) -> tuple[str, ...]:
    """The name of every field: its alias, column, function (lower case if built in), else kuiper_field_N.

    Two fields of one name are refused; for aliases the case does not count.
    """
    names: list[str] = []
    unnamed = 0
    for item in select.items:
        name = item.alias or _natural_name(item.value)
        if not name and not isinstance(item.value, s.Star):
            name = f"kuiper_field_{unnamed}"
            unnamed += 1
        names.append(name)
    seen: set[str] = set()
    aliases: set[str] = set()
    for item, name in zip(select.items, names, strict=True):
        if item.alias and name.lower() in aliases:
            raise refuse(f"duplicate alias {name}", "give the fields different names", item.place)
        if name and name in seen:
            raise refuse(f"duplicate field definition {name}", "give one of them another name with AS", item.place)
        seen.add(name)
        if item.alias:
            aliases.add(name.lower())
    return tuple(names)


def _natural_name(node: s.Node) -> str:
    if isinstance(node, s.Name):
        return node.parts[-1] if len(node.parts) <= 2 else ""
    if isinstance(node, s.Parameter):
        return node.name
    if isinstance(node, s.Invoke):
        return node.name.lower() if find(node.name) or node.name.lower() in _SPECIAL else node.name
    return ""


_SPECIAL = {"window_start", "window_end", "window_trigger", "event_time", "meta", "row_number"}


class NameResolver:
    """Resolves every `Name` of a SELECT.

    An alias goes before a column of its name everywhere but in its own definition. On a schemaless stream, an alias
    that is
    defined later gives way to a column of its name, where the row has one.
    """

    def __init__(self, select: s.Select, stream: Stream, names: tuple[str, ...], refuse: Refuse) -> None:
        self.select = select
        self.stream = stream
        self.refuse = refuse
        self.defined = {item.alias: index for index, item in enumerate(select.items) if item.alias}
        self.aliases: dict[str, s.Node] = {}
        self.names = names

    def resolve(self) -> s.Select:
        """The SELECT with its names resolved; *aliases* then holds the definition of every alias."""
        select = self.select
        items = tuple(replace(item, value=self._item(item, index)) for index, item in enumerate(select.items))
        self.aliases = {item.alias: item.value for item in items if item.alias}
        self._refuse_cycles()
        return replace(
            select,
            items=items,
            where=self._optional(select.where),
            group=tuple(self._node(g) for g in select.group),
            windows=tuple(
                replace(w, where=self._optional(w.where), when=self._optional(w.when)) for w in select.windows
            ),
            having=self._optional(select.having),
            order=tuple(replace(o, value=self._order(o.value)) for o in select.order),
        )

    def _optional(self, node: s.Expr | None) -> s.Node | None:
        return None if node is None else self._node(node)

    def _order(self, node: s.Node) -> s.Node:
        """ORDER BY also sees unnamed fields by the name they get: `ORDER BY count`."""
        if isinstance(node, s.Name) and len(node.parts) == 1 and node.parts[0] not in self.defined:
            for item, name in zip(self.select.items, self.names, strict=True):
                if name == node.parts[0] and isinstance(item.value, s.Invoke):
                    return self._node(item.value)
        return self._node(node)

    def _item(self, item: s.SelectItem, index: int) -> s.Node:
        if isinstance(item.value, s.Star):
            return self._star(item.value)
        return self._node(item.value, item.alias, index)

    def _star(self, star: s.Star) -> s.Node:
        if star.stream is not None and star.stream not in (self.stream.name, self.select.alias):
            raise self.refuse(f"stream {star.stream} not found", f"FROM names {self.stream.name}", star.place)
        return replace(
            star, replace=tuple(replace(item, value=self._node(item.value, item.alias)) for item in star.replace)
        )

    def _node(self, node: s.Node, own: str = "", index: int | None = None) -> s.Node:
        if isinstance(node, s.Name):
            return self._name(node, own, index)
        if isinstance(node, s.Unit):  # eKuiper reads the unit of a window anywhere, and it is null
            return r.NOTHING
        if isinstance(node, s.Paren):
            return self._node(node.inner, own, index)
        if isinstance(node, s.Star):
            replaced = tuple(replace(item, value=self._node(item.value, item.alias)) for item in node.replace)
            return r.WholeRow(node.exclude, replaced, place=node.place)
        if isinstance(node, s.Invoke) and node.name.lower() in ("meta", "mqtt"):
            return node  # its argument names metadata, not a column
        if isinstance(node, s.Invoke) and node.name.lower() == "changed_cols":
            named = tuple(
                s.SelectItem(self._node(a, own, index), _natural_name(a), place=a.place) for a in node.arguments
            )
            return replace(node, arguments=named)
        if isinstance(node, s.Invoke) and node.over is not None:
            over = replace(node.over, partition=tuple(self._node(p, own, index) for p in node.over.partition))
            over = replace(over, when=None if over.when is None else self._node(over.when, own, index))
            return replace(node, arguments=tuple(self._node(a, own, index) for a in node.arguments), over=over)
        return r.rebuilt(node, lambda child: self._node(child, own, index))

    def _name(self, node: s.Name, own: str, index: int | None) -> s.Node:
        head, *path = node.parts
        if path and head in (self.stream.name, self.select.alias) and self.stream.column(head) is None:
            head, *path = path
            found: s.Node = self._column(head, node.place)
        elif head in self.defined and head != own:
            later = index is not None and self.defined[head] > index
            found = r.AliasRef(head, later and not self.stream.typed, place=node.place)
        else:
            found = self._column(head, node.place)
        for key in path:
            found = s.Arrow(found, key, place=node.place)
        return found

    def _column(self, name: str, place: s.Place) -> r.Column:
        known = [f.name for f in self.stream.fields]
        if self.stream.typed and name not in known:
            if name.lower() in (k.lower() for k in known):
                message = f"field {name} not found in stream {self.stream.name}"
            else:
                message = f"unknown field {name}"
            raise self.refuse(message, did_you_mean(name, [*known, *self.defined]), place)
        return r.Column(name, place=place)

    def _refuse_cycles(self) -> None:
        graph: Mapping[str, set[str]] = {
            name: {n.name for n in r.walk(node) if isinstance(n, r.AliasRef)} for name, node in self.aliases.items()
        }
        done: set[str] = set()

        def visit(name: str, trail: tuple[str, ...]) -> None:
            if name in trail:
                item = self.select.items[self.defined[name]]
                raise self.refuse("select fields have cycled alias", " → ".join([*trail, name]), item.place)
            if name not in done:
                for other in sorted(graph[name]):
                    visit(other, (*trail, name))
                done.add(name)

        for name in graph:
            visit(name, ())
