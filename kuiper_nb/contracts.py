"""The seams of the house: what a clock, a source, a sink and a function are.

Native code, plugins and services are three ways of obtaining these same things. Time is int64 milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


class Clock(Protocol):
    """Where "now" comes from."""

    @property
    def virtual(self) -> bool:
        """Whether time moves only when it is told to."""
        ...

    def now(self) -> int:
        """Milliseconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class Payload:
    """What arrived at one moment, not decoded yet.

    *data* is bytes (decoded through the stream's FORMAT; fails whole), one row, a list of rows (each fails alone) or an
    Arrow table. Rows are JSON, so a schemaless stream reads their numbers as floats, unless *typed*: then they
    keep their types, as rows from Arrow and from other rules do. *at* is the arrival; None means now. *prepared* is
    what a source that reads ahead had made of the data by its `prepare`, for whoever asked for that.
    """

    data: bytes | Row | list[Row] | pa.Table
    at: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    typed: bool = False
    prepared: object = None


@runtime_checkable
class Source(Protocol):
    """Where rows enter a rule. One instance per rule.

    A source may say more of itself in attributes, of its class or of the instance, also before it is opened:
    *live* (False): it reads the world, so what it delivers cannot be had again; in bounded mode a recording stands in.
    *bounded* (True): it ends by itself; None when only its end will tell. *paced* (True): the clock, or a push, says
    when it delivers. *backlog*: how many pushed payloads wait. *more* (False): the next payload belongs to the same
    micro-batch. *complete* (True): its end is that of the input, so the last windows go out. *prepare* (None): set
    before it is opened, it turns each payload into one that is decoded sooner, on the thread that reads ahead.
    """

    def open(self) -> None:
        """Get ready; raise ConnectorError when that is impossible."""
        ...

    def poll(self) -> Payload | None:
        """The next payload that is ready now, or None. Never blocks. Raises EndOfStream when there will be no more."""
        ...

    def due(self) -> int | None:
        """The moment in ms at which the next payload is ready by the session's clock; None when pushed or ended."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class EndOfStream(Exception):
    """A bounded source has delivered everything."""


@runtime_checkable
class Sink(Protocol):
    """Where the rows of one emit leave a rule."""

    def open(self) -> None:
        """Get ready; raise ConnectorError when that is impossible."""
        ...

    def write(self, item: Any, at: int) -> None:
        """Take one item: what the common sink properties made of an emit (rows, bytes or an Arrow table)."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A function call of one batch: one sequence per argument, all of the same length."""

    arguments: tuple[Any, ...]
    rows: int
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function made of a batch: a value per row (list or Arrow array) and the rows that failed."""

    values: Any
    failures: Mapping[int, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call failed for one row: the message, and where in the user's code (cell or file, line) it was."""

    message: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """How to call one SQL function. Read only; a redefinition is a new value with the next *generation*.

    *call* answers a batch. An aggregate gets, per argument, one list per group. *one* calls it for a single row (or
    group). *columnar*: it takes Arrow columns even where the user's code is called row by row.
    *arity* is (least, most); most None means any number. *origin* is what the user decorated, if it was Python; *owner*
    the name of the plugin or service that answers.
    """

    name: str
    kind: Literal["native", "portable", "external"]
    call: Callable[[Call], Answer]
    one: Callable[..., Any]
    arity: tuple[int, int | None]
    aggregate: bool = False
    vectorized: bool = False
    columnar: bool = False
    returns: Any = None
    generation: int = 1
    help: str = ""
    parameters: Sequence[str] = ()
    origin: Callable[..., Any] | None = None
    owner: str = ""
