"""The newest rows of a rule as a view needs them: read on from where it was, or any page of those that are kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from ..engine.emits import Emit
from ..engine.result import emit_rows
from ..engine.rule import Rule

Row = dict[str, Any]

MOST = 2000
"""How many rows a tail remembers, and reads at most at once: what came in between is passed over."""
_MOST_COLUMNS = 1000
_NEAR = 256
"""How many emits are looked at before all of them are."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A row and when (ms) it was sent."""

    at: int
    row: Row


class Tail:
    """The newest rows of one rule, and the newest row of every key."""

    def __init__(self, rule: Rule, keys: tuple[str, ...] = (), *, most_keys: int = 500) -> None:
        self.rows: deque[Sent] = deque(maxlen=MOST)
        self.by_key: dict[tuple[str, ...], Sent] = {}
        self.columns: dict[str, None] = {}
        self._rule = rule
        self._keys = keys
        self._most_keys = most_keys
        self._last: Emit | None = None

    def keyed_by(self, keys: tuple[str, ...]) -> None:
        """From now on these columns tell rows apart; the rows that are remembered are sorted in again."""
        self._keys, self.by_key = keys, {}
        for sent in self.rows:
            self._sort_in(sent)

    def read(self) -> bool:
        """Take in what was sent since the last time; whether there was something."""
        newest, last = self._rule.emits.newest(MOST), self._last
        self._last = newest[-1] if newest else None
        found: list[Sent] = []
        for emit in reversed(newest):
            if emit is last or len(found) >= MOST:
                break
            first = max(emit.size - (MOST - len(found)), 0)
            found += [Sent(emit.at, row) for row in reversed(emit_rows(emit, first, emit.size))]
        for sent in reversed(found):
            self.rows.append(sent)
            self._sort_in(sent)
            if len(self.columns) < _MOST_COLUMNS:
                self.columns.update(dict.fromkeys(sent.row))
        return bool(found)

    def _sort_in(self, sent: Sent) -> None:
        if not self._keys:
            return
        key = tuple(repr(sent.row.get(name)) for name in self._keys)
        self.by_key[key] = sent
        if len(self.by_key) > self._most_keys:
            self.by_key.pop(next(iter(self.by_key)))


def kept(rule: Rule) -> tuple[int, int]:
    """The numbers (from 0) of the oldest row that is kept and of the one after the newest."""
    emits = rule.emits
    return emits.dropped, emits.dropped + emits.weight


def page(rule: Rule, first: int, last: int) -> list[Row]:
    """The rows with the numbers *first* up to *last* (left out), as far as they are kept."""
    emits = rule.emits
    for most in (_NEAR, len(emits) + _NEAR):
        for _ in range(5):
            high, snapshot = emits.dropped + emits.weight, emits.newest(most)
            if high == emits.dropped + emits.weight:  # else something came in between, and they do not fit together
                break
        found: list[list[Row]] = []
        for emit in reversed(snapshot):
            if high <= first:
                break
            low = high - max(emit.size, 1)
            if low < last:
                found.append(emit_rows(emit, max(first - low, 0), min(last - low, emit.size)))
            high = low
        if high <= first or len(snapshot) < most:
            break
    return [row for rows in reversed(found) for row in rows]
