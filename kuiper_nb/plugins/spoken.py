"""Which wire a program speaks, seen by which SDK it is written on."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Wire = Literal["kuiper_nb", "ekuiper"]
WIRES: tuple[Wire, ...] = ("kuiper_nb", "ekuiper")
"""By Python package. Ours goes before: what could speak both is asked the faster way."""

_MODULES: dict[Wire, tuple[bytes, ...]] = {
    "kuiper_nb": (b"kuiper_nb/plugins/sdk/go",),
    "ekuiper": (b"github.com/lf-edge/ekuiper", b"go.nanomsg.org/mangos"),
}
"""By the paths of Go's modules that a binary names."""

_MOST_FILES = 200
_LONGEST = 1 << 20
_CHUNK = 1 << 20
_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)


def spoken(program: Path, language: str) -> Wire | None:
    """The wire of the SDK that *program* is written on; None when it shows neither."""
    found = _imported(program) if language == "python" else _named(program)
    return next((wire for wire in WIRES if wire in found), None)


def _imported(program: Path) -> set[str]:
    """The top-level packages imported by a script, and by what it imports from its folder."""
    found: set[str] = set()
    seen: set[Path] = set()
    waiting = [program]
    while waiting and len(seen) < _MOST_FILES:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in _imports(file):
            found.add(name.split(".")[0])
            waiting += [near for start in {file.parent, program.parent} for near in _files(start, name)]
    return found


def _files(folder: Path, name: str) -> Iterable[Path]:
    """The files in *folder* that the import of *name* may run. What is bundled of an SDK need not be looked at."""
    parts = [part for part in name.split(".") if part]
    if not parts or parts[0] in WIRES:
        return
    for end in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:end])
        for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
            if file.is_file():
                yield file


def _imports(file: Path) -> set[str]:
    """The dotted names it imports; those of its own package without their dots."""
    try:
        with file.open("rb") as opened:
            source = opened.read(_LONGEST)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except OSError:
        return set()
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # written for another Python, perhaps
        return set(_IMPORT.findall(source.decode("utf-8", "replace")))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = f"{node.module}." if node.module else ""
            found |= {f"{base}{alias.name}" for alias in node.names}
    return found


def _named(program: Path) -> set[str]:
    """The wires whose modules the file names, read piece by piece."""
    longest = max(len(path) for paths in _MODULES.values() for path in paths)
    found: set[str] = set()
    try:
        with program.open("rb") as file:
            rest = b""
            while chunk := file.read(_CHUNK):
                piece = rest + chunk
                found |= {wire for wire, paths in _MODULES.items() if any(path in piece for path in paths)}
                rest = piece[-longest:]
    except OSError:
        return found
    return found
