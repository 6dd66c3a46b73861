"""What the common sink properties make of the rows of an emit: items for sinks of rows, payloads for sinks of bytes.

A failure is an item too: a RowFault stands where its item would have stood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..contracts import Row
from ..errors import RowFault
from ..sql.values import text
from . import get
from .delimited import Writer
from .properties import SinkProperties, own, parse

Item = Row | list[Row] | bytes
"""A row (sendSingle), the rows of an emit, or bytes when *dataField* names a column of bytes."""


class Transform:
    """The common properties of one sink, ready to be applied. It has state (headers, batches): one for each sink.

    *own* is what they leave to the connector itself.
    """

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.common: SinkProperties = parse(properties)
        self.own = own(properties)
        self._encode = get(self.common.format).encoder(
            {
                "delimiter": self.common.delimiter,
                "fields": self.common.fields,
                "hasHeader": self.common.has_header,
            }
        )
        self._batch = _BATCHES.get(self.common.format, _Joined)(self.common) if self.common.batch_size else None

    def items(self, rows: list[Row]) -> list[Item | RowFault]:
        """What a sink that takes rows gets of one emit: a row each with sendSingle, else the list."""
        common = self.common
        if common.omit_if_empty and not rows:
            return []
        if not common.send_single:
            return [self._attempt(rows)]
        return [self._attempt(row) for row in rows if row or not common.omit_if_empty]

    def payloads(self, rows: list[Row]) -> list[bytes | RowFault]:
        """What a sink that takes bytes gets of one emit: the items, encoded; with batchSize, of that many emits."""
        items = self.items(rows)
        if self._batch is None:
            return [item if isinstance(item, RowFault) else self._encoded(item) for item in items]
        faults: list[bytes | RowFault] = []
        for item in items:
            if isinstance(item, RowFault):
                faults.append(item)
                continue
            try:
                self._batch.add(item, self._encode)
            except RowFault as fault:
                faults.append(fault)
        self._batch.emits += 1
        return faults + (self.flush() if self._batch.emits >= self.common.batch_size else [])

    def flush(self) -> list[bytes | RowFault]:
        """The batch that is not full yet, for the end of bounded input; a rule that is stopped does not send it."""
        if self._batch is None or not self._batch.emits:
            return []
        payload = self._batch.take()
        return [] if payload is None else [payload]

    def _attempt(self, data: Row | list[Row]) -> Item | RowFault:
        try:
            return self._selected(data)
        except RowFault as fault:
            return fault

    def _selected(self, data: Row | list[Row]) -> Item:
        common = self.common
        chosen: Any = data
        if common.data_field:
            row = data if isinstance(data, dict) else (data[0] if data else {})
            chosen = row.get(common.data_field)
            if isinstance(chosen, list) and not all(isinstance(part, dict) for part in chosen):
                raise RowFault(f"fail to TransItem data {text(data)} for error unsupported type {text(chosen)}")
        if common.fields:
            chosen = _each(chosen, lambda row: {name: row.get(name) for name in common.fields}, data)
        elif common.exclude_fields:
            left_out = frozenset(common.exclude_fields)
            chosen = _each(chosen, lambda row: {k: v for k, v in row.items() if k not in left_out}, data)
        if chosen is None:
            raise RowFault("receive unsupported data <nil>")
        if not isinstance(chosen, (dict, list, bytes)):
            raise RowFault(f"invalid transform result type {text(chosen)}")
        return chosen

    def _encoded(self, item: Item) -> bytes | RowFault:
        if isinstance(item, bytes):
            return item
        try:
            return self._encode(item)
        except RowFault as fault:
            return fault


def transform(properties: Mapping[str, Any]) -> Transform:
    """Reads the common sink properties of an action.

    Raises ConnectorError for a property of the wrong type or an unknown format, NotSupported for what is not here yet.
    """
    return Transform(properties)


def _each(chosen: Any, select: Callable[[Row], Row], data: Any) -> Any:
    if isinstance(chosen, dict):
        return select(chosen)
    if isinstance(chosen, list):
        return [select(row) for row in chosen]
    cause = f"fail to decode data {text(chosen)} for error unsupported type {text(chosen)}"
    raise RowFault(f"fail to TransItem data {text(data)} for error {cause}")


class _Joined:
    """A batch of encoded items put one after the other."""

    opening, between, closing = b"", b"&", b""

    def __init__(self, common: SinkProperties) -> None:
        self.emits = 0
        self.parts: list[bytes] = []

    def add(self, item: Item, encode: Callable[[Row | list[Row]], bytes]) -> None:
        self.parts.append(item if isinstance(item, bytes) else encode(item))

    def take(self) -> bytes | None:
        payload = self.opening + self.between.join(self.parts) + self.closing if self.parts else None
        self.emits, self.parts = 0, []
        return payload


class _JsonArray(_Joined):
    """A batch as a JSON array of its items; lists of rows stay lists."""

    opening, between, closing = b"[", b",", b"]"


class _Lines(_Joined):
    """A batch of delimited lines under one header."""

    between = b"\n"

    def __init__(self, common: SinkProperties) -> None:
        super().__init__(common)
        self.writer = Writer(common.delimiter, common.fields)

    def add(self, item: Item, encode: Callable[[Row | list[Row]], bytes]) -> None:
        if isinstance(item, bytes):
            self.parts.append(item)
            return
        for row in item if isinstance(item, list) else [item]:
            line = self.writer.line(row, False).encode("utf-8", "replace")
            if not self.parts:
                self.parts.append(self.writer.head(self.writer.columns).encode("utf-8", "replace"))
            self.parts.append(line)


_BATCHES: dict[str, type[_Joined]] = {"json": _JsonArray, "delimited": _Lines}
