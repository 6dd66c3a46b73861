"""How far generated tests look: at the same cases in every run, or by hand at many others: `EXPLORE=20 pytest …`.

What an exploration falsifies is printed; made small, it belongs into a test of its own.
"""

from __future__ import annotations

import os

TIMES = int(os.environ.get("EXPLORE", "0"))
"""So many times as many cases as usual, others each time; 0 for the usual ones."""


def cases(usual: int) -> int:
    """The number of cases to look at, where a run that explores nothing looks at *usual*."""
    return usual * max(TIMES, 1)
