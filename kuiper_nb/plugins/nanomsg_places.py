"""Where the sockets of an eKuiper plugin lie: its SDK says under /tmp, for everybody on the machine.

Redirected    a Python plugin is led to a private folder (see redirect/sitecustomize.py)
Namespaced    any other gets a /tmp of its own (see namespace.py), where the system allows that
Shared        else it is /tmp itself: one user of a name at a time, and only the plugin's own process may connect
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import PluginError
from .connection import private_folder, removed
from .guardian import guardian
from .namespace import REAL
from .nanomsg_locks import Lock

TMP = Path("/tmp")
_REDIRECT = Path(__file__).with_name("redirect")
_LAUNCHER = Path(__file__).with_name("namespace.py")
_MOST_PATH = 100


class Place(Protocol):
    """Where the sockets of one plugin process lie."""

    def started(self, command: Sequence[str], variables: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """The command and the variables that start the plugin so that its sockets are there."""
        ...

    def taken(self, name: str, *, listened: bool = True) -> str:
        """The address of a socket that the SDK calls `/tmp/NAME`, ours until it is freed. Raises PluginError.

        *listened*: on our side; the plugin dials.
        """
        ...

    def freed(self, name: str) -> None:
        """The socket is not used any more."""
        ...

    def admits(self, user: int | None, process: int | None) -> bool:
        """Whether this process may connect."""
        ...

    def prepared(self, config: Any) -> None:
        """The plugin is about to be given *config*, in which paths may be."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class _Private:
    """A folder that only this user may enter, so that nobody else can connect."""

    def __init__(self, process: Callable[[], int | None]) -> None:
        self.folder = private_folder()
        guardian.keep(self.folder)

    def admits(self, user: int | None, process: int | None) -> bool:
        """Everybody who gets here."""
        return True

    def prepared(self, config: Any) -> None:
        """Nothing to do."""

    def freed(self, name: str) -> None:
        """Remove what a dead plugin may have left."""
        with contextlib.suppress(OSError):
            self.path(name).unlink()

    def path(self, name: str) -> Path:
        """Of a socket; a name that is too long for one is hashed."""
        path = self.folder / name
        if "/" in name or len(str(path).encode()) > _MOST_PATH:
            return self.folder / hashlib.sha256(name.encode()).hexdigest()[:16]
        return path

    def close(self) -> None:
        """Remove the folder."""
        guardian.release(self.folder)
        removed(self.folder)


class Redirected(_Private):
    """For plugins in Python."""

    def started(self, command: Sequence[str], variables: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """With our `sitecustomize` before all others."""
        before = variables.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
        path = os.pathsep.join(part for part in (str(_REDIRECT), before) if part)
        return list(command), {**variables, "PYTHONPATH": path, "KUIPER_NB_SOCKETS": str(self.folder)}

    def taken(self, name: str, *, listened: bool = True) -> str:
        """In the folder."""
        return f"ipc://{self.path(name)}"


class Namespaced(_Private):
    """For others: the folder is their /tmp. What is in the real one they find through links."""

    def started(self, command: Sequence[str], variables: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """By the launcher that makes the namespace."""
        self._link_all()
        return [sys.executable, "-I", "-S", str(_LAUNCHER), str(self.folder), *command], dict(variables)

    def taken(self, name: str, *, listened: bool = True) -> str:
        """In the folder; by a short name that leads there, where the host's path would be too long."""
        path = self.path(name)
        _checked(name)
        if path.name != name:  # the link is at the end that does not listen
            link, target = (self.folder / name, path.name) if listened else (path, name)
            with contextlib.suppress(FileExistsError):
                link.symlink_to(target)
        return f"ipc://{path}"

    def freed(self, name: str) -> None:
        """Both names of it."""
        super().freed(name)
        with contextlib.suppress(OSError):
            (self.folder / name).unlink()

    def prepared(self, config: Any) -> None:
        """Let what *config* names in /tmp, there or not yet, be that of the real one."""
        self._link_all()
        for path in _paths(config):
            self._link(path.removeprefix(f"{TMP}/").split("/")[0])

    def _link_all(self) -> None:
        with contextlib.suppress(OSError):
            for entry in os.scandir(TMP):
                if not entry.name.endswith((".ipc", ".ipc.lock")):
                    self._link(entry.name)

    def _link(self, name: str) -> None:
        if name and name not in (".", "..", REAL):
            with contextlib.suppress(OSError):
                (self.folder / name).symlink_to(f"{REAL}/{name}")


class Shared:
    """/tmp itself. *process* says the plugin's id, and waits for it where it is just being started."""

    def __init__(self, process: Callable[[], int | None], tmp: Path = TMP) -> None:
        self._process = process
        self._tmp = tmp
        self._locks: dict[str, Lock] = {}

    def started(self, command: Sequence[str], variables: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """As it is."""
        return list(command), dict(variables)

    def taken(self, name: str, *, listened: bool = True) -> str:
        """The very name, unless somebody else has it."""
        _checked(name)
        if name not in self._locks:
            self._locks[name] = Lock(self._tmp, name)
        return f"ipc://{self._tmp / name}"

    def freed(self, name: str) -> None:
        """For others to use."""
        lock = self._locks.pop(name, None)
        if lock is not None:
            lock.release()

    def admits(self, user: int | None, process: int | None) -> bool:
        """This user, and the session of the plugin's process: others of this user may run the same plugin."""
        if user != os.getuid():
            return False
        try:
            return process is None or os.getsid(process) == self._process()
        except OSError:  # gone already
            return False

    def prepared(self, config: Any) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Give up all names."""
        for name in list(self._locks):
            self.freed(name)


@functools.cache
def namespaces() -> bool:
    """Whether this system lets its user mount a folder on /tmp, for one process."""
    if not sys.platform.startswith("linux"):
        return False
    folder = private_folder()
    try:
        tried = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCHER), str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
        return tried.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        removed(folder)


def _checked(name: str) -> None:
    if "/" in name or len(f"{TMP}/{name}".encode()) > 107:
        raise PluginError(f"/tmp/{name} cannot be a socket, and the plugin looks for it there", "a shorter, plain name")


def _paths(config: Any) -> Iterator[str]:
    """The texts in *config* that are paths in /tmp."""
    if isinstance(config, str):
        if config.startswith(f"{TMP}/"):
            yield config
    elif isinstance(config, Mapping):
        for value in config.values():
            yield from _paths(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _paths(value)
