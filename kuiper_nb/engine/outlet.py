"""One action of a rule: the common sink properties in front, the sink behind, faults on the way reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..contracts import Row, Sink
from ..errors import KuiperError, RowFault
from ..formats.transform import Transform
from .emits import Emit, RowError
from .output import Message
from .result import arrow_table

Report = Callable[[str, Any, int, str], None]
"""Takes what failed on the way out: message, item, ms, place in the user's code."""


class Outlet:
    """Hands emits to *sink* as it wants them: rows, Arrow, or encoded payloads, one per row where there is no
    window."""

    def __init__(
        self, name: str, sink: Sink, transform: Transform, properties: Mapping[str, Any], *, send_error: bool
    ) -> None:
        self.name = name
        self.sink = sink
        self.takes = getattr(sink, "takes", "rows")
        self._transform = transform
        self._plain = not (set(properties) & _COMMON)
        self._send_error = send_error
        self.separate = False  # whether every row is a message of its own: a rule without a window

    def deliver(self, emit: Emit, messages: Sequence[Message] | None, report: Report) -> None:
        """One emit; *messages* are its rows and errors in order when each is a message of its own."""
        if self.takes == "nothing":
            return
        if self.takes == "bytes":
            for message in self._each(emit, messages):
                self._bytes(message, emit.at, report)
            return
        if emit.size or messages is None:
            self._rows(emit, messages, report)
        for message in messages or ():
            if isinstance(message, RowError):
                self.error(message, report)

    def _each(self, emit: Emit, messages: Sequence[Message] | None) -> Sequence[Any]:
        """What is a message of its own: a window, or each row where there is none."""
        if messages is not None:
            return messages
        return emit.rows if self.separate else [emit.rows]

    def error(self, error: RowError, report: Report) -> None:
        """An error row, for sinks of a rule with sendError."""
        if not self._send_error:
            return
        if self.takes == "bytes":
            self._write(error.message.encode(), error.at, report)
        elif self.takes == "rows":
            self._write([{"error": error.message}], error.at, report)

    def finish(self, at: int, report: Report) -> None:
        """Bounded input has ended: send a batch that is not full yet."""
        for payload in self._transform.flush():
            self._item(payload, at, report)

    def _bytes(self, message: Any, at: int, report: Report) -> None:
        if isinstance(message, RowError):
            self.error(message, report)
            return
        for payload in self._transform.payloads([message] if isinstance(message, dict) else message):
            self._item(payload, at, report)

    def _rows(self, emit: Emit, messages: Sequence[Message] | None, report: Report) -> None:
        if self.takes == "arrow":
            self._write(arrow_table([emit]), emit.at, report)
        elif self._plain:
            self._write(emit.rows, emit.at, report)
        else:
            groups: list[list[Row]] = [emit.rows]
            if messages is not None or self.separate:
                groups = [[m] for m in self._each(emit, messages) if isinstance(m, dict)]
            for group in groups:
                for item in self._transform.items(group):
                    self._item(item, emit.at, report)

    def _item(self, item: Any, at: int, report: Report) -> None:
        if isinstance(item, RowFault):
            report(item.message, None, at, "")
            if self._send_error and self.takes == "bytes":
                self._write(item.message.encode(), at, report)
        else:
            self._write(item, at, report)

    def _write(self, item: Any, at: int, report: Report) -> None:
        try:
            self.sink.write(item, at)
        except KuiperError as error:
            report(error.message, item, at, getattr(error, "where", ""))
        except Exception as error:
            report(f"sink {self.name} failed: {type(error).__name__}: {error}", item, at, "")


_COMMON = {
    "sendSingle", "omitIfEmpty", "fields", "excludeFields", "dataField", "tableDataField", "dataTemplate", "format",
    "delimiter", "hasHeader", "batchSize", "lingerInterval", "schemaId", "compression", "encryption",
}  # fmt: skip
