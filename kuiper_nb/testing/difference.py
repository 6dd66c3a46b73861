"""What was expected next to what came: row by row, with the columns that differ."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ..sql.timeformat import rfc3339

Row = Mapping[str, Any]
_MOST = 600
"""Longer lists are held against each other place by place, instead of finding what was put in or left out."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row with the moment (ms) it goes out; *at* None: whenever."""

    row: Row
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: "same", or "missing" (expected, but did not come), or "unexpected". *columns* are those that differ
    from its partner of the other kind, *late* whether the moment does."""

    kind: Literal["same", "missing", "unexpected"]
    out: Outgoing
    columns: tuple[str, ...] = ()
    moment: bool = False


def plain(value: Any) -> Any:
    """A value as it would stand in JSON: moments and bytes as texts."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def same(left: Any, right: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, true is not 1; floats to nine digits."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right or math.isclose(left, right, rel_tol=1e-9)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def _matches(expected: Outgoing, came: Outgoing) -> bool:
    return (expected.at is None or expected.at == came.at) and same(expected.row, came.row)


def compared(expected: Sequence[Outgoing], came: Sequence[Outgoing]) -> list[Line]:
    """Both lists as one, in their order; a row that differs stands as missing, then as unexpected."""
    lines: list[Line] = []
    missing: list[Outgoing] = []
    extra: list[Outgoing] = []

    def settle() -> None:
        for i in range(max(len(missing), len(extra))):
            lines.extend(_pair(missing[i] if i < len(missing) else None, extra[i] if i < len(extra) else None))
        missing.clear()
        extra.clear()

    for left, right in _aligned(expected, came):
        if left is not None and right is not None and _matches(left, right):
            settle()
            lines.append(Line("same", right))
            continue
        missing.extend([left] if left is not None else [])
        extra.extend([right] if right is not None else [])
    settle()
    return lines


def _pair(missing: Outgoing | None, extra: Outgoing | None) -> list[Line]:
    if missing is None or extra is None:
        return [Line("missing", missing)] if missing is not None else [Line("unexpected", extra)] if extra else []
    names = dict.fromkeys([*missing.row, *extra.row])
    differ = tuple(
        name
        for name in names
        if name not in missing.row or name not in extra.row or not same(missing.row[name], extra.row[name])
    )
    moment = missing.at is not None and missing.at != extra.at
    return [Line("missing", missing, differ, moment), Line("unexpected", extra, differ, moment)]


def _aligned(expected: Sequence[Outgoing], came: Sequence[Outgoing]) -> list[tuple[Outgoing | None, Outgoing | None]]:
    """Pairs in order, so that as many as possible match; None where one side has nothing."""
    n, m = len(expected), len(came)
    if n > _MOST or m > _MOST:
        return [(expected[i] if i < n else None, came[i] if i < m else None) for i in range(max(n, m))]
    longest = _longest(n, m, lambda i, j: _matches(expected[i], came[j]))
    pairs: list[tuple[Outgoing | None, Outgoing | None]] = []
    i = j = 0
    while i < n and j < m:
        if longest[i][j] == longest[i + 1][j + 1] + 1 and _matches(expected[i], came[j]):
            pairs.append((expected[i], came[j]))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            pairs.append((expected[i], None))
            i += 1
        else:
            pairs.append((None, came[j]))
            j += 1
    return [*pairs, *((left, None) for left in expected[i:]), *((None, right) for right in came[j:])]


def _longest(n: int, m: int, matches: Callable[[int, int], bool]) -> list[list[int]]:
    """How many of expected[i:] and came[j:] can match, in order, by i and j."""
    longest = [[0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            longest[i][j] = longest[i + 1][j + 1] + 1 if matches(i, j) else max(longest[i + 1][j], longest[i][j + 1])
    return longest
