"""A SELECT and what is defined in, a plan out. Pure: the same text and definitions give the same plan."""

from __future__ import annotations

from collections.abc import Mapping

from ..catalog import Stream
from ..contracts import Function
from .depth import MOST, deep, levels, too_deep
from .passes import PASSES, Draft, finish
from .plan import Options, Plan
from .syntax import Select


@deep()
def compile_select(
    select: Select, streams: Mapping[str, Stream], functions: Mapping[str, Function], options: Options
) -> Plan:
    """Run every pass over *select*. Raises PlanError or NotSupported, with the place in the text."""
    if levels(select) > MOST:
        raise too_deep()
    draft = Draft(select, streams, functions, options)
    for step in PASSES:
        draft = step(draft)
    return finish(draft)
