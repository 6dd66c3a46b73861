"""A Python function of a cell becomes a sink: it gets the rows of an emit, an Arrow table, or encoded payloads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

import pyarrow as pa

from ..errors import ConnectorError, FunctionError, did_you_mean
from .definitions import Definitions
from .faults import located, told
from .guard import current
from .native import suspends
from .output import note
from .source import filled

Takes = Literal["rows", "bytes", "arrow"]


@dataclass(frozen=True, slots=True)
class SinkDefinition:
    """A native sink. *takes* follows from the annotation of its first parameter: pyarrow.Table, bytes, else rows."""

    name: str
    write: Callable[..., Any]
    takes: Takes
    help: str = ""


class SinkFailure(ConnectorError):
    """A native sink raised; *where* is the file (or cell) and line."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


def sink_definition(f: Callable[..., Any], name: str | None = None) -> SinkDefinition:
    """The definition of *f*. Raises FunctionError when it has no parameter for an emit."""
    if not callable(f):
        raise FunctionError(f"{f!r} is no sink", "decorate a function: def sink(rows): …")
    called = name or str(getattr(f, "__name__", type(f).__name__))
    if suspends(f):
        raise FunctionError(f"{called} is a coroutine or generator", "a sink is called once an emit: def sink(rows): …")
    parameters = list(inspect.signature(f).parameters.values())
    if not parameters or parameters[0].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        raise FunctionError(f"{called} takes no emit", "a sink's first parameter gets the rows: def sink(rows): …")
    try:
        hint = get_type_hints(f).get(parameters[0].name)
    except Exception:
        hint = None
    takes: Takes = "bytes" if hint is bytes else "arrow" if hint is pa.Table else "rows"
    return SinkDefinition(called, f, takes, inspect.getdoc(f) or "")


class NativeSink:
    """Calls the newest definition of *name*; an action's properties fill its further parameters by name.

    Raises ConnectorError for a property that fills none; *common* are those that every sink knows, for the hint.
    """

    def __init__(
        self,
        name: str,
        definitions: Definitions[SinkDefinition],
        properties: Mapping[str, Any],
        common: Sequence[str] = (),
    ) -> None:
        self._name = name
        self._definitions = definitions
        self._properties = dict(properties)
        self._generation = -1
        self._arguments: dict[str, Any] = {}
        if name in definitions:
            _refuse_unknown(name, definitions[name].write, properties, common)

    @property
    def takes(self) -> Takes:
        """What it wants to be given."""
        definition = self._definitions.get(self._name)
        return definition.takes if definition is not None else "rows"

    def open(self) -> None:
        """Check that the parameters can be filled."""
        self._latest()

    def write(self, item: Any, at: int) -> None:
        """Hand over one item. Raises SinkFailure when the function raised."""
        definition = self._latest()
        guard = current()
        try:
            guard.enter(f"sink {self._name}")
            definition.write(item, **self._arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a SystemExit fails the emit, not the kernel
            raise SinkFailure(f"sink {self._name} failed: {told(error)}", located(error)) from error
        finally:
            guard.leave()

    def close(self) -> None:
        """Nothing to let go of."""

    def _latest(self) -> SinkDefinition:
        definition = self._definitions.get(self._name)
        if definition is None:
            raise ConnectorError(f"sink {self._name} has been dropped")
        generation = self._definitions.generation(self._name)
        if generation != self._generation:
            write = definition.write
            rest = list(inspect.signature(write).parameters)[1:]
            everything = filled(_without_first(write), self._properties, f"sink {self._name}")
            accepted = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(write).parameters.values())
            self._arguments = {k: v for k, v in everything.items() if k in rest or accepted}
            if self._generation > 0:
                note(f"sink {self._name}: generation {generation} is in use")
            self._generation = generation
        return definition


def _refuse_unknown(name: str, write: Callable[..., Any], properties: Mapping[str, Any], common: Sequence[str]) -> None:
    parameters = list(inspect.signature(write).parameters.values())[1:]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    lowered = {parameter.lower() for parameter in known}
    for given in properties:
        if given.lower() not in lowered:
            near = did_you_mean(given, [*known, *common])
            own = (
                f"it takes {', '.join(known)}" if known else "it takes only what every sink does: sendSingle, fields …"
            )
            raise ConnectorError(f"sink {name} has no property {given}", near if near.startswith("did") else own)


def _without_first(f: Callable[..., Any]) -> Callable[..., Any]:
    """A stand-in with the signature of *f* but for its first parameter."""

    def stand_in(**_: Any) -> None: ...

    signature = inspect.signature(f)
    stand_in.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return stand_in
