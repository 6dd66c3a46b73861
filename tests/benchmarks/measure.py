"""Cases in processes of their own, the ways to run them taken in turn, the best of a few rounds kept."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from .events import FEWER, WARM_UP, Data, generated
from .tally import same

WAYS = ("ours", "plain", "byhand")
CASES = {
    "W1": "filter and arithmetic",
    "W2": "tumbling 10 s, event time",
    "W3": "hopping 10 s / 5 s, event time",
    "W4row": "Python function a row",
    "W4vec": "Python function an array",
    "JSON": "JSON lines, tumbling 10 s",
}


@dataclass(slots=True)
class Measured:
    """The best of a case: seconds, CPU seconds and, over all rounds, the peak of memory (MB), each by way."""

    case: str
    rows: int
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, int] = field(default_factory=dict)
    peak_shorter_mb: int | None = None

    def add(self, way: str, run: dict[str, Any]) -> None:
        """Take notice of one run."""
        self.seconds[way] = min(self.seconds.get(way, float("inf")), run["seconds"])
        self.cpu[way] = min(self.cpu.get(way, float("inf")), run["cpu"])
        self.peak_mb[way] = max(self.peak_mb.get(way, 0), run["peak_mb"])


def measured(case: str, data: Data, rounds: int) -> Measured:
    """Run *case* each way, *rounds* times; RuntimeError unless all ways answer the same rows."""
    lines = case == "JSON"
    for rows in (WARM_UP, data.rows, data.rows // FEWER):
        generated(data.folder, rows, lines=lines)
    checked = {way: _run(case, way, data, "check") for way in WAYS}
    for way in WAYS[1:]:
        if not same(checked["ours"], checked[way]):
            raise RuntimeError(f"{case}: the answers differ: ours {checked['ours']}, {way} {checked[way]}")
    found = Measured(case, data.rows)
    for _ in range(rounds):
        for way in WAYS:
            found.add(way, _run(case, way, data))
    found.peak_shorter_mb = _run(case, "ours", Data(data.folder, data.rows // FEWER))["peak_mb"]
    return found


def first_row(data: Data, rounds: int) -> Measured:
    """Seconds from the start of a process to the first row it has."""
    generated(data.folder, data.rows)
    found = Measured("W5", data.rows)
    for _ in range(rounds):
        for way in WAYS:
            began = time.perf_counter()
            with subprocess.Popen(_command("W5", way, data), stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.readline()
                seconds = time.perf_counter() - began
                process.communicate()
            found.seconds[way] = min(found.seconds.get(way, float("inf")), seconds)
    return found


def _run(case: str, way: str, data: Data, *more: str) -> dict[str, Any]:
    done = subprocess.run(_command(case, way, data, *more), stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _command(case: str, way: str, data: Data, *more: str) -> list[str]:
    return [sys.executable, "-m", f"{__package__}.arm", case, way, str(data.folder), str(data.rows), *more]
