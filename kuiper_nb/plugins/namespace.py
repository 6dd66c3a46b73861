"""Runs a program whose /tmp is a folder of its own: nobody else's sockets are in it, and its own are nobody else's.

    python -I -S namespace.py FOLDER [COMMAND …]

The folder is mounted on /tmp, in a mount namespace that only this process and its children have. The real /tmp is
mounted on the folder's REAL first, so that links in the folder (which the host makes) still lead to what was there.
Without a command it says by its exit code whether the system allows this at all. It stands alone, with the standard
library.
"""

from __future__ import annotations

import ctypes
import os
import sys

REAL = ".real-tmp"

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18


def main(folder: str, command: list[str]) -> None:
    """Replace this process by *command*."""
    here = os.getcwd()
    _leave()
    os.makedirs(os.path.join(folder, REAL), exist_ok=True)
    _mount(None, "/", _RECURSIVE | _PRIVATE)
    _mount("/tmp", os.path.join(folder, REAL), _BIND | _RECURSIVE)
    _mount(folder, "/tmp", _BIND | _RECURSIVE)
    if command:
        _enter(here)
        os.execvp(command[0], command)


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except FileNotFoundError:  # in /tmp, and no link leads there
        os.chdir(os.path.join("/tmp", REAL, os.path.relpath(folder, "/tmp")))


def _leave() -> None:
    """Into namespaces of our own; where only the superuser may, as the superuser of a user namespace."""
    libc = _libc()
    if libc.unshare(_NEW_MOUNTS) == 0:
        return
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS | _NEW_USER) != 0:
        raise OSError(ctypes.get_errno(), "no namespaces for this user")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _mount(what: str | None, where: str, how: int) -> None:
    if _libc().mount(what and what.encode(), where.encode(), None, how, None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {what or ''} on {where}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except OSError as error:
        sys.exit(f"cannot run {' '.join(sys.argv[2:3]) or 'anything'}: {error}")
