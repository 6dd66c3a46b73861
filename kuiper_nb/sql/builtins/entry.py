"""One row of the table of built-in functions: everything the house knows about a function stands in its entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..lowered import Lowered


class Scope(Protocol):
    """What a function that asks for its *scope* may know about the row it is called for."""

    @property
    def now(self) -> int:
        """The session's clock, ms."""
        ...

    @property
    def rule(self) -> str:
        """The id of the rule."""
        ...

    @property
    def started(self) -> int:
        """When the rule was started, ms."""
        ...


Kind = Literal["any", "number", "int", "string", "bool", "literal string", "literal int", "literal bool", "column"]
"""What a literal in an argument's place must be. eKuiper checks literals only; a column may hold anything, so a
"string" column of numbers is fine and `upper(5)` is refused. "literal …" refuses columns as well; "column" refuses
literals."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A built-in function.

    Its example stands in `examples.py`, and `signatures.py` names its arguments.

    *reference* defines it: Python values in, value out, RowFault for a row that fails (the cause alone; "call func …
    error:" is added by the caller). It is never called with a null argument unless *nulls* says so:

    - "nil": an argument that is null, an empty array or an empty object makes the result null (eKuiper's default)
    - "false": … makes it false          - "zero": … makes it 0
    - "call": the reference gets the null

    An aggregate's reference gets one list per argument with a value per row of the group, nulls included, and is called
    as *nulls* "nil" says only when the list is empty. *arguments* names what literals must be, the last one repeated
    for further arguments. *arity* is (least, most), most None for any number. *lower* answers the DuckDB form for
    arguments of these types, or None where there is none; it sees no null argument types. *scope*: the reference wants
    the Scope first. *check* looks at the arguments once, when the rule is compiled, and answers what is wrong or ''.
    *bind* sees them too and answers the entry for this very call: a function may depend on how its arguments are
    written. The kinds "analytic", "state" and "columns" remember: `analytic` says what their references are. A "set"
    answers an array, every element of which becomes a row. *steady*: not another answer every time.
    """

    name: str
    reference: Callable[..., Any]
    arity: tuple[int, int | None]
    help: str
    arguments: tuple[Kind, ...] = ("any",)
    nulls: Literal["nil", "false", "zero", "call"] = "nil"
    kind: Literal["scalar", "aggregate", "analytic", "state", "columns", "set"] = "scalar"
    lower: Callable[[Sequence[Lowered]], Lowered | None] | None = None
    scope: bool = False
    check: Callable[[Sequence[Any]], str] | None = None
    bind: Callable[[Sequence[Any]], Builtin] | None = None
    steady: bool = True
