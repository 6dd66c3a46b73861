"""Literals, names and expressions: one method per rule of the grammar that makes one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from ..errors import ParseError
from . import syntax as s
from .placeholders import end_of
from .strings import clamped, parts, unquote

Bind = Callable[[str], Any]
"""Answers the value of the expression inside a `{{…}}`."""

_CONDITIONS = {"=", "!=", "<", "<=", ">", ">=", "AND", "OR", "LIKE", "NOT LIKE"}


def at(meta: Meta | Token) -> s.Place:
    """Where it stood."""
    line, column = getattr(meta, "line", None), getattr(meta, "column", None)
    return s.Place(line or 1, column or 1)


class _Bound(tuple[Any, ...]):
    """The values of a list in `{{…}}`, allowed only after IN."""


@v_args(meta=True)
class ExpressionBuilder(Transformer[Token, Any]):
    """Builds the nodes of expressions. Wrong ones that the grammar cannot tell are ParseErrors with their place."""

    def __init__(self, text: str, bind: Bind | None) -> None:
        super().__init__()
        self.text = text
        self.bind = bind

    def refuse(self, message: str, hint: str, place: s.Place) -> ParseError:
        """An error that points into the text."""
        return ParseError(message, hint, line=place.line, column=place.column, statement=self.text)

    # ---- literals and names

    def integer(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(clamped("".join(children)), place=at(meta))

    def float(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(float("".join(children)), place=at(meta))

    def string(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(self.text_of(children[0]), place=at(meta))

    def true(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(True, place=at(meta))

    def false(self, meta: Meta, children: list[Token]) -> s.Constant:
        return s.Constant(False, place=at(meta))

    def name(self, meta: Meta, children: list[Token]) -> s.Name:
        return s.Name(parts(children[0]), place=at(meta))

    def text_of(self, token: Token) -> str:
        try:
            plain = unquote(token)
        except ValueError as error:
            raise self.refuse(
                f"invalid string: {error}", 'escapes are those of Go: \\n \\t \\\\ \\" \\u00e9', at(token)
            ) from None
        return self._filled(plain, at(token)) if self.bind else plain

    def _filled(self, plain: str, place: s.Place) -> str:
        """*plain* with the values of its placeholders; one that is never closed is plain text."""
        done, rest = "", plain
        while "}}" in rest.partition("{{")[2]:
            before, _, rest = rest.partition("{{")
            end = end_of(rest)
            done += f"{before}{self._value(rest[:end], place)}"
            rest = rest[end + 2 :]
        return done + rest

    def _value(self, expression: str, place: s.Place) -> Any:
        if self.bind is None:
            raise self.refuse(
                "{{…}} has no value here", "it works in notebook cells; in a script use an f-string", place
            )
        if not expression.strip():
            raise self.refuse("an empty {{ }}", "write a Python expression between the braces: {{limit}}", place)
        try:
            value = self.bind(expression.strip())
        except Exception as error:
            raise self.refuse(f"{{{{{expression.strip()}}}}} failed: {error!r}", "", place) from error
        if hasattr(value, "item") and not isinstance(value, (list, tuple)):
            value = value.item()
        if value is None:
            raise self.refuse(f"{{{{{expression.strip()}}}}} is None", "there is no NULL literal in eKuiper SQL", place)
        return value

    def placeholder(self, meta: Meta, children: list[Token]) -> Any:
        place = at(children[0])
        start, end = children[0].start_pos, children[0].end_pos
        assert start is not None
        assert end is not None
        value = self._value(self.text[start + 2 : end - 2], place)
        if isinstance(value, (list, tuple, set, frozenset)):
            return _Bound(self._constant(v, place) for v in value)
        return self._constant(value, place)

    def parameter(self, meta: Meta, children: list[Token]) -> s.Parameter:
        return s.Parameter(children[0][1:], place=at(children[0]))

    def _constant(self, value: Any, place: s.Place) -> s.Constant:
        if isinstance(value, datetime):
            value = round(value.timestamp() * 1000)
        if not isinstance(value, (bool, int, float, str)):
            hint = "numbers, texts, truth values, datetimes and, after IN, lists of them can be put into SQL"
            raise self.refuse(f"a {type(value).__name__} is no literal", hint, place)
        return s.Constant(clamped(str(value)) if type(value) is int else value, place=place)

    # ---- expressions

    def paren(self, meta: Meta, children: list[s.Expr]) -> s.Paren:
        return s.Paren(self.single(children[0]), place=at(meta))

    def single(self, node: Any) -> s.Expr:
        if isinstance(node, _Bound):
            place = node[0].place if node else s.NOWHERE
            raise self.refuse("a list in {{…}} stands only after IN", "write x IN {{values}}", place)
        result: s.Expr = node
        return result

    def binary(self, meta: Meta, children: list[Any]) -> s.Binary:
        left, op, right = children
        name = op.upper().replace("!", "=") if op == "!" else op.upper()
        return s.Binary(name, self.single(left), self.single(right), place=at(op))

    def like(self, meta: Meta, children: list[Any]) -> s.Binary:
        negated = len(children) == 4
        left, op, right = children[0], children[-2], children[-1]
        return s.Binary("NOT LIKE" if negated else "LIKE", self.single(left), self.single(right), place=at(op))

    def between(self, meta: Meta, children: list[Any]) -> s.Between:
        negated = isinstance(children[1], Token) and children[1].type == "NOT"
        low, high = (self.single(c) for c in children[1 + negated :] if not isinstance(c, Token))
        return s.Between(self.single(children[0]), low, high, negated, place=at(meta))

    def in_list(self, meta: Meta, children: list[Any]) -> s.In:
        negated = isinstance(children[1], Token)
        items = children[1 + negated :]
        flat = [x for item in items for x in (item if isinstance(item, _Bound) else (item,))]
        return s.In(self.single(children[0]), tuple(flat), negated, place=at(meta))

    def in_array(self, meta: Meta, children: list[Any]) -> s.In:
        negated = isinstance(children[1], Token)
        right = children[-1]
        if isinstance(right, _Bound):
            return s.In(self.single(children[0]), tuple(right), negated, place=at(meta))
        return s.In(self.single(children[0]), right, negated, place=at(meta))

    def arrow(self, meta: Meta, children: list[Any]) -> s.Expr:
        value, key = self.single(children[0]), children[1]
        for name in parts(key):
            value = s.Arrow(value, name, place=at(key))
        return value

    def index(self, meta: Meta, children: list[Any]) -> s.Expr:
        value, subscript = self.single(children[0]), children[1]
        if isinstance(subscript, tuple):
            return s.Slice(value, *subscript, place=at(meta))
        self._refuse_arithmetic(subscript)
        return s.Index(value, self.single(subscript), place=at(meta))

    def _refuse_arithmetic(self, subscript: s.Expr) -> None:
        first = subscript
        while isinstance(first, (s.Binary, s.Arrow, s.Index)):
            first = first.left if isinstance(first, s.Binary) else first.value
        if first is not subscript and isinstance(first, s.Constant) and type(first.value) is int:
            raise self.refuse(
                "an index that starts with a number must be that number alone",
                "eKuiper reads v[n + 1] and v[(1 + n)], not v[1 + n]",
                first.place,
            )

    def range(self, meta: Meta, children: list[s.Expr | None]) -> tuple[s.Expr | None, s.Expr | None]:
        start, stop = children
        low, high = (0 if start is None else self._int(start)), (None if stop is None else self._int(stop))
        if low is not None and high is not None and high >= 0 and low >= high:
            place = (stop or start or s.Name(())).place
            raise self.refuse(
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
        arguments = tuple(self.single(a) for a in rest)
        return s.Invoke(".".join(parts(name)), arguments, over, place=at(name))

    def over(self, meta: Meta, children: list[Any]) -> s.Over:
        if not children:
            raise self.refuse(
                'Found ")" after OVER (', "write OVER (PARTITION BY key) or OVER (WHEN condition)", at(meta)
            )
        given = dict(children)
        return s.Over(given.get("partition", ()), given.get("when"), place=at(meta))

    def partition(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "partition", tuple(self.single(c) for c in children)

    def when(self, meta: Meta, children: list[s.Expr]) -> tuple[str, Any]:
        return "when", self.single(children[0])

    def unit(self, meta: Meta, children: list[Token]) -> s.Unit:
        return s.Unit(children[0].upper(), place=at(children[0]))

    def case(self, meta: Meta, children: list[Any]) -> s.Case:
        subject = None if isinstance(children[0], list) else self.single(children.pop(0))
        branches = [(a, b) for a, b in children if a is not None]
        otherwise = [b for a, b in children if a is None]
        if not branches:
            raise self.refuse("a CASE without WHEN", "write CASE WHEN a > 1 THEN … ELSE … END", at(meta))
        if subject is None:
            for condition, _ in branches:
                self._require_condition(condition)
        return s.Case(subject, tuple(branches), otherwise[-1] if otherwise else None, place=at(meta))

    def _require_condition(self, node: s.Expr) -> None:
        fits = (
            isinstance(node, (s.Between, s.In))
            or (isinstance(node, s.Binary) and node.op in _CONDITIONS)
            or (isinstance(node, s.Constant) and isinstance(node.value, bool))
        )
        if not fits:
            raise self.refuse(
                "invalid CASE expression, WHEN expression must be a bool condition",
                "eKuiper takes a comparison here, not a column, call or parenthesis: add `= TRUE`",
                node.place,
            )

    def when_branch(self, meta: Meta, children: list[Any]) -> list[Any]:
        return [self.single(children[0]), self.single(children[1])]

    def else_branch(self, meta: Meta, children: list[Any]) -> list[Any]:
        return [None, self.single(children[0])]
