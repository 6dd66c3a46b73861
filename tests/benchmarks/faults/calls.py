"""Faults of single calls: what never comes, what is no answer, and what is too much of one."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from kuiper_nb import Session
from kuiper_nb.contracts import Answer, Call
from kuiper_nb.engine.answers import NotUniform, uniform
from kuiper_nb.plugins.codec import Unreadable
from kuiper_nb.plugins.crashes import Policy
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.peer import Declined, Lost
from kuiper_nb.plugins.wire import Refused

from .feeding import PATIENCE, kernel
from .heartbeat import Memory

HANGS = """
import re, threading, time
@function
def sleep(n): time.sleep(1000)
@function
def deadlock(n):
    lock = threading.Lock(); lock.acquire(); lock.acquire()
@function
def c_loop(n): return re.match("(a*)*b", "a" * 40)
"""
TOGETHER = {"sleep": 4, "deadlock": 4, "c_loop": 2}
"""How many at the same time; one that holds its GIL takes a core."""


def hangs(share: float) -> dict[str, Any]:
    """A hundred of each of three kinds, with a deadline of a second; and the row of a plugin that is supervised."""
    found: dict[str, Any] = {}
    for kind, together in TOGETHER.items():
        with ThreadPoolExecutor(together) as threads:
            times = list(threads.map(partial(_hang, kind), range(round(100 * share))))
        found[f"{kind}_times"], found[f"{kind}_worst_s"] = len(times), max(times)
    with Session() as session:
        plugin = session.plugins.define("hangs", f"from kuiper_nb.sdk import *\n{HANGS}")
        plugin.policy = Policy(timeout=1.0)
        assert isinstance(plugin._peer, Kernel)
        plugin._peer.await_calls()
        began = time.perf_counter()
        plugin.call("deadlock", Call(([1],), 1))
        found["row_s"] = time.perf_counter() - began
    met = max(value for name, value in found.items() if name.endswith("_s")) <= 1.25
    return {**found, "goal": "1.25 s in all", "met": met}


def _hang(kind: str, _: int) -> float:
    with kernel(HANGS) as hanging:
        began = time.perf_counter()
        try:
            hanging.call(kind, Call(([1],), 1), 1.0)
        except Lost:
            return time.perf_counter() - began
        return math.inf


POISON = """
import os
@kuiper.function
def careful(n):
    if n < 0: os._exit(1)
    return 2 * n
"""


def poison(share: float) -> dict[str, Any]:
    """1, 2 and 5 rows of 4,096 on which the process dies: how many processes that takes, and how long."""
    found: dict[str, Any] = {}
    met = True
    for bad in (1, 2, 5):
        places = [4095 * (k + 1) // (bad + 1) for k in range(bad)]
        with Session() as session:
            plugin = session.plugins.define("careful", POISON)
            began = time.perf_counter()
            answer = plugin.call("careful", Call(([-1 if n in places else n for n in range(4096)],), 4096))
            found[f"{bad}_s"] = time.perf_counter() - began
            found[f"{bad}_restarts"] = plugin.status.restarts
            values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
            wanted = [None if n in places else 2 * n for n in range(4096)]
            met = met and sorted(answer.failures) == places and values == wanted and not plugin.status.quarantined
    return {**found, "goal": "exactly these rows fail", "met": met}


MUTANT = """
import random
from kuiper_nb.plugins.channel import Channel
chance, send = random.Random(1), Channel.send
def mutated(payload):
    if not payload or chance.random() < 0.02: return payload
    text = bytearray(payload[0])
    for _ in range(chance.choice([1, 1, 2, 8])):
        place = chance.randrange(len(text) or 1)
        act = chance.randrange(4)
        if act == 0: del text[place:]
        elif act == 1: text[place:place] = text[place:place + 8]
        else: text[place:place + 1] = bytes([chance.randrange(256)])
    return [bytes(text)]
def wrong(self, kind, fields=None, payload=()):
    send(self, kind, fields, mutated(payload) if kind == "answer" else payload)
Channel.send = wrong
@function
def same(x): return x
"""
VALUES: list[list[Any]] = [
    list(range(64)),
    [n / 7 for n in range(64)],
    [f"text {n}" if n % 5 else None for n in range(64)],
    [[n, n + 1] for n in range(64)],
    [{"a": n, "b": str(n)} for n in range(64)],
    [n if n % 2 else str(n) for n in range(64)],
]


def mutants(share: float) -> dict[str, Any]:
    """10,000 mutated answers of one process, which is left alone for once: what is accepted must be sound."""
    times, accepted, refused, unsound = round(10_000 * share), 0, 0, 0
    with kernel(MUTANT) as mutant:
        for number in range(times):
            column = VALUES[number % len(VALUES)]
            pending = mutant._asked_for("same", Call((column,), 64), 0, 64)
            answer = mutant._calls.answer(pending, time.monotonic() + PATIENCE)
            try:
                values = mutant._answered(answer, 0, 64, {})
            except (Unreadable, Refused, Declined):
                refused += 1
                continue
            accepted += 1
            unsound += not _sound(values)
    found = {"times": times, "refused": refused, "accepted": accepted, "unsound": unsound}
    return {**found, "goal": "0 unsound, and this process lives", "met": unsound == 0 and refused > accepted}


def _sound(values: Any) -> bool:
    """Whether a rule can go on with it: in DuckDB or, where it is of a type that is none of ours, row by row."""
    try:
        column, _ = uniform("same", Answer(values), 64)
    except NotUniform:
        return len(values if isinstance(values, list) else values.to_pylist()) == 64
    table = pa.table({"x": column})
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        return False
    with duckdb.connect() as connection:
        connection.register("answer", table)
        return len(connection.execute("SELECT x, hash(x) FROM answer").fetchall()) == 64


RAW = """
from kuiper_nb.plugins.channel import Channel
send = Channel.send
def wrong(self, kind, fields=None, payload=()):
    send(self, kind, fields, [bytes(SIZE)] if kind == "answer" else payload)
Channel.send = wrong
@function
def double(n): return n * 2
"""


def oversized(share: float) -> dict[str, Any]:
    """An answer of 65 MiB and one of 1 GiB, from a plugin that does not look at the limit."""
    found: dict[str, Any] = {}
    for name, size in (("65_mib", 65 << 20), ("1_gib", 1 << 30)):
        with kernel(RAW.replace("SIZE", str(size))) as large:
            memory, began = Memory(), time.perf_counter()
            try:
                large.call("double", Call(([1],), 1), PATIENCE)
                found[f"{name}_s"] = math.inf
            except Lost:
                found[f"{name}_s"] = time.perf_counter() - began
            found[f"{name}_grown_mib"] = memory.grown
    met = found["65_mib_s"] <= 1 and found["1_gib_s"] <= 1 and max(v for n, v in found.items() if "grown" in n) < 10
    return {**found, "goal": "1 s, 10 MiB", "met": met}
