"""The connection file: where the host of a plugin listens, and the key both prove that they know.

    {"wire": 1, "key": "<64 hex digits>", "spawn": "<16 hex digits>",
     "control": "ipc:///…/control", "calls": "ipc:///…/calls", "data": "ipc:///…/data", "log": "ipc:///…/log"}

It lies in a folder of its own that only its user may enter. Whoever starts the plugin writes it: the host, or, where
the plugin was started by hand, the plugin itself, for `%kuiper plugin attach`.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from .wire import VERSION

CHANNELS = ("control", "calls", "data", "log")
_MOST_PATH = 100
"""Bytes of the path of a socket that every system takes."""


class BadConnection(Exception):
    """A connection file that is none, or that others could have written."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What the file says. *spawn* names this one run of the plugin."""

    key: bytes
    spawn: str
    addresses: dict[str, str]

    @property
    def whole(self) -> bool:
        """Whether payloads must be signed: others can write to what is no socket in a private folder."""
        return any(not address.startswith("ipc://") for address in self.addresses.values())

    @classmethod
    def made(cls, folder: Path, *, ipc: bool = True) -> Connection:
        """A new one, whose sockets lie in *folder*; without *ipc* they are on loopback, at ports the host will know."""
        import secrets

        addresses = {name: f"ipc://{folder / name}" if ipc else "tcp://127.0.0.1:*" for name in CHANNELS}
        return cls(secrets.token_bytes(32), secrets.token_hex(8), addresses)

    def write(self, path: Path) -> None:
        """Write the file, for nobody else to read."""
        found = {"wire": VERSION, "key": self.key.hex(), "spawn": self.spawn, **self.addresses}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(found, file)

    @classmethod
    def read(cls, path: Path) -> Connection:
        """What *path* says. Raises BadConnection for what is no connection file, or one that others may write."""
        try:
            status = path.stat()
            found = json.loads(path.read_text(encoding="utf-8"))
            key, addresses = bytes.fromhex(found["key"]), {name: str(found[name]) for name in CHANNELS}
            spawn = str(found["spawn"])
        except FileNotFoundError:
            raise BadConnection(f"there is no file {path}") from None
        except OSError as error:
            raise BadConnection(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise BadConnection(f"{path} is no connection file") from None
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
            raise BadConnection(f"{path} can be read by others, so its key is not secret: chmod 600 {path}")
        if found.get("wire") != VERSION:
            raise BadConnection(f"{path} is of wire {found.get('wire')}; this side speaks {VERSION}")
        return cls(key, spawn, addresses)


def private_folder() -> Path:
    """A new folder that only this user may enter, with a path short enough for sockets."""
    import tempfile

    roots = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]
    for root in roots:
        if root and len(root.encode()) + len("/kuiper-12345678/control") <= _MOST_PATH:
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="kuiper-", dir=root))
    return Path(tempfile.mkdtemp(prefix="kuiper-"))


def removed(folder: Path) -> None:
    """Remove a private folder with what is in it."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
