"""A plugin from a folder, a zip or an address, as a folder of its own: all of it, or nothing.

Nothing of it is run, its `install.sh` least of all.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from ..errors import PluginError
from ..zipped import MOST_BYTES, MOST_FILES, Zip
from .described import BadJson
from .described import read as read_json

DOWNLOAD_SECONDS = 60.0
_LEFT_OUT = {".git", ".hg", ".svn", ".venv", "__pycache__", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache"}
"""Folders of those who write plugins that are no part of them."""

_SHOWN_LINES = 20
_HOLDS = "a plugin has a manifest, {plugin}.json, and a program"


def unpacked(origin: str | Path, into: Path, *, hosts: Collection[str] = (), seconds: float = DOWNLOAD_SECONDS) -> Path:
    """Make *into* the folder of the plugin from *origin*: a folder, a zip, or an address on one of *hosts*.

    A zip may have everything in one folder. *into* must not be there yet, or be empty. Raises PluginError, and then
    nothing is left behind.
    """
    into = into.absolute()
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise PluginError(f"{into} is there already", "a plugin is unpacked into a new folder")
    with _made(into) as folder:
        path = _local(str(origin), folder.parent, hosts, seconds)
        if path.is_dir():
            _copy(path, folder)
        else:
            with Zip(path, str(origin), "plugin", _HOLDS, PluginError) as entries:
                entries.unpack(folder)
        _make_runnable(folder)
    return into


@contextmanager
def _made(into: Path) -> Iterator[Path]:
    """A new folder that is *into* in the end; not after an error."""
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    except OSError as error:
        raise PluginError(f"cannot write {into}: {error.strerror}", "somewhere there is room") from None
    try:
        folder = beside / "plugin"
        folder.mkdir(mode=0o700)
        yield folder
        if into.exists():
            into.rmdir()
        folder.replace(into)
    except OSError as error:
        raise PluginError(f"cannot write {into}: {error.strerror or error}", "somewhere there is room") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _local(origin: str, beside: Path, hosts: Collection[str], seconds: float) -> Path:
    """The folder or file that *origin* names; it is fetched if need be."""
    if origin.startswith("file:"):
        parts = urlsplit(origin)
        if parts.netloc not in ("", "localhost"):
            raise PluginError(f"{origin} is on another machine", "file:///path/of/plugin.zip")
        path = Path(urllib.request.url2pathname(parts.path))
    elif "://" in origin:
        from .download import downloaded  # httpx takes a tenth of a second to import

        path = beside / "download.zip"
        downloaded(origin, path, hosts, MOST_BYTES, seconds)
    else:
        path = Path(origin).expanduser()
    if path.is_dir() or path.is_file():
        return path
    if path.exists():
        raise PluginError(f"{path} is neither a folder nor a file", "a folder, or a zip of one")
    raise PluginError(f"there is no {path}", "a folder, a zip, or an address on an allowed host")


@dataclass
class _Tally:
    """What has been copied so far, and that it is not too much."""

    origin: Path
    files: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        self.files += 1
        self.size += size
        if self.files > MOST_FILES or self.size > MOST_BYTES:
            limits = f"at most {MOST_FILES:,} files, {MOST_BYTES >> 20} MiB"
            raise PluginError(f"{self.origin} is too large for a plugin", f"{limits}; is it the right folder?")


def _copy(origin: Path, folder: Path) -> None:
    """Copy what is in a folder; its links could lead anywhere, so they are refused."""
    tally = _Tally(origin)
    waiting = [PurePosixPath()]
    found: list[PurePosixPath] = []
    while waiting:
        below = waiting.pop()
        for entry in _listed(origin, below):
            name = below / entry.name
            if entry.is_symlink():
                raise PluginError(f"{origin}: {name} is a symbolic link", "put the file itself there")
            if entry.is_dir():
                if entry.name not in _LEFT_OUT:
                    waiting.append(name)
            elif entry.is_file(follow_symlinks=False):
                tally.add(entry.stat(follow_symlinks=False).st_size)
                found.append(name)
            else:
                raise PluginError(f"{origin}: {name} is neither a file nor a folder", "take it out")
    for name in found:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_file(origin / name, target, origin, str(name))


def _listed(origin: Path, below: PurePosixPath) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(origin / below), key=lambda entry: entry.name)
    except OSError as error:
        raise PluginError(f"{origin}: cannot read {below}: {error.strerror}", "is it yours to read?") from None


def _copy_file(source: Path, target: Path, origin: Path, name: str) -> None:
    try:
        with os.fdopen(os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as opened:
            _write(opened, target)
            mode = os.fstat(opened.fileno()).st_mode
    except OSError as error:
        raise PluginError(f"{origin}: cannot copy {name}: {error.strerror}", "is it yours to read?") from None
    target.chmod(0o700 if mode & stat.S_IXUSR else 0o600)


def _write(opened: IO[bytes], target: Path) -> None:
    with target.open("xb") as file:
        shutil.copyfileobj(opened, file)


def _make_runnable(folder: Path) -> None:
    """Give the programs that manifests name their run bit: zips made on Windows have none."""
    for file in folder.glob("*.json"):
        try:
            found = read_json(file)
        except BadJson:
            continue  # whoever reads the manifest will say so
        name = found.get("executable") if isinstance(found, dict) else None
        if isinstance(name, str) and "\0" not in name:
            program = folder / name
            if program.is_file() and program.resolve().is_relative_to(folder.resolve()):
                program.chmod(program.stat().st_mode | stat.S_IXUSR)


def install_note(folder: Path) -> str:
    """What to know about the `install.sh` of a plugin, which is not run; '' when there is none."""
    script = folder / "install.sh"
    if not script.is_file():
        return ""
    text = script.read_bytes()[: 1 << 16].decode("utf-8", "replace")
    lines = ["".join(c if c.isprintable() else " " for c in line)[:200] for line in text.splitlines()]
    said = [f"    {line}" for line in lines[:_SHOWN_LINES]]
    if len(lines) > _SHOWN_LINES:
        said.append(f"    … {len(lines) - _SHOWN_LINES} lines more")
    advice = f"If you trust it, run it yourself: cd {folder} && sh install.sh"
    if (folder / "requirements.txt").is_file():
        advice = 'Python packages: "requirements": "requirements.txt" in the manifest installs them. ' + advice
    return "\n".join(["install.sh has not been run. It says:", *said, advice])
