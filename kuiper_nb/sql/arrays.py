"""Two kinds of array that eKuiper tells from the usual one: what `keys()` answers, and one that was never made."""

from __future__ import annotations

from typing import Any


class Texts(list[str]):
    """What `keys()` answers. Array functions refuse it, except those that say otherwise."""

    __slots__ = ()


class NilArray(list[Any]):
    """An array never made: empty wherever it is used, but null, not `[]`, in the row that goes out."""

    __slots__ = ()


NIL_ARRAY = NilArray()


def is_array(value: Any) -> bool:
    """Whether array functions accept *value*."""
    return isinstance(value, list) and not isinstance(value, Texts)
