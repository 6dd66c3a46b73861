"""What somebody at a notebook waits for: rows of a live rule, the answer of a cell, completions. In real kernels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from .pulse import EVENTS, RATE, WARM_UP

Delays = dict[str, float]
"""In ms: p50, p99, max."""

_MOMENT = 0.037  # seconds between two questions, so that they meet everything else at all of its moments
_ASKED = 100
_COMPLETED = "%%kuiper\nSELECT ab"
_SETTLED = 3.0  # seconds after loading

_IDLE = "from tests.benchmarks import pulse\nway = pulse.{way}()\nrun = way.__enter__()"
_BUSY = f"{_IDLE}\nx = 0\nwhile run.beating:\n    for n in range(1000):\n        x += n * n % 7"
_FOUND = "import json\nprint(json.dumps(run.delays()))\nway.__exit__(None, None, None)"

_FLOODED = """
%load_ext kuiper_nb
import kuiper_nb as kuiper, pyarrow as pa, threading, time
session = kuiper.session()
session.sql('CREATE STREAM flood () WITH (TYPE="memory", DATASOURCE="flood")')
table = pa.table({"k": [f"key {n % 1000}" for n in range(10_000)], "v": [float(n) for n in range(10_000)]})
rule = session.rule("SELECT k, v, v * 2 AS w FROM flood WHERE v >= 0")

def feed():
    due = time.monotonic()
    while rule.status.state == "running":
        session.push("flood", table)
        due += 0.1
        time.sleep(max(due - time.monotonic(), 0))

threading.Thread(target=feed, daemon=True).start()
"""


class Kernel:
    """A kernel, and what it answers."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, cell: str) -> str:
        """What *cell* prints; RuntimeError when it fails."""
        texts: list[str] = []
        reply: Any = self._client.execute_interactive(
            cell, timeout=300, allow_stdin=True, output_hook=lambda m: texts.append(m["content"].get("text", ""))
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))
        return "".join(texts)

    def answer(self) -> float:
        """How many ms a cell takes that does nothing."""
        began = time.perf_counter()
        self._client.execute("None", store_history=False, reply=True, timeout=60)
        return (time.perf_counter() - began) * 1000

    def complete(self) -> float:
        """How many ms a completion takes."""
        began = time.perf_counter()
        reply: Any = self._client.complete(_COMPLETED, len(_COMPLETED), reply=True, timeout=60)
        if "abs" not in reply["content"]["matches"]:
            raise RuntimeError(f"{_COMPLETED!r} was completed with {reply['content']['matches']}")
        return (time.perf_counter() - began) * 1000


@contextmanager
def started() -> Iterator[Kernel]:
    """A fresh kernel."""
    manager = KernelManager(kernel_name="python3", transport="ipc")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def quantiles(delays: list[float]) -> Delays:
    """p50, p99 and the longest."""
    ordered = sorted(delays)
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p99": ordered[round(last * 0.99)], "max": ordered[last]}


def best(measure: Callable[[], Delays], rounds: int) -> Delays:
    """Of so many rounds the one whose p99 is least: what else the machine did is no part of it."""
    return min((measure() for _ in range(rounds)), key=lambda delays: delays["p99"])


def emits(rounds: int) -> list[dict[str, Any]]:
    """From a push to the row, while the kernel has nothing else to do, and while a cell computes; ours and by hand."""
    found = []
    for state, cell in (("idle", _IDLE), ("busy", _BUSY)):
        ways = {}
        for way in ("ours", "by_hand"):
            ways[way] = best(lambda: _beaten(cell.format(way=way)), rounds)  # noqa: B023
        found.append({"state": state, **ways})
    return found


def _beaten(cell: str) -> Delays:
    with started() as kernel:
        kernel.run(cell)
        time.sleep(0 if "while" in cell else (WARM_UP + EVENTS) / RATE + 1)
        return quantiles(json.loads(kernel.run(_FOUND)))


def answers(rounds: int) -> Delays:
    """A cell that does nothing, while a rule takes 100,000 rows a second."""

    def asked() -> Delays:
        with started() as kernel:
            kernel.run(_FLOODED)
            kernel.run("rule.wait(10, emits=20)")
            delays = []
            for _ in range(_ASKED):
                delays.append(kernel.answer())
                time.sleep(_MOMENT)
            return quantiles(delays)

    return best(asked, rounds)


def completions(rounds: int) -> Delays:
    """The first completion in a kernel that was loaded a moment ago."""

    def first() -> float:
        with started() as kernel:
            kernel.run("%load_ext kuiper_nb")
            time.sleep(_SETTLED)
            return kernel.complete()

    return quantiles([first() for _ in range(rounds)])
