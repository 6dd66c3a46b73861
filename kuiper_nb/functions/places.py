"""Where in the user's code something is: found in the frames of a thread, said as a notebook says it."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path, PurePath
from types import FrameType

Naming = Callable[[str], str]
"""Turns `file:line` into words."""

_OURS = str(Path(__file__).parent.parent)
_LIBRARIES = tuple(
    {str(Path(path)) for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))}
)


def _plainly(where: str) -> str:
    """`gauge.py, line 3`."""
    file, _, line = where.rpartition(":")
    return f"{PurePath(file).name}, line {line}" if file else where


_naming: Naming = _plainly


def name_places(naming: Naming | None) -> None:
    """Say places as *naming* does (a notebook: by its cells), or by the names of their files."""
    global _naming  # noqa: PLW0603
    _naming = naming or _plainly


def said(where: str) -> str:
    """`file:line` in words: `cell [3], line 2`; '' for ''."""
    return _naming(where) if where else ""


def place_of(frame: FrameType | None) -> str:
    """The innermost place in the user's own code, as `file:line`: not in ours, in Python's or in a library's.

    Where nothing is the user's, the innermost that is not ours; '' when there is none.
    """
    found = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_OURS) and not file.startswith("<frozen"):
            if not file.startswith(_LIBRARIES):
                return f"{file}:{frame.f_lineno}"
            found = found or f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return found


def place_in(thread: int) -> str:
    """Where the thread of this identifier is now, as `place_of` says it."""
    return place_of(sys._current_frames().get(thread))
