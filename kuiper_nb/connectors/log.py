"""The log sink: every payload a line in the rule's log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..functions.output import journal, route, unroute
from .documented import Documented
from .site import Site

SINK = Documented(
    "writes what the rule emits into its log and to the logger `kuiper_nb.rule.<id>`, a line each", '{"log": {}}'
)


class LogSink:
    """Writes payloads into the log of the rule, and to the logger `kuiper_nb.rule.<id>`, level INFO."""

    takes = "bytes"

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._log = logging.getLogger(f"kuiper_nb.rule.{rule}")

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, item: Any, at: int) -> None:
        """Logs the payload in eKuiper's words."""
        text = item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
        log = journal()
        if log is not None:
            log.sent(f"sink result for rule {self._rule}: {text}")
        token = route(None)  # where the logger writes to is not the rule's affair
        try:
            self._log.info("sink result for rule %s: %s", self._rule, text)
        finally:
            unroute(token)

    def close(self) -> None:
        """Nothing to let go of."""


def sink(properties: Mapping[str, Any], site: Site) -> LogSink:
    """A log sink for the site's rule."""
    return LogSink(site.rule)
