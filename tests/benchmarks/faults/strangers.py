"""Strangers on the sockets of a plugin: with another key or none, with what was said before, with floods, come and
gone; and another user of the machine.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import zmq

from kuiper_nb.contracts import Call
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import python
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.peer import Lost
from kuiper_nb.plugins.wire import Wire

from . import intruders

PATIENCE = 30.0
CHANNELS = ("calls", "control", "data", "log")
TWICE = """
import json, os, time
from kuiper_nb.plugins.wire import Wire
from kuiper_nb.sdk import *
pack = Wire.pack
def overheard(self, kind, fields=None, payload=()):
    frames = pack(self, kind, fields, payload)
    with open("overheard", "a") as file: print(json.dumps([bytes(frame).hex() for frame in frames]), file=file)
    return frames
Wire.pack = overheard
@function
def twice(n):
    time.sleep(0.01)
    return 2 * n
@function
def late(n):
    time.sleep(0.6)
    return 2 * n
@function
def hang(n): time.sleep(1000)
plugin.serve_marked()
"""
"""Whoever listens finds all that it has sent in the file `overheard`."""


def tried(share: float) -> dict[str, Any]:
    """Fifty attempts of each kind, between the calls of one who has the key."""
    times = round(50 * share)
    found: dict[str, Any] = {"attempts": times}
    counted = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, attempt in ATTEMPTS.items():
            with speaking(Path(folder)) as kernel:
                found[f"{name}_wrong"] = attempt(kernel, times)
                counted += kernel.refused
        with speaking(Path(folder)) as kernel, intruders.floods(kernel.addresses["calls"], 4):
            found["hang_under_flood_s"] = hung(kernel)
        if hasattr(os, "getuid") and os.getuid() == 0:
            with speaking(Path(folder)) as kernel:
                found["other_user"] = [success for _ in range(times) if (success := other_user(kernel))]
                found["other_user_wrong"] = asked(kernel, 7)
    wrong = sum(value for name, value in found.items() if name.endswith("wrong")) + len(found.get("other_user", ()))
    met = wrong == 0 and counted > 0 and found["hang_under_flood_s"] <= 1.25
    return {**found, "counted": counted, "goal": "0 wrong, no success, hang 1.25 s", "met": met}


@contextmanager
def speaking(folder: Path) -> Iterator[Kernel]:
    """A plugin that everybody hears."""
    file = folder / "plugin.py"
    file.write_text(TWICE, encoding="utf-8")
    kernel = python(file)(Lines())
    try:
        kernel.ready(PATIENCE)
        kernel.await_calls()
        yield kernel
    finally:
        kernel.close()


def asked(kernel: Kernel, number: int, symbol: str = "twice") -> int:
    """1 when the plugin does not answer what it should."""
    try:
        values = kernel.call(symbol, Call(([number],), 1), PATIENCE).values
    except Lost:
        return 1
    return int((values if isinstance(values, list) else values.to_pylist()) != [2 * number])


def forged(kernel: Kernel, times: int) -> int:
    """How many calls were answered wrong, while strangers sent answers to all of them."""
    wrong = 0
    for number in range(times):
        answer = {"id": number + 1, "rows": 1, "codec": "json"}
        messages: list[Any] = [
            Wire(b"", "plugin", "calls").pack("answer", answer, [b"[[7]]"]),
            Wire(os.urandom(32), "plugin", "calls").pack("answer", answer, [b"[[7]]"]),
            [os.urandom(32), b'{"kind": "bye", "n": 1}'],
            [b""] * 70,
        ]
        with intruders.saying(kernel.addresses[CHANNELS[number % 4]], messages):
            wrong += asked(kernel, number)
    return wrong


def replayed(kernel: Kernel, times: int) -> int:
    """The same, while strangers say again what the plugin itself has said: hello, joins and answers, some of them under
    its own name."""
    wrong = asked(kernel, 1)
    for number in range(times):
        heard = (Path(f"/proc/{kernel.pid}/cwd") / "overheard").read_text(encoding="utf-8").splitlines()[-200:]
        messages = [[bytes.fromhex(frame) for frame in json.loads(line)] for line in heard]
        name = kernel._exchange._encounter._connection.spawn if number % 2 else ""
        with intruders.saying(kernel.addresses[CHANNELS[number // 2 % 4]], messages, name):
            wrong += asked(kernel, number)
    return wrong


def gone_again(kernel: Kernel, times: int) -> int:
    """The same, while strangers come and go; the host has time to notice."""
    wrong = 0
    for number in range(times):
        address = kernel.addresses[CHANNELS[number % 4]]
        going = threading.Thread(target=intruders.comes_and_goes, args=(address, 5))
        going.start()
        wrong += asked(kernel, number, "late")
        going.join()
    return wrong


def flooded(kernel: Kernel, times: int) -> int:
    """The same, while strangers send as much as they can, on every channel."""
    with ExitStack() as all_of_them:
        for address in kernel.addresses.values():
            all_of_them.enter_context(intruders.floods(address, 1))
        return sum(asked(kernel, number) for number in range(times))


def bound_over(kernel: Kernel, times: int) -> int:
    """The same, while the same user binds over the sockets."""
    wrong = 0
    for number in range(times):
        with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
            socket.linger = 0
            socket.bind(kernel.addresses[CHANNELS[number % 4]])
            wrong += asked(kernel, number)
    return wrong


def hung(kernel: Kernel) -> float:
    """Seconds until a call that hangs is given up, whose deadline is one."""
    began = time.perf_counter()
    try:
        kernel.call("hang", Call(([1],), 1), 1.0)
    except Lost:
        return time.perf_counter() - began
    return math.inf


def other_user(kernel: Kernel) -> str:
    """What another user of the machine could do."""
    place = kernel.addresses["calls"].removeprefix("ipc://").rpartition("/")[0]
    command = [sys.executable, "-c", intruders.ANOTHER_USER, place, str(kernel.pid)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout.strip()


ATTEMPTS: dict[str, Callable[[Kernel, int], int]] = {
    "forged": forged,
    "replayed": replayed,
    "gone_again": gone_again,
    "flooded": flooded,
    "bound_over": bound_over,
}
