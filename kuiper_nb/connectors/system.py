"""This machine: how busy its processors, memory, disk and network are, one row every interval.

    CREATE STREAM machine () WITH (TYPE="system", INTERVAL="500")

Every row is flat and has the same columns:

- `ts` BIGINT: when it was measured, ms since 1970
- `cpu` FLOAT: how busy all processors together were since the row before, percent
- `load` FLOAT: the average number of processes that wanted to run in the last minute; null where that is unknown
- `memory`, `swap`, `disk` FLOAT: how full they are, percent; the disk is the one of the working directory
- `memory_used` BIGINT: bytes
- `disk_read`, `disk_written`, `net_received`, `net_sent` FLOAT: bytes a second since the row before
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psutil

from ..catalog import Stream
from ..contracts import Payload, Row
from ..errors import ConnectorError
from .documented import Documented, Property
from .site import Site

COLUMNS = (
    "ts", "cpu", "load", "memory", "memory_used", "swap", "disk",
    "disk_read", "disk_written", "net_received", "net_sent",
)  # fmt: skip
INTERVAL = 1000
SOURCE = Documented(
    "this machine: how busy its processors, memory, disk and network are, one row every interval",
    'CREATE STREAM machine () WITH (TYPE="system")',
    (Property("interval", INTERVAL, "ms between two rows; INTERVAL in WITH says it as well"),),
)
_BUSY_BASE = ("idle", "iowait")


class SystemSource:
    """Measures every *interval* ms of the session's clock; a moment that was slept through is left out."""

    bounded = False
    live = True

    def __init__(self, interval: int, site: Site) -> None:
        self._interval = interval
        self._clock = site.clock
        self._due = 0
        self._before = _Counters(0)

    def open(self) -> None:
        """Starts to count; the first row comes after one interval, since it tells what happened in it."""
        now = self._clock.now()
        self._before = _Counters(now)
        self._due = now + self._interval

    def poll(self) -> Payload | None:
        """A row, when it is time for one; never ends."""
        now = self._clock.now()
        if now < self._due:
            return None
        missed = (now - self._due) // self._interval
        self._due += (missed + 1) * self._interval
        counters = _Counters(now)
        row, self._before = counters.row(self._before), counters
        return Payload(row, now, typed=True)

    def due(self) -> int | None:
        """When the next row comes."""
        return self._due

    def close(self) -> None:
        """Nothing to let go of."""


class _Counters:
    """What the machine has counted up to a moment; psutil's own differences are shared by the whole process."""

    def __init__(self, at: int) -> None:
        self.at = at
        times = psutil.cpu_times()
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # which Linux counts as user, too
        self.total = sum(times) - guests
        self.idle = sum(getattr(times, name, 0.0) for name in _BUSY_BASE)
        disk, net = psutil.disk_io_counters(), psutil.net_io_counters()  # None where the system tells nothing
        self.bytes = {
            "disk_read": getattr(disk, "read_bytes", 0),
            "disk_written": getattr(disk, "write_bytes", 0),
            "net_received": getattr(net, "bytes_recv", 0),
            "net_sent": getattr(net, "bytes_sent", 0),
        }

    def row(self, before: _Counters) -> Row:
        """The machine now; differences are those to *before*."""
        spent, idle = self.total - before.total, self.idle - before.idle
        seconds = max(self.at - before.at, 1) / 1000
        memory = psutil.virtual_memory()
        rates = {name: round(max(n - before.bytes[name], 0) / seconds, 1) for name, n in self.bytes.items()}
        return {
            "ts": self.at,
            "cpu": round(min(max(100 * (spent - idle) / spent, 0.0), 100.0), 1) if spent > 0 else 0.0,
            "load": round(psutil.getloadavg()[0], 2) if hasattr(psutil, "getloadavg") else None,
            "memory": memory.percent,
            "memory_used": memory.used,
            "swap": psutil.swap_memory().percent,
            "disk": psutil.disk_usage(".").percent,
            **rates,
        }


def process_memory() -> int:
    """How much memory this process holds, bytes."""
    held: int = psutil.Process().memory_info().rss
    return held


def source(stream: Stream, properties: Mapping[str, Any], site: Site) -> SystemSource:
    """The machine with the property *interval* (ms, 1000), which WITH may say as INTERVAL; else ConnectorError."""
    given = properties.get("interval", stream.options.get("INTERVAL", INTERVAL))
    try:
        interval = given if isinstance(given, int) and not isinstance(given, bool) else int(str(given))
    except ValueError:
        interval = 0
    if interval < 1:
        raise ConnectorError(f"stream {stream.name}: interval is a whole number of ms, not {given}", 'INTERVAL="1000"')
    return SystemSource(interval, site)
