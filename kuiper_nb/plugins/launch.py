"""How a process of a plugin is started: its sockets first, then the connection file, then the program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .channel import MOST_MESSAGE
from .connection import Connection, private_folder, removed
from .guardian import guardian
from .kernel import Kernel
from .lines import Lines
from .messagelog import MessageLog
from .process import Limits, Process

IPC = sys.platform != "win32"
"""Whether there are sockets in folders; elsewhere loopback stands in."""

PIDFD = True
"""Whether the end of a process is waited for by its descriptor, where the system has such."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: *command* makes its arguments of the path of the connection file; *folder* is where it runs. What is
    said is written into the file *log*, if there is one, anew for each process."""

    command: Callable[[Path], list[str]]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=dict)
    most: int = MOST_MESSAGE
    log: Path | None = None

    def __call__(self, lines: Lines) -> Kernel:
        """Start it; see `supervisor.Launch`. Raises OSError."""
        log = None if self.log is None else MessageLog(self.log)
        private = private_folder()
        guardian.keep(private)

        def release() -> None:
            removed(private)
            guardian.release(private)

        connection = Connection.made(private, ipc=IPC)
        try:
            kernel = Kernel(connection, lines, most=self.most, released=release, log=log)
        except BaseException:
            release()
            raise
        file = private / "connection.json"
        try:
            replace(connection, addresses=kernel.addresses).write(file)
            process = Process(
                self.command(file), self.folder, lines, environment=self.variables, limits=self.limits, pidfd=PIDFD
            )
        except BaseException:
            kernel.close()
            raise
        kernel.listen(process)
        return kernel


def python(script: Path, *, variables: Mapping[str, str] | None = None, limits: Limits | None = None) -> Program:
    """A file of Python, run by this interpreter with this package."""
    package = str(Path(__file__).resolve().parents[2])
    runner = "kuiper_nb.plugins.sdk.run"
    return Program(
        lambda connection: [sys.executable, "-u", "-m", runner, str(connection), str(script)],
        script.parent,
        {"PYTHONPATH": package, **(variables or {})},
        limits or {},
    )
