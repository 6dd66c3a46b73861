"""Help on one function: its arguments, what it does, and an example whose result is computed on the spot."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ..sql.builtins import table
from ..sql.builtins.entry import Builtin
from ..sql.builtins.examples import EXAMPLES, Example
from ..sql.builtins.signatures import arguments, signature
from ..sql.builtins.special import SPECIAL
from ..sql.calls import RESERVED
from .tables import shown

if TYPE_CHECKING:
    from ..contracts import Function
    from ..functions.sink import SinkDefinition
    from ..functions.source import SourceDefinition
    from ..plugins.hello import Served

_START = 1_704_189_845_000  # 2024-01-02 10:04:05 UTC, in ms
_LITERALS = {
    "any": "anything",
    "number": "a number",
    "int": "a whole number",
    "string": "a text",
    "bool": "true or false",
    "literal string": "a text, written out",
    "literal int": "a whole number, written out",
    "literal bool": "true or false, written out",
    "column": "a column or an expression, not written out",
}
_NULLS = {
    "nil": "Where an argument is null, so is the result.",
    "false": "Where an argument is null, it is false.",
    "zero": "Where the argument is null, it is 0.",
    "call": "",
}
_KINDS = {
    "scalar": "",
    "aggregate": "An aggregate: it answers one value for the rows of a window, or of a group.",
    "analytic": "It remembers: rows are looked at one after the other, PARTITION BY keeps them apart.",
    "state": "It remembers how often a condition was met; without an OVER clause, WHERE's.",
    "columns": "It answers as many columns as have changed.",
    "set": "It stands alone in the SELECT list, and makes rows.",
}


def builtin_help(entry: Builtin) -> str:
    """Help on a built-in function."""
    known = arguments(entry)
    width = max((len(argument.name) for argument in known), default=0)
    lines = [signature(entry)]
    for argument in known:
        left_out = f"; {argument.default} when left out" if argument.default else ""
        may = "; may be left out" if argument.optional and not argument.default else ""
        more = "; any number of them" if argument.repeated else ""
        lines.append(f"  {argument.name:<{width}}  {_LITERALS[argument.kind]}{left_out or may}{more}")
    arm = "DuckDB computes whole batches of it." if entry.lower is not None else "It is computed row by row."
    nulls = _NULLS[entry.nulls] if entry.kind == "scalar" and known else ""
    missing = "It is not supported yet." if entry.name in RESERVED else ""
    how = arm if entry.kind in ("scalar", "aggregate") else ""
    sentences = [_sentence(entry.help), missing, _KINDS[entry.kind], nulls, how]
    lines += ["", " ".join(sentence for sentence in sentences if sentence)]
    if entry.name in EXAMPLES:
        lines += ["", example(entry.name)]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def special_help(name: str) -> str:
    """Help on a function that the compiler knows by itself."""
    called, about = SPECIAL[name]
    where = " It works in a rule with a window." if name.startswith("window") else ""
    return f"{name}{called}\n\n{_sentence(about)}{where}"


@cache
def example(name: str) -> str:
    """The example of a built-in function, with its result."""
    given = EXAMPLES[name]
    rows = [row for row in given.rows if row]
    columns = [f"{key} = {', '.join(shown(row[key]) for row in rows)}" for key in (rows[0] if rows else {})]
    over = f", for {' and '.join(columns)}" if columns else ""
    if not table()[name].steady:
        return f"Example{over}: {given.text}, another result every time"
    return f"Example{over}: {given.text}  →  {', '.join(worked(table()[name], given))}"


def worked(entry: Builtin, given: Example) -> list[str]:
    """What the evaluator makes of an example: a value for each row, or one for all of an aggregate."""
    from ..session import Session
    from ..windowing.clock import VirtualClock

    alias = "" if entry.kind in ("set", "columns") else " AS r"
    window = f" GROUP BY COUNTWINDOW({len(given.rows)})" if entry.kind == "aggregate" else ""
    with Session(clock=VirtualClock(_START)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule(f"SELECT {given.text}{alias} FROM demo{window}", id="demo")
        for row in given.rows:
            session.push("demo", dict(row))
        found = [row for emit in rule.emits for row in emit.rows]
    return [shown(row if not alias else row.get("r")) for row in found]


# ---- the user's


def native_help(function: Function) -> str:
    """Help on a function of the user's: its Python signature and text, and how SQL calls it."""
    lines = [python_signature(function.name, function.origin, function.parameters), ""]
    lines += [function.help, ""] if function.help else []
    return "\n".join([*lines, *called(function)])


def called(function: Function) -> list[str]:
    """How SQL calls a function of the user's."""
    call = f"{function.name}({', '.join(function.parameters)})"
    group = " GROUP BY TUMBLINGWINDOW(ss, 10)" if function.aggregate else ""
    gets = "a list per argument, for the rows of a group" if function.aggregate else "the values of a row"
    if function.vectorized:
        gets = "an array per argument, for a whole batch"
    of = f" It is served by plugin {function.owner}." if function.owner else ""
    return [
        f"In SQL: SELECT {call} AS {function.name} FROM demo{group}",
        f"It gets {gets}; running rules take up a redefinition at their next batch.{of}",
    ]


def python_signature(name: str, made_of: Callable[..., Any] | None, parameters: Any = ()) -> str:
    """`fahrenheit(c: float) -> float`."""
    plain = f"({', '.join(parameters)})"
    if made_of is None:
        return name + plain
    try:
        return name + str(inspect.signature(made_of, eval_str=True))
    except Exception:  # an annotation that names nothing, or a function of C that does not tell
        return name + plain


def source_help(definition: SourceDefinition) -> str:
    """Help on a source of the user's."""
    lines = [f"{python_signature(definition.name, definition.make)}, a source", ""]
    lines += [definition.help, ""] if definition.help else []
    return "\n".join([*lines, *streamed(definition)])


def streamed(definition: SourceDefinition) -> list[str]:
    """How SQL reads a source of the user's."""
    keys = ", ".join(sorted(definition.parameters))
    return [
        f'In SQL: CREATE STREAM demo () WITH (TYPE="{definition.name}")',
        f"Its options in WITH: {keys}; INTERVAL is the ms between two items.",
    ]


def sink_help(definition: SinkDefinition) -> str:
    """Help on a sink of the user's."""
    lines = [f"{python_signature(definition.name, definition.write)}, a sink", ""]
    lines += [definition.help, ""] if definition.help else []
    return "\n".join([*lines, *sunk(definition)])


def served_help(plugin: str, served: Served) -> str:
    """Help on a source or sink of a plugin."""
    called = served.name if served.kind == "sink" else python_signature(served.name, None, served.parameters)
    lines = [f"{called}, a {served.kind} of plugin {plugin}", ""]
    lines += [served.help, ""] if served.help else []
    if served.kind == "sink":
        return "\n".join([*lines, f"In a notebook: %%kuiper NAME --sink {served.name}; it gets the rows of one emit."])
    keys = ", ".join(sorted({"INTERVAL", *(name.upper() for name in served.parameters)}))
    lines.append(f'In SQL: CREATE STREAM demo () WITH (TYPE="{served.name}")')
    return "\n".join([*lines, f"Its options in WITH: {keys}; INTERVAL is the ms between two items."])


def sunk(definition: SinkDefinition) -> list[str]:
    """How a rule writes to a sink of the user's."""
    return [f"In a notebook: %%kuiper NAME --sink {definition.name}; it gets the rows of one emit."]
