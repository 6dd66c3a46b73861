"""A plugin in Go, from its source to its program: built by the installed toolchain, once for the same source."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import PluginError

DEADLINE = 600.0
"""Seconds a build may take; the first one of all compiles Arrow, too."""

SDK = Path(__file__).parent / "sdk" / "go"
"""The module that plugins import as `kuiper_nb/sdk`."""

USUAL = ("/usr/local/go/bin",)
"""Where Go is, beside the PATH: a notebook's server often has a shorter one than its user."""

_MODULE = "kuiper_nb/sdk"
_FLAGS = ("-mod=mod", "-trimpath", "-buildvcs=false", "-tags=netgo,osusergo", "-ldflags=-s -w")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_KEPT_DAYS = 30
_LONGEST = 20
"""Lines of what the compiler says that are shown."""


def build(source: str | Path, name: str) -> Path:
    """The program of plugin *name*: of a text, one file of Go, or of a folder with a package `main`.

    The same source is built once. Raises PluginError with what the compiler says, and where.
    """
    if not _NAME.fullmatch(name):
        raise PluginError(f"a plugin cannot be called {name!r}", "letters, digits, _ and -, beginning with a letter")
    go = toolchain(name)
    folder = source if isinstance(source, Path) else None
    if folder is not None and not any(folder.glob("*.go")):
        raise PluginError(f"plugin {name}: there is no file of Go in {folder}")
    text = source if isinstance(source, str) else ""
    program = _cache() / f"{name}-{_digest(go, text, folder, name)}"
    if program.exists():
        os.utime(program)
        return program
    _forget_old(program.parent)
    with tempfile.TemporaryDirectory(prefix="kuiper-go-") as made:
        where, module = _module(Path(made), text, folder, name)
        linked = Path(made) / "program"
        code, said = _run([go, "build", *_FLAGS, f"-modfile={module}", "-o", str(linked), "."], where, name)
        if code != 0:
            raise _refusal(name, said)
        if not linked.is_file() or _is_library(linked):
            raise PluginError(f"plugin {name} is no program", "it must be of package main and have a func main()")
        _installed(linked, program)
    return program


# ---- the toolchain


def toolchain(name: str) -> str:
    """The path of `go`. Raises PluginError, for plugin *name*, where there is none."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent), *USUAL])
    found = shutil.which("go", path=places)
    if found is None:
        hint = "pip install 'kuiper-nb[go]', or install it from https://go.dev/dl; or write the plugin in Python"
        raise PluginError(f"plugin {name} is written in Go, and there is no Go on this machine", hint)
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, "GOWORK": "off", "GO111MODULE": "on"}


def _run(arguments: list[str], folder: Path, name: str) -> tuple[int, str]:
    """Exit code and output of the toolchain, whose children end with it."""
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        hint = "a first build compiles Arrow, too: try again, what is compiled is kept"
        raise PluginError(f"plugin {name} was not built within {DEADLINE:g} s", hint) from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(OSError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.communicate()
    return process.returncode, output.decode("utf-8", "replace")


# ---- the module


def _module(made: Path, text: str, folder: Path | None, name: str) -> tuple[Path, Path]:
    """Where to build, and the go.mod to build with: that of the folder, or a new one, which knows the SDK."""
    where = made / "plugin"
    if folder is None:
        where.mkdir()
        (where / "plugin.go").write_text(f"//line {name}.go:1:1\n{text}", encoding="utf-8")
    elif (folder / "go.mod").exists():
        where = folder.resolve()
    else:
        shutil.copytree(folder, where, ignore=shutil.ignore_patterns(".*"))
    if not (where / "go.mod").exists():
        (where / "go.mod").write_text("module kuiper_nb/cell\n", encoding="utf-8")
    module = made / "build.mod"
    module.write_text(_requirements((where / "go.mod").read_text(encoding="utf-8")), encoding="utf-8")
    sums = [file.read_text(encoding="utf-8") for file in (where / "go.sum", SDK / "go.sum") if file.exists()]
    module.with_suffix(".sum").write_text("\n".join(sums), encoding="utf-8")
    return where, module


def _requirements(text: str) -> str:
    """A go.mod that also requires what the SDK does, in the same versions."""
    own = (SDK / "go.mod").read_text(encoding="utf-8")
    required = [] if text.strip() != "module kuiper_nb/cell" else re.findall(r"^(?:go .*|require \([^)]*\))", own, re.M)
    added = [f"require {_MODULE} v0.0.0", f'replace {_MODULE} => "{SDK.as_posix()}"', *required]
    kept = [line for line in text.splitlines() if _MODULE not in line]
    return "\n".join([*kept, "", *added, ""])


# ---- what it has built


def _cache() -> Path:
    if root := os.environ.get("XDG_CACHE_HOME"):
        place = Path(root)
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Caches"
    else:
        place = Path.home() / ".cache"
    folder = place / "kuiper_nb" / "go"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest(go: str, text: str, folder: Path | None, name: str) -> str:
    found = hashlib.sha256()
    version = subprocess.run(
        [go, "env", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED"], capture_output=True, check=False
    )
    for part in (name.encode(), text.encode(), version.stdout, " ".join(_FLAGS).encode()):
        found.update(hashlib.sha256(part).digest())
    files = [(file, SDK) for file in _files(SDK) if file.suffix in (".go", ".mod", ".sum")]
    if folder is not None:
        files += [(file, folder) for file in _files(folder)]
    for file, root in files:
        found.update(hashlib.sha256(file.relative_to(root).as_posix().encode()).digest())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:20]


def _files(root: Path) -> Iterator[Path]:
    def seen(names: Iterable[str]) -> list[str]:
        return sorted(n for n in names if not n.startswith("."))

    for place, folders, files in os.walk(root):
        folders[:] = seen(folders)
        yield from (Path(place) / file for file in seen(files))


def _is_library(linked: Path) -> bool:
    with linked.open("rb") as file:
        return file.read(7) == b"!<arch>"


def _installed(linked: Path, program: Path) -> None:
    """Put it in its place at once: others may be about to run what is there."""
    staged = program.with_name(f"{program.name}.{os.getpid()}")
    shutil.move(linked, staged)
    os.replace(staged, program)


def _forget_old(folder: Path) -> None:
    import time

    oldest = time.time() - _KEPT_DAYS * 86400
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()


# ---- what the compiler says

_NOT_FETCHED = re.compile(r"dial tcp|module lookup disabled|no such host|i/o timeout|proxyconnect")
_PLACE = re.compile(r"^(?:\./)?(?P<file>[^:\s]+\.go):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<told>.*)$")


def _refusal(name: str, said: str) -> PluginError:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(("# ", "go: downloading"))]
    shown = "\n".join([*lines[:_LONGEST], *(["…"] if len(lines) > _LONGEST else [])])
    if _NOT_FETCHED.search(said):
        message = f"plugin {name} cannot be built: Go could not fetch a module that it needs"
        return PluginError(message, f"a first build needs the network, or a GOPROXY\n{shown}")
    for line in lines:
        if found := _PLACE.match(line):
            place = f"{found['file']}, line {found['line']}"
            column = int(found["column"]) if found["column"] else None
            message = f"plugin {name} does not compile: {place}: {found['told']}"
            return PluginError(message, shown, line=int(found["line"]), column=column)
    return PluginError(f"plugin {name} cannot be built: {lines[0] if lines else 'Go says nothing'}", shown)
