"""What the tests of connectors share: a clock that stands where it is put, and draining a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kuiper_nb.contracts import EndOfStream, Payload, Source


@dataclass
class StandingClock:
    """A virtual clock that the test sets."""

    at: int = 0
    virtual: bool = True

    def now(self) -> int:
        return self.at


def drained(source: Source) -> list[Payload]:
    """Everything a bounded source delivers."""
    source.open()
    payloads = []
    try:
        while (payload := source.poll()) is not None:
            payloads.append(payload)
    except EndOfStream:
        pass
    source.close()
    return payloads


def rows(payloads: list[Payload]) -> list[Any]:
    """The rows of payloads, and what is no row yet, in order."""
    found: list[Any] = []
    for payload in payloads:
        if isinstance(payload.data, pa.Table):
            found += payload.data.to_pylist()
        elif isinstance(payload.data, list):
            found += payload.data
        else:
            found.append(payload.data)
    return found


def kinds(payloads: list[Payload]) -> list[str]:
    """What the payloads are: Table, list, bytes …"""
    return [type(payload.data).__name__ for payload in payloads]
