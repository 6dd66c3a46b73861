"""What hypothesis makes up for the fuzz test of the two arms: expressions, SELECTs, rows and tables."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from .arms import START, Case

Texts = st.SearchStrategy[str]

COLUMNS = {
    "int": ("a", "b"),
    "float": ("x", "y"),
    "text": ("s", "t"),
    "bool": ("p", "q"),
}
DDL = (
    "a BIGINT, b BIGINT, x FLOAT, y FLOAT, s STRING, t STRING, p BOOLEAN, q BOOLEAN, d DATETIME, "
    "o STRUCT(m BIGINT, n FLOAT, w STRING), l ARRAY(BIGINT), e ARRAY(STRING), ts BIGINT, k BIGINT"
)
ARROW = pa.schema(
    [
        ("a", pa.int64()), ("b", pa.int64()), ("x", pa.float64()), ("y", pa.float64()), ("s", pa.string()),
        ("t", pa.string()), ("p", pa.bool_()), ("q", pa.bool_()), ("d", pa.timestamp("ms", tz="UTC")),
        ("o", pa.struct([("m", pa.int64()), ("n", pa.float64()), ("w", pa.string())])), ("l", pa.list_(pa.int64())),
        ("e", pa.list_(pa.string())), ("ts", pa.int64()), ("k", pa.int64()),
    ]
)  # fmt: skip
KINDS = tuple(COLUMNS)

# ---- leaves

INTS = st.sampled_from(["0", "1", "2", "-1", "7", "-3", "63", "1000", "9223372036854775807", "-9223372036854775807"])
FLOATS = st.sampled_from(["0.0", "1.5", "-2.25", "0.1", "100.0", "123456789.5", "-0.0", "1000000.0"])
TEXTS = st.sampled_from(
    [
        "''",
        "'a'",
        "'abc'",
        "'äß'",
        "' x '",
        "'12'",
        "'-3.5'",
        "'1e3'",
        "'a,b,c'",
        "'it\\'s'",
        '"q\\"d"',
        "'l\\nf'",
        "'%_'",
        "';--'",
    ]
)
BOOLS = st.sampled_from(["TRUE", "FALSE"])
LITERALS = {"int": INTS, "float": FLOATS, "text": TEXTS, "bool": BOOLS}
PATTERNS = st.sampled_from(
    [
        "'%'",
        "'a%'",
        "'%b%'",
        "'_'",
        "'a_c'",
        "''",
        "'%ß'",
        "'a.c'",
        "'[ab]%'",
        "'a|b'",
        "'%\\n%'",
        "'x\\\\\\\\y'",
        "'(a)%'",
        "'a+'",
        "'\\'%'",
    ]
)
REGEXES = st.sampled_from(["'b'", "'^a'", "'[a-c]+'", "'(a)(b)?'", "'x*'", "'.'", "'ä'", "'\\\\\\\\d+'", "'c$'", "'('"])

PATHS = {
    "int": ("o->m", "l[0]", "l[-1]", "l[1]"),
    "float": ("o->n",),
    "text": ("o->w", "e[0]", "e[-2]"),
    "bool": ("p",),
}

# ---- calls: how every built-in that DuckDB can do is written; {i} {f} {s} {b} stand for arguments, {n} for a number

CALLS: dict[str, tuple[str, ...]] = {
    "int": (
        "abs({i})", "bitand({i}, {i})", "bitor({i}, {i})", "bitxor({i}, {i})", "bitnot({i})", "sign({n})",
        "length({s})", "numbytes({s})", "indexof({s}, {s})", "cardinality(l)", "cardinality(e)", 'cast({f}, "bigint")',
        'cast({s}, "bigint")', 'cast({b}, "bigint")', "coalesce({i}, {i})", "bypass({i})", "length({i})", "risky({i})",
        "doubled({i})", "nullif_({i})", "element_at(l, {i})", "array_position(l, {i})", "array_max(l)",
    ),
    "float": (
        "abs({f})", "acos({f})", "asin({f})", "atan({n})", "atan2({n}, {n})", "ceil({n})", "ceiling({f})", "cos({n})",
        "cosh({n})", "cot({n})", "degrees({n})", "exp({n})", "floor({n})", "ln({n})", "log({n})", "log({n}, {n})",
        "mod({n}, {n})", "pi()", "pow({n}, {n})", "power({n}, {n})", "radians({n})", "round({n})", "round({n}, 2)",
        "round({n}, 0)", "sin({n})", "sinh({n})", "sqrt({n})", "tan({n})", "tanh({n})", 'cast({i}, "float")',
        'cast({s}, "float")', "coalesce({f}, {f})", "risky({f})", "typed({n})", "doubled({f})", "trunc({n}, 1)",
    ),
    "text": (
        "concat({s}, {s})", "concat({i}, {s}, {b})", "lower({s})", "upper({s})", "lpad({s}, 2)", "rpad({s}, 3)",
        "ltrim({s})", "rtrim({s})", "trim({s})", "substring({s}, 1)", "substring({s}, 0, 2)", "substring({i}, 1)",
        "split_value({s}, ',', 1)", "split_value({s}, 'b', 0)", "regexp_replace({s}, {R}, 'z$1')",
        "regexp_substr({s}, {R})", "md5({s})", "sha1({s})", "sha256({s})", 'cast({i}, "string")', 'cast({b}, "string")',
        "encode({s}, 'base64')", "coalesce({s}, {s})", "risky({s})", "upper({i})",
        "reverse({s})", "sha512({s})", "chr({i})", "dec2hex({i})", "to_json({f})",
    ),
    "bool": (
        "endswith({s}, {s})", "startswith({s}, {s})", "regexp_matches({s}, {R})", "isnull({?})", 'cast({n}, "boolean")',
        "coalesce({b}, {b})", "risky({b})", "strict({i})", "bypass({b})", "array_contains(l, {i})",
        "array_contains(e, {s})",
    ),
}  # fmt: skip
AGGREGATES = {
    "int": ("count(*)", "count({?})", "sum({i})", "avg({i})", "min({i})", "max({i})", "longest({?})", "plain({n})"),
    "float": (
        "sum({f})", "avg({f})", "min({f})", "max({f})", "median({f})", "stddev({n})", "stddevs({n})", "var({n})",
        "vars({n})", "percentile_cont({n}, 0.5)", "percentile_disc({n}, 0.25)",
    ),
    "text": ("min({s})", "max({s})", "last_value({s}, FALSE)"),
    "bool": ("last_value({b}, TRUE)",),
    "list": ("collect({i})", "collect({f})", "collect({s})", "collect({b})", "newest({i}, {s})", "collect(*)"),
}  # fmt: skip
CALLS["int"] = tuple(t for t in CALLS["int"] if "nullif_" not in t)
COMPARE = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


class Grammar:
    """Draws expressions; *aliases* are names they may refer to, *aggregates* whether the leaves may be aggregates."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.users = self.often(40)
        self.paths = self.often(25)
        self.aliases: list[str] = []
        self.aggregates = False

    def one(self, options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def often(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) < percent

    def expression(self, kind: str, depth: int) -> str:
        """An expression, mostly of *kind*."""
        if self.often(2):
            kind = self.one(KINDS)
        if self.aggregates and self.often(35):
            return self.filled(self.one(AGGREGATES[kind]), 1)
        if depth <= 0:
            return self.leaf(kind)
        choice = self.draw(st.integers(0, 9))
        if choice < 2:
            return self.leaf(kind)
        if choice < 4:
            return self.filled(self.call(kind), depth - 1)
        if choice == 4:
            return self.case(kind, depth - 1)
        return getattr(self, f"_{kind}")(depth - 1)  # type: ignore[no-any-return]

    def leaf(self, kind: str) -> str:
        choice = self.draw(st.integers(0, 9))
        if self.aliases and choice == 0:
            return self.one(self.aliases)  # type: ignore[no-any-return]
        if choice < 6:
            return self.one(COLUMNS[kind])  # type: ignore[no-any-return]
        if choice == 6 and self.paths:
            return self.one(PATHS[kind])  # type: ignore[no-any-return]
        return self.draw(LITERALS[kind])

    def call(self, kind: str) -> str:
        options = CALLS[kind]
        if not self.users:
            options = tuple(t for t in options if t.split("(")[0] not in ("risky", "typed", "doubled", "strict"))
        return self.one(options)  # type: ignore[no-any-return]

    def filled(self, template: str, depth: int) -> str:
        """The call with its arguments; an aggregate is over columns, not over other aggregates."""
        before, self.aggregates = self.aggregates, False
        kinds = {"{i}": "int", "{f}": "float", "{s}": "text", "{b}": "bool"}
        out = template
        for mark in ("{i}", "{f}", "{s}", "{b}", "{n}", "{?}", "{R}"):
            while mark in out:
                if mark == "{R}":
                    made = self.draw(REGEXES)
                else:
                    kind = kinds.get(mark) or self.one(("int", "float") if mark == "{n}" else KINDS)
                    made = self.expression(kind, depth)
                out = out.replace(mark, made, 1)
        self.aggregates = before
        return out

    def case(self, kind: str, depth: int) -> str:
        if self.often(30):
            subject = self.one(KINDS)
            branches = [(self.expression(subject, 0), self.expression(kind, depth)) for _ in range(2)]
            head = f"CASE {self.expression(subject, depth)} "
        else:
            branches = [
                (self._comparison(depth), self.expression(kind, depth)) for _ in range(self.draw(st.integers(1, 2)))
            ]
            head = "CASE "
        end = f"ELSE {self.expression(kind, depth)} END" if self.often(70) else "END"
        return head + " ".join(f"WHEN {when} THEN {then}" for when, then in branches) + f" {end}"

    def _int(self, depth: int) -> str:
        operator = self.one(["+", "-", "*", "/", "%", "&", "|", "^"])
        return f"({self.expression('int', depth)} {operator} {self.expression('int', depth)})"

    def _float(self, depth: int) -> str:
        operator, other = self.one(["+", "-", "*", "/", "%"]), self.one(["int", "float", "float"])
        return f"({self.expression('float', depth)} {operator} {self.expression(other, depth)})"

    def _text(self, depth: int) -> str:
        return self.filled("concat({s}, {s})", depth)

    def _bool(self, depth: int) -> str:
        choice = self.draw(st.integers(0, 3))
        if choice == 0:
            return f"({self.expression('bool', depth)} {self.one(['AND', 'OR'])} {self.expression('bool', depth)})"
        return f"({self._comparison(depth)})"

    def _comparison(self, depth: int) -> str:
        choice, kind = self.draw(st.integers(0, 9)), self.one(["int", "float", "float", "text", "bool"])
        value, no = self.expression(kind, depth), self.one(["", "NOT "])
        if choice == 0:
            return (
                f"{value} {no}IN ({', '.join(self.expression(kind, 0) for _ in range(self.draw(st.integers(1, 3))))})"
            )
        if choice == 1:
            return f"{value} {no}BETWEEN {self.expression(kind, depth)} AND {self.expression(kind, 0)}"
        if choice == 2:
            return f"{self.expression('text', depth)} {no}LIKE {self.draw(PATTERNS)}"
        if choice == 3:
            return f"{value} {self.draw(COMPARE)} {self.expression(self.one(['int', 'float']), depth)}"
        return f"{value} {self.draw(COMPARE)} {self.expression(kind, depth)}"


# ---- SELECTs


def _items(g: Grammar, depth: int, most: int, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """Fields, later ones with the names of earlier ones in sight, and now and then the other way round."""
    items, count = [], g.draw(st.integers(1, most))
    names = g.draw(st.permutations(["u", "v", "w", "a", "s"]))[:count]
    forward = g.often(10)
    if forward:
        g.aliases = list(names[1:])
    for name in names:
        kind = g.one(kinds)
        made = g.expression(kind, depth) if kind in KINDS else g.filled(g.one(AGGREGATES[kind]), 1)
        if g.often(20) and not forward:
            items.append(made)
            continue
        items.append(f"{made} AS {name}" + (" INVISIBLE" if g.often(8) else ""))
        if not forward:
            g.aliases.append(name)
    return items


@st.composite
def selects(draw: st.DrawFn) -> str:
    """A SELECT without a window."""
    g = Grammar(draw)
    items = _items(g, draw(st.integers(0, 3)), 3)
    star = g.one(["", "", "", "*", "* EXCEPT(a, s)", "b, k", "nope", "* EXCEPT(b), b", "o, l, d"])
    items = [star, *items] if star else items
    where = f" WHERE {g._comparison(draw(st.integers(0, 2)))}" if g.often(50) else ""
    return f"SELECT {', '.join(items)} FROM demo{where}"


WINDOWS = ("TUMBLINGWINDOW(ms, 10)", "HOPPINGWINDOW(ms, 20, 5)", "HOPPINGWINDOW(ms, 5, 12)")
COUNTED = ("COUNTWINDOW(4)", "COUNTWINDOW(6, 2)")


@st.composite
def windowed(draw: st.DrawFn, event_time: bool) -> str:
    """A SELECT over a window: of groups, of the whole window, or of its rows."""
    g = Grammar(draw)
    window = g.one(WINDOWS if event_time else WINDOWS + COUNTED)
    entry = f" FILTER (WHERE {g._comparison(1)})" if g.often(20) else ""
    where = f" WHERE {g._comparison(1)}" if g.often(30) else ""
    shape = g.one(["groups", "groups", "whole", "rows"])
    keys = ""
    if shape == "groups":
        keys = (
            ", ".join([g.one(["k", "k", "s", "p", "x", "(k + 1)", "upper(s)"])] + (["q"] if g.often(30) else [])) + ", "
        )
    g.aggregates = shape != "rows"
    items = _items(g, draw(st.integers(0, 2)), 3, KINDS if shape == "rows" else (*KINDS, "list"))
    if g.often(40):
        items.append(
            g.one(["window_start() AS f", "window_end() AS f", "k", "b", "x", "nope", "window_trigger() AS f"])
        )
    if shape == "rows" and g.often(30):
        items.insert(0, g.one(["*", "* EXCEPT(a)", "* EXCEPT(b)", "* EXCEPT(x)"]))
    having = ""
    if shape != "rows" and g.often(25):
        having = f" HAVING {g.one(['count(*) > 1', 'sum(x) > 1.0', 'max(a) = min(a)', 'avg(y) BETWEEN 0 AND 3'])}"
    g.aliases, g.aggregates = [], False
    order = f" ORDER BY {g.one(['k', 'x', 's', 'b', 'k DESC, s', 'x DESC, k', 'd'])}" if g.often(35) else ""
    limit = f" LIMIT {draw(st.integers(0, 3))}" if g.often(20) else ""
    return f"SELECT {', '.join(items)} FROM demo{where} GROUP BY {keys}{window}{entry}{having}{order}{limit}"


# ---- rows: made by a generator of their own from a number hypothesis draws, so that they are many and varied

SMALL_INTS = (-4, -3, -2, -1, 0, 0, 1, 1, 2, 3, 4)
BIG_INTS = (*SMALL_INTS, 7, 100, 2**63 - 1, -(2**63), 2**62, 2**53 + 1)
SMALL_FLOATS = tuple(n / 4 for n in range(-8, 9))
BIG_FLOATS = (*SMALL_FLOATS, -0.0, 0.1, 0.0, 1e300, -1e300, 1e-300, 9.3e18, 123456789.125, 3.0)
STRANGE = (float("inf"), float("-inf"), float("nan"))
STRINGS = (
    "", "a", "b", "abc", "ABC", "äöß", "İ", "a,b,c", " x ", "\tx\n", "12", "-3.5", "l\nf", "it's", 'q"d', "\\", "%_",
    "x\\y", "𝄞a", "a\x00b", "<nil>", "a", "b",
)  # fmt: skip
WRONG = ("x", "12", True, 3, 1.5, -7, [1], {"m": 1}, 1e300)
MIDNIGHT = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Taste:
    """What rows are like; the shares are percent."""

    seed: int
    window: bool
    arrow: bool
    nulls: int
    absent: int
    wrong: int
    strange: int

    def row(self, number: int) -> dict[str, Any]:
        """The row of that number, the same whatever the others are."""
        dice = random.Random(f"{self.seed} {number}")
        rare = not self.window or dice.random() < 0.1
        ints, floats = (BIG_INTS, BIG_FLOATS) if rare else (SMALL_INTS, SMALL_FLOATS)
        moment = MIDNIGHT + timedelta(milliseconds=dice.randrange(-3, 4) * 1001)
        row: dict[str, Any] = {name: dice.choice(ints) for name in "ab"} | {name: dice.choice(floats) for name in "xy"}
        row |= {name: dice.choice(STRINGS) for name in "st"} | {name: dice.random() < 0.5 for name in "pq"}
        row["d"] = moment if self.arrow else int(moment.timestamp() * 1000)
        row["o"] = {"m": dice.choice(SMALL_INTS), "n": dice.choice(SMALL_FLOATS), "w": dice.choice(STRINGS)}
        row["l"] = [dice.choice((None, *SMALL_INTS)) for _ in range(dice.randrange(4))]
        row["e"] = [dice.choice(STRINGS) for _ in range(dice.randrange(3))]
        row["k"] = dice.randrange(3)
        for name in list(row):
            self._spoil(dice, row, name)
        return row

    def _spoil(self, dice: random.Random, row: dict[str, Any], name: str) -> None:
        if dice.random() * 100 < self.nulls:
            row[name] = None
        elif not self.arrow and dice.random() * 100 < self.absent:
            del row[name]
        elif not self.arrow and dice.random() * 100 < self.wrong:
            row[name] = dice.choice(WRONG)
        elif self.arrow and name in "xy" and dice.random() * 100 < self.strange:
            row[name] = dice.choice(STRANGE)


@st.composite
def histories(draw: st.DrawFn, *, window: bool, arrow: bool, most: int = 12) -> tuple[tuple[int, Any], ...]:
    """Pushes of dicts or tables: nulls, absent keys, now and then a value of another type, times that jump."""
    shares = [draw(st.sampled_from([0, 0, 5, 20])) for _ in range(4)]
    taste = Taste(draw(st.integers(0, 2**32)), window, arrow, *shares)
    at, time, number, pushes = START, START, 0, []
    for _ in range(draw(st.integers(1, 3 if window else 2))):
        at += draw(st.sampled_from([0, 3, 12]))
        rows = []
        for _ in range(draw(st.integers(1, most))):
            row = taste.row(number)
            dice = random.Random(f"{taste.seed} time {number}")
            time += dice.randrange(5)
            row["ts"] = time + dice.choice((0, 0, 0, -3, -15))
            rows.append(row)
            number += 1
        pushes.append((at, pa.Table.from_pylist(rows, schema=ARROW) if arrow else rows))
    return tuple(pushes)


@st.composite
def row_cases(draw: st.DrawFn) -> Case:
    """Two SELECTs without a window."""
    arrow, typed = draw(st.booleans()), draw(st.booleans())
    queries = (draw(selects()), draw(selects()))
    options = {"sendNilField": True} if draw(st.integers(0, 5)) == 0 else {}
    return Case(queries, draw(histories(window=False, arrow=arrow)), DDL if typed else "", options)


@st.composite
def window_cases(draw: st.DrawFn) -> Case:
    """Two SELECTs with a window, in processing or event time."""
    arrow, typed, event_time = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    queries = (draw(windowed(event_time)), draw(windowed(event_time)))
    options: dict[str, Any] = {"isEventTime": event_time, "lateTolerance": draw(st.sampled_from([0, 5, 1000]))}
    return Case(queries, draw(histories(window=True, arrow=arrow)), DDL if typed else "", options)
