"""What is known of a plugin, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import psutil

from .lines import Line

State = Literal["initializing", "running", "error", "stop"]
"""eKuiper's words."""


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """A snapshot. *refCount*: how many sources and sinks of each rule are its; *rate*: rows a second of late; *p50* and
    *p99*: of a call, ms; *memory*: bytes; *uptime*: seconds; *refused*: messages that were not the plugin's."""

    name: str
    status: State
    refCount: Mapping[str, int] = field(default_factory=dict)
    errMsg: str = ""
    language: str = ""
    version: str = ""
    functions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()
    pid: int | None = None
    uptime: float = 0.0
    generation: int = 1
    restarts: int = 0
    quarantined: bool = False
    calls: int = 0
    rows: int = 0
    rate: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    memory: int = 0
    refused: int = 0
    lines: tuple[Line, ...] = ()

    def as_ekuiper(self) -> dict[str, Any]:
        """What eKuiper answers for it."""
        return {"refCount": dict(self.refCount), "status": self.status, "errMsg": self.errMsg}


def memory_of(pid: int | None) -> int:
    """The bytes a process has in memory; 0 for none."""
    if pid is None:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
