"""What sources deliver and sinks are handed, as messages: a row, rows, bytes, or a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ..contracts import Payload
from ..formats.recording import read, written
from .codec import Unreadable, table_bytes, table_of_bytes
from .wire import Buffer, Message, Refused

Item = Any
"""What a sink is handed: bytes, a row or a list of rows, or an Arrow table."""


def packed_item(item: Item) -> tuple[dict[str, Any], list[Buffer]]:
    """The fields and the payload of an item."""
    if isinstance(item, (bytes, bytearray, memoryview)):
        return {"codec": "bytes"}, [bytes(item)]
    if isinstance(item, pa.Table):
        return {"codec": "arrow"}, [table_bytes(item)]
    return {"codec": "json"}, [json.dumps(written(item), separators=(",", ":")).encode()]


def unpacked_item(fields: Mapping[str, Any], payload: Sequence[Buffer]) -> Item:
    """The item of a message. Raises Unreadable."""
    if len(payload) != 1:
        raise Unreadable(f"{len(payload)} frames of payload, not one")
    codec = fields.get("codec")
    if codec == "bytes":
        return bytes(payload[0])
    if codec == "arrow":
        return table_of_bytes(payload[0])
    if codec != "json":
        raise Unreadable(f"an unknown codec {codec!r}")
    try:
        return read(json.loads(bytes(payload[0])))
    except (ValueError, TypeError, KeyError, RecursionError, ArithmeticError) as error:
        raise Unreadable(f"not readable as JSON: {error}") from None


def payload_of(message: Message) -> Payload:
    """What a source has sent. Raises Refused for what is no row, list of rows, bytes or table."""
    try:
        item = unpacked_item(message.fields, message.payload)
    except Unreadable as why:
        raise Refused("malformed", str(why)) from None
    meta = message.get("meta") or {}
    if not isinstance(meta, dict) or not isinstance(item, (dict, list, bytes, pa.Table)):
        raise Refused("malformed", f"a source sent a {type(item).__name__}")
    return Payload(item, None, meta, isinstance(item, pa.Table) or bool(message.get("typed", False)))
