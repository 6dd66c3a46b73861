"""Faults of plugins, many times over, with real processes: what is promised of them, and what was seen.

    python -m tests.benchmarks.faults [--only kills,hangs,swaps,hosts,slow,flood,oversized,strangers] [--share 0.1]

While each goes on, a thread that only wants to wake every few milliseconds says how long the notebook would have
waited for a cell that does nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pyarrow as pa

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.plugins.crashes import Policy
from kuiper_nb.plugins.launch import Program, python
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.peer import Lost

from . import hosts, strangers

PATIENCE = 30.0
ALWAYS = Policy(timeout=PATIENCE, crashes=1_000_000)
"""A campaign is no crash loop."""

WORK = """
import time
@kuiper.function
def twice(n):
    time.sleep(0.00002)
    return 2 * n
"""
BATCH = 200


class Pulse:
    """Wakes every two milliseconds while it is entered; *worst* is the longest it had to wait beyond that (ms)."""

    def __enter__(self) -> Pulse:
        self.worst = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        before = time.perf_counter()
        while not self._over.wait(0.002):
            now = time.perf_counter()
            self.worst = max(self.worst, (now - before - 0.002) * 1000)
            before = now


class Feeding:
    """A session with a plugin and a rule over it, that is fed batch after batch, and an oracle."""

    def __init__(self, code: str = WORK, call: str = "twice") -> None:
        self.session = Session()
        self.plugin = self.session.plugins.define("work", code)
        self.plugin.policy = ALWAYS
        self.session.sql('CREATE STREAM fed (n BIGINT) WITH (TYPE="memory", DATASOURCE="fed", FORMAT="json")')
        self.rule = self.session.rule(f"SELECT n, {call}(n) AS t FROM fed", id="fed", keep=10_000_000)
        self.sent = 0

    def push(self, rows: int = BATCH) -> None:
        """One batch more."""
        self.session.push("fed", pa.table({"n": range(self.sent, self.sent + rows)}))
        self.sent += rows

    def differences(self) -> int:
        """Rows that are lost, doubled, out of order or wrong, once all that was pushed has passed."""
        if not self.session.settle(PATIENCE):
            return -1
        found = [(row["n"], row["t"]) for emit in self.rule.emits for row in emit.rows]
        wanted = [(n, 2 * n) for n in range(self.sent)]
        wrong = sum(a != b for a, b in zip(found, wanted, strict=False)) + abs(len(found) - len(wanted))
        return wrong + len(self.rule.errors)

    def close(self) -> None:
        """The end of it."""
        self.session.close()


def written(folder: Path, code: str) -> Program:
    """The program of a plugin with this text."""
    file = folder / "plugin.py"
    file.write_text(f"from kuiper_nb.sdk import *\n{textwrap.dedent(code)}\n", encoding="utf-8")
    return python(file)


def quantile(values: list[float], share: float) -> float:
    """Of a list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


# ---- the faults


def kills(share: float) -> dict[str, Any]:
    """kill -9 at a random moment of a batch, under a rule: the time until what was pushed has passed."""
    feeding, chance, times = Feeding(), random.Random(1), []
    for _ in range(round(300 * share)):
        feeding.push()
        time.sleep(chance.random() * 0.012)
        pid = feeding.plugin.status.pid
        assert pid is not None
        feeding.push()
        began = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        feeding.push()
        feeding.session.settle(PATIENCE)
        times.append(time.perf_counter() - began)
    found = {"times": len(times), "median_s": median(times), "p99_s": quantile(times, 0.99)}
    wrong = feeding.differences()
    feeding.close()
    met = found["median_s"] <= 0.5 and found["p99_s"] <= 2 and wrong == 0
    return {**found, "differences": wrong, "goal": "median 0.5 s, p99 2 s, 0 differences", "met": met}


HANGS = """
import re, threading, time
@function
def sleep(n): time.sleep(1000)
@function
def deadlock(n):
    lock = threading.Lock(); lock.acquire(); lock.acquire()
@function
def c_loop(n): return re.match("(a*)*b", "a" * 40)
plugin.serve_marked()
"""


def hangs(share: float) -> dict[str, Any]:
    """Three kinds of hang, with a deadline of a second."""
    with tempfile.TemporaryDirectory() as folder:
        program = written(Path(folder), HANGS)

        def hang(number: int) -> float:
            kernel = program(Lines())
            try:
                kernel.ready(PATIENCE)
                kernel.await_calls()
                began = time.perf_counter()
                try:
                    kernel.call(("sleep", "deadlock", "c_loop")[number % 3], Call(([1],), 1), 1.0)
                except Lost:
                    return time.perf_counter() - began
                return math.inf
            finally:
                kernel.close()

        with ThreadPoolExecutor(2) as threads:
            times = list(threads.map(hang, range(round(100 * share))))
    late = sum(seconds > 1.25 for seconds in times)
    return {"times": len(times), "worst_s": max(times), "late": late, "goal": "1.25 s in all", "met": late == 0}


def swaps(share: float) -> dict[str, Any]:
    """New code in the place of old under load; the pause is the longest that a batch took while that went on."""
    feeding, pauses, over = Feeding(WORK.replace("0.00002", "0")), [], threading.Event()
    answered: list[tuple[float, float]] = []

    def load() -> None:
        while not over.is_set():
            began = time.perf_counter()
            feeding.push(20)
            feeding.session.settle(PATIENCE)
            answered.append((began, time.perf_counter()))

    loading = threading.Thread(target=load)
    loading.start()
    for number in range(round(200 * share)):
        began = time.perf_counter()
        feeding.session.plugins.define("work", f"{WORK.replace('0.00002', '0')}\n# {number}")
        feeding.plugin.policy = ALWAYS
        ended = time.perf_counter()
        time.sleep(0.05)
        pauses.append(max(b - a for a, b in answered if b > began and a < ended))
    over.set()
    loading.join()
    wrong, generation = feeding.differences(), feeding.plugin.generation
    feeding.close()
    found = {"times": len(pauses), "median_ms": 1000 * median(pauses), "p99_ms": 1000 * quantile(pauses, 0.99)}
    met = found["p99_ms"] <= 150 and wrong == 0 and generation == len(pauses) + 1
    return {**found, "differences": wrong, "goal": "pause p99 150 ms, 0 differences", "met": met}


def slow(share: float) -> dict[str, Any]:
    """A plugin much slower than its input: who pushes waits, and nothing grows."""
    feeding = Feeding("import time\n@kuiper.function\ndef twice(n):\n    time.sleep(0.0005)\n    return 2 * n\n")
    me, batches = psutil.Process(), round(500 * share)
    for _ in range(30):
        feeding.push(20)
    feeding.session.settle(PATIENCE)
    before, most = me.memory_info().rss, 0
    for _ in range(batches):
        feeding.push(20)
        most = max(most, me.memory_info().rss)
    wrong, backlog = feeding.differences(), feeding.rule.plan.options.buffer_length
    feeding.close()
    grown = (most - before) / 2**20
    met = grown < 20 and wrong == 0
    return {
        "batches": batches,
        "grown_mib": grown,
        "buffer": backlog,
        "differences": wrong,
        "goal": "20 MiB",
        "met": met,
    }


def flood(share: float) -> dict[str, Any]:
    """100 MB on standard output while it works."""
    size = round(100_000_000 * share) // 1000 // 1000
    loud = f"if n < 1000: print(('x' * 999 + '\\n') * {size}, end='')"
    code = f"@kuiper.function\ndef twice(n):\n    {loud}\n    return 2 * n\n"
    feeding, me = Feeding(code), psutil.Process()
    before = me.memory_info().rss
    for _ in range(5):
        feeding.push(200)
    wrong = feeding.differences()
    grown, lines = (me.memory_info().rss - before) / 2**20, len(feeding.plugin.logs(1_000_000))
    total = feeding.plugin.lines.total
    feeding.close()
    met = wrong == 0 and lines <= 1000
    return {"lines": total, "kept": lines, "grown_mib": grown, "differences": wrong, "goal": "0 lost", "met": met}


RAW = """
from kuiper_nb.plugins.channel import Channel
send = Channel.send
def wrong(self, kind, fields=None, payload=()):
    send(self, kind, fields, [bytes(SIZE)] if kind == "answer" else payload)
Channel.send = wrong
@function
def double(n): return n * 2
plugin.serve_marked()
"""


def oversized(share: float) -> dict[str, Any]:
    """An answer of 65 MiB and one of 1 GiB, from a plugin that does not look at the limit."""
    found: dict[str, Any] = {}
    me = psutil.Process()
    for name, size in (("65_mib", 65 << 20), ("1_gib", 1 << 30)):
        with tempfile.TemporaryDirectory() as folder:
            kernel = written(Path(folder), RAW.replace("SIZE", str(size)))(Lines())
            kernel.ready(PATIENCE)
            kernel.await_calls()
            before, began = me.memory_info().rss, time.perf_counter()
            try:
                kernel.call("double", Call(([1],), 1), PATIENCE)
                found[f"{name}_s"] = math.inf
            except Lost:
                found[f"{name}_s"] = time.perf_counter() - began
            found[f"{name}_grown_mib"] = (me.memory_info().rss - before) / 2**20
            kernel.close()
    met = found["65_mib_s"] <= 1 and found["1_gib_s"] <= 1 and max(v for n, v in found.items() if "grown" in n) < 10
    return {**found, "goal": "1 s, 10 MiB", "met": met}


FAULTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "kills": kills,
    "hangs": hangs,
    "swaps": swaps,
    "hosts": hosts.killed,
    "slow": slow,
    "flood": flood,
    "oversized": oversized,
    "strangers": strangers.tried,
}


def measured(wanted: list[str], share: float) -> Iterator[dict[str, Any]]:
    """A line a fault."""
    for name in wanted:
        with Pulse() as pulse:
            found = FAULTS[name](share)
        yield {"fault": name, **found, "no_op_worst_ms": pulse.worst}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.faults", description=__doc__)
    parser.add_argument("--only", default=",".join(FAULTS))
    parser.add_argument("--share", type=float, default=1.0, help="of the repetitions")
    options = parser.parse_args()
    for line in measured(options.only.split(","), options.share):
        shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()}
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
