"""`python -m tests.benchmarks.faults [--only kills,hangs,…] [--share 0.1]`: a line a fault.

While each goes on, a thread that only wants to wake every millisecond says how long the notebook would have waited for
a cell that does nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any

from . import calls, hosts, rules, strangers
from .feeding import Feeding
from .heartbeat import Heartbeat

NO_OP = 100.0
"""Milliseconds in which the notebook answers."""

FAULTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "kills": rules.kills,
    "hangs": calls.hangs,
    "poison": calls.poison,
    "swaps": rules.swaps,
    "hosts": hosts.killed,
    "slow": rules.slow,
    "mutants": calls.mutants,
    "flood": rules.flood,
    "oversized": calls.oversized,
    "strangers": strangers.tried,
}


def measured(wanted: list[str], share: float) -> Iterator[dict[str, Any]]:
    """A line a fault."""
    Feeding(rules.FAST).close()  # what a first rule imports is no part of any fault
    for name in wanted:
        with Heartbeat() as heart:
            found = FAULTS[name](share)
        met = found.pop("met") and heart.worst <= NO_OP
        yield {"fault": name, **found, "no_op_worst_ms": heart.worst, "met": met}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.faults", description=__doc__)
    parser.add_argument("--only", default=",".join(FAULTS))
    parser.add_argument("--share", type=float, default=1.0, help="of the repetitions")
    options = parser.parse_args()
    for line in measured(options.only.split(","), options.share):
        shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()}
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
