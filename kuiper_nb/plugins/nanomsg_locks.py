"""Names under /tmp that eKuiper's SDKs have written into them: who may use one, when nothing keeps two users apart.

A lock file stands beside each socket. Whoever holds it may listen; the next is told who that is. What a dead holder
has left is removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import struct
from pathlib import Path

from ..errors import PluginError

_HOLDER = re.compile(r"[0-9]{1,10} [A-Za-z0-9._-]{1,64}")


class Lock:
    """The right to a name in *folder*. Raises PluginError when somebody else has it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.socket = folder / name
        self._path = folder / f"{name}.lock"
        self._descriptor = self._taken()
        try:
            self._write_holder()
            _cleared(self.socket)
        except BaseException:
            self._unlock()
            raise

    def release(self) -> None:
        """Give it up; socket and lock file go."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                self.socket.unlink()
            self._unlock()

    def _unlock(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def _taken(self) -> int:
        import fcntl

        while True:
            descriptor = _opened(self._path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = _read_holder(descriptor)
                os.close(descriptor)
                raise PluginError(
                    f"{self.socket} is in use by {holder}, and the plugin cannot use another name",
                    "stop the plugin there first",
                ) from None
            if _still(descriptor, self._path):
                return descriptor
            os.close(descriptor)  # its holder removed it while we waited for it

    def _write_holder(self) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()} {_user(os.getuid())}".encode(), 0)


def _opened(path: Path) -> int:
    """The lock file, made if need be; anybody may lock it, and say so in it."""
    plain = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        try:
            return os.open(path, plain)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PluginError(f"cannot lock {path}: {error.strerror}", f"remove {path}") from None
        try:
            descriptor = os.open(path, plain | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            raise PluginError(f"cannot lock {path}: {error.strerror}") from None
        os.fchmod(descriptor, 0o666)
        return descriptor


def _still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _read_holder(descriptor: int) -> str:
    text = os.pread(descriptor, 100, 0).decode("ascii", "replace")
    if not _HOLDER.fullmatch(text):
        return "another process"
    pid, user = text.split(" ")
    return f"process {pid} of {user}"


def _cleared(path: Path) -> None:
    """Remove the socket of a dead process. Raises PluginError when somebody listens, or it cannot be removed."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISSOCK(found.st_mode) and (listener := _listener(path)):
        raise PluginError(
            f"{path} is in use by {listener}, and the plugin cannot use another name",
            "an eKuiper on this machine may run the same plugin: stop it there first",
        )
    try:
        path.unlink()
    except OSError as error:
        raise PluginError(f"{path} is left from {_user(found.st_uid)}: {error.strerror}", f"remove {path}") from None


def _listener(path: Path) -> str:
    """Who listens there; '' for nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return ""
        except OSError:
            return "another process"
        try:
            pid, user, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except (OSError, AttributeError):
            return "another process"
    return f"process {pid} of {_user(user)}"


def _user(number: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)
