"""How to run a plugin in a debugger: started by hand, it waits to be attached, and takes the place of its process."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..plugins.launch import Program

if TYPE_CHECKING:
    from ..plugins.supervisor import Plugin

_CONNECTION = Path("CONNECTION")
_RUNNER = "kuiper_nb.plugins.sdk.run"


def how(plugin: Plugin, mode: str) -> str:
    """What to do, in steps; in bounded mode without the paths, which are others every time."""
    launch = plugin.launch
    if not isinstance(launch, Program):
        return _not_ours(plugin)
    command = launch.command(_CONNECTION)
    hand, debugger = _by_hand([word.removeprefix(f"{launch.folder}{os.sep}") for word in command])
    none = "   It is built without what a debugger needs: print, or log with the context's logger."
    folder = shlex.quote(str(launch.folder))
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in launch.variables.items() if value)
    if mode != "live":
        folder, variables = "FOLDER", ""
        hand, debugger = (_without_paths(words) for words in (hand, debugger))
    before = f"cd {folder} && {variables} ".replace("  ", " ")
    return "\n".join(
        [
            f"1. In a terminal, run plugin {plugin.name} by hand, or in a debugger:",
            f"     {before}{' '.join(hand)}",
            f"     {before}{' '.join(debugger)}" if debugger else none,
            "   It says where its connection file is, and waits.",
            f"2. %kuiper plugin attach FILE --name {plugin.name} --timeout 1h",
            "   puts it in the place of the process that runs now; its lines come in your terminal.",
            "3. Afterwards run the plugin's cell again, or %kuiper plugin add … --replace.",
        ]
    )


def _by_hand(command: list[str]) -> tuple[list[str], list[str]]:
    """The command without its host, and the same in the debugger of its language; [] for none."""
    if _RUNNER in command:
        at = command.index(_RUNNER)
        python = shlex.quote(command[0])
        script = [shlex.quote(word) for word in command[at + 2 :]]
        return [python, "-um", "kuiper_nb.sdk", *script], [python, "-m", "pdb", "-m", "kuiper_nb.sdk", *script]
    words = [shlex.quote(word) for word in command if word != str(_CONNECTION)]
    return words, []


def _without_paths(words: list[str]) -> list[str]:
    names = {shlex.quote(sys.executable): "python"}
    return [names.get(word, Path(shlex.split(word)[0]).name if "/" in word else word) for word in words]


def _not_ours(plugin: Plugin) -> str:
    if plugin.status.pid is None:
        return f"Plugin {plugin.name} runs where it was started; %kuiper plugin attach joined it."
    return "\n".join(
        [
            f"Plugin {plugin.name} speaks eKuiper's wire, which a process that was started by hand cannot join.",
            f"A debugger can be attached to process {plugin.status.pid}: py-spy dump --pid, gdb -p, dlv attach.",
        ]
    )
