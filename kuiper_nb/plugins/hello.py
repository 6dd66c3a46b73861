"""What a plugin says of itself, and of what it serves, when it meets its host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["source", "sink", "function"]


@dataclass(frozen=True, slots=True)
class Served:
    """A symbol that the plugin serves: what is known of it. Of a function: least and most arguments (None: any). Of a
    sink: what it *takes*, `bytes`, `rows` or `arrow`. Of a source: *live*, whether it reads the world, so that what it
    delivers cannot be had again."""

    name: str
    kind: Kind
    help: str = ""
    arity: tuple[int, int | None] = (0, None)
    parameters: tuple[str, ...] = ()
    aggregate: bool = False
    vectorized: bool = False
    takes: str = "bytes"
    live: bool = True


@dataclass(frozen=True, slots=True)
class Hello:
    """What a plugin says of itself when it is ready."""

    name: str
    version: str = ""
    language: str = ""
    served: tuple[Served, ...] = ()
    codecs: tuple[str, ...] = ("json",)
    sdk: str = ""

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Of the symbols of a kind."""
        return tuple(each.name for each in self.served if each.kind == kind)
