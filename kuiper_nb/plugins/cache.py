"""What is kept for the user from one session to the next, and who may change it: one at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import PluginError


def cached(name: str) -> Path:
    """The folder *name* in the user's cache; nobody else may enter it."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if sys.platform == "win32":
        root = root or os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        root = root or "~/Library/Caches"
    folder = Path(root or "~/.cache").expanduser() / "kuiper_nb" / name
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        hint = "say where there is room for a cache: set XDG_CACHE_HOME before the kernel starts"
        raise PluginError(f"cannot make the folder {folder}: {error.strerror}", hint) from None
    return folder


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Inside, nobody else is: no other thread, no other process. The system lets go of it when a process dies."""
    with file.open("a+b") as opened:
        if sys.platform == "win32":
            import msvcrt

            opened.seek(0)
            while True:
                try:
                    msvcrt.locking(opened.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # after ten seconds it gives up; we do not
                    continue
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
