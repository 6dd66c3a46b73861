"""The urlencoded format: `a=1&b=two`. All values are texts, whatever the stream declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from ..catalog import Stream
from ..contracts import Row
from ..errors import RowFault
from ..sql.values import text
from . import Decode, Encode
from .coerce import coercion, extra
from .delimited import field_text

_BAD = re.compile(r"%(?![0-9a-fA-F]{2})|;")


def decoder(
    stream: Stream, columns: frozenset[str] | None = None, properties: Mapping[str, Any] | None = None
) -> Decode:
    """Reads a query string; a key that repeats becomes an array of texts."""
    settings = extra(stream) if properties is None else properties
    coerce = coercion(stream, columns, settings, typed=True)

    def decode(payload: bytes) -> list[Row]:
        query = payload.decode("utf-8", "replace")
        if _BAD.search(query):
            raise RowFault(f"fail to parse url encoded value {query}")
        found: dict[str, list[str]] = {}
        for pair in query.split("&"):
            key, _, value = pair.partition("=")
            if pair:
                found.setdefault(unquote_plus(key), []).append(unquote_plus(value))
        return [coerce({key: values[0] if len(values) == 1 else values for key, values in found.items()})]

    return decode


def encoder(options: Mapping[str, Any]) -> Encode:
    """Writes a single row, keys sorted, an array as its key repeated; a list of rows is a RowFault."""

    def encode(item: Row | list[Row]) -> bytes:
        if not isinstance(item, dict):
            raise RowFault(f"unsupported type {text(item)}, must be a map")
        pairs = []
        for key in sorted(item):
            value = item[key]
            for one in value if isinstance(value, list) else [value]:
                pairs.append(f"{quote_plus(key)}={quote_plus(field_text(one))}")
        return "&".join(pairs).encode()

    return encode
