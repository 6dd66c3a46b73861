"""Whether a file can be run on this machine, and if not, why: said before the system says `Exec format error`."""

from __future__ import annotations

import os
import platform
import shutil
import struct
import sys
from pathlib import Path

_MACHINES = {3: "i386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""By the number in the head of an ELF file."""

_RUNS = {
    **dict.fromkeys(("x86_64", "amd64"), (62, 3)),
    **dict.fromkeys(("aarch64", "arm64"), (183, 40)),
    **dict.fromkeys(("armv6l", "armv7l", "armv8l"), (40,)),
    **dict.fromkeys(("i386", "i486", "i586", "i686"), (3,)),
    "ppc64le": (21,),
    "riscv64": (243,),
    "s390x": (22,),
}
_APPLE = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce", b"\xca\xfe\xba\xbe")
_SOURCES = {
    ".go": 'it is source code: build it (go build -o NAME .) and say "executable": "NAME"',
    ".py": 'it is a Python program: "language": "python"',
    ".c": "it is source code: compile it first",
    ".rs": "it is source code: compile it first",
    ".so": "it is a native plugin of eKuiper, which runs only inside the eKuiper it was built for",
}
_INTERPRETER = 3
"""The kind of the segment that names the loader."""


def unfit(file: Path) -> tuple[str, str]:
    """Why *file* cannot be run here, and what to do; two empty texts when it can."""
    try:
        with file.open("rb") as opened:
            head = opened.read(4096)
    except OSError as error:
        return f"cannot be read: {error.strerror}", ""
    why, hint = _foreign(head, file)
    if not why and not os.access(file, os.X_OK):
        return "may not be executed", f"chmod +x {file}"
    return why, hint


def _foreign(head: bytes, file: Path) -> tuple[str, str]:
    if head.startswith(b"\x7fELF"):
        if not sys.platform.startswith("linux"):
            return "is a program for Linux", _rebuilt()
        try:
            return _elf(head)
        except (struct.error, UnicodeDecodeError):
            return "is damaged: its head is cut off", "copy it anew"
    if head.startswith(_APPLE):
        return ("", "") if sys.platform == "darwin" else ("is a program for macOS", _rebuilt())
    if head.startswith(b"MZ"):
        return ("", "") if os.name == "nt" else ("is a program for Windows", _rebuilt())
    if head.startswith(b"#!") and os.name != "nt":
        return _script(head)
    return "is no program" if head else "is empty", _SOURCES.get(file.suffix, "a compiled program, or a script with #!")


def _rebuilt() -> str:
    system, machine = platform.system().lower(), platform.machine()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"build it for this machine, {system} on {machine}: with Go, GOOS={system} GOARCH={architecture} go build"


def _elf(head: bytes) -> tuple[str, str]:
    """Whether it is of this machine, and its loader here: one of musl does not start where only glibc is."""
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    kind, machine = struct.unpack_from(f"{order}HH", head, 16)
    if kind not in (2, 3):
        return "is no program but a part of one", "link it first"
    if machine not in _RUNS.get(platform.machine().lower(), (machine,)):
        return f"is a program for {_MACHINES.get(machine, 'another machine')}", _rebuilt()
    start = struct.unpack_from(f"{order}Q" if wide else f"{order}I", head, 32 if wide else 28)[0]
    size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
    for at in range(start, start + size * count, size or 1):
        if at + size > len(head) or struct.unpack_from(f"{order}I", head, at)[0] != _INTERPRETER:
            continue
        places = (at + 8, at + 32, f"{order}Q") if wide else (at + 4, at + 16, f"{order}I")
        offset, length = (struct.unpack_from(places[2], head, place)[0] for place in places[:2])
        loader = head[offset : offset + length].rstrip(b"\0").decode()
        if loader and not Path(loader).exists():
            libc = " (musl)" if "musl" in loader else ""
            return f"needs {loader}{libc}, which is not here", "link it statically: with Go, CGO_ENABLED=0 go build"
    return "", ""


def _script(head: bytes) -> tuple[str, str]:
    line = head[2:].split(b"\n")[0].decode("utf-8", "replace")
    words = line.split()
    if not words:
        return "names no interpreter after #!", "as in #!/bin/sh"
    if line.endswith("\r"):
        return "has the line ends of Windows, so that its #! line cannot be read", "save it with those of Unix"
    if not Path(words[0]).exists():
        return f"needs {words[0]}, which is not here", "install it, or name another interpreter after #!"
    wanted = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if Path(words[0]).name == "env" and wanted and shutil.which(wanted[0]) is None:
        return f"needs {wanted[0]}, which is not here", "install it, or name another interpreter after #!"
    return "", ""
