"""What the user defined in cells, by name; every redefinition is one generation further, and running rules see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from ..errors import CatalogError, did_you_mean

T = TypeVar("T")


class Definitions(Mapping[str, T], Generic[T]):
    """A mapping that is read anew at every batch. *kind* names what it holds: "source", "sink"."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._values: dict[str, T] = {}
        self._generations: dict[str, int] = {}

    def define(self, name: str, value: T) -> int:
        """Add *value*, or replace the one of that name; answers its generation."""
        self._generations[name] = self._generations.get(name, 0) + 1
        self._values[name] = value
        return self._generations[name]

    def generation(self, name: str) -> int:
        """How often *name* has been defined; 0 for never."""
        return self._generations.get(name, 0)

    def drop(self, name: str) -> None:
        """Forget *name*; CatalogError when there is none."""
        if name not in self._values:
            raise CatalogError(f"no {self.kind} named {name}", did_you_mean(name, self._values))
        del self._values[name]

    def __getitem__(self, name: str) -> T:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
