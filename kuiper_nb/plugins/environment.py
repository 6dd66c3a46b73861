"""What a plugin runs in: this interpreter, another, a virtual environment, conda, or nothing but the system.

A Python program of ours finds this very package, and nothing else of the host's: first on its path is a folder that
holds only a link to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from ..errors import PluginError
from .cache import cached
from .executable import unfit
from .manifest import Manifest, wire_of
from .spoken import Wire
from .virtual import Wanted, interpreter

EKUIPER_ARGUMENT = '{"sendTimeout":1000}'
"""What eKuiper starts its plugins with."""

_SDK = "kuiper_nb.plugins.sdk.run"

_LEAST = (3, 11)
"""The oldest Python that has our SDK."""

_IMPORTED: dict[Wire, tuple[str, ...]] = {"kuiper_nb": ("zmq", "pyarrow", "numpy"), "ekuiper": ("ekuiper",)}
_INSTALLED = {"zmq": "pyzmq"}
"""What pip calls a package that is not called like its import."""

_PROBE = Path(__file__).with_name("probe.py")
_PROBE_SECONDS = 30.0
_PACKAGE = Path(__file__).parent.parent


def _unheard(_: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class Environment:
    """How programs are run: behind the words of *prefix*. *name* says what it is to people."""

    name: str
    prefix: tuple[str, ...] = ()
    own: bool = False
    """Whether it is the interpreter that runs this."""

    @classmethod
    def of(cls, manifest: Manifest, *, python: str = "", told: Callable[[str], None] = _unheard) -> Environment:
        """That of a plugin, ready for it. Raises PluginError for a program that could not start in it.

        *python* is the interpreter of those that name none (eKuiper's pythonBin); the one that runs this when ''.
        Where a virtual environment must be made this takes its time, and *told* hears of it.
        """
        if manifest.language != "python":
            why, hint = unfit(manifest.program)
            if why:
                raise PluginError(f"plugin {manifest.name}: {manifest.executable} {why}", hint)
            return cls(manifest.executable)
        wanted = manifest.python or python
        if manifest.virtual_env_type == "conda":
            prefix = _conda(manifest, wanted or "python")
            found = _Interpreter.asked(manifest, prefix, f"conda environment {manifest.env}")
        else:
            found = _interpreter(manifest, wanted)
        wire = wire_of(manifest)
        found.check(wire)
        if manifest.requirements is not None:
            made = interpreter(Path(found.prefix[0]), found.version, _wanted(manifest, wire), told)
            found = _Interpreter.asked(manifest, (str(made),), f"virtual environment {made.parent.parent}")
        found.check_packages(wire)
        return cls(found.label, (*found.prefix, "-u"), found.own)

    def command(self, manifest: Manifest, argument: str) -> list[str]:
        """What is run, in the manifest's `home`: *argument* is the connection file, or EKUIPER_ARGUMENT."""
        program = str(manifest.program.absolute())
        if self.prefix and wire_of(manifest) == "kuiper_nb":
            return [*self.prefix, "-m", _SDK, argument, program]
        return [*self.prefix, program, argument]

    def variables(self, manifest: Manifest) -> dict[str, str]:
        """What its process finds in its environment, beside what this one has."""
        if manifest.language != "python":
            return {}
        before = os.environ.get("PYTHONPATH", "") if self.own else ""
        ours = str(_path()) if wire_of(manifest) == "kuiper_nb" else ""
        found = {"PYTHONPATH": os.pathsep.join(part for part in (ours, before) if part)}
        if not self.own and "PYTHONHOME" in os.environ:
            found["PYTHONHOME"] = ""  # as good as none, since Python 3.7
        return found


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """A Python, and what it says of itself and of a plugin's program."""

    manifest: Manifest
    prefix: tuple[str, ...]
    place: str
    version: str
    missing: tuple[str, ...] = ()
    syntax: tuple[str, int | None, int | None] | None = None
    own: bool = False

    @property
    def label(self) -> str:
        return f"Python {self.version}, {self.place}"

    @classmethod
    def here(cls, manifest: Manifest) -> _Interpreter:
        """The one that runs this."""
        home = [str(manifest.home)]
        names = sorted({name for needed in _IMPORTED.values() for name in needed})
        missing = tuple(name for name in names if not (PathFinder.find_spec(name, home) or find_spec(name)))
        version = ".".join(map(str, sys.version_info[:3]))
        return cls(manifest, (sys.executable,), sys.executable, version, missing, _syntax(manifest.program), True)

    @classmethod
    def asked(cls, manifest: Manifest, prefix: Sequence[str], place: str) -> _Interpreter:
        """Another: a process of it looks at the program."""
        names = sorted({name for needed in _IMPORTED.values() for name in needed})
        command = [*prefix, str(_PROBE), str(manifest.program.absolute()), *names]
        plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        try:
            done = subprocess.run(
                command,
                env=plain,
                cwd=manifest.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _unusable(manifest, place, f"does not answer within {_PROBE_SECONDS:g} s") from None
        except OSError as error:
            raise _unusable(manifest, place, f"does not start: {error.strerror}") from None
        try:
            found = json.loads(done.stdout.splitlines()[-1])
            version = ".".join(map(str, found["version"]))
            syntax = tuple(found["syntax"]) if found["syntax"] else None
            return cls(manifest, tuple(prefix), place, version, tuple(found["missing"]), syntax)
        except (ValueError, LookupError, TypeError):
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            raise _unusable(manifest, place, f"is no Python: {said[0] if said else 'it says nothing'}") from None

    def check(self, wire: Wire) -> None:
        """Raise PluginError for a Python too old for the wire, or a program that is not written in it."""
        if wire == "kuiper_nb" and tuple(map(int, self.version.split("."))) < _LEAST:
            least = ".".join(map(str, _LEAST))
            message = f"plugin {self.manifest.name} needs Python {least} or newer; {self.place} is {self.version}"
            raise PluginError(message, f'name a newer one in {self.manifest.file.name}: "python": "/path/of/python"')
        if self.syntax is not None:
            why, line, column = self.syntax
            where = f"line {line} of {self.manifest.executable}" if line else self.manifest.executable
            message = f"plugin {self.manifest.name}: {where} is not Python {self.version}: {why}"
            text = self.manifest.program.read_text(encoding="utf-8", errors="replace")
            raise PluginError(message, line=line, column=max(column or 1, 1), statement=text if line else None)

    def check_packages(self, wire: Wire) -> None:
        """Raise PluginError where what speaks the wire is not installed."""
        missing = [_INSTALLED.get(name, name) for name in _IMPORTED[wire] if name in self.missing]
        if missing:
            message = f"plugin {self.manifest.name} needs {' and '.join(missing)}, not installed in {self.place}"
            hint = f'pip install {" ".join(missing)} there, or let us: "requirements": [] in {self.manifest.file.name}'
            raise PluginError(message, hint)


def _unusable(manifest: Manifest, place: str, why: str) -> PluginError:
    return PluginError(f"plugin {manifest.name}: {place} {why}", f"see {manifest.file.name}")


def _interpreter(manifest: Manifest, wanted: str) -> _Interpreter:
    """The one that is *wanted*: a path, from the plugin's folder where it is relative, or a command."""
    if not wanted:
        if not sys.executable:
            raise PluginError("this program does not know its interpreter", 'name one: "python": "python3"')
        return _Interpreter.here(manifest)
    path = Path(wanted).expanduser()
    if len(path.parts) > 1:
        place = manifest.folder / path
        found = str(place) if place.is_file() else None
    else:
        found = shutil.which(wanted)
    if found is None:
        hint = f"a path, or a command that is on the PATH; this one is {sys.executable}"
        raise PluginError(f"plugin {manifest.name}: there is no interpreter {wanted}", hint)
    if Path(found).absolute() == Path(sys.executable):
        return _Interpreter.here(manifest)
    return _Interpreter.asked(manifest, (found,), found)


def _conda(manifest: Manifest, python: str) -> tuple[str, ...]:
    conda = shutil.which("conda") or os.environ.get("CONDA_EXE", "")
    if not conda or not Path(conda).exists():
        hint = f'install conda, or in {manifest.file.name} "requirements" instead of "virtualEnvType" and "env"'
        raise PluginError(f"plugin {manifest.name} runs in the conda environment {manifest.env}: no conda here", hint)
    by = "-p" if os.sep in manifest.env else "-n"
    return (conda, "run", "--no-capture-output", by, manifest.env, python)


def _wanted(manifest: Manifest, wire: Wire) -> Wanted:
    """What pip installs: what the plugin asks for, and what its wire needs unless the plugin brings that along."""
    brought = [name for name in _IMPORTED[wire] if PathFinder.find_spec(name, [str(manifest.home)]) is not None]
    needs = tuple(_INSTALLED.get(name, name) for name in _IMPORTED[wire] if name not in brought)
    assert manifest.requirements is not None
    return Wanted(manifest.name, manifest.folder.absolute(), manifest.requirements, needs)


def _syntax(program: Path) -> tuple[str, int | None, int | None] | None:
    """What is wrong with a program in the language of this interpreter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program.read_bytes(), str(program), "exec", dont_inherit=True)
    except SyntaxError as error:
        return error.msg, error.lineno, error.offset
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return str(error), None, None
    return None


def _path() -> Path:
    """The folder that holds a link to this package and nothing else; a copy where the system has no links."""
    package = _PACKAGE.resolve()
    with contextlib.suppress(OSError, NotImplementedError):
        return _holding(str(package), lambda to: to.symlink_to(package, target_is_directory=True))
    changed = max(file.stat().st_mtime for file in package.rglob("*.py"))  # a copy must not grow old
    ignored = shutil.ignore_patterns("__pycache__")
    return _holding(f"{package} {changed}", lambda to: shutil.copytree(package, to, ignore=ignored))


def _holding(what: str, put: Callable[[Path], object]) -> Path:
    """The folder that is named by *what* and has the package, which *put* puts there if nobody has."""
    folder = cached("package") / hashlib.sha256(what.encode()).hexdigest()[:16]
    package = folder / _PACKAGE.name
    if (package / "__init__.py").is_file():
        return folder
    folder.mkdir(mode=0o700, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder)) / _PACKAGE.name
    try:
        put(making)
        with contextlib.suppress(OSError):  # another process was faster
            making.replace(package)
    finally:
        shutil.rmtree(making.parent, ignore_errors=True)
    return folder
