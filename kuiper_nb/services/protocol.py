"""The seams of the room: what a protocol offers, and what goes over the wire, whatever the protocol is.

    arguments --encode--> Request --exchange--> Reply --decode--> value

`encode` and `decode` are pure, so that calls can be compared, counted, cached, recorded and played back between them;
only `exchange` waits for the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .spec import Batch

Kind = Literal[
    "address",  # not the one in the file, or one that is never contacted
    "auth",  # 401 and 403, no token
    "breaker",  # not asked: it has failed too often of late
    "broken",  # the connection ended in the middle
    "deadline",  # the time for all attempts is over
    "garbage",  # an answer that is not what was agreed on
    "limit",  # an answer larger than maxResponse
    "offline",  # only recorded answers are played, and there is none for this
    "refused",  # no connection
    "status",  # an answer that says no
    "tls",  # a certificate that is not good
]
"""Why a call failed, as status counts it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation. *type* is a word for people: bigint, float, string, boolean, bytea, struct,
    array(float), any …"""

    name: str
    type: str = "any"
    required: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """What one SQL function asks of an interface.

    *method* is its name there: an rpc, or `POST /pets/{id}`. *rest*: there may be more arguments than parameters.
    *safe*: whatever its arguments, to ask twice does no harm. *binding* is what the protocol needs to encode and
    decode.
    """

    name: str
    method: str
    parameters: tuple[Parameter, ...] = ()
    rest: bool = False
    returns: str = "any"
    help: str = ""
    safe: bool = False
    binding: Any = field(default=None, compare=False, repr=False)

    @property
    def arity(self) -> tuple[int, int | None]:
        """Least and most arguments. A message may always be given as one object instead of its fields one by one."""
        least = sum(parameter.required for parameter in self.parameters)
        return min(least, 1), None if self.rest else max(len(self.parameters), 1)


@dataclass(frozen=True, slots=True)
class Request:
    """One call, as it goes over the wire but for what the transport adds (authorization, tracing).

    *target* is the method and path with its query, or the name of the rpc. *safe*: to ask twice does no harm.
    """

    operation: Operation
    target: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    safe: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls that ask the same."""
        return self.operation.name, self.target, self.body, self.headers


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: *status* as the protocol counts (HTTP's, gRPC's), *parts* of the body: one, or one per message of
    a stream. *headers* have lower-case names."""

    status: int
    parts: tuple[bytes, ...] = (b"",)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The only part."""
        return self.parts[0] if self.parts else b""


class CallFailed(Exception):
    """One attempt, or all of them, did not succeed.

    *sent*: the server may have acted on it. *status* is the protocol's, 0 where there was no answer. *after*: the
    server asks to wait so many seconds. *place* is where in the answer the fault is: `$.score`.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        sent: bool = True,
        status: int = 0,
        after: float | None = None,
        again: bool = False,
        place: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.sent = sent
        self.status = status
        self.after = after
        self.again = again
        self.place = place


@dataclass(frozen=True, slots=True)
class Shape:
    """One call among others in one request: *make* turns arguments into what stands for it (raises RowFault), *read*
    what came for it into its value (raises CallFailed)."""

    make: Callable[[Sequence[Any]], Any]
    read: Callable[[Any], Any]


class Interface(Protocol):
    """One interface of a service, bound: its operations, and how to call them."""

    operations: Mapping[str, Operation]
    """By the names SQL calls them."""

    def encode(self, operation: Operation, arguments: Sequence[Any]) -> Request:
        """The request for the values of one row. Raises RowFault for arguments that do not fit."""
        ...

    async def exchange(self, request: Request, timeout: float) -> Reply:
        """One attempt, in *timeout* seconds at most. Raises CallFailed; a status that says no is for `decode`."""
        ...

    def together(self, operation: Operation, values: Sequence[Any], endpoint: Batch) -> Request:
        """One request for many calls, to an address that takes an array of what `shaped` makes. Only REST has such."""
        ...

    def shaped(self, operation: Operation) -> Shape:
        """What stands for one call in it, and what came for one."""
        ...

    def decode(self, operation: Operation, reply: Reply) -> Any:
        """The value SQL gets. Raises CallFailed (status, auth, garbage)."""
        ...

    def shown(self, request: Request) -> str:
        """The request for people, whole, as it would be written down; secrets are references still."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
