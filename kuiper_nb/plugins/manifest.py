"""The manifest of a plugin: `{plugin}.json` at the root of its folder, in eKuiper's layout.

    {"version": "v1.0.0", "language": "python", "executable": "pysam.py", "virtualEnvType": "conda", "env": "myenv",
     "sources": ["pyjson"], "sinks": ["print"], "functions": ["revert"]}

*language* is `python`, `go`, or `executable`: a program in any other language, run as it is. Keys of ours, optional:

    wire           "kuiper_nb" or "ekuiper"; without it the program tells (`wire_of`)
    timeout        ms that a batch may take
    initTimeout    ms from the start to the hello
    limits         {"memory": bytes or "512MiB", "files": n, "processes": n} of the process, "message": bytes of one
    requirements   a list of pip's requirements, or the name of a file of them: a virtual environment that has them
    python         the interpreter: a path, or a command

Beside it lie `sources/{s}.yaml` (what a source is configured with), and `sources/{s}.json`, `sinks/{s}.json` and
`functions/{f}.json` (what they are for); all may be missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import PluginError, did_you_mean
from ..formats import yaml
from ..sql.builtins import find
from ..sql.calls import RESERVED
from . import described
from .described import BadJson
from .hello import Kind
from .spoken import WIRES, Wire, spoken

LANGUAGES = ("python", "go", "executable")
KINDS: dict[Kind, str] = {"source": "sources", "sink": "sinks", "function": "functions"}
"""Of each kind of symbol its key, which is its folder too."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_FUNCTION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LIMITS = ("memory", "files", "processes", "message")
_SIZE = re.compile(r"(\d+)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_LONGEST_MS = 24 * 60 * 60 * 1000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin in *folder* is. *requirements* is None where the interpreter's own packages will do."""

    name: str
    version: str
    language: str
    executable: str
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    functions: tuple[str, ...]
    folder: Path
    virtual_env_type: str = ""
    env: str = ""
    wire: Wire | None = None
    timeout: int | None = None
    init_timeout: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    message: int | None = None
    """The limit of one message, in bytes; the other *limits* are the process's."""

    requirements: tuple[str, ...] | str | None = None
    python: str = ""
    configurations: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, name: str = "") -> Manifest:
        """That of the plugin *name* in *folder*, or of the only one there. Raises PluginError."""
        try:
            file = _file(Path(folder), name)
            return _Reading(file, _object(file)).manifest()
        except OSError as error:
            raise PluginError(f"cannot read {error.filename or folder}: {error.strerror}", "is it yours?") from None

    @property
    def program(self) -> Path:
        """The file that is run."""
        return self.folder / self.executable

    @property
    def home(self) -> Path:
        """The folder it is run in."""
        return self.program.parent

    @property
    def file(self) -> Path:
        """The manifest itself."""
        return self.folder / f"{self.name}.json"

    def symbols(self, kind: Kind) -> tuple[str, ...]:
        """What it declares of a kind."""
        found: tuple[str, ...] = getattr(self, KINDS[kind])
        return found

    def configuration(self, source: str) -> Mapping[str, Mapping[str, Any]]:
        """The sections of `sources/{source}.yaml`, "default" among them, by their names; empty without that file."""
        return self.configurations.get(source, {})

    def about(self, kind: Kind, symbol: str) -> str:
        """What its JSON file says that a symbol is for; '' when it says nothing."""
        return described.about(self.folder / KINDS[kind] / f"{symbol}.json", kind, symbol)


def wire_of(manifest: Manifest) -> Wire:
    """Which wire the plugin speaks: as it says, else as its program shows, else eKuiper's, whose format this is.

    A program in a language of which there is no SDK of eKuiper's speaks ours.
    """
    if manifest.wire is not None:
        return manifest.wire
    found = spoken(manifest.program, manifest.language)
    return found or ("kuiper_nb" if manifest.language == "executable" else "ekuiper")


def _file(folder: Path, name: str) -> Path:
    """The file that is the manifest."""
    if not folder.is_dir():
        raise PluginError(f"there is no folder {folder}", "a plugin is a folder with its manifest, {plugin}.json")
    if name and not _NAME.fullmatch(name):
        raise PluginError(f"{name!r} is no name of a plugin", "letters, digits, _ and -, no digit first")
    if name and (folder / f"{name}.json").is_file():
        return folder / f"{name}.json"
    likely, broken = _likely(folder)
    if name:
        hint = f"its file is named like the plugin: {name}.json"
        if likely:
            hint += f"; here is {', '.join(f.name for f in likely)}: add it as {likely[0].stem}, or rename it"
        count = sum(1 for path in folder.rglob("*") if path.is_file())
        raise PluginError(f"missing or invalid json file {name}.json, found {count} files in total", hint)
    if len(likely) > 1:
        likely = [f for f in likely if f.stem == folder.name] or likely
    if len(likely) == 1:
        return likely[0]
    if likely:
        names = ", ".join(f.stem for f in likely)
        raise PluginError(f"{folder} holds several plugins: {names}", "say which one by its name")
    if broken:
        _object(broken[0])
    raise PluginError(f"{folder} has no manifest", "at its root must be {plugin}.json, named like the plugin")


def _likely(folder: Path) -> tuple[list[Path], list[Path]]:
    """The JSON files at its root that look like manifests, and those that cannot be read."""
    likely, broken = [], []
    for file in sorted(folder.glob("*.json")):
        try:
            found = described.read(file)
        except BadJson:
            broken.append(file)
            continue
        if isinstance(found, dict) and found.keys() & {"language", "executable", *KINDS.values()}:
            likely.append(file)
    return likely, broken


def _object(file: Path) -> Mapping[str, Any]:
    try:
        found = described.read(file)
    except BadJson as error:
        raise PluginError(
            f"{file.name} is no JSON: {error.message}",
            f"in {file.parent}",
            line=error.line,
            column=error.column,
            statement=error.text,
        ) from None
    if not isinstance(found, dict):
        raise PluginError(f"{file.name} is no manifest: it holds no object", f"in {file.parent}")
    return {key: value for key, value in found.items() if value is not None}


class _Reading:
    """One manifest while it is read: every check names its file."""

    def __init__(self, file: Path, found: Mapping[str, Any]) -> None:
        self.file = file
        self.folder = file.parent
        self.found = found

    def manifest(self) -> Manifest:
        """What the file says, checked."""
        self._known()
        language, executable = self._language(), self._executable()
        sources, sinks, functions = (self._symbols(kind) for kind in KINDS)
        if not sources + sinks + functions:
            raise self._invalid(
                "must define at lease one source, sink or function",
                'as in "functions": ["revert"]',
            )
        environment = self.text("virtualEnvType")
        if environment not in ("", "conda"):
            raise self._wrong(f"unsupported virtual type: {environment}", 'conda, or "requirements" for one of ours')
        if environment and not self.text("env"):
            raise self._wrong("env is missing", 'the name of the conda environment: "env": "myenv"')
        limits = self._limits()
        return Manifest(
            name=self.file.stem,
            version=self.text("version"),
            language=language,
            executable=executable,
            sources=sources,
            sinks=sinks,
            functions=functions,
            folder=self.folder,
            virtual_env_type=environment,
            env=self.text("env"),
            wire=self._wire(),
            timeout=self._milliseconds("timeout"),
            init_timeout=self._milliseconds("initTimeout"),
            limits={name: most for name, most in limits.items() if name != "message"},
            message=limits.get("message"),
            requirements=self._requirements(environment, language),
            python=self._python(language),
            configurations={s: found for s in sources if (found := self._sections(s))},
        )

    def _wrong(self, message: str, hint: str = "") -> PluginError:
        return PluginError(f"{self.file.name}: {message}", hint)

    def _invalid(self, message: str, hint: str = "") -> PluginError:
        """In eKuiper's words."""
        return self._wrong(f"invalid plugin, {message}", hint)

    def _known(self) -> None:
        known = [*_KEYS, *KINDS.values()]
        for key in self.found:
            if key not in known:
                raise self._wrong(f"unknown key {key}", did_you_mean(key, known) or f"known: {', '.join(known)}")
        if not _NAME.fullmatch(self.file.stem):
            raise self._wrong(f"{self.file.stem!r} is no name of a plugin", "letters, digits, _ and -, no digit first")
        if (name := self.text("name") or self.file.stem) != self.file.stem:
            hint = f"rename the file to {name}.json, or leave name out: a plugin has the name of its file"
            raise self._invalid(f"expect name '{self.file.stem}' but got '{name}'", hint)

    def text(self, key: str) -> str:
        """The text at *key*; '' when there is none."""
        found = self.found.get(key, "")
        if not isinstance(found, str) or "\0" in found:
            raise self._wrong(f"{key} must be text, not {found!r}")
        return found

    def _language(self) -> str:
        language = self.text("language")
        if not language:
            raise self._invalid("missing language", '"language": "python", "go" or "executable"')
        if language not in LANGUAGES:
            near = did_you_mean(language, LANGUAGES)
            hint = near if near.startswith("did") else 'a program in any other language: "language": "executable"'
            raise self._invalid(f"language '{language}' is not supported", hint)
        return language

    def _executable(self) -> str:
        executable = self.text("executable")
        if not executable:
            raise self._invalid("missing executable", 'the file that is run: "executable": "pysam.py"')
        return self._inside("executable", executable)

    def _inside(self, key: str, name: str) -> str:
        """*name*, if it is that of a file in the folder."""
        parts = name.split("/")
        if ".." in parts or not parts[0] or "\\" in name or re.match("[A-Za-z]:", name):
            hint = f"a path from {self.file.name} downwards, with /"
            raise self._wrong(f"{key} {name} is not inside the plugin's folder", hint)
        path = self.folder / name
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.folder)):
            raise self._wrong(f"{key} {name} is a link out of the plugin's folder", "put the file itself there")
        if not path.is_file():
            names = (f.name for f in self.folder.iterdir() if f.is_file() and f != self.file)
            raise self._wrong(f"cannot find {key} `{name}`", did_you_mean(name, names) or f"in {self.folder}")
        return name

    def _symbols(self, kind: Kind) -> tuple[str, ...]:
        key = KINDS[kind]
        found = self.found.get(key, [])
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise self._wrong(f"{key} must be a list of names, not {found!r}", f'as in "{key}": ["{kind}1"]')
        for name in found:
            if not (_FUNCTION if kind == "function" else _NAME).fullmatch(name):
                raise self._wrong(f"{name!r} is no name of a {kind}", "letters, digits and _, a letter first")
            if kind == "function" and (find(name) is not None or name.lower() in RESERVED):
                raise self._wrong(
                    f"{name} is a built-in function of eKuiper and goes before the plugin's",
                    f"give it another name, in the program too: my_{name}",
                )
            if found.count(name) > 1:
                raise self._wrong(f"{kind} {name} stands twice", "once is enough")
        return tuple(found)

    def _wire(self) -> Wire | None:
        wanted = self.text("wire")
        for wire in WIRES:
            if wire == wanted:
                return wire
        if wanted:
            raise self._wrong(f"unknown wire {wanted}", did_you_mean(wanted, WIRES))
        return None

    def _milliseconds(self, key: str) -> int | None:
        found = self.found.get(key)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= _LONGEST_MS:
            raise self._wrong(f"{key} must be a number of milliseconds, not {found!r}", f'as in "{key}": 5000')
        return found

    def _limits(self) -> Mapping[str, int]:
        found = self.found.get("limits", {})
        if not isinstance(found, dict):
            raise self._wrong(f"limits must be an object, not {found!r}", 'as in "limits": {"memory": "512MiB"}')
        for name in found:
            if name not in _LIMITS:
                raise self._wrong(f"unknown limit {name}", did_you_mean(name, _LIMITS))
        return {name: self._limit(name, value) for name, value in found.items()}

    def _limit(self, name: str, value: Any) -> int:
        sized = name in ("memory", "message")
        if sized and isinstance(value, str) and (size := _SIZE.fullmatch(value.strip())):
            power = " kmgt".index(size[2].lower() or " ")
            value = int(size[1]) * (1024 if size[3] else 1000) ** power
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 62:
            hint = 'bytes, or as in "512MiB"' if sized else "a whole number above 0"
            raise self._wrong(f"the limit {name} cannot be {value!r}", hint)
        return value

    def _requirements(self, environment: str, language: str) -> tuple[str, ...] | str | None:
        found = self.found.get("requirements")
        if found is None:
            return None
        if language != "python" or environment:
            why = f"a conda environment ({self.text('env')})" if environment else f"the language {language}"
            raise self._wrong(f"requirements do not go with {why}", "they are for a virtual environment of Python")
        if isinstance(found, str) and found:
            return self._inside("requirements", found)
        if not isinstance(found, list) or not all(isinstance(one, str) and one.strip() for one in found):
            hint = '"requirements": ["numpy>=2"], or the name of a file: "requirements.txt"'
            raise self._wrong(f"requirements must be a list of texts, not {found!r}", hint)
        for one in found:
            if one.startswith("-") or "\n" in one or "\0" in one:
                raise self._wrong(f"{one!r} is no requirement", "options of pip go into a file: requirements.txt")
        return tuple(found)

    def _python(self, language: str) -> str:
        found = self.text("python")
        if found and language != "python":
            raise self._wrong(f"python does not go with the language {language}", "leave it out")
        return found

    def _sections(self, source: str) -> Mapping[str, Mapping[str, Any]]:
        file = self.folder / KINDS["source"] / f"{source}.yaml"
        if not file.is_file():
            return _NOTHING
        place = f"{KINDS['source']}/{file.name}"
        text = file.read_bytes().decode("utf-8-sig", "replace")
        try:
            found = yaml.read(text) or {}
        except yaml.BadYaml as error:
            raise PluginError(
                f"{place} is no YAML: {error.message}", line=error.line, column=error.column, statement=text
            ) from None
        hint = "sections of properties: default, and one for every CONF_KEY"
        if not isinstance(found, dict):
            raise PluginError(f"{place} holds no sections", hint)
        for name, section in found.items():
            if not isinstance(section, dict | None):
                raise PluginError(f"{place}: section {name} is no mapping but {section!r}", hint)
        return {name: section or {} for name, section in found.items()}


_KEYS = (
    *("name", "version", "language", "executable", "virtualEnvType", "env"),
    *("wire", "timeout", "initTimeout", "limits", "requirements", "python"),
)
