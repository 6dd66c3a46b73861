"""From the text of a path to a function of a value."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from ...errors import RowFault
from ..values import text
from . import selectors as s
from .operators import DECIDED, OPERATORS, as_number, as_truth
from .selectors import Expression, Many, Single

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<ident>[^\W\d]\w*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>\?\?|\|\||&&|==|!=|>=|<=|=~|!~|\*\*|\.|[^\s])|$)""",
    re.VERBOSE,
)
_END = ("end", "")
Step = tuple[Single | None, Many | None]  # one of the two


@lru_cache(maxsize=256)
def compile_path(path: str) -> Callable[[Any], Any]:
    """A function that answers what the path finds in a value, or raises RowFault; RowFault when it is no path.

    A path with `*`, `..`, `[a, b]`, `[a:b]` or `[?…]` finds an array, in which what is missing is left out.
    """
    parser = _Parser(path)
    expression = parser.expression()
    if parser.next != _END:
        raise parser.unexpected()
    return lambda value: expression(value, None)


class _Parser:
    """Reads a path token by token; *next* is the (kind, text) not read yet."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._tokens = self._scan()
        self.next = next(self._tokens)

    def _scan(self) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(self.path.rstrip()):
            found = _TOKEN.match(self.path, at)
            assert found is not None, "the last alternative takes anything"
            at = found.end()
            kind = found.lastgroup or "end"
            yield kind, found[kind]
        while True:
            yield _END

    def unexpected(self, wanted: str = "") -> RowFault:
        shown = repr(self.next[1]) if self.next != _END else "end"
        return RowFault(f"parsing error: {self.path}: unexpected {shown}" + (f", expected {wanted}" if wanted else ""))

    def take(self) -> str:
        taken = self.next[1]
        self.next = next(self._tokens)
        return taken

    def accept(self, sign: str) -> bool:
        if self.next != ("sign", sign):
            return False
        self.take()
        return True

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise self.unexpected(sign)

    # ---- expressions

    def expression(self, least: int = 0) -> Expression:
        """Operands joined by operators that bind at least as tight as *least*."""
        left = self.operand()
        while self.next[1] in OPERATORS and self.next[0] in ("sign", "ident"):
            precedence, _ = OPERATORS[self.next[1]]
            if precedence < least:
                break
            name = self.take()
            left = _joined(name, left, self.expression(precedence + 1))
        return left

    def operand(self) -> Expression:
        kind, shown = self.next
        if kind == "number":
            number = float(self.take())
            return lambda root, current: number
        if kind == "text":
            return self._constant(self._unquoted())
        if kind == "ident":
            return self._name()
        if kind == "sign" and shown in "$@([-!":
            return getattr(self, _PREFIXES[self.take()])()  # type: ignore[no-any-return]
        raise self.unexpected("an expression")

    def _constant(self, value: Any) -> Expression:
        return lambda root, current: value

    def _unquoted(self) -> str:
        quoted = self.take()
        if quoted[0] == "`":
            return quoted[1:-1]
        try:
            value: str = ast.literal_eval(quoted)
        except (ValueError, SyntaxError):
            raise RowFault(f"parsing error: {self.path}: could not parse string {quoted}") from None
        if quoted[0] == "'" and len(value) != 1:
            raise RowFault(f'parsing error: {self.path}: {quoted} is more than one character, use "…"')
        return value

    def _name(self) -> Expression:
        """true, false, or a path without `$`, which finds nothing: null, as in eKuiper."""
        name = self.take()
        if name in ("true", "false"):
            return self._constant(name == "true")
        while True:
            if self.accept("."):
                self._ident()
            elif self.accept("["):
                self.expression()
                self.expect("]")
            elif self.next == ("sign", "("):
                raise RowFault(f"parsing error: {self.path}: there is no function {name}")
            else:
                return self._constant(None)

    def _ident(self) -> str:
        if self.next[0] != "ident":
            raise self.unexpected("a name")
        return self.take()

    def _root(self) -> Expression:
        steps = self._steps()
        return lambda root, current: _follow(steps, root, root)

    def _current(self) -> Expression:
        steps = self._steps()
        return lambda root, current: _follow(steps, root, current)

    def _parenthesis(self) -> Expression:
        inner = self.expression()
        self.expect(")")
        return inner

    def _array(self) -> Expression:
        items: list[Expression] = []
        while not self.accept("]"):
            if not self.accept(","):
                items.append(self.expression())
        return lambda root, current: [item(root, current) for item in items]

    def _negative(self) -> Expression:
        operand = self.operand()

        def negative(root: Any, current: Any) -> float:
            value = operand(root, current)
            number = as_number(value)
            if number is None:
                raise RowFault(f"unexpected {text(value)} expected number")
            return -number

        return negative

    def _not(self) -> Expression:
        operand = self.operand()

        def negation(root: Any, current: Any) -> bool:
            value = operand(root, current)
            truth = as_truth(value)
            if truth is None:
                raise RowFault(f"unexpected {text(value)} expected bool")
            return not truth

        return negation

    # ---- steps of a path

    def _steps(self) -> list[Step]:
        steps: list[Step] = []
        while True:
            if self.accept("."):
                steps += self._dotted()
            elif self.accept("["):
                steps.append(self._bracket())
            elif self.accept("("):
                steps.append((s.script(self._parenthesis()), None))
            else:
                return steps

    def _dotted(self) -> list[Step]:
        if self.accept("*"):
            return [(None, s.star)]
        if not self.accept("."):
            return [(s.child(self._constant(self._ident())), None)]
        if self.accept("*"):
            return [(None, s.descend), (None, s.star)]
        if self.accept("["):
            return [(None, s.descend), self._bracket(below=True)]
        if self.accept("("):
            return [(None, s.descend), (s.script(self._parenthesis()), None)]
        return [(None, s.descend), (s.child(self._constant(self._ident())), None)]

    def _bracket(self, below: bool = False) -> Step:
        """What follows `[`; *below* `..` a single key is one of several."""
        if self.accept("*"):
            self.expect("]")
            return None, s.star
        if self.accept("?"):
            condition = self.expression()
            self.expect("]")
            return None, s.where(condition)
        if self.next == ("sign", ":"):
            return None, self._range(None, below)
        keys = [self.expression()]
        if self.next == ("sign", ":"):
            return None, self._range(keys[0], below)
        while self.accept(","):
            keys.append(self.expression())
        self.expect("]")
        if len(keys) == 1 and not below:
            return s.child(keys[0]), None
        return None, s.several(keys)

    def _range(self, first: Expression | None, below: bool) -> Many:
        bounds = [first]
        while self.accept(":"):
            bare = self.next in (("sign", ":"), ("sign", "]"))
            bounds.append(None if bare else self.expression())
        self.expect("]")
        if len(bounds) > 3 or below:
            raise RowFault(f"parsing error: {self.path}: a range is [start:stop:step] and cannot follow ..")
        return s.between([*bounds, None, None][:3])


_PREFIXES = {
    "$": "_root",
    "@": "_current",
    "(": "_parenthesis",
    "[": "_array",
    "-": "_negative",
    "!": "_not",
}


def _joined(name: str, left: Expression, right: Expression) -> Expression:
    apply = OPERATORS[name][1]
    decided = DECIDED.get(name)

    def evaluate(root: Any, current: Any) -> Any:
        first = left(root, current)
        return first if decided and decided(first) else apply(first, right(root, current))

    return evaluate


def _follow(steps: list[Step], root: Any, start: Any) -> Any:
    """One value, or, once a step selects many, a list of those that take every step."""
    for i, (single, _) in enumerate(steps):
        if single is None:
            return list(_spread(steps[i:], root, start))
        try:
            start = single(root, start)
        except RowFault:
            # A path that may find many finds none.
            if any(many for _, many in steps[i:]):
                return []
            raise
    return start


def _spread(steps: list[Step], root: Any, value: Any) -> Iterator[Any]:
    if not steps:
        yield value
        return
    single, many = steps[0]
    if single is not None:
        try:
            found = single(root, value)
        except RowFault:
            return
        yield from _spread(steps[1:], root, found)
    elif many is not None:
        for found in many(root, value):
            yield from _spread(steps[1:], root, found)
