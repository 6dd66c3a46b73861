"""What an author of a plugin writes: classes with the shapes of eKuiper's Python SDK."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging


class Context:
    """What a symbol may know and do. *state* lives as long as the process, one per rule, operation and instance."""

    def __init__(self, ids: Mapping[str, Any], symbol: str, emit: Callable[[Any, Any], None] | None = None) -> None:
        self._ids = dict(ids)
        self._emit = emit
        self._symbol = symbol
        self.state: dict[str, Any] = {}

    def get_rule_id(self) -> str:
        """The rule that uses the symbol."""
        return str(self._ids.get("ruleId", ""))

    def get_op_id(self) -> str:
        """The step of the rule."""
        return str(self._ids.get("opId", ""))

    def get_instance_id(self) -> int:
        """Which of several instances of that step."""
        return int(self._ids.get("instanceId", 0))

    def get_func_id(self) -> int:
        """Which call of functions in the rule's SQL."""
        return int(self._ids.get("funcId", 0))

    def get_logger(self) -> logging.Logger:
        """A logger whose lines are shown as those of the plugin."""
        from logging import getLogger

        return getLogger(self._symbol)

    def emit(self, message: Any, meta: Mapping[str, Any] | None = None) -> None:
        """A source delivers a row (a dict), a list of rows, bytes or an Arrow table; waits while the rule is behind."""
        if self._emit is None:
            raise RuntimeError("only a source emits")
        self._emit(message, dict(meta or {}))

    def emit_error(self, error: str) -> None:
        """A source tells of an error; the rule shows it and goes on."""
        if self._emit is None:
            raise RuntimeError("only a source emits")
        self._emit(SourceError(str(error)), {})

    def ack_ok(self) -> None:
        """A sink has taken what it was handed; said by itself when `collect` returns."""

    def ack_error(self, error: str) -> None:
        """A sink has not."""
        raise RuntimeError(error)


class SourceError(Exception):
    """What `emit_error` was told."""


class Source(ABC):
    """Brings rows into a rule."""

    def configure(self, datasource: str, conf: dict[str, Any]) -> None:  # noqa: B027
        """The stream's DATASOURCE and options, before `open`."""

    @abstractmethod
    def open(self, ctx: Context) -> None:
        """Deliver rows by `ctx.emit` until `close`; runs in a thread of its own, and may return when all is sent."""

    def close(self, ctx: Context) -> None:  # noqa: B027
        """Let go of everything; `open` should return soon."""


class Sink(ABC):
    """Takes what a rule sends."""

    def configure(self, conf: dict[str, Any]) -> None:  # noqa: B027
        """The properties of the action, before `open`."""

    def open(self, ctx: Context) -> None:  # noqa: B027
        """Get ready."""

    @abstractmethod
    def collect(self, ctx: Context, data: Any) -> None:
        """Take one item: bytes, as the rule encodes it. What it raises is an error of the emit."""

    def close(self, ctx: Context) -> None:  # noqa: B027
        """Let go of everything."""


class Function(ABC):
    """A function of SQL."""

    vectorized = False
    """Whether `exec` gets and answers whole columns."""

    def validate(self, args: list[Any]) -> str:
        """What it has against being called with these arguments, as SQL; '' for nothing."""
        return ""

    @abstractmethod
    def exec(self, args: list[Any], ctx: Context) -> Any:
        """The value of one call. What it raises is an error of the row."""

    def is_aggregate(self) -> bool:
        """Whether it gets one list of values per argument, those of a group."""
        return False


Makes = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True)
class PluginConfig:
    """A plugin: its name, and how to make its sources, sinks and functions (a class does)."""

    name: str
    sources: Makes = field(default_factory=dict)
    sinks: Makes = field(default_factory=dict)
    functions: Makes = field(default_factory=dict)
