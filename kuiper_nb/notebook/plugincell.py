"""`%%kuiper plugin NAME`: the cell is a plugin, a process of its own; run again, it takes the place of what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from ..errors import KuiperError, PluginError
from . import pluginline
from .cellfaults import in_cell
from .firstline import FirstLineError, words, wrong
from .pluginviews import serves

if TYPE_CHECKING:
    from ..plugins.installed import Plugins
    from ..plugins.lines import Line
    from ..plugins.supervisor import Plugin
    from ..session import Session
    from .place import Cells

_EXAMPLES = {
    "python": "\n@kuiper.function\ndef twice(n): return 2 * n",
    "go": "\npackage main …",
}


def made(session: Session, line: str, code: str, cells: Cells) -> tuple[list[str], bool]:
    """Make the cell with *code* the plugin that its first *line* names; what is to be said, and whether it shall be.

    Raises KuiperError with the line of the cell.
    """
    said = pluginline.read(line, 1, pluginline.OF_CELL, pluginline.CELL)
    if not said.names:
        raise FirstLineError("a plugin needs a name", pluginline.CELL)
    if len(said.names) > 1:
        _, column = list(words(line))[-1]
        raise wrong(f"{said.names[1]} is one name too many", pluginline.CELL, line, column)
    name, cell = said.names[0], f"cell [{cells.current}]"
    if not code.strip():
        raise FirstLineError("the cell is empty", f"{pluginline.CELL}{_EXAMPLES[said.language]}")
    before = cells.made.get(name) if name in session.plugins else None
    text = f"\n{code}"  # so that its lines are those of the cell, whose first is that of the magic
    began = monotonic()
    with listened(session.plugins) as printed:
        try:
            plugin = session.plugins.define(name, text, said.language, wins=said.wins)
        except PluginError as error:
            raise in_cell(error, name, cell, text) from None
    if (folder := session.plugins.folder(name)) is not None:
        cells.holds(str(folder / f"{name}.cell.py"))
    cells.holds(f"{name}.go")
    cells.made[name] = cells.current
    place = f", in place of that of cell [{before}]" if before is not None else ""
    return [*printed, *told(plugin, session, monotonic() - began, place)], not said.quiet


def told(plugin: Plugin, session: Session, seconds: float, more: str = "") -> list[str]:
    """That it is ready, and what it serves. What differs from run to run is not said in bounded mode."""
    status, took, pid = plugin.status, "", ""
    if session.mode == "live":
        took = f" in {1000 * seconds:,.0f} ms"
        pid = f"pid {status.pid}, " if status.pid is not None else ""
    language = f" ({status.language})" if status.language else ""
    return [
        f"Plugin {plugin.name}{language} is ready{took}: {pid}generation {status.generation}{more}.",
        f"It serves {serves(plugin)}.",
    ]


@contextmanager
def listened(plugins: Plugins) -> Iterator[list[str]]:
    """Inside, what a plugin prints while it starts is collected, and shown when it does not; what pip says is shown at
    once. Later lines go to the plugin's log alone."""
    printed: list[str] = []
    errors: list[str] = []

    def show(name: str, line: Line) -> None:
        if line.origin == "install":
            print(line.text)
        else:
            (errors if line.origin == "stderr" else printed).append(line.text)

    before: Callable[[str, Line], None] | None = plugins.show
    plugins.show = show
    try:
        yield printed
        printed += errors
    except KuiperError:  # which has the errors
        for text in printed:
            print(text)
        raise
    finally:
        plugins.show = before
