"""Formats: bytes to rows and rows to bytes, by the names FORMAT knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConnectorError, NotSupported, did_you_mean

if TYPE_CHECKING:
    from ..catalog import Stream
    from ..contracts import Row

Decode = Callable[[bytes], "list[Row]"]
Encode = Callable[["Row | list[Row]"], bytes]

KNOWN = ("json", "delimited", "binary", "urlencoded", "parquet")
_ELSEWHERE = ("protobuf", "custom")


class Format(Protocol):
    """A format; each of this room's modules is one."""

    def decoder(
        self, stream: Stream, columns: frozenset[str] | None = None, properties: Mapping[str, Any] | None = None
    ) -> Decode:
        """What turns one payload into rows of *stream*, or raises RowFault for all of it.

        Only the *columns* a rule uses (None: all) are decoded and checked. *properties* are the source's, EXTRA when
        None.
        """
        ...

    def encoder(self, options: Mapping[str, Any]) -> Encode:
        """What turns a row, or a list of rows, into a payload, or raises RowFault. *options* are the sink's properties.

        It may remember earlier rows (a header, a frozen order of columns), so every sink needs its own.
        """
        ...


def get(name: str) -> Format:
    """The format of that name; ConnectorError when there is none, NotSupported when only eKuiper has it."""
    wanted = name.lower()
    if wanted in KNOWN:
        module: Any = import_module(f".{wanted}", __name__)
        return module  # type: ignore[no-any-return]
    if wanted in _ELSEWHERE:
        raise NotSupported(f"format {wanted} is not here yet", f"known: {', '.join(KNOWN)}")
    raise ConnectorError(f"there is no format {name}", did_you_mean(wanted, KNOWN))
