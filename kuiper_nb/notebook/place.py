"""Where in the notebook something is: cells by number, as people call them, instead of the file names of IPython."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any


class Cells:
    """Numbers the cells that are run: by their `In [3]`, or, where none are kept (as under nbval), by counting."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._numbers: dict[str, int] = {}
        self.made: dict[str, int] = {}
        """The cells that plugins were made in, by their names."""
        self.current = max(1, shell.displayhook.prompt_count)

    def begins(self, info: Any) -> None:
        """A cell is about to run; *info* is what IPython's event pre_run_cell brings."""
        self.current = self._shell.displayhook.prompt_count if info.store_history else self.current + 1
        code = info.transformed_cell or info.raw_cell
        file = self._shell.compile.get_code_name(info.raw_cell, code, self.current)
        self._numbers[file] = self.current

    def holds(self, file: str) -> None:
        """The text of the cell that runs is in *file*, too."""
        self._numbers[file] = self.current

    def place(self, where: str) -> str:
        """`cell [3], line 2` for a `file:line`, with the file's own name when that is no cell; '' for ''."""
        file, _, line = where.rpartition(":")
        return f"{self._name(file)}, line {line}" if file else where

    def _name(self, file: str) -> str:
        if file in self._numbers:
            return f"cell [{self._numbers[file]}]"
        known = self._shell.compile.format_code_name(file)
        return f"cell {str(known[1])[2:]}" if known is not None else PurePath(file).name
