"""What a plugin logs: lines of its standard error, and its host's as soon as there is one."""

from __future__ import annotations

import contextlib
import logging
import sys
import time

from ..channel import Channel, Gone


def to_stderr() -> None:
    """While no host is known. What the author has set up stays."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def to_host(channel: Channel) -> None:
    """From now on, over *channel*, whatever the author has set up; the level stays, but where nobody has said one."""
    root = logging.getLogger()
    if not root.handlers:
        root.setLevel(logging.INFO)
    root.handlers[:] = [_Lines(channel)]


class _Lines(logging.Handler):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "at": time.time(),
            "level": record.levelname,
            "text": f"{record.name}: {record.getMessage()}",
            "where": f"{record.pathname}:{record.lineno}",
        }
        with contextlib.suppress(Gone), self._channel.lock:
            self._channel.send("log", fields)
