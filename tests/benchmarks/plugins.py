"""A function in another process: by eKuiper's own wire, by ours, and by none.

The plugin of eKuiper's wire is a real process of its SDK from PyPI, asked as eKuiper asks it: one row per question, one
question at a time. Ours answers batches, of which four are under way, as when a rule has more rows than fit into one.
All of them add a number to a number, in turn, in the same run.
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.plugins.hello import Served
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import python
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.nanomsg import EkuiperPeer
from kuiper_nb.plugins.peer import Peer

from .events import Data

PATIENCE = 60.0
SINGLY = 2_000
"""Rows of one measurement of eKuiper's wire."""

AT_A_TIME = 50
"""Batches of one measurement of ours."""

SECONDS = 0.5
"""Least length of one measurement of ours."""

OURS = """
from kuiper_nb.sdk import function

@function
def plus(a, b): return a + b

@function(vectorized=True)
def plus_all(a, b): return a + b
"""
THEIRS = """
from ekuiper import Function, PluginConfig, plugin

class Plus(Function):
    def validate(self, args): return ""
    def exec(self, args, ctx): return args[0] + args[1]
    def is_aggregate(self): return False

if __name__ == "__main__":
    instance = Plus()
    plugin.start(PluginConfig("theirs", {}, {}, {"plus": lambda: instance}))
"""


@dataclass(frozen=True, slots=True)
class Calls:
    """Rows a second of *function* in batches of *rows*, and of eKuiper's wire in the same run."""

    function: str
    rows: int
    ours: float
    theirs: float


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds of a rule over *rows* of Arrow with a function per row, native and in a plugin."""

    rows: int
    native: float
    portable: float


def calls(rounds: int) -> Iterator[Calls]:
    """Both wires, at three sizes of a batch; the best of *rounds* each, taken in turn."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _ours(Path(folder)), _theirs(Path(folder))
        try:
            for function, rows in (("plus", 100), ("plus", 1_000), ("plus_all", 10_000)):
                ours.chunk = rows
                best = [0.0, 0.0]
                for _ in range(max(rounds, 3)):
                    best[0] = max(best[0], _rate(ours, function, rows * AT_A_TIME, SECONDS))
                    best[1] = max(best[1], _rate(theirs, "plus", SINGLY, 0))
                yield Calls(function, rows, *best)
        finally:
            ours.close()
            theirs.close()


def rules(data: Data, rounds: int) -> Rules:
    """A whole rule over the events, its function native and in a process of its own, in turn."""
    import pyarrow.parquet as pq

    table = pq.read_table(data.parquet, columns=["key", "value"])
    best = {False: float("inf"), True: float("inf")}
    for _ in range(max(rounds, 2)):
        for process, seconds in list(best.items()):
            best[process] = min(seconds, _ruled(table, process))
    return Rules(table.num_rows, best[False], best[True])


def fahrenheit(celsius: float) -> float:
    """The user's function."""
    return celsius * 9 / 5 + 32


def _ruled(table: pa.Table, process: bool) -> float:
    with Session() as session:
        session.stream("events", table)
        session.function(fahrenheit, process=process)
        session.functions["fahrenheit"].one(20.0)  # a new process has loaded what it needs when it has answered once
        rule = session.rule("SELECT key, fahrenheit(value) AS f FROM events", start=False)
        began = time.perf_counter()
        rule.start()
        rule.wait()
        seconds = time.perf_counter() - began
        if rule.status.errors or rule.status.rows_out != table.num_rows:
            raise RuntimeError(f"{rule.status.last_error}: {rule.status.rows_out} rows of {table.num_rows}")
        return seconds


def _ours(folder: Path) -> Kernel:
    file = folder / "ours.py"
    file.write_text(textwrap.dedent(OURS))
    peer = python(file)(Lines())
    peer.ready(PATIENCE)
    _asked(peer, "plus", 10)
    return peer


def _theirs(folder: Path) -> Peer:
    file = folder / "theirs.py"
    file.write_text(textwrap.dedent(THEIRS))
    command = [sys.executable, "-u", str(file), '{"sendTimeout":1000}']
    peer = EkuiperPeer("theirs", command, folder, {}, [Served("plus", "function")], Lines())
    peer.ready(PATIENCE)
    _asked(peer, "plus", 10)
    return peer


def _asked(peer: Peer, function: str, rows: int) -> None:
    column = _column(rows)
    answer = peer.call(function, Call((column, column), rows, {"ruleId": "r"}), PATIENCE)
    if answer.failures or len(answer.values) != rows:
        raise RuntimeError(f"{function} failed: {answer.failures}")


@cache
def _column(rows: int) -> pa.Array:
    return pa.array([float(n) for n in range(rows)])


def _rate(peer: Peer, function: str, rows: int, seconds: float) -> float:
    """Rows a second of asking for so many, again and again for at least so long."""
    began, asked = time.perf_counter(), 0
    while True:
        _asked(peer, function, rows)
        asked += rows
        taken = time.perf_counter() - began
        if taken >= seconds:
            return asked / taken
