"""What a running plugin can be asked, whatever wire it speaks: ours, or eKuiper's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .hello import Hello, Kind

if TYPE_CHECKING:
    from ..contracts import Answer, Call, Payload


class Lost(Exception):
    """The process died, hangs, or answered what is no answer: it must be replaced, and the batch asked again.

    *hung*: it was killed because a deadline had passed.
    """

    def __init__(self, why: str, *, hung: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.hung = hung


class Declined(Exception):
    """The plugin is well, and says no: a symbol it does not know, an `open` that raised; *where* in its code."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.where = where


@dataclass(frozen=True, slots=True)
class Control:
    """A source or sink of one rule, in eKuiper's words. *run* names it among all of them."""

    symbol: str
    kind: Kind
    rule: str
    op: str
    instance: int = 0
    datasource: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """`{rule}_{op}_{instance}`, as eKuiper names its sockets."""
        return f"{self.rule}_{self.op}_{self.instance}"


class Inlet(Protocol):
    """Where the rows of a started source go; called on a thread of the peer's."""

    def rows(self, payload: Payload) -> None:
        """Something arrived."""
        ...

    def ended(self) -> None:
        """There will be no more."""
        ...

    def failed(self, why: str, where: str) -> None:
        """The source has raised; it sends nothing more."""
        ...


class Peer(Protocol):
    """One process of a plugin, from its hello to its end. Used by any thread; a call may be made by several at once.

    Every method raises Lost when the process is no longer there or not to be trusted, Declined when it says no.
    """

    @property
    def lost(self) -> str:
        """Why the process is not there any more; '' while it is."""
        ...

    @property
    def spent(self) -> str:
        """Why the process is to be replaced although it lives; '' while it is not."""
        ...

    @property
    def pid(self) -> int | None:
        """Of the process; None for one that somebody else has started."""
        ...

    def ready(self, seconds: float) -> Hello:
        """Wait until it has said hello."""
        ...

    def await_calls(self) -> None:
        """Wait until it can answer calls, whatever it must load for that."""
        ...

    def on_lost(self, told: Callable[[str], None]) -> None:
        """Call *told* once with why the process has gone, on a thread of the peer's; at once if it has."""
        ...

    def validate(self, symbol: str, arguments: Sequence[str]) -> str:
        """What a function has against being called with these arguments (SQL); '' for nothing."""
        ...

    def call(self, symbol: str, call: Call, seconds: float) -> Answer:
        """Answer a batch: all of it or nothing. *call.context* has eKuiper's ruleId, opId, instanceId and funcId."""
        ...

    def start(self, control: Control, inlet: Inlet | None, seconds: float) -> None:
        """Start a source, whose rows go to *inlet*, or a sink."""
        ...

    def write(self, control: Control, item: Any, seconds: float) -> None:
        """Hand one item to a started sink, and wait until it has it: bytes, or rows as eKuiper's JSON."""
        ...

    def taken(self, control: Control, items: int) -> None:
        """So many payloads of a started source have been taken: it may send as many more."""
        ...

    def stop(self, control: Control, seconds: float) -> None:
        """Stop a source or a sink."""
        ...

    def close(self) -> None:
        """End the process, and let go of everything."""
        ...
