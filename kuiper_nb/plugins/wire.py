"""What is said between a host and a plugin: signed messages as frames, in and out, without a socket or a clock.

A message is a list of frames: a signature, a header, and the payload, if any.

    signature   HMAC-SHA256 over the sender's side, the channel, the header and, where the wire is *whole*, the payload
    header      a JSON object: {"kind": "call", "n": 7, "sizes": [1024], …}
    payload     frames of bytes, as many as "sizes" says

"n" counts the messages of one side on one channel, so none counts twice. Until both sides have proven that they know
the key of the connection file, it signs; then a key of this one encounter does (`session_key`).
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

VERSION = 1
Side = Literal["host", "plugin"]
Buffer = bytes | bytearray | memoryview

MOST_HEADER = 1 << 20
"""Bytes of a header."""

MOST_FRAMES = 64
_KIND = re.compile(r"[a-z]{2,16}")
_WRITTEN = json.JSONEncoder(separators=(",", ":")).encode


class Refused(Exception):
    """What arrived is no message of the peer: *reason* is one of `REASONS`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


REASONS = ("stranger", "repeated", "malformed")
"""Signed with another key, or not at all; seen already; signed, and yet no message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its *kind*, the other *fields* of its header, and its payload."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    payload: Sequence[Buffer] = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise Refused("malformed", f"{self.kind} without {name}") from None

    def get(self, name: str, default: Any = None) -> Any:
        """A field that may be left out."""
        return self.fields.get(name, default)


def session_key(key: bytes, plugin_nonce: str, host_nonce: str) -> bytes:
    """What signs after hello and welcome; nobody has it who has not seen both, and the key."""
    return hmac.digest(key, f"{plugin_nonce}\n{host_nonce}".encode(), "sha256")


class Wire:
    """One side of one channel. *whole*: payloads are signed, too; needed where others could write into the channel."""

    def __init__(self, key: bytes, side: Side, channel: str, *, whole: bool = False) -> None:
        self.side = side
        self.channel = channel
        self._ours = f"{side}:{channel}:".encode()
        self.other: Side = "plugin" if side == "host" else "host"
        self._theirs = f"{self.other}:{channel}:".encode()
        self._whole = whole
        self.renew(key)

    def renew(self, key: bytes) -> None:
        """Sign with *key* from now on, and count anew."""
        self._signing = hmac.new(key, self._ours, "sha256")
        self._checking = hmac.new(key, self._theirs, "sha256")
        self._sent = 0
        self._seen = 0

    def pack(self, kind: str, fields: Mapping[str, Any] | None = None, payload: Sequence[Buffer] = ()) -> list[Buffer]:
        """The frames of a message."""
        self._sent += 1
        header: dict[str, Any] = {"kind": kind, "n": self._sent}
        if payload:
            header["sizes"] = [memoryview(part).nbytes for part in payload]
        if fields:
            header.update(fields)
        text = _WRITTEN(header).encode()
        return [self._signed(self._signing, text, payload), text, *payload]

    def unpack(self, frames: Sequence[Buffer]) -> Message:
        """The message of *frames*. Raises Refused; nothing of what is refused has an effect."""
        if not 2 <= len(frames) <= MOST_FRAMES or memoryview(frames[1]).nbytes > MOST_HEADER:
            raise Refused("stranger", "no message")
        signature, text, payload = bytes(frames[0]), bytes(frames[1]), list(frames[2:])
        if not hmac.compare_digest(signature, self._signed(self._checking, text, payload)):
            raise Refused("stranger", "another key")
        header = _read(text)
        number, sizes = header.pop("n", 0), header.pop("sizes", [])
        if not isinstance(number, int) or number <= self._seen:
            raise Refused("repeated", f"message {number} after {self._seen}")
        self._seen = number
        if sizes != [memoryview(part).nbytes for part in payload]:
            raise Refused("malformed", "the payload is not as long as its header says")
        kind = header.pop("kind", "")
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise Refused("malformed", "a message of no kind")
        return Message(kind, header, payload)

    def _signed(self, begun: hmac.HMAC, header: bytes, payload: Sequence[Buffer]) -> bytes:
        made = begun.copy()
        made.update(header)
        for part in payload if self._whole else ():
            made.update(part)
        return made.digest()


def _read(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("malformed", f"a header that is no JSON: {error}") from None
    if not isinstance(header, dict):
        raise Refused("malformed", "a header that is no object")
    return header
