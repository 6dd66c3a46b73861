"""Answers kept, to be given again: a service whose calls were recorded needs no network, and answers alike every time.

One line of JSON for each different request, sorted, so that the same calls make the same file:

    {"interface": "…", "target": "POST /v1/…", "body": "…", "status": 200, "headers": {…}, "parts": ["…"]}

A body that is no text is {"base64": "…"}; a call that failed has `kind` and `message` instead of an answer. Secrets are
not in it: what the transport adds is not recorded, and known values are masked.
"""

from __future__ import annotations

import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import ServiceError
from . import secrets
from .protocol import CallFailed, Interface, Operation, Reply, Request, Shape
from .spec import Batch

Key = tuple[str, str, str]
_HEADERS = ("content-type",)
"""What decoding looks at."""


class Cassette:
    """A file of answers, written at `save`, or read. Raises ServiceError for one that is none."""

    def __init__(self, path: Path, mode: Literal["record", "replay"]) -> None:
        self.path = path
        self.mode = mode
        self._lock = threading.Lock()
        self._lines: dict[Key, dict[str, Any]] = self._read() if mode == "replay" else {}

    def __len__(self) -> int:
        return len(self._lines)

    def keep(self, interface: str, request: Request, answer: Reply | CallFailed) -> None:
        """One more; of calls that are alike the first counts."""
        line: dict[str, Any] = {"interface": interface, "target": request.target, "body": _text(request.body)}
        if isinstance(answer, Reply):
            headers = {name: value for name, value in answer.headers.items() if name in _HEADERS}
            line |= {"status": answer.status, "headers": headers, "parts": [_text(part) for part in answer.parts]}
        else:
            line |= {"kind": answer.kind, "message": answer.message, "status": answer.status}
        masked = json.loads(secrets.masked(json.dumps(line, ensure_ascii=False)))
        with self._lock:
            self._lines.setdefault(_key(masked), masked)

    def answer(self, interface: str, request: Request) -> Reply:
        """What was answered then. Raises CallFailed."""
        asked = {"interface": interface, "target": request.target, "body": _text(request.body)}
        line = self._lines.get(_key(json.loads(secrets.masked(json.dumps(asked, ensure_ascii=False)))))
        if line is None:
            message = f"there is no recorded answer for {request.target} in {self.path.name}"
            raise CallFailed("offline", message, sent=False)
        if "kind" in line:
            raise CallFailed(line["kind"], line["message"], status=line["status"])
        return Reply(line["status"], tuple(map(_bytes, line["parts"])), line["headers"])

    def save(self) -> None:
        """Write the file. Raises ServiceError."""
        with self._lock:
            lines = [json.dumps(line, ensure_ascii=False) for _, line in sorted(self._lines.items())]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise ServiceError(f"cannot write {self.path}: {error.strerror}", "a folder where there is room") from None

    def _read(self) -> dict[Key, dict[str, Any]]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ServiceError(
                f"cannot read {self.path}: {why}", "%kuiper service record NAME FILE makes one"
            ) from None
        found = {}
        for number, each in enumerate(text.splitlines(), 1):
            try:
                line = json.loads(each)
                found[_key(line)] = line
                line.get("kind") or (line["status"], [_bytes(part) for part in line["parts"]], line["headers"])
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ServiceError(f"{self.path}, line {number} is no recorded answer") from None
        return found


def _key(line: dict[str, Any]) -> Key:
    return line["interface"], line["target"], json.dumps(line["body"])


def _text(data: bytes) -> Any:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def _bytes(text: Any) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else b64decode(text["base64"])


class Taped:
    """An interface whose answers are recorded, or come from a recording, while it has a *cassette*."""

    def __init__(self, name: str, interface: Interface) -> None:
        self.name = name
        self.interface = interface
        self.operations = interface.operations
        self.cassette: Cassette | None = None

    def encode(self, operation: Operation, arguments: Sequence[Any]) -> Request:
        """As the interface does."""
        return self.interface.encode(operation, arguments)

    def together(self, operation: Operation, values: Sequence[Any], endpoint: Batch) -> Request:
        """As the interface does."""
        return self.interface.together(operation, values, endpoint)

    def shaped(self, operation: Operation) -> Shape:
        """As the interface does."""
        return self.interface.shaped(operation)

    def decode(self, operation: Operation, reply: Reply) -> Any:
        """As the interface does."""
        return self.interface.decode(operation, reply)

    def shown(self, request: Request) -> str:
        """As the interface does."""
        return self.interface.shown(request)

    async def exchange(self, request: Request, timeout: float) -> Reply:
        """From the recording, or from the server."""
        cassette = self.cassette
        if cassette is not None and cassette.mode == "replay":
            return cassette.answer(self.name, request)
        try:
            reply = await self.interface.exchange(request, timeout)
        except CallFailed as failed:
            if cassette is not None:
                cassette.keep(self.name, request, failed)
            raise
        if cassette is not None:
            cassette.keep(self.name, request, reply)
        return reply

    async def close(self) -> None:
        """Close the interface."""
        await self.interface.close()
