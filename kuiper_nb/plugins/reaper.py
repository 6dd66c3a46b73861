"""A process that does nothing but wait for its host to end, and then kills what the host has started.

    python -I -S reaper.py HOST

On its standard input it is told what there is: `+ GROUP` and `- GROUP` for process groups, `+ /FOLDER` and `- /FOLDER`
for folders, a line each. A death signal set by the host would not do: it comes when the *thread* that started a process
ends; and a pipe that the plugin watches does not help where the plugin hangs in C.

It stands alone: nothing but the standard library, and not even this package.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys


def main(host: int) -> None:
    """Until the host is gone, by the end of its pipe or by its own; then clear up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kept: set[str] = set()
    watched = [0]
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):  # gone already, or not allowed: the pipe will tell
            watched.append(os.pidfd_open(host))
    rest = b""
    while True:
        ready, _, _ = select.select(watched, [], [])
        if 0 not in ready:
            break
        read = os.read(0, 65536)
        if not read:
            break
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            sign, _, what = line.decode().partition(" ")
            (kept.add if sign == "+" else kept.discard)(what)
    for what in kept:
        if not what.startswith("/"):
            _kill(int(what))
    for what in kept:
        if what.startswith("/"):
            shutil.rmtree(what, ignore_errors=True)


def _kill(group: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
