"""Virtual environments with what plugins require: made once, then found in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import PluginError
from .cache import cached, locked
from .lines import Lines
from .process import Process

_SECONDS = 600.0
"""That making one may take: pip may have to build what it installs."""

_KEY = 16
_VARIABLES = {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONPATH": ""}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What plugin *name* in *folder* requires: pip's requirements, or the file of them, and what its wire *needs*."""

    name: str
    folder: Path
    requirements: tuple[str, ...] | str
    needs: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The requirements, whether they stand in the manifest or in a file."""
        if isinstance(self.requirements, tuple):
            return self.requirements
        text = (self.folder / self.requirements).read_text(encoding="utf-8-sig", errors="replace")
        return tuple(text.splitlines())

    @property
    def arguments(self) -> list[str]:
        """Of `pip install`."""
        if isinstance(self.requirements, tuple):
            return [*self.needs, *self.requirements]
        return [*self.needs, "-r", str(self.folder / self.requirements)]

    def digest(self, python: str) -> str:
        """Names the environment that has this on *python* (its path and version): the same words, the same files."""
        said = json.dumps([python, self.needs, self.lines, list(self._files())])
        return hashlib.sha256(said.encode()).hexdigest()[:_KEY]

    def _files(self) -> Iterator[tuple[str, str]]:
        """The files that the requirements name, with what is in them."""
        for line in self.lines:
            for word in re.split(r"[\s=@]+", line.split(" #")[0]):
                path = self.folder / word.removeprefix("file://")
                if word and path.is_file():
                    yield word, _content(path)
                elif word and path.is_dir():
                    yield from ((str(file), _content(file)) for file in sorted(path.rglob("*")) if file.is_file())


def _content(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def interpreter(python: Path, version: str, wanted: Wanted, told: Callable[[str], None]) -> Path:
    """The interpreter of the environment, which is made if nobody has; *told* hears what is being done.

    Whoever makes it holds its lock, and its mark is put last: what was broken off is done anew.
    """
    home = cached("environments") / wanted.digest(f"{os.path.realpath(python)} {version}")
    found = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = home / "ready"
    if mark.exists() and found.exists():
        return found
    with locked(home.with_suffix(".lock")):
        if mark.exists() and found.exists():
            return found
        shutil.rmtree(home, ignore_errors=True)
        told(f"plugin {wanted.name}: making a virtual environment, once: {', '.join(wanted.arguments)}")
        try:
            _run([str(python), "-m", "venv", "--clear", str(home)], wanted, "make a virtual environment for")
            _run([str(found), "-m", "pip", "install", *wanted.arguments], wanted, "install the requirements of")
            mark.touch()
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
    return found


def _run(command: Sequence[str], wanted: Wanted, what: str, variables: Mapping[str, str] = _VARIABLES) -> None:
    """Run one of Python's modules; it ends when this process does."""
    tool = command[2]
    lines = Lines()
    try:
        process = Process(command, wanted.folder, lines, environment=variables)
    except OSError as error:
        raise PluginError(f"{tool} cannot {what} plugin {wanted.name}: {error.strerror}", command[0]) from None
    try:
        ended = process.wait(_SECONDS)
    finally:
        process.close()
    if ended is None:
        raise PluginError(f"{tool} could not {what} plugin {wanted.name} within {_SECONDS:g} s", "try it by hand")
    if ended.code != 0:
        said = [line.text.strip() for line in lines.tail(1000) if line.text.strip()]
        errors = [text.removeprefix("ERROR: ") for text in said if text.startswith("ERROR: ")]
        why = errors[-1] if errors else said[-1] if said else str(ended)
        raise PluginError(f"{tool} cannot {what} plugin {wanted.name}: {why}", _advice(tool, said, wanted))


def _advice(tool: str, said: Sequence[str], wanted: Wanted) -> str:
    if any("ensurepip" in text for text in said):
        return "this Python came without ensurepip: install it (on Debian, apt install python3-venv)"
    return "" if tool == "venv" else f"pip install {' '.join(wanted.arguments)}"
