"""How much a message holds, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def size(payload: Sequence[Any]) -> int:
    """Bytes of a payload."""
    return sum(memoryview(part).nbytes for part in payload)


def too_long(payload: Sequence[Any], most: int) -> bool:
    """Whether a message may not hold it."""
    return bool(most) and size(payload) > most
