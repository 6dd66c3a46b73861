"""What the windows of GROUP BY are called with, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..catalog import Field, Stream
from ..errors import KuiperError, NotSupported
from ..types import BIGINT
from .compiler import compile_select
from .parser import parse_rule
from .plan import Options


@dataclass(frozen=True, slots=True)
class WindowHelp:
    """A window: its arguments, what it is, and a call of it."""

    name: str
    arguments: str
    help: str
    example: str

    @property
    def signature(self) -> str:
        """`TUMBLINGWINDOW(unit, length)`."""
        return f"{self.name}({self.arguments})"


_ALL = (
    WindowHelp(
        "TUMBLINGWINDOW", "unit, length",
        "spans of one length, one after the other; every row is in exactly one", "TUMBLINGWINDOW(ss, 10)",
    ),
    WindowHelp(
        "HOPPINGWINDOW", "unit, length, hop",
        "spans of one length, one beginning every hop; a row is in length / hop of them", "HOPPINGWINDOW(ss, 10, 5)",
    ),
    WindowHelp(
        "SLIDINGWINDOW", "unit, length, [delay]",
        "for every row, the rows of the time before it, and of the delay after it", "SLIDINGWINDOW(ss, 10)",
    ),
    WindowHelp(
        "SESSIONWINDOW", "unit, length, gap",
        "rows that follow each other within the gap, at most for the length", "SESSIONWINDOW(ss, 10, 5)",
    ),
    WindowHelp(
        "COUNTWINDOW", "rows, [every]",
        "the newest rows, so many of them, each time that many, or every so many, have come", "COUNTWINDOW(5)",
    ),
    WindowHelp(
        "STATEWINDOW", "begin, emit",
        "from a row that meets the first condition to one that meets the second", "STATEWINDOW(a > 1, a > 5)",
    ),
)  # fmt: skip
WINDOWS: dict[str, WindowHelp] = {window.name: window for window in _ALL}
"""By name, in capital letters."""

UNITS = "a unit is DD, HH, MI, SS or MS, without quotes; lengths are whole numbers of it"
"""Said of all windows of time."""


@cache
def runs(sql: str) -> bool:
    """Whether a SELECT over streams a and b, with columns a and b, is something that runs here already."""
    streams = {name: Stream(name, (Field("a", BIGINT), Field("b", BIGINT))) for name in ("a", "b")}
    try:
        compile_select(parse_rule(sql), streams, {}, Options())
    except NotSupported:
        return False
    except KuiperError:
        return True
    return True


def here(window: WindowHelp) -> bool:
    """Whether rules can use it already."""
    return runs(f"SELECT count(*) FROM a GROUP BY {window.example}")


def joins() -> bool:
    """Whether rules can join streams already."""
    return runs("SELECT a.a FROM a INNER JOIN b ON a.a = b.b GROUP BY TUMBLINGWINDOW(ss, 10)")
