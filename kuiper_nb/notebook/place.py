"""Where in the notebook something is: the file names IPython gives to cells, as people call them."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any


def cell_of(shell: Any, file: str) -> str:
    """`cell [3]` for the file name of a cell, else the file's own name."""
    named = getattr(getattr(shell, "compile", None), "format_code_name", None)
    found = named(file) if named is not None else None
    if found is not None and str(found[1]).startswith("In["):
        return f"cell {str(found[1])[2:]}"
    return PurePath(file).name


def place(shell: Any, where: str) -> str:
    """`cell [3], line 2` for a `file:line`; '' for ''."""
    file, _, line = where.rpartition(":")
    return f"{cell_of(shell, file)}, line {line}" if file else where
