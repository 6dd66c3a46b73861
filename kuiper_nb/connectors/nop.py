"""The nop sink: swallows everything; with `log: true` it says so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from .documented import Documented, Property
from .site import Site

SINK = Documented(
    "swallows what the rule emits", '{"nop": {}}', (Property("log", False, "say in the rule's log what it swallows"),)
)


class NopSink:
    """Takes rows and forgets them."""

    def __init__(self, log: logging.Logger | None) -> None:
        self._log = log
        self.takes = "nothing" if log is None else "rows"

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, item: Any, at: int) -> None:
        """Forgets the item."""
        if self._log is not None:
            self._log.info("nop sink takes %s", item)

    def close(self) -> None:
        """Nothing to let go of."""


def sink(properties: Mapping[str, Any], site: Site) -> NopSink:
    """A nop sink."""
    return NopSink(logging.getLogger(f"kuiper_nb.rule.{site.rule}") if properties.get("log") is True else None)
