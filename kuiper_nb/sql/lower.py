"""The DuckDB arm: an expression over columns of known types becomes SQL with the evaluator's meaning, or nothing.

Lowering is directed by types. Where a pair of types would fail in every row, where a function has no DuckDB form,
where null and absent must be told apart, it raises NotLowered with the reason, and the evaluator takes the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from ..types import BIGINT, BOOLEAN, FLOAT, NULL, STRING, AnyType, ArrayOf, StructOf
from . import resolved as r
from . import syntax as s
from .like import like_pattern
from .lowered import Lowered, NotLowered, any_of, call, cast, render

Place = Callable[[str], exp.Expr]
"""Answers how DuckDB names a column, because eKuiper's names are case-sensitive and DuckDB's are not."""

_ARITHMETIC = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_COMPARISON = {"=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_NUMBERS = (BIGINT, FLOAT)


def constant(value: int | float | str | bool) -> Lowered:
    """A literal with its very type."""
    if isinstance(value, bool):
        return Lowered(exp.Boolean(this=value), BOOLEAN, null=False)
    if isinstance(value, str):
        return Lowered(exp.Literal.string(value), STRING, null=False)
    number = exp.Literal.number(repr(abs(value)))
    signed: exp.Expr = exp.Neg(this=number) if value < 0 else number
    if isinstance(value, int):
        if value == -(2**63):
            raise NotLowered("the least integer has no literal in DuckDB")
        return Lowered(cast(signed, "BIGINT"), BIGINT, null=False)
    return Lowered(cast(exp.Literal.string(repr(value)), "DOUBLE"), FLOAT, null=False)


def false_if_null(value: exp.Expr) -> exp.Expr:
    """`coalesce(value, false)`."""
    return exp.Coalesce(this=value.copy(), expressions=[exp.false()])


def not_null(*values: Lowered) -> exp.Expr:
    """Whether none of *values* is null."""
    tests = [exp.Not(this=exp.Is(this=v.sql.copy(), expression=exp.null())) for v in values if v.null]
    return exp.and_(*tests, copy=False) if tests else exp.true()


def truth(condition: exp.Expr, guard: exp.Expr | None, null: bool) -> Lowered:
    """A truth value of two-valued logic: false where DuckDB says NULL."""
    value = false_if_null(condition) if null else condition
    return Lowered(value, BOOLEAN, guard, null=False, condition=condition)


class Lowering:
    """Lowers over *columns*; *aliases* are expanded where they are used. *wrapped*: integer overflow makes a guard
    instead of aborting the query, for batches on which the plain form has failed."""

    def __init__(
        self,
        columns: Mapping[str, AnyType],
        aliases: Mapping[str, s.Node],
        place: Place,
        *,
        wrapped: bool = False,
        calls: Mapping[s.Node, str] | None = None,
    ) -> None:
        self.columns = columns
        self.aliases = aliases
        self.place = place
        self.wrapped = wrapped
        self.calls = calls or {}
        self._answered = frozenset(render(place(name)) for name in self.calls.values() if name in columns)

    def expression(self, node: s.Node) -> Lowered:
        """The DuckDB form of *node*. Raises NotLowered."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotLowered(f"{type(node).__name__.lower()} has no DuckDB form")
        lowered: Lowered = method(node)
        return lowered

    def condition(self, node: s.Node) -> tuple[exp.Expr, exp.Expr | None]:
        """*node* where NULL counts as false, and its guard. Raises NotLowered for what is no truth value."""
        lowered = self.expression(node)
        if lowered.type == NULL:
            return exp.false(), lowered.guard
        if lowered.type != BOOLEAN:
            raise NotLowered(f"a condition of type {lowered.type}")
        return (lowered.condition if lowered.condition is not None else lowered.sql), lowered.guard

    # ---- leaves

    def _constant(self, node: s.Constant) -> Lowered:
        return constant(node.value)

    def _column(self, node: r.Column) -> Lowered:
        kind = self.columns.get(node.name, NULL)
        if kind == NULL:
            return Lowered(exp.null(), NULL)
        return Lowered(self.place(node.name), kind)

    def _aliasref(self, node: r.AliasRef) -> Lowered:
        if node.column_first and node.name in self.columns:
            raise NotLowered(f"{node.name} is a column or an alias, row by row")
        return self.expression(self.aliases[node.name])

    def _usercall(self, node: r.UserCall) -> Lowered:
        if node not in self.calls:
            raise NotLowered(f"{node.name} is called from Python")
        return self._column(r.Column(self.calls[node]))

    # ---- operators

    def _binary(self, node: s.Binary) -> Lowered:
        if node.op in ("LIKE", "NOT LIKE"):
            return self._like(node)
        left, right = self.expression(node.left), self.expression(node.right)
        guard = any_of([left.guard, right.guard])
        if node.op in ("AND", "OR"):
            return self._logic(node.op, left, right, guard)
        for side in (left, right):
            if isinstance(side.type, (ArrayOf, StructOf)):
                raise NotLowered(f"{node.op} over {side.type}")
        if NULL in (left.type, right.type):
            if node.op in ("+", "-", "*", "/", "%"):
                return Lowered(exp.null(), NULL, guard)
            return Lowered(exp.false(), BOOLEAN, guard, null=False)
        if node.op in _COMPARISON:
            return self._compare(node.op, left, right, guard)
        if left.type not in _NUMBERS or right.type not in _NUMBERS:
            raise NotLowered(f"{left.type} {node.op} {right.type} fails in every row")
        return self._arithmetic(node.op, left, right, guard)

    def _compare(self, op: str, left: Lowered, right: Lowered, guard: exp.Expr | None) -> Lowered:
        numbers = left.type in _NUMBERS and right.type in _NUMBERS
        fits = (
            numbers or (left.type == right.type == STRING) or (left.type == right.type == BOOLEAN and op in ("=", "!="))
        )
        if not fits:
            raise NotLowered(f"{left.type} {op} {right.type}")
        first, second = left.sql, right.sql
        if FLOAT in (left.type, right.type):
            guard = any_of([guard, self.nan_guard(left), self.nan_guard(right)])
            first, second = self._double(left), self._double(right)
        return truth(_COMPARISON[op](this=_paren(first), expression=_paren(second)), guard, left.null or right.null)

    def nan_guard(self, value: Lowered) -> exp.Expr | None:
        """True where *value* is NaN, which is greater than any number to DuckDB and equal to itself; None if never."""
        if value.type != FLOAT or _never_nan(value.sql, self._answered):
            return None
        return false_if_null(call("isnan", value.sql))

    def _double(self, value: Lowered) -> exp.Expr:
        return value.sql if value.type == FLOAT else cast(value.sql, "DOUBLE")

    def _arithmetic(self, op: str, left: Lowered, right: Lowered, guard: exp.Expr | None) -> Lowered:
        null = left.null or right.null
        if left.type == right.type == BIGINT:
            if op in ("&", "|", "^"):
                built = call("xor", left.sql, right.sql) if op == "^" else _bitwise(op, left.sql, right.sql)
                missing = exp.Not(this=exp.paren(not_null(left, right))) if null else None  # false then, no number
                return Lowered(built, BIGINT, any_of([guard, missing]), null)
            return self._integers(op, left, right, guard, null)
        if op in ("&", "|", "^"):
            raise NotLowered(f"{op} over FLOAT fails in every row")
        first, second = _paren(self._double(left)), _paren(self._double(right))
        if op in _ARITHMETIC:
            return Lowered(_ARITHMETIC[op](this=first, expression=second), FLOAT, guard, null)
        safe = _nonzero(second)
        zero = false_if_null(exp.EQ(this=_paren(second), expression=exp.Literal.number(0)))
        divided: exp.Expr = exp.Mod(this=first, expression=safe)
        if op == "/":
            divided = exp.Div(this=first, expression=safe, typed=False, safe=False)
        constant_divisor = _is_nonzero_constant(right)
        return Lowered(
            divided, FLOAT, guard if constant_divisor else any_of([guard, zero]), null or not constant_divisor
        )

    def _integers(self, op: str, left: Lowered, right: Lowered, guard: exp.Expr | None, null: bool) -> Lowered:
        first, second = _paren(left.sql), _paren(right.sql)
        if op in _ARITHMETIC:
            return self._overflowing(_ARITHMETIC[op](this=first, expression=second), left, right, guard, null)
        constant_divisor = _is_nonzero_constant(right)
        if not constant_divisor:
            zero = false_if_null(exp.EQ(this=second.copy(), expression=exp.Literal.number(0)))
            guard, second, null = any_of([guard, zero]), _nonzero(second), True
        if op == "%":
            return Lowered(exp.Mod(this=first, expression=second), BIGINT, guard, null)
        return self._overflowing(exp.IntDiv(this=first, expression=second), left, right, guard, null)

    def _overflowing(
        self, value: exp.Expr, left: Lowered, right: Lowered, guard: exp.Expr | None, null: bool
    ) -> Lowered:
        if not self.wrapped:
            return Lowered(value, BIGINT, guard, null)
        tried = call("try", value)
        failed = exp.and_(exp.Is(this=tried.copy(), expression=exp.null()), not_null(left, right), copy=False)
        return Lowered(tried, BIGINT, any_of([guard, failed]), True)

    def _logic(self, op: str, left: Lowered, right: Lowered, guard: exp.Expr | None) -> Lowered:
        for side in (left, right):
            if side.type not in (BOOLEAN, NULL):
                raise NotLowered(f"{op} over {side.type}")
        # Nobody else holds the sides, so they are not copied: a long chain would be, once for each of its links.
        first, second = self._two_valued(left), self._two_valued(right)
        if op == "AND":
            cheap = exp.and_(self._cheap(left), self._cheap(right), copy=False)
            return Lowered(exp.and_(first, second, copy=False), BOOLEAN, guard, null=False, condition=cheap)
        either = exp.or_(first, second, copy=False)
        if left.null:  # null on the left makes OR false, whatever stands on the right
            known = exp.Not(this=exp.Is(this=left.sql.copy(), expression=exp.null()))
            return Lowered(exp.and_(known, either, copy=False), BOOLEAN, guard, null=False)
        cheap = exp.or_(self._cheap(left), self._cheap(right), copy=False)
        return Lowered(either, BOOLEAN, guard, null=False, condition=cheap)

    def _two_valued(self, value: Lowered) -> exp.Expr:
        if value.type == NULL:
            return exp.false()
        return false_if_null(value.sql) if value.null else value.sql

    def _cheap(self, value: Lowered) -> exp.Expr:
        if value.type == NULL:
            return exp.false()
        if value.condition is None or value.condition is value.sql:
            return value.sql.copy()
        return value.condition

    def _like(self, node: s.Binary) -> Lowered:
        value = self.expression(node.left)
        if value.type != STRING or not isinstance(node.right, s.Constant) or not isinstance(node.right.value, str):
            raise NotLowered("LIKE needs a text and a pattern that is written out")
        missing = exp.Is(this=value.sql.copy(), expression=exp.null()) if value.null else None
        guard = any_of([value.guard, missing])  # LIKE of null is an error of the row
        pattern = like_pattern(node.right.value)[:-1] + r"\z"
        matched = call("regexp_matches", value.sql, exp.Literal.string(pattern))
        found = exp.Not(this=matched) if node.op == "NOT LIKE" else matched
        return truth(found, guard, value.null)

    def _between(self, node: s.Between) -> Lowered:
        value, low, high = self.expression(node.value), self.expression(node.low), self.expression(node.high)
        guard = any_of([value.guard, low.guard, high.guard])
        if NULL in (value.type, low.type, high.type):
            return Lowered(exp.false(), BOOLEAN, guard, null=False)
        above, below = self._compare(">=", value, low, None), self._compare("<=", value, high, None)
        guard = any_of([guard, above.guard, below.guard])
        if value.type == BOOLEAN:
            raise NotLowered("BETWEEN over BOOLEAN fails in every row")
        inside = exp.and_(above.condition, below.condition)
        if node.negated:
            known = not_null(value, low, high)
            return truth(exp.and_(known, exp.Not(this=exp.paren(inside))), guard, True)
        return truth(inside, guard, value.null or low.null or high.null)

    def _in(self, node: s.In) -> Lowered:
        if not isinstance(node.items, tuple):
            raise NotLowered("IN over an array")
        value = self.expression(node.value)
        items = [self.expression(item) for item in node.items]
        guard = any_of([value.guard, *(i.guard for i in items)])
        if value.type == NULL:
            return Lowered(exp.false(), BOOLEAN, guard, null=False)
        compared = [self._compare("=", value, i, None) for i in items if i.type != NULL]
        guard = any_of([guard, *(c.guard for c in compared)])
        inside = exp.or_(*(c.sql for c in compared), copy=False) if compared else exp.false()
        if node.negated:
            return Lowered(exp.and_(not_null(value), exp.Not(this=exp.paren(inside))), BOOLEAN, guard, null=False)
        return Lowered(inside, BOOLEAN, guard, null=False)

    def _paren(self, node: s.Paren) -> Lowered:
        return self.expression(node.inner)

    def _case(self, node: s.Case) -> Lowered:
        branches: list[tuple[exp.Expr, Lowered]] = []
        guards: list[exp.Expr | None] = []
        subject = self.expression(node.subject) if node.subject is not None else None
        for when, then in node.branches:
            tested = self.expression(when)
            if subject is not None:
                tested = self._equal(subject, tested)
            if tested.type not in (BOOLEAN, NULL):
                raise NotLowered("a CASE condition that is no truth value")
            value = self.expression(then)
            guards += [tested.guard, value.guard]
            branches.append((self._cheap(tested), value))
        otherwise = self.expression(node.otherwise) if node.otherwise is not None else Lowered(exp.null(), NULL)
        guards += [otherwise.guard, subject.guard if subject is not None else None]
        kinds = {v.type for _, v in branches if v.type != NULL} | ({otherwise.type} - {NULL})
        if len(kinds) > 1:
            raise NotLowered("CASE answers values of different types")
        built = exp.Case()
        for condition, value in branches:
            built = built.when(condition, value.sql, copy=False)
        built = built.else_(otherwise.sql, copy=False)
        null = otherwise.null or any(v.null for _, v in branches)
        return Lowered(built, kinds.pop() if kinds else NULL, any_of(guards), null)

    def _equal(self, subject: Lowered, tested: Lowered) -> Lowered:
        if NULL in (subject.type, tested.type):
            return Lowered(exp.false(), BOOLEAN, any_of([subject.guard, tested.guard]), null=False)
        return self._compare("=", subject, tested, any_of([subject.guard, tested.guard]))

    # ---- paths and calls

    def _arrow(self, node: s.Arrow) -> Lowered:
        value = self.expression(node.value)
        if value.type == NULL:
            return value
        if not isinstance(value.type, StructOf):
            raise NotLowered(f"-> over {value.type}")
        member = dict(value.type.fields).get(node.key)
        names = [name.lower() for name, _ in value.type.fields]
        if member is None or names.count(node.key.lower()) > 1:
            raise NotLowered(f"member {node.key}")
        if member == NULL:
            return Lowered(exp.null(), NULL, value.guard)
        return Lowered(call("struct_extract", value.sql, exp.Literal.string(node.key)), member, value.guard)

    def _index(self, node: s.Index) -> Lowered:
        value = self.expression(node.value)
        if not isinstance(value.type, ArrayOf) or value.type.item == NULL:
            raise NotLowered(f"an index into {value.type}")
        if not isinstance(node.index, s.Constant) or type(node.index.value) is not int:
            raise NotLowered("an index that is computed")
        at = node.index.value
        size = call("len", value.sql)
        short = (
            exp.LTE(this=size, expression=exp.convert(at))
            if at >= 0
            else exp.LT(this=size, expression=exp.convert(-at))
        )
        element = call("list_extract", value.sql, at + 1 if at >= 0 else at)
        return Lowered(element, value.type.item, any_of([value.guard, false_if_null(short)]))

    def _builtincall(self, node: r.BuiltinCall) -> Lowered:
        entry = node.entry
        if node in self.calls:
            return self._column(r.Column(self.calls[node]))
        if entry.lower is None or node.aggregate:
            raise NotLowered(f"{entry.name} has no DuckDB form")
        arguments = [self.expression(a) for a in node.arguments]
        guard = any_of([a.guard for a in arguments])
        if any(a.type == NULL for a in arguments):
            if entry.nulls == "call":
                raise NotLowered(f"{entry.name} of a column of nulls")
            return {
                "nil": Lowered(exp.null(), NULL, guard),
                "false": Lowered(exp.false(), BOOLEAN, guard, null=False),
                "zero": Lowered(cast(exp.Literal.number(0), "BIGINT"), BIGINT, guard, null=False),
            }[entry.nulls]
        lowered = entry.lower(arguments)
        if lowered is None:
            raise NotLowered(f"{entry.name} over {', '.join(str(a.type) for a in arguments)}")
        return Lowered(lowered.sql, lowered.type, any_of([guard, lowered.guard]), lowered.null, lowered.condition)


def _paren(value: exp.Expr) -> exp.Expr:
    own = value.copy()
    return exp.paren(own, copy=False) if isinstance(own, (exp.Binary, exp.Connector, exp.Not, exp.Is)) else own


def _nonzero(divisor: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=divisor.copy(), expression=exp.Literal.number(0))


def _bitwise(op: str, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    kind = exp.BitwiseAnd if op == "&" else exp.BitwiseOr
    return kind(this=_paren(left), expression=_paren(right))


def _never_nan(value: exp.Expr, doubtful: frozenset[str]) -> bool:
    """Whether a FLOAT surely is no NaN. Columns hold none but those *doubtful*, and few operations make one."""
    if isinstance(value, exp.Paren):
        return _never_nan(value.this, doubtful)
    if isinstance(value, exp.Cast):
        return True  # of an integer, or a literal
    if isinstance(value, exp.Column):
        return render(value) not in doubtful
    if isinstance(value, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
        literals = [_is_nonzero_literal(side) for side in (value.this, value.expression)]
        others = [side for side, literal in zip((value.this, value.expression), literals, strict=True) if not literal]
        return len(others) <= 1 and all(_never_nan(side, doubtful) for side in others)
    return False


def _is_nonzero_literal(value: exp.Expr) -> bool:
    inner = value.unnest()
    literal = inner.this if type(inner) is exp.Cast else None  # TRY_CAST is what cast() becomes
    literal = literal.this if isinstance(literal, exp.Neg) else literal
    return isinstance(literal, exp.Literal) and float(literal.this) != 0


def _is_nonzero_constant(value: Lowered) -> bool:
    return _is_nonzero_literal(value.sql)
