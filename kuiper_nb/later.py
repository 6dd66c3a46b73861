"""What a session will have one day, refused by name until then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from .errors import NotSupported


class Later(Mapping[str, Any]):
    """A part of eKuiper that is not here yet: a mapping without entries, to which none can be added."""

    def __init__(self, what: str) -> None:
        self._what = what

    def add(self, *_: Any, **__: Any) -> NoReturn:
        """Refused. Raises NotSupported."""
        raise self._refusal()

    def __getitem__(self, name: str) -> NoReturn:
        raise self._refusal()

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, name: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._what}: not supported yet>"

    def _refusal(self) -> NotSupported:
        hint = "Python functions, sources and sinks are: session.function, session.source, session.sink"
        return NotSupported(f"{self._what} are not supported yet", hint)
