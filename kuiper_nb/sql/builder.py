"""Parse tree in, syntax nodes out: one method per rule of the grammar."""

from __future__ import annotations

from typing import Any

from lark import Token, v_args
from lark.tree import Meta

from ..types import SIMPLE, AnyType, ArrayOf, StructOf
from . import syntax as s
from .expressions import Bind, ExpressionBuilder, at
from .strings import parts

__all__ = ["Bind", "Builder"]


@v_args(meta=True)
class Builder(ExpressionBuilder):
    """Builds statements, and with what it inherits the expressions in them."""

    # ---- SELECT

    def star(self, meta: Meta, children: list[Any]) -> s.Star:
        return self._star(None, children[1:], at(meta))

    def stream_star(self, meta: Meta, children: list[Any]) -> s.Star:
        return self._star(parts(children[0].removesuffix(".*"))[0], children[1:], at(meta))

    def _star(self, stream: str | None, modifiers: list[tuple[str, tuple[Any, ...]]], place: s.Place) -> s.Star:
        given = dict(modifiers)  # a second EXCEPT replaces the first
        return s.Star(stream, given.get("exclude", ()), given.get("replace", ()), place=place)

    def exclude(self, meta: Meta, children: list[Token]) -> tuple[str, Any]:
        return "exclude", tuple(parts(c)[-1] for c in children)

    def replace(self, meta: Meta, children: list[s.SelectItem]) -> tuple[str, Any]:
        return "replace", tuple(children)

    def star_item(self, meta: Meta, children: list[s.Star]) -> s.SelectItem:
        return s.SelectItem(children[0], place=at(meta))

    def named_item(self, meta: Meta, children: list[Any]) -> s.SelectItem:
        alias = next((parts(c)[-1] for c in children[1:] if c.type == "COLUMN"), "")
        invisible = any(c.type == "INVISIBLE" for c in children[1:])
        return s.SelectItem(self.single(children[0]), alias, invisible, place=at(meta))

    def items(self, meta: Meta, children: list[s.SelectItem]) -> tuple[str, Any]:
        return "items", tuple(children)

    def source(self, meta: Meta, children: list[Token]) -> tuple[str, Any]:
        return "source", (children[0].strip("`"), parts(children[1])[0] if len(children) > 1 else "")

    def join(self, meta: Meta, children: list[Any]) -> s.Join:
        kind, stream, *rest = children
        alias = parts(rest.pop(0))[0] if rest and isinstance(rest[0], Token) else ""
        return s.Join(kind.upper(), stream.strip("`"), alias, rest[0] if rest else None, place=at(kind))

    def where(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "where", self.single(children[0])

    def having(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "having", self.single(children[0])

    def group(self, meta: Meta, children: list[Any]) -> tuple[str, Any]:
        return "group", children

    def filter(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "where", self.single(children[0])

    def window_over(self, meta: Meta, children: list[Any]) -> list[tuple[str, Any]]:
        return children

    def window(self, meta: Meta, children: list[Any]) -> s.WindowCall:
        name, *rest = children
        arguments = tuple(c for c in rest if isinstance(c, s.Node))
        given = dict(x for c in rest if not isinstance(c, s.Node) for x in (c if isinstance(c, list) else [c]))
        return s.WindowCall(
            name.lower(), arguments, given.get("where"), given.get("when"), given.get("partition", ()), place=at(name)
        )

    def order_item(self, meta: Meta, children: list[Any]) -> s.OrderItem:
        node = first = self.single(children[0])
        while isinstance(first, (s.Binary, s.Arrow, s.Index, s.Slice, s.Between, s.In)):
            first = first.left if isinstance(first, s.Binary) else first.value
        if not isinstance(first, (s.Name, s.Unit, s.Invoke)):
            raise self.refuse("ORDER BY starts with a column, alias or call", "", first.place)
        return s.OrderItem(node, len(children) > 1 and children[1].type == "DESC", place=node.place)

    def order(self, meta: Meta, children: list[s.OrderItem]) -> tuple[str, Any]:
        return "order", tuple(children)

    def limit(self, meta: Meta, children: list[s.Constant]) -> tuple[str, Any]:
        value = children[0].value
        if type(value) is not int:
            raise self.refuse("limit should be integer", "", children[0].place)
        return "limit", None if value < 0 else value

    def select(self, meta: Meta, children: list[Any]) -> s.Select:
        joins = tuple(c for c in children if isinstance(c, s.Join))
        given = dict(c for c in children if not isinstance(c, s.Join))
        stream, alias = given["source"]
        dimensions = given.get("group", [])
        return s.Select(
            items=given["items"],
            stream=stream,
            alias=alias,
            joins=joins,
            where=given.get("where"),
            group=tuple(self.single(d) for d in dimensions if not isinstance(d, s.WindowCall)),
            windows=tuple(d for d in dimensions if isinstance(d, s.WindowCall)),
            having=given.get("having"),
            order=given.get("order", ()),
            limit=given.get("limit"),
            text=_slice(self.text, meta),
            place=at(meta),
        )

    # ---- definitions

    def simple_type(self, meta: Meta, children: list[Token]) -> AnyType:
        return SIMPLE[children[0].upper()]

    def array_type(self, meta: Meta, children: list[AnyType]) -> AnyType:
        return ArrayOf(children[0])

    def struct_type(self, meta: Meta, children: list[s.ColumnDef]) -> AnyType:
        defaults = tuple((c.name, c.default) for c in children if c.default is not None)
        return StructOf(tuple((c.name, c.type) for c in children), defaults)

    def column_def(self, meta: Meta, children: list[Any]) -> s.ColumnDef:
        default = children[2] if len(children) > 2 else None
        if isinstance(default, Token):
            default = self.text_of(default) if default.type == "STRING" else default.type == "TRUE"
        elif isinstance(default, s.Constant):
            default = default.value
        return s.ColumnDef(parts(children[0])[0], children[1], default, place=at(meta))

    def option(self, meta: Meta, children: list[Token]) -> tuple[str, str, s.Place]:
        key, value = children
        if value.startswith("'"):
            escaped = value[1:-1].replace('"', '\\"')
            hint = f'option values stand in double quotes: {key}="{escaped}"'
            raise self.refuse("expect string or boolean value in option", hint, at(value))
        text = self.text_of(value) if value.type == "STRING" else value.upper()
        return key.strip("`").upper(), text, at(key)

    def create(self, meta: Meta, children: list[Any]) -> s.Create:
        kind, name, *rest = children
        columns: dict[str, s.ColumnDef] = {c.name: c for c in rest if isinstance(c, s.ColumnDef)}  # the last wins
        options: list[tuple[str, str, s.Place]] = [c for c in rest if isinstance(c, tuple)]
        return s.Create(
            kind.lower(),
            name.strip("`"),
            tuple(columns.values()),
            tuple((key, value) for key, value, _ in options),
            text=_slice(self.text, meta),
            option_places=tuple(place for _, _, place in options),
            place=at(meta),
        )

    def show(self, meta: Meta, children: list[Token]) -> s.Show:
        return s.Show("stream" if children[0].lower() == "streams" else "table", place=at(meta))

    def describe(self, meta: Meta, children: list[Token]) -> s.Describe:
        return s.Describe(children[0].lower(), children[1].strip("`"), place=at(meta))  # type: ignore[arg-type]

    def drop(self, meta: Meta, children: list[Token]) -> s.Drop:
        return s.Drop(children[0].lower(), children[1].strip("`"), place=at(meta))  # type: ignore[arg-type]

    def start(self, meta: Meta, children: list[s.Statement]) -> tuple[s.Statement, ...]:
        return tuple(children)


def _slice(text: str, meta: Meta) -> str:
    """The statement alone, but so far down and to the right that places in the whole text fit it too."""
    if meta.empty:
        return text
    return "\n" * (meta.line - 1) + " " * (meta.column - 1) + text[meta.start_pos : meta.end_pos]
