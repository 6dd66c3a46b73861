"""A service as a row of the status view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..services.secrets import masked
from .feed import Frame
from .views import counted

if TYPE_CHECKING:
    from ..services.service import Service

ACTIONS = ("reload", "drop")
_LONGEST = 300


def row(service: Service) -> Frame:
    """What it offers, what it was asked, what failed."""
    status = service.status
    asked = [each for each in status.interfaces if each.calls]
    beside = [counted(status.calls, "call")]
    beside += [f"{sum(each.hits for each in status.interfaces):,} from the cache"] if any(i.hits for i in asked) else []
    beside += [f"{number:,} {kind}" for kind, number in sorted(status.errors.items())]
    beside += [f"{each.name} is left alone" for each in status.interfaces if each.breaker]
    beside += [f"{each.name} does not answer" for each in status.interfaces if each.reachable is False]
    slowest = max(asked, key=lambda each: each.p99, default=None)
    failures = [each.last_failure for each in status.interfaces if each.last_failure]
    return {
        "kind": "service",
        "name": status.name[:_LONGEST],
        "state": status.status,
        "message": ", ".join(beside)[:_LONGEST],
        "detail": f"functions {', '.join(status.functions)}"[:_LONGEST],
        "rows_in": status.rows,
        "errors": sum(status.errors.values()),
        "rate": round(sum(each.rate for each in asked), 1) if asked else None,
        "took": None if slowest is None else [round(slowest.p50, 2), round(slowest.p99, 2)],
        "last_error": masked(status.errMsg or (failures[-1] if failures else ""))[:_LONGEST],
        "generation": status.generation,
        "actions": list(ACTIONS),
    }
