"""Strangers on the sockets of a plugin: without its key, with another one, with no message, as another user."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import zmq

from kuiper_nb.contracts import Call
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import python
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.wire import Wire

PATIENCE = 30.0
NOBODY = 65534

ANOTHER_USER = """
import os, sys, zmq
os.setgroups([]); os.setgid(65534); os.setuid(65534)
folder, got = sys.argv[1], []
def attempt(name, act):
    try:
        act()
        got.append(name)
    except Exception:
        pass
context = zmq.Context()
def connect():
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{folder}/calls")
def bind():
    socket = context.socket(zmq.ROUTER)
    socket.bind(f"ipc://{folder}/calls")
attempt("list", lambda: os.listdir(folder))
attempt("read the key", lambda: open(f"{folder}/connection.json").read())
attempt("connect", connect)
attempt("bind over it", bind)
attempt("remove", lambda: os.unlink(f"{folder}/calls"))
attempt("kill", lambda: os.kill(int(sys.argv[2]), 0))
print(",".join(got))
os._exit(0)
"""


def tried(share: float) -> dict[str, Any]:
    """Fifty attempts of each kind, between the calls of one who has the key."""
    times = round(50 * share)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plugin.py"
        file.write_text(
            "from kuiper_nb.sdk import *\n@function\ndef twice(n): return 2 * n\nplugin.serve_marked()\n",
            encoding="utf-8",
        )
        kernel = python(file)(Lines())
        try:
            kernel.ready(PATIENCE)
            wrong = forged(kernel, times)
            others = other_user(kernel) if hasattr(os, "getuid") and os.getuid() == 0 else "not tried: not root"
            counted = kernel.refused
        finally:
            kernel.close()
    met = wrong == 0 and counted > 0 and others in ("", "not tried: not root")
    return {"attempts": 4 * times, "wrong": wrong, "counted": counted, "other_user": others, "goal": "0", "met": met}


def forged(kernel: Kernel, times: int) -> int:
    """How many calls were answered wrong, while strangers sent answers to all of them."""
    wrong = 0
    with zmq.Context() as context:
        for number in range(times):
            answer = {"id": number + 1, "rows": 1, "codec": "json"}
            messages: list[Any] = [
                Wire(b"", "plugin", "calls").pack("answer", answer, [b"[[7]]"]),
                Wire(os.urandom(32), "plugin", "calls").pack("answer", answer, [b"[[7]]"]),
                [os.urandom(32), b'{"kind": "bye", "n": 1}'],
                [b""] * 70,
            ]
            channel = ("calls", "control", "data", "log")[number % 4]
            with ExitStack() as open_until_answered:
                for message in messages:
                    stranger = open_until_answered.enter_context(context.socket(zmq.DEALER))
                    stranger.linger = 0
                    stranger.connect(kernel.addresses[channel])
                    stranger.send_multipart(message)
                values = kernel.call("twice", Call(([number],), 1), PATIENCE).values
            wrong += (values if isinstance(values, list) else values.to_pylist()) != [2 * number]
    return wrong


def other_user(kernel: Kernel) -> str:
    """What another user of the machine could do."""
    place = kernel.addresses["calls"].removeprefix("ipc://").rpartition("/")[0]
    command = [sys.executable, "-c", ANOTHER_USER, place, str(kernel.pid)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout.strip()
