"""Hosts that are killed: what is left of their plugins two seconds later."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

HOST = """
import threading, time
from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.plugins.guardian import guardian
session = Session()
one = session.plugins.define("stuck", '''
import re, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
@kuiper.function
def stuck(n): return re.match("(a*)*b", "a" * 40)
@kuiper.function
def child_of(n): return child.pid
''')
two = session.plugins.define("fine", "@kuiper.function\\ndef twice(n): return 2 * n\\n")
child = session.functions["child_of"].one(1)
threading.Thread(target=lambda: one.call("stuck", Call(([1],), 1)), daemon=True).start()
folders = [peer.addresses["calls"].removeprefix("ipc://").rpartition("/")[0] for peer in (one._peer, two._peer)]
print(child, one.status.pid, two.status.pid, guardian.pid, session.plugins.home, *folders, flush=True)
time.sleep(1000)
"""


def killed(share: float) -> dict[str, Any]:
    """kill -9 of the host at a random moment; processes and folders that are there after two seconds are survivors."""
    survivors, chance, times, slowest = 0, random.Random(1), round(50 * share), 0.0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "host.py"
        script.write_text(HOST, encoding="utf-8")
        for _ in range(times):
            host = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
            assert host.stdout is not None
            child, stuck, fine, guardian, *folders = host.stdout.readline().split()
            time.sleep(chance.random() * 0.1)
            host.send_signal(signal.SIGKILL)
            began = time.perf_counter()
            host.wait()
            pids = [int(pid) for pid in (child, stuck, fine, guardian)]
            while left := _left(pids, folders):
                if time.perf_counter() - began > 2:
                    survivors += left
                    break
                time.sleep(0.005)
            slowest = max(slowest, time.perf_counter() - began)
            host.stdout.close()
    goal = "nothing left after 2 s"
    return {"times": times, "survivors": survivors, "slowest_s": slowest, "goal": goal, "met": survivors == 0}


def _left(pids: list[int], folders: list[str]) -> int:
    return sum(_runs(pid) for pid in pids) + sum(Path(folder).exists() for folder in folders)


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
