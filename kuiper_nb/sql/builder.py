"""Parse tree in, syntax nodes out: one method per rule of the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from ..errors import ParseError
from ..types import SIMPLE, AnyType, ArrayOf, StructOf
from . import syntax as s
from .strings import clamped, parts, unquote

Bind = Callable[[str], Any]
"""Answers the value of the expression inside a `{{…}}`."""

_CONDITIONS = {"=", "!=", "<", "<=", ">", ">=", "AND", "OR", "LIKE", "NOT LIKE"}


def _at(meta: Meta | Token) -> s.Place:
    line, column = getattr(meta, "line", None), getattr(meta, "column", None)
    return s.Place(line or 1, column or 1)


class _Bound(tuple[Any, ...]):
    """The values of a list in `{{…}}`, allowed only after IN."""


@v_args(meta=True)
class Builder(Transformer[Token, Any]):
    """Builds the nodes of `syntax`. Wrong sentences that the grammar cannot tell are ParseErrors with their place."""

    def __init__(self, text: str, bind: Bind | None) -> None:
        super().__init__()
        self.text = text
        self.bind = bind

    def _refuse(self, message: str, hint: str, place: s.Place) -> ParseError:
        return ParseError(message, hint, line=place.line, column=place.column, statement=self.text)

    # ---- literals and names

    def integer(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(clamped("".join(children)), place=_at(meta))

    def float(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(float("".join(children)), place=_at(meta))

    def string(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(self._text(children[0]), place=_at(meta))

    def true(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(True, place=_at(meta))

    def false(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(False, place=_at(meta))

    def name(self, meta: Meta, children: list[Token]) -> s.Name:
        return s.Name(parts(children[0]), place=_at(meta))

    def all(self, meta: Meta, children: list[Token]) -> s.Star:
        return s.Star(place=_at(meta))

    def _text(self, token: Token) -> str:
        try:
            plain = unquote(token)
        except ValueError as error:
            raise self._refuse(
                f"invalid string: {error}", 'escapes are those of Go: \\n \\t \\\\ \\" \\u00e9', _at(token)
            ) from None
        return (
            re.sub(r"\{\{(.*?)\}\}", lambda m: str(self._value(m[1], _at(token))), plain, flags=re.S)
            if self.bind
            else plain
        )

    def _value(self, expression: str, place: s.Place) -> Any:
        if self.bind is None:
            raise self._refuse(
                "{{…}} has no value here", "it works in notebook cells; in a script use an f-string", place
            )
        try:
            value = self.bind(expression.strip())
        except Exception as error:
            raise self._refuse(f"{{{{{expression.strip()}}}}} failed: {error!r}", "", place) from error
        if hasattr(value, "item") and not isinstance(value, (list, tuple)):
            value = value.item()
        if value is None:
            raise self._refuse(
                f"{{{{{expression.strip()}}}}} is None", "there is no NULL literal in eKuiper SQL", place
            )
        return value

    def placeholder(self, meta: Meta, children: list[Token]) -> Any:
        place = _at(children[0])
        value = self._value(children[0][2:-2], place)
        if isinstance(value, (list, tuple, set, frozenset)):
            return _Bound(self._constant(v, place) for v in value)
        return self._constant(value, place)

    def _constant(self, value: Any, place: s.Place) -> s.Constant:
        if isinstance(value, datetime):
            value = round(value.timestamp() * 1000)
        if not isinstance(value, (bool, int, float, str)):
            hint = "numbers, texts, truth values, datetimes and, after IN, lists of them can be put into SQL"
            raise self._refuse(f"a {type(value).__name__} is no literal", hint, place)
        return s.Constant(clamped(str(value)) if type(value) is int else value, place=place)

    # ---- expressions

    def paren(self, meta: Meta, children: list[s.Expr]) -> s.Paren:
        return s.Paren(self._single(children[0]), place=_at(meta))

    def _single(self, node: Any) -> s.Expr:
        if isinstance(node, _Bound):
            place = node[0].place if node else s.NOWHERE
            raise self._refuse("a list in {{…}} stands only after IN", "write x IN {{values}}", place)
        result: s.Expr = node
        return result

    def binary(self, meta: Meta, children: list[Any]) -> s.Binary:
        left, op, right = children
        name = op.upper().replace("!", "=") if op == "!" else op.upper()
        return s.Binary(name, self._single(left), self._single(right), place=_at(op))

    def like(self, meta: Meta, children: list[Any]) -> s.Binary:
        negated = len(children) == 4
        left, op, right = children[0], children[-2], children[-1]
        return s.Binary("NOT LIKE" if negated else "LIKE", self._single(left), self._single(right), place=_at(op))

    def between(self, meta: Meta, children: list[Any]) -> s.Between:
        negated = isinstance(children[1], Token) and children[1].type == "NOT"
        low, high = (self._single(c) for c in children[1 + negated :] if not isinstance(c, Token))
        return s.Between(self._single(children[0]), low, high, negated, place=_at(meta))

    def in_list(self, meta: Meta, children: list[Any]) -> s.In:
        negated = isinstance(children[1], Token)
        items = children[1 + negated :]
        flat = [x for item in items for x in (item if isinstance(item, _Bound) else (item,))]
        return s.In(self._single(children[0]), tuple(flat), negated, place=_at(meta))

    def in_array(self, meta: Meta, children: list[Any]) -> s.In:
        negated = isinstance(children[1], Token)
        right = children[-1]
        if isinstance(right, _Bound):
            return s.In(self._single(children[0]), tuple(right), negated, place=_at(meta))
        return s.In(self._single(children[0]), right, negated, place=_at(meta))

    def arrow(self, meta: Meta, children: list[Any]) -> s.Expr:
        value, key = self._single(children[0]), children[1]
        for name in parts(key):
            value = s.Arrow(value, name, place=_at(key))
        return value

    def index(self, meta: Meta, children: list[Any]) -> s.Expr:
        value, at = self._single(children[0]), children[1]
        if isinstance(at, tuple):
            return s.Slice(value, *at, place=_at(meta))
        self._refuse_arithmetic(at)
        return s.Index(value, self._single(at), place=_at(meta))

    def _refuse_arithmetic(self, at: s.Expr) -> None:
        first = at
        while isinstance(first, (s.Binary, s.Arrow, s.Index)):
            first = first.left if isinstance(first, s.Binary) else first.value
        if first is not at and isinstance(first, s.Constant) and type(first.value) is int:
            raise self._refuse(
                "an index that starts with a number must be that number alone",
                "eKuiper reads v[n + 1] and v[(1 + n)], not v[1 + n]",
                first.place,
            )

    def range(self, meta: Meta, children: list[s.Expr | None]) -> tuple[s.Expr | None, s.Expr | None]:
        start, stop = children
        low, high = (0 if start is None else self._int(start)), (None if stop is None else self._int(stop))
        if low is not None and high is not None and high >= 0 and low >= high:
            place = (stop or start or s.Name(())).place
            raise self._refuse(
                "colon start value can't be greater than end value", "the end is exclusive: v[0:2]", place
            )
        return start, stop

    def _int(self, node: s.Expr) -> int | None:
        return node.value if isinstance(node, s.Constant) and type(node.value) is int else None

    def bound(self, meta: Meta, children: list[s.Expr]) -> s.Expr | None:
        if children:
            self._refuse_arithmetic(children[0])
        return children[0] if children else None

    def call(self, meta: Meta, children: list[Any]) -> s.Invoke:
        name, *rest = children
        over = rest.pop() if rest and isinstance(rest[-1], s.Over) else None
        arguments = tuple(self._single(a) for a in rest)
        return s.Invoke(".".join(parts(name)), arguments, over, place=_at(name))

    def over(self, meta: Meta, children: list[Any]) -> s.Over:
        if not children:
            raise self._refuse(
                'Found ")" after OVER (', "write OVER (PARTITION BY key) or OVER (WHEN condition)", _at(meta)
            )
        given = dict(children)
        return s.Over(given.get("partition", ()), given.get("when"), place=_at(meta))

    def partition(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "partition", tuple(self._single(c) for c in children)

    def when(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "when", self._single(children[0])

    def case(self, meta: Meta, children: list[Any]) -> s.Case:
        subject = None if isinstance(children[0], list) else self._single(children.pop(0))
        branches = [(a, b) for a, b in children if a is not None]
        otherwise = [b for a, b in children if a is None]
        if not branches:
            raise self._refuse("a CASE without WHEN", "write CASE WHEN a > 1 THEN … ELSE … END", _at(meta))
        if subject is None:
            for condition, _ in branches:
                self._require_condition(condition)
        return s.Case(subject, tuple(branches), otherwise[-1] if otherwise else None, place=_at(meta))

    def _require_condition(self, node: s.Expr) -> None:
        fits = (
            isinstance(node, (s.Between, s.In))
            or (isinstance(node, s.Binary) and node.op in _CONDITIONS)
            or (isinstance(node, s.Constant) and isinstance(node.value, bool))
        )
        if not fits:
            raise self._refuse(
                "invalid CASE expression, WHEN expression must be a bool condition",
                "eKuiper takes a comparison here, not a column, call or parenthesis: add `= TRUE`",
                node.place,
            )

    def when_branch(self, meta: Meta, children: list[Any]) -> list[Any]:
        return [self._single(children[0]), self._single(children[1])]

    def else_branch(self, meta: Meta, children: list[Any]) -> list[Any]:
        return [None, self._single(children[0])]

    # ---- SELECT

    def star(self, meta: Meta, children: list[Any]) -> s.Star:
        return self._star(None, children[1:], _at(meta))

    def stream_star(self, meta: Meta, children: list[Any]) -> s.Star:
        return self._star(parts(children[0].removesuffix(".*"))[0], children[1:], _at(meta))

    def _star(self, stream: str | None, modifiers: list[tuple[str, tuple[Any, ...]]], place: s.Place) -> s.Star:
        given = dict(modifiers)  # a second EXCEPT replaces the first
        return s.Star(stream, given.get("exclude", ()), given.get("replace", ()), place=place)

    def exclude(self, meta: Meta, children: list[Token]) -> tuple[str, Any]:
        return "exclude", tuple(parts(c)[-1] for c in children)

    def replace(self, meta: Meta, children: list[s.SelectItem]) -> tuple[str, Any]:
        return "replace", tuple(children)

    def star_item(self, meta: Meta, children: list[s.Star]) -> s.SelectItem:
        return s.SelectItem(children[0], place=_at(meta))

    def named_item(self, meta: Meta, children: list[Any]) -> s.SelectItem:
        alias = next((parts(c)[-1] for c in children[1:] if c.type == "COLUMN"), "")
        invisible = any(c.type == "INVISIBLE" for c in children[1:])
        return s.SelectItem(self._single(children[0]), alias, invisible, place=_at(meta))

    def items(self, meta: Meta, children: list[s.SelectItem]) -> tuple[str, Any]:
        return "items", tuple(children)

    def source(self, meta: Meta, children: list[Token]) -> tuple[str, Any]:
        return "source", (children[0].strip("`"), parts(children[1])[0] if len(children) > 1 else "")

    def join(self, meta: Meta, children: list[Any]) -> s.Join:
        kind, stream, *rest = children
        alias = parts(rest.pop(0))[0] if rest and isinstance(rest[0], Token) else ""
        return s.Join(kind.upper(), stream.strip("`"), alias, rest[0] if rest else None, place=_at(kind))

    def where(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "where", self._single(children[0])

    def having(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "having", self._single(children[0])

    def group(self, meta: Meta, children: list[Any]) -> tuple[str, Any]:
        return "group", children

    def unit(self, meta: Meta, children: list[Token]) -> s.Name:
        return s.Name((children[0].upper(),), place=_at(children[0]))

    def filter(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "where", self._single(children[0])

    def window_over(self, meta: Meta, children: list[Any]) -> list[tuple[str, Any]]:
        return children

    def window(self, meta: Meta, children: list[Any]) -> s.WindowCall:
        name, *rest = children
        arguments = tuple(c for c in rest if isinstance(c, s.Node))
        given = dict(x for c in rest if not isinstance(c, s.Node) for x in (c if isinstance(c, list) else [c]))
        return s.WindowCall(
            name.lower(), arguments, given.get("where"), given.get("when"), given.get("partition", ()), place=_at(name)
        )

    def order_item(self, meta: Meta, children: list[Any]) -> s.OrderItem:
        node = first = self._single(children[0])
        while isinstance(first, (s.Binary, s.Arrow, s.Index, s.Slice, s.Between, s.In)):
            first = first.left if isinstance(first, s.Binary) else first.value
        if not isinstance(first, (s.Name, s.Invoke)):
            raise self._refuse("ORDER BY starts with a column, alias or call", "", first.place)
        return s.OrderItem(node, len(children) > 1 and children[1].type == "DESC", place=node.place)

    def order(self, meta: Meta, children: list[s.OrderItem]) -> tuple[str, Any]:
        return "order", tuple(children)

    def limit(self, meta: Meta, children: list[s.Constant]) -> tuple[str, Any]:
        value = children[0].value
        if type(value) is not int:
            raise self._refuse("limit should be integer", "", children[0].place)
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
            group=tuple(self._single(d) for d in dimensions if not isinstance(d, s.WindowCall)),
            windows=tuple(d for d in dimensions if isinstance(d, s.WindowCall)),
            having=given.get("having"),
            order=given.get("order", ()),
            limit=given.get("limit"),
            text=_slice(self.text, meta),
            place=_at(meta),
        )

    # ---- definitions

    def simple_type(self, meta: Meta, children: list[Token]) -> AnyType:
        return SIMPLE[children[0].upper()]

    def array_type(self, meta: Meta, children: list[AnyType]) -> AnyType:
        return ArrayOf(children[0])

    def struct_member(self, meta: Meta, children: list[Any]) -> tuple[str, AnyType]:
        return parts(children[0])[0], children[1]

    def struct_type(self, meta: Meta, children: list[tuple[str, AnyType]]) -> AnyType:
        return StructOf(tuple(children))

    def column_def(self, meta: Meta, children: list[Any]) -> s.ColumnDef:
        default = children[2] if len(children) > 2 else None
        if isinstance(default, Token):
            default = self._text(default) if default.type == "STRING" else default.type == "TRUE"
        elif isinstance(default, s.Constant):
            default = default.value
        return s.ColumnDef(parts(children[0])[0], children[1], default, place=_at(meta))

    def option(self, meta: Meta, children: list[Token]) -> tuple[str, str, s.Place]:
        key, value = children
        if value.startswith("'"):
            hint = f'option values stand in double quotes: {key}="{value[1:-1]}"'
            raise self._refuse("expect string or boolean value in option", hint, _at(value))
        text = self._text(value) if value.type == "STRING" else value.upper()
        return key.strip("`").upper(), text, _at(key)

    def create(self, meta: Meta, children: list[Any]) -> s.Create:
        kind, name, *rest = children
        columns: dict[str, s.ColumnDef] = {c.name: c for c in rest if isinstance(c, s.ColumnDef)}  # the last wins
        return s.Create(
            kind.lower(),
            name.strip("`"),
            tuple(columns.values()),
            tuple((key, value) for key, value, _ in (c for c in rest if isinstance(c, tuple))),
            text=_slice(self.text, meta),
            place=_at(meta),
        )

    def show(self, meta: Meta, children: list[Token]) -> s.Show:
        return s.Show("stream" if children[0].lower() == "streams" else "table", place=_at(meta))

    def describe(self, meta: Meta, children: list[Token]) -> s.Describe:
        return s.Describe(children[0].lower(), children[1].strip("`"), place=_at(meta))  # type: ignore[arg-type]

    def drop(self, meta: Meta, children: list[Token]) -> s.Drop:
        return s.Drop(children[0].lower(), children[1].strip("`"), place=_at(meta))  # type: ignore[arg-type]

    def start(self, meta: Meta, children: list[s.Statement]) -> tuple[s.Statement, ...]:
        return tuple(children)


def _slice(text: str, meta: Meta) -> str:
    """The statement alone, but so far down and to the right that places in the whole text fit it too."""
    if meta.empty:
        return text
    return "\n" * (meta.line - 1) + " " * (meta.column - 1) + text[meta.start_pos : meta.end_pos]
