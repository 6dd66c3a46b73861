"""A log of everything a host and a plugin have said: plain text, one message a line, to be read and played again.

    {"from": "plugin", "on": "calls", "header": {"kind": "answer", "n": 2, "sizes": [344], …}, "payload": ["…"]}

Headers are as they were sent, payloads base64. Signatures are left out: they prove who spoke at the time, and nothing
later. What a source or sink is configured with is in it, passwords too.
"""

from __future__ import annotations

import json
import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .wire import Buffer, Side


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a log."""

    side: Side
    channel: str
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    payload: Sequence[bytes] = ()


class MessageLog:
    """Writes a log, from any thread; a file of that name is written over. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")

    def note(self, side: Side, channel: str, header: Buffer, payload: Sequence[Buffer]) -> None:
        """Write one message down."""
        line = {"from": side, "on": channel, "header": json.loads(bytes(header))}
        if payload:
            line["payload"] = [b64encode(part).decode("ascii") for part in payload]
        with self._lock:
            if not self._file.closed:
                self._file.write(f"{json.dumps(line, ensure_ascii=False)}\n")
                self._file.flush()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._file.close()


def read(path: Path) -> Iterator[Said]:
    """The messages of a log, in the order in which the host has seen them. Raises ValueError for what is no message."""
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
                fields = {name: value for name, value in line["header"].items() if name not in ("kind", "n", "sizes")}
                payload = [b64decode(part, validate=True) for part in line.get("payload", ())]
                yield Said(line["from"], line["on"], line["header"]["kind"], fields, payload)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: no message of a log: {error!r}") from None
