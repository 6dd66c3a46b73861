"""Why the plugin of a cell does not start, with the lines of that cell in place of those of its file."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from ..errors import PluginError

_FRAME = re.compile(r'^\s*File "(.*)", line (\d+)(?:, in .*)?$')
_GO_LINE = r"^(?:\./)?{}\.go:(\d+)(?::\d+)?: "
_MOST = 4
"""Places, or lines of what is no traceback, that are shown."""


class _Frame(NamedTuple):
    file: str
    line: int


def in_cell(error: PluginError, name: str, cell: str, code: str) -> PluginError:
    """*error* of plugin *name*, whose text is *code*, as it is to be read below *cell* ("cell [3]")."""
    line = error.line
    if line is not None:
        message = re.sub(
            rf"(?:, line {line}: |: {re.escape(name)}\.go, line {line}: )", f", {cell}, line {line}: ", error.message
        )
        hint = _compiled(error.hint, name, error.message)
        return PluginError(message, hint, line=line, column=error.column or 1, statement=code)
    if " does not start: " not in error.message or not error.hint:
        return error
    return _started(error, name, cell, code)


def _compiled(said: str, name: str, message: str) -> str:
    """What the compiler says beside the first line, which the message has already."""
    lines = [re.sub(_GO_LINE.format(re.escape(name)), r"line \1: ", line) for line in said.splitlines()]
    return "\n".join(line for line in lines if line.partition(": ")[2] not in message or ": " not in line)


def _started(error: PluginError, name: str, cell: str, code: str) -> PluginError:
    """The last traceback that the process wrote, as its last line and where in the cell that was."""
    said = error.hint.splitlines()
    begins = [n for n, line in enumerate(said) if line.startswith("Traceback (")]
    last = said[begins[-1] :] if begins else said
    frames = [_Frame(found[1], int(found[2])) for line in last if (found := _FRAME.match(line))]
    if not frames:
        return PluginError(error.message, "\n".join(said[-_MOST:]))
    after = max(n for n, line in enumerate(last) if _FRAME.match(line))
    why = "\n".join(line for line in last[after + 1 :] if line and not line[0].isspace()) or last[-1]
    text, places = code.splitlines(), []
    for frame in frames:
        if PurePath(frame.file).name.startswith(f"{name}.cell."):
            shown = text[frame.line - 1].strip() if frame.line <= len(text) else ""
            places.append(f"{cell}, line {frame.line}: {shown}")
    if places and not PurePath(frames[-1].file).name.startswith(f"{name}.cell."):
        places.append(f"{PurePath(frames[-1].file).name}, line {frames[-1].line}")
    return PluginError(f"plugin {name} does not start: {why}", "\n".join(places[-_MOST:]))
