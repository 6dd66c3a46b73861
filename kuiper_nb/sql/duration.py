"""Durations as text: `1h30m`, `-1.5s`, `250ms`."""

from __future__ import annotations

import re

from ..errors import RowFault

_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d*)(?:\.(\d*))?([^\d.]*)", re.ASCII)
_LONGEST = 2**63


def parse_duration(value: str) -> int:
    """Nanoseconds; RowFault when it is no duration. There is no unit longer than an hour."""
    rest = value[1:] if value[:1] in ("+", "-") else value
    if rest == "0":
        return 0
    total, at = 0, 0
    while at < len(rest):
        found = _PART.match(rest, at)
        if found is None or not (found[1] or found[2]):
            break
        if not found[3]:
            raise RowFault(f'time: missing unit in duration "{value}"')
        unit = _UNITS.get(found[3])
        if unit is None:
            raise RowFault(f'time: unknown unit "{found[3]}" in duration "{value}"')
        digits = (found[2] or "")[:18]
        total += int(found[1] or 0) * unit + int(digits or 0) * unit // 10 ** len(digits)
        at = found.end()
    negative = value[:1] == "-"
    if not rest or at < len(rest) or total > _LONGEST - (not negative):
        raise RowFault(f'time: invalid duration "{value}"')
    return -total if negative else total
