"""What a connector can be told: its properties with their defaults, which its code and the help on it both read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import NotSupported


@dataclass(frozen=True, slots=True)
class Property:
    """A property: its default ("" when there is none), one line of help; *values* are all that it may be.

    *later*: eKuiper has it, and it is not here yet.
    """

    name: str
    default: Any = ""
    help: str = ""
    values: tuple[str, ...] = ()
    later: bool = False


@dataclass(frozen=True, slots=True)
class Documented:
    """A source or a sink: what it does, its properties, an example.

    A source's properties stand in EXTRA, or in a section of its configuration; a sink's in its action. *datasource*
    says what DATASOURCE is, "" when it is nothing.
    """

    help: str
    example: str
    properties: tuple[Property, ...] = ()
    datasource: str = ""

    def default(self, name: str) -> Any:
        """What the property is when it is not given."""
        return next(p.default for p in self.properties if p.name == name)

    def values(self, name: str) -> tuple[str, ...]:
        """All that the property may be."""
        return next(p.values for p in self.properties if p.name == name)

    def refuse_later(self, properties: Mapping[str, Any], what: str) -> None:
        """Raises NotSupported for a property of *what* that only eKuiper has."""
        for known in self.properties:
            if known.later and properties.get(known.name):
                raise NotSupported(f"the {what}'s property {known.name} is not here yet")
