"""Where a plugin begins: it finds its host, says hello, and serves until it is told to stop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..connection import BadConnection, Connection, private_folder, removed
from .collected import marked
from .shapes import PluginConfig
from .symbols import Symbols

given: Path | None = None
"""The connection file this process was started with, if its host has started it."""

_served = False


def start(config: PluginConfig | None = None) -> None:
    """Serve what *config* names and what decorators have marked; returns when the host says good-bye.

    A process that no host has started writes a connection file, and says where, for `%kuiper plugin attach`; when that
    host is gone it waits for another.
    """
    global _served  # noqa: PLW0603
    _served = True
    from .serving import Serving  # imports ZeroMQ

    name = config.name if config is not None else Path(sys.argv[0]).name.partition(".")[0]
    if given is None or "logging" in sys.modules:  # else nobody can have logged, and hello need not wait for it
        from . import logs

        logs.to_stderr()
    over = False
    while not over:
        connection, folder = _connection(name)
        try:
            over = Serving(connection, name, Symbols(config, marked), spawned=given is not None).run()
        finally:
            if folder is not None:
                removed(folder)


def serve_marked() -> None:
    """Serve what decorators have marked, unless the file has called `start` itself."""
    if not _served:
        start()


def _connection(name: str) -> tuple[Connection, Path | None]:
    """What to connect to, and the folder made for it, if one was."""
    path = given
    if path is None and len(sys.argv) > 1 and sys.argv[1].endswith(".json") and Path(sys.argv[1]).is_file():
        path = Path(sys.argv[1])
    if path is not None:
        try:
            return Connection.read(path), None
        except BadConnection as why:
            raise SystemExit(f"plugin {name}: {why}") from None
    folder = private_folder()
    path = folder / f"{name}.json"
    made = Connection.made(folder)
    made.write(path)
    print(f"plugin {name} (pid {os.getpid()}) waits for its host: %kuiper plugin attach {path}", flush=True)
    return made, folder
