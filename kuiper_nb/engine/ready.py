"""What the first query of a process imports: half a second in which rows would wait, so it is done before they come."""

from __future__ import annotations

from functools import cache

import pyarrow as pa

from ..sql.lowered import call, render


@cache
def ready_for_queries() -> None:
    """Import it now: pandas, which pyarrow looks for when it makes its first array, and the dialect that SQL is written
    in.

    Not in a rule's thread: what two threads import at once may fail in one of them, and a rule may be broken off.
    """
    pa.array([0])
    render(call("ready"))
