"""Faults under a running rule: nothing is lost, doubled or wrong, and the rule is soon at work again."""

from __future__ import annotations

import mmap
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from statistics import median
from typing import Any

from .feeding import ALWAYS, Feeding, quantile
from .heartbeat import Memory

IDLE, COMPUTES, REPLIES = 0, 1, 2
STAGES = ("before it was sent", "while it was computed", "while it was answered")
STAGED = """
import mmap, time
from kuiper_nb.plugins.channel import Channel
with open({file!r}, "r+b") as file: stage = mmap.mmap(file.fileno(), 1)
send = Channel.send
def staged(self, kind, fields=None, payload=()):
    stage[0] = 2 if kind == "answer" else stage[0]
    if kind == "answer": time.sleep(0.001)
    send(self, kind, fields, payload)
    if kind == "answer": time.sleep(0.001)
    stage[0] = 0
Channel.send = staged
stage[0] = 0
@kuiper.function
def twice(n):
    stage[0] = 1
    time.sleep(0.00002)
    return 2 * n
"""
"""Says in a file that is in the memory of both what it is at, even after its end."""

BATCH = 200


def kills(share: float) -> dict[str, Any]:
    """kill -9 before a batch is sent, while it is computed and while it is answered: the time until the batches that
    were under way, and one that was pushed after it, have passed.
    """
    chance, times, noticed = random.Random(1), [], []
    stages: Counter[str] = Counter()
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0")
        file.flush()
        stage = mmap.mmap(file.fileno(), 1)
        feeding = Feeding(STAGED.format(file=file.name))
        for number in range(round(300 * share)):
            if number % 3 != IDLE:
                feeding.push(BATCH)
                feeding.push(BATCH)
            _await(stage, number % 3)
            time.sleep(chance.random() * (0.0, 0.012, 0.002)[number % 3])
            feeding.plugin._peer.on_lost(lambda why: noticed.append(time.perf_counter()))  # type: ignore[union-attr]
            began = time.perf_counter()
            os.kill(feeding.plugin.status.pid or 0, signal.SIGKILL)
            stages[STAGES[stage[0]]] += 1
            feeding.push(BATCH)
            feeding.passed()
            times.append(time.perf_counter() - began)
            noticed[-1] -= began
        wrong, quarantined = feeding.differences(), feeding.plugin.status.quarantined
        feeding.close()
    found = {"times": len(times), "median_s": median(times), "p99_s": quantile(times, 0.99)}
    met = found["median_s"] <= 0.5 and found["p99_s"] <= 2 and wrong == 0 and not quarantined
    goal = "median 0.5 s, p99 2 s, 0 differences"
    seen = {"noticed_p99_ms": 1000 * quantile(noticed, 0.99), **stages}
    return {**found, **seen, "differences": wrong, "goal": goal, "met": met}


def _await(stage: mmap.mmap, wanted: int) -> None:
    """Until the plugin is at that, or has been for a moment too short to be seen."""
    end = time.perf_counter() + 0.5
    while stage[0] != wanted and time.perf_counter() < end:
        time.sleep(0.0001)


FAST = "@kuiper.function\ndef twice(n): return 2 * n\n"


def swaps(share: float) -> dict[str, Any]:
    """New code in the place of old under load; the pause is the longest that a batch took while that went on."""
    feeding, pauses, over = Feeding(FAST), [], threading.Event()
    answered: list[tuple[float, float]] = []

    def load() -> None:
        while not over.is_set():
            began = time.perf_counter()
            feeding.push(20)
            feeding.passed()
            answered.append((began, time.perf_counter()))

    loading = threading.Thread(target=load)
    loading.start()
    for number in range(round(200 * share)):
        answered.clear()
        began = time.perf_counter()
        feeding.session.plugins.define("work", f"{FAST}\n# {number}")
        feeding.plugin.policy = ALWAYS
        ended = time.perf_counter()
        time.sleep(0.05)
        pauses.append(max(b - a for a, b in list(answered) if b > began and a < ended))
    over.set()
    loading.join()
    wrong, generation = feeding.differences(), feeding.plugin.generation
    feeding.close()
    found = {"times": len(pauses), "median_ms": 1000 * median(pauses), "p99_ms": 1000 * quantile(pauses, 0.99)}
    met = found["p99_ms"] <= 150 and wrong == 0 and generation == len(pauses) + 1
    return {**found, "differences": wrong, "goal": "pause p99 150 ms, 0 differences", "met": met}


SLOW = "import time\n@kuiper.function\ndef twice(n):\n    time.sleep(0.001)\n    return 2 * n\n"


def slow(share: float) -> dict[str, Any]:
    """A plugin fifty times slower than its input: who pushes waits, and nothing grows. Kept, all would be 100 MiB."""
    feeding, batches, backlogs = Feeding(SLOW, {"bufferLength": 4}, fat="x" * 10_000), round(500 * share), []
    for _ in range(30):
        feeding.push(20)
    feeding.passed()
    memory = Memory()
    for _ in range(batches):
        feeding.push(20)
        backlogs.append(feeding.rule.backlog)
    wrong, grown = feeding.differences(), memory.grown
    feeding.close()
    met = grown < 20 and wrong == 0 and max(backlogs) <= 4
    found = {"batches": batches, "grown_mib": grown, "waiting_at_most": max(backlogs), "differences": wrong}
    return {**found, "goal": "20 MiB, 4 batches, 0 differences", "met": met}


def flood(share: float) -> dict[str, Any]:
    """100 MB on standard output while it works."""
    size = round(100_000_000 * share) // 1000 // 1000
    loud = f"if n < 1000: print(('x' * 999 + '\\n') * {size}, end='')"
    feeding = Feeding(f"@kuiper.function\ndef twice(n):\n    {loud}\n    return 2 * n\n")
    memory, began = Memory(), time.perf_counter()
    for _ in range(10):
        feeding.push(200)
    wrong, seconds, grown = feeding.differences(), time.perf_counter() - began, memory.grown
    lines, total = feeding.plugin.logs(1_000_000), feeding.plugin.lines.total
    feeding.close()
    kept = sum(len(line.text) for line in lines)
    met = wrong == 0 and len(lines) <= 1000 and kept <= 2**20 and total >= 1000 * size
    found = {"lines": total, "seconds": seconds, "kept_lines": len(lines), "kept_kib": kept / 1024, "grown_mib": grown}
    return {**found, "differences": wrong, "goal": "0 differences, 1 MiB kept", "met": met}
