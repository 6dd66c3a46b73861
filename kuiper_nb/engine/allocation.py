"""Memory that a batch needed stays with the process for the next one."""

from __future__ import annotations

from functools import cache

import numpy as np

_LARGE = 16 << 20


@cache
def keep_freed_memory() -> None:
    """Let go of one large block, once: from that, glibc learns to keep up to twice as much.

    Else it hands the arrays of every batch back to the system and takes a page fault for every 4 KB of the next ones,
    a fifth of the time of a windowed rule (mallopt(3), M_MMAP_THRESHOLD). The block is never touched, so it costs
    nothing; other allocators take no notice.
    """
    np.empty(_LARGE, np.uint8)
