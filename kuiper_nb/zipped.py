"""A zip from somebody else: every name is looked at before a single byte is written."""

from __future__ import annotations

import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType

from .errors import KuiperError

MOST_FILES = 2_000
MOST_BYTES = 200 << 20
MOST_RATIO = 100
"""How many times larger than the zip its files may be."""

_SMALL = 1 << 20
"""Below this the ratio does not matter."""

_MOST_DIRECTORY = 2 << 20
"""Bytes of the list of entries, which is read as a whole."""

_END = b"PK\x05\x06"
_LONGEST_NAME = 255
_DEEPEST = 32
_CHUNK = 1 << 16
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")
"""What other systems add to every zip."""


class Zip:
    """The zip at *path*, called *origin* in errors, of a *what*: a plugin, a service. Raises *error* where it is
    damaged."""

    def __init__(self, path: Path, origin: str, what: str, holds: str, error: type[KuiperError]) -> None:
        self._origin = origin
        self._what = what
        self._holds = holds
        self._error = error
        self._size = path.stat().st_size
        if not os.access(path, os.R_OK):
            raise self._refused("it cannot be read", "is it yours to read?")
        if not zipfile.is_zipfile(path):
            hint = f"a {what} is a folder, or a zip of one; pack others anew as a zip"
            raise error(f"{origin} is no zip", hint)
        if self._size > MOST_BYTES or _directory(path) > _MOST_DIRECTORY:
            raise self._refused("it is too large", f"at most {MOST_FILES:,} files, {MOST_BYTES >> 20} MiB")
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as damage:
            raise self._refused(f"it is damaged: {damage}", "pack it anew") from None

    def __enter__(self) -> Zip:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()

    def unpack(self, folder: Path) -> None:
        """Write its files into *folder*, an empty one. What it may not hold is refused before."""
        files = self._files()
        left = MOST_BYTES
        for name, entry in files.items():
            target = folder.joinpath(*name.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= self._write(entry, target, left)
            target.chmod(0o700 if (entry.external_attr >> 16) & 0o111 else 0o600)

    def _refused(self, why: str, hint: str) -> KuiperError:
        return self._error(f"{self._origin} is not unpacked: {why}", hint)

    def _files(self) -> dict[PurePosixPath, zipfile.ZipInfo]:
        """Its files by where they go: without the folder that holds them all, if there is one."""
        seen: dict[str, str] = {}
        files: dict[PurePosixPath, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            name = self._name(entry)
            if any(part in _JUNK for part in name.parts):
                continue
            self._once(name, entry, seen)
            if not entry.is_dir():
                files[name] = entry
        self._bounded(list(files.values()))
        for name in files:
            for parent in name.parents:
                if parent in files:
                    raise self._refused(f"{parent} is a file and a folder", "pack it anew")
        tops = {name.parts[0] for name in files}
        if len(tops) == 1 and all(len(name.parts) > 1 for name in files):
            return {PurePosixPath(*name.parts[1:]): entry for name, entry in files.items()}
        return files

    def _name(self, entry: zipfile.ZipInfo) -> PurePosixPath:
        """The path of an entry, if it is a plain one that leads nowhere else."""
        name = entry.orig_filename
        shown = name if name.isprintable() and len(name) <= _LONGEST_NAME else ascii(name[:_LONGEST_NAME])
        parts = name.removesuffix("/").split("/")
        if name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name) or any(p in ("..", ".") for p in parts):
            hint = f"names in a {self._what}'s zip lead from its root downwards, with /; pack it anew if you trust it"
            raise self._refused(f"{shown} leads out of it", hint)
        if not name.isprintable() or any(
            not p or len(p.encode()) > _LONGEST_NAME or p.endswith((" ", ".")) for p in parts
        ):
            raise self._refused(f"{shown} is no name of a file", "rename it and pack it anew")
        if len(parts) > _DEEPEST:
            raise self._refused(f"{shown} lies too deep", f"at most {_DEEPEST} folders")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise self._refused(f"{shown} is a symbolic link", "put the file itself there and pack it anew")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise self._refused(f"{shown} is neither a file nor a folder", "take it out and pack it anew")
        if entry.flag_bits & 1:
            raise self._refused(f"{shown} is encrypted", "pack it anew without a password")
        return PurePosixPath(*parts)

    def _once(self, name: PurePosixPath, entry: zipfile.ZipInfo, seen: dict[str, str]) -> None:
        """Refuse two names that one system or another takes for the same: twice the same, or by case or accents."""
        for path in (name, *name.parents):
            said, known = str(path), seen.get(_folded(str(path)))
            if known is not None and known != said:
                raise self._refused(f"{known} and {said} are one name on many systems", "rename one of them")
            if known is not None and path == name and not entry.is_dir():
                raise self._refused(f"{said} is in it twice", "pack it anew")
            if path == name or known is None:
                seen[_folded(said)] = said

    def _bounded(self, entries: list[zipfile.ZipInfo]) -> None:
        total = sum(entry.file_size for entry in entries)
        if not entries:
            raise self._refused("it is empty", self._holds)
        if len(entries) > MOST_FILES:
            raise self._refused(f"it holds {len(entries):,} files", f"at most {MOST_FILES:,}: leave packages to pip")
        if total > MOST_BYTES:
            raise self._refused(f"its files are {total >> 20:,} MiB", f"at most {MOST_BYTES >> 20} MiB")
        if total > _SMALL and total > MOST_RATIO * self._size:
            hint = "unpack it yourself if you trust it, and add the folder"
            raise self._refused(f"its files are {total // self._size:,} times larger than itself", hint)

    def _write(self, entry: zipfile.ZipInfo, target: Path, most: int) -> int:
        """Write one file; answers its size, which may not be what its entry says."""
        size = 0
        try:
            with self._zip.open(entry) as opened, target.open("xb") as file:
                while chunk := opened.read(_CHUNK):
                    size += len(chunk)
                    if size > most:
                        raise self._refused("its files are larger than they say", f"at most {MOST_BYTES >> 20} MiB")
                    file.write(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise self._refused(f"{entry.filename} is damaged: {error}", "pack it anew") from None
        return size


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _directory(path: Path) -> int:
    """The size of the list of entries, by the record at the end."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - (1 << 16) - 22))
        tail = file.read()
    at = tail.rfind(_END)
    return int(struct.unpack_from("<I", tail, at + 12)[0]) if 0 <= at <= len(tail) - 22 else 0
