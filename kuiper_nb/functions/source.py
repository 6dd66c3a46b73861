"""A Python generator of a cell becomes a source: hot-swapped when its cell is run again."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from ..contracts import Clock, EndOfStream, Payload
from ..errors import ConnectorError, FunctionError, did_you_mean
from .definitions import Definitions
from .faults import located, told
from .guard import Stopped, current, guarded
from .output import note

T = TypeVar("T")
_OURS = {"DATASOURCE", "FORMAT", "TYPE", "TIMESTAMP", "TIMESTAMP_FORMAT", "CONF_KEY", "SHARED", "KIND", "KEY"}


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """How to make the items of a native source. *make* takes the stream's options by parameter name.

    It is a generator function, an async generator function, or a class with open, poll and close. *live*: it reads the
    world, so in bounded mode a recording stands in for it.
    """

    name: str
    make: Callable[..., Any]
    parameters: frozenset[str] = frozenset()
    help: str = ""
    live: bool = False

    @classmethod
    def of(cls, name: str, make: Callable[..., Any], live: bool = False) -> SourceDefinition:
        """The definition of *make*; its parameters become option keys of CREATE STREAM, in upper case."""
        parameters = {p.upper() for p in inspect.signature(make).parameters} | {"INTERVAL"}
        return cls(name, make, frozenset(parameters), inspect.getdoc(make) or "", live or getattr(make, "live", False))


def source_name(make: Any, name: str | None) -> str:
    """What a source is called. Raises FunctionError where *make* makes none."""
    if not callable(make):
        raise FunctionError(f"{make!r} is no source", "decorate a generator, or a class with open, poll and close")
    return name or str(getattr(make, "__name__", type(make).__name__))


class SourceFailure(ConnectorError):
    """A native source raised; *where* is the file (or cell) and line."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


class NativeSource:
    """Drives the newest definition of *name*: one item a turn, or one every *interval* ms of the session's clock."""

    bounded = None  # only its end will tell

    def __init__(
        self, name: str, definitions: Definitions[SourceDefinition], properties: Mapping[str, Any], clock: Clock
    ) -> None:
        self._name = name
        self._definitions = definitions
        self._properties = dict(properties)
        self._clock = clock
        self._interval = pause(self._properties.get("interval"), name)
        self._items: _Items | None = None
        self._due = 0
        self.generation = 0

    @property
    def live(self) -> bool:
        """Whether its newest definition reads the world."""
        definition = self._definitions.get(self._name)
        return definition is not None and definition.live

    @property
    def paced(self) -> bool:
        """Whether the clock says when the next item comes."""
        return self._interval > 0

    def open(self) -> None:
        """Make the generator; ConnectorError when its parameters cannot be filled."""
        self._due = self._clock.now()
        self._swap()

    def poll(self) -> Payload | None:
        """The next item. Raises EndOfStream at the generator's end and SourceFailure when it raised."""
        now = self._clock.now()
        if self._definitions.generation(self._name) != self.generation and self._name in self._definitions:
            self._swap()
        if now < self._due or self._items is None:
            return None
        try:
            item = self._guarded(self._items.next)
        except (EndOfStream, KeyboardInterrupt):
            raise
        except BaseException as error:  # a SystemExit ends the source, not the kernel
            raise self._failure(error) from error
        at = self._due if self._interval else None
        if self._interval:
            self._due += self._interval
        if item is None:
            return None
        return payload(item, at, self._name)

    def due(self) -> int | None:
        """When the next item comes (ms); without an interval, now."""
        return self._due if self._interval else self._clock.now()

    def close(self) -> None:
        """Close the generator, so that its `finally` runs; what that raises helps nobody any more."""
        closing, self._items = self._items, None
        if closing is None:
            return
        try:
            self._guarded(closing.close)
        except KeyboardInterrupt:
            raise
        except BaseException:
            return

    def _guarded(self, call: Callable[[], T]) -> T:
        return guarded(f"source {self._name}", call)()

    def _swap(self) -> None:
        self.close()
        definition = self._definitions.get(self._name)
        if definition is None:
            raise ConnectorError(f"source type {self._name} not found", did_you_mean(self._name, self._definitions))
        if self.generation:
            note(f"source {self._name}: generation {self._definitions.generation(self._name)} is in use")
        self.generation = self._definitions.generation(self._name)
        arguments = filled(definition.make, self._properties, f"source {self._name}")
        try:
            self._items = self._guarded(lambda: items(definition.make(**arguments)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._failure(error) from error

    def _failure(self, error: BaseException) -> SourceFailure:
        return SourceFailure(f"source {self._name} failed: {told(error)}", located(error))


def pause(given: Any, name: str) -> int:
    """The option INTERVAL in ms, 0 when it is not there. ConnectorError for what is no number, or a negative one."""
    try:
        interval = -1 if isinstance(given, bool) else int(given or 0)
    except (ValueError, TypeError, OverflowError):
        interval = -1
    if interval < 0:
        message = f'source {name}: option INTERVAL is a number of milliseconds, not "{given}"'
        raise ConnectorError(message, 'an item a second: INTERVAL="1000"')
    return interval


def payload(item: Any, at: int | None, name: str) -> Payload:
    """An item of a native source as a payload. Raises ConnectorError for what is no row."""
    if isinstance(item, dict) or (isinstance(item, list) and (not item or any(isinstance(r, dict) for r in item))):
        return Payload(item, at)  # what in a list is no row fails alone
    if isinstance(item, (bytes, bytearray)):
        return Payload(bytes(item), at)
    if isinstance(item, pa.RecordBatch):
        item = pa.Table.from_batches([item])
    if not isinstance(item, pa.Table) and hasattr(item, "__arrow_c_stream__"):
        item = pa.table(item)
    if isinstance(item, pa.Table):
        return Payload(item, at, typed=True)
    hint = "yield a dict, a list of dicts, bytes, an Arrow table or a DataFrame"
    raise ConnectorError(f"source {name} yielded a {type(item).__name__}", hint)


def filled(make: Callable[..., Any], properties: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The arguments of *make* from *properties*, by name in any case. ConnectorError when one is missing."""
    given = {str(k).lower(): v for k, v in properties.items()}
    arguments: dict[str, Any] = {}
    for parameter in inspect.signature(make).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update({k: v for k, v in properties.items() if k.upper() not in _OURS and k not in arguments})
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            if parameter.name.lower() in given:
                arguments[parameter.name] = _typed(
                    given[parameter.name.lower()], parameter.annotation, what, parameter.name
                )
            elif parameter.default is parameter.empty:
                hint = f'add {parameter.name.upper()}="…" to the options'
                raise ConnectorError(f"{what} needs the option {parameter.name}", hint)
    return arguments


def _typed(value: Any, hint: Any, what: str, name: str) -> Any:
    """WITH options are texts; a parameter annotated int, float or bool gets one."""
    if not isinstance(value, str):
        return value
    kind = {"int": int, "float": float, "bool": bool}.get(hint, hint) if isinstance(hint, str) else hint
    try:
        if kind is bool:
            return value.strip().lower() in ("true", "1", "yes")
        return kind(value) if kind in (int, float) else value
    except ValueError:
        raise ConnectorError(f'{what}: option {name} is a {getattr(kind, "__name__", kind)}, not "{value}"') from None


class _Items:
    """The items of a source, whatever it is made of; `next` raises EndOfStream at the end."""

    def __init__(self, next_item: Callable[[], Any], close: Callable[[], None]) -> None:
        self.next = next_item
        self.close = close


def items(made: Any) -> _Items:
    """What a source's maker answered, as something with `next` and `close`."""
    if hasattr(made, "poll"):
        if hasattr(made, "open"):
            made.open()
        return _Items(made.poll, getattr(made, "close", lambda: None))
    if isinstance(made, AsyncIterator):
        return _async_items(made)
    iterator: Iterator[Any] = iter(made)

    def take() -> Any:
        try:
            return next(iterator)
        except StopIteration:
            raise EndOfStream from None

    return _Items(take, getattr(iterator, "close", lambda: None))


def _async_items(made: AsyncIterator[Any]) -> _Items:
    loop = asyncio.new_event_loop()

    async def item() -> Any:
        return await made.__anext__()

    def take() -> Any:
        guard, task = current(), loop.create_task(item())
        guard.wake = lambda: _cancel(loop, task)
        try:
            return _finished(loop, task)
        except StopAsyncIteration:
            raise EndOfStream from None
        except asyncio.CancelledError:
            raise (Stopped() if guard.asked else EndOfStream()) from None
        finally:
            guard.wake = None

    def close() -> None:
        aclose = getattr(made, "aclose", None)
        with contextlib.closing(loop):
            if aclose is not None:
                _finished(loop, asyncio.ensure_future(aclose(), loop=loop))

    return _Items(take, close)


def _finished(loop: asyncio.AbstractEventLoop, task: asyncio.Future[Any]) -> Any:
    """What *task* answers.

    Where this thread is in a loop already, as the kernel of a notebook is while it runs a cell, no other may run:
    *loop* runs in a thread that is there for this task.
    """
    if asyncio._get_running_loop() is None:
        return loop.run_until_complete(task)
    with ThreadPoolExecutor(1, "async source") as thread:
        running = thread.submit(copy_context().run, loop.run_until_complete, task)
        try:
            return running.result()
        except BaseException:
            _cancel(loop, task)  # Ctrl-C, if it was not the task's own end
            raise


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Future[Any]) -> None:
    """From another thread."""
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(task.cancel)
