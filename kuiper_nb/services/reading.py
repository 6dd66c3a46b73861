"""A service file, read: YAML, or eKuiper's JSON; a folder or a zip in eKuiper's layout; or the text of a file.

sample.json            {"interfaces": {…}}
schemas/sample.proto   what `schemaFile` names; looked for here, in schema/, and beside the file
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ..errors import ServiceError, did_you_mean
from ..formats import yaml
from ..zipped import Zip
from .spec import ServiceSpec

SUFFIXES = (".yaml", ".yml", ".json")
_FOLDERS = ("schemas", "schema", ".")
_MOST_BYTES = 1 << 20
_EXAMPLE = "interfaces: {NAME: {address: http://…, protocol: rest|grpc|msgpack-rpc}}"
_HOLDS = "a service has {service}.json, or .yaml, and schemas/"


@dataclass(frozen=True)
class Described:
    """What there is to know of a service before it is bound.

    *origin* is its file or folder, None for a text; *folders* are where schemas are looked for; *notes* what is odd
    and does no harm; *unpacked* the folder of a zip, which `close` removes.
    """

    name: str
    spec: ServiceSpec
    text: str
    origin: Path | None = None
    file: Path | None = None
    folders: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    unpacked: tempfile.TemporaryDirectory[str] | None = field(default=None, compare=False, repr=False)

    def close(self) -> None:
        """Remove what was unpacked."""
        if self.unpacked is not None:
            self.unpacked.cleanup()


def found(origin: str | Path, name: str = "") -> Described:
    """The service that *origin* names, or is, if it has more than one line. Raises ServiceError."""
    if isinstance(origin, str) and ("\n" in origin or origin.lstrip().startswith("{")):
        folder = Path.cwd()
        spec, notes = read(origin, as_json=origin.lstrip().startswith("{"))
        return Described(name, spec, origin, folders=_schemas(folder), notes=notes)
    path = Path(origin).expanduser().absolute()
    if path.is_dir():
        return _of_file(_in_folder(path, name), path, name)
    if not path.is_file():
        raise ServiceError(f"there is no {path}", "a .yaml or .json file, a folder, a zip, or the text itself")
    if path.suffix.lower() == ".zip":
        return _of_zip(path, name)
    if path.suffix.lower() not in SUFFIXES:
        raise ServiceError(f"{path} is no service file", f"its name ends in {', '.join(SUFFIXES)} or .zip")
    return _of_file(path, path, name)


def _of_zip(path: Path, name: str) -> Described:
    unpacked = tempfile.TemporaryDirectory(prefix="kuiper-service-")
    try:
        with Zip(path, str(path), "service", _HOLDS, ServiceError) as entries:
            entries.unpack(Path(unpacked.name))
        return _of_file(_in_folder(Path(unpacked.name), name or path.stem), path, name, unpacked)
    except BaseException:
        unpacked.cleanup()
        raise


def _in_folder(folder: Path, name: str) -> Path:
    """The service file of a folder: that of its name, else the only one."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    for wanted in (name, folder.name):
        for file in files:
            if wanted and file.stem.lower() == wanted.lower():  # eKuiper does not look at case either
                return file
    if len(files) == 1:
        return files[0]
    hint = f"it has {', '.join(file.name for file in files)}: say which" if files else _HOLDS
    raise ServiceError(f"{folder} holds no {name or folder.name}.json", hint)


def _of_file(
    file: Path, origin: Path, name: str, unpacked: tempfile.TemporaryDirectory[str] | None = None
) -> Described:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ServiceError(f"{file} is longer than {_MOST_BYTES >> 20} MiB", "a service file is a page or two")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ServiceError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ServiceError(f"{file} is not UTF-8", "save it as UTF-8") from None
    spec, notes = read(text, as_json=file.suffix.lower() == ".json", place=file.name)
    return Described(name or file.stem, spec, text, origin, file, _schemas(file.parent), notes, unpacked)


def _schemas(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in _FOLDERS)


# ---- the text


def read(text: str, *, as_json: bool = False, place: str = "") -> tuple[ServiceSpec, tuple[str, ...]]:
    """What a text says, and what in it has no meaning (of JSON: eKuiper does not mind either).

    Raises ServiceError with the line and column.
    """
    value, places = _json(text, place) if as_json else _yaml(text, place)
    if not isinstance(value, dict):
        raise ServiceError(f"{_prefix(place)}a service file is a mapping", _EXAMPLE)
    notes: list[str] = []
    try:
        return ServiceSpec.model_validate(value), ()
    except ValidationError as error:
        unknown = [each["loc"] for each in error.errors() if each["type"] == "extra_forbidden"]
        if not as_json or not unknown:
            raise _wrong(error, text, places, place) from None
    for path in unknown:
        notes.append(f"{'.'.join(map(str, path))} means nothing here")
        _remove(value, path)
    try:
        return ServiceSpec.model_validate(value), tuple(notes)
    except ValidationError as error:
        raise _wrong(error, text, places, place) from None


def _yaml(text: str, place: str) -> tuple[Any, Mapping[yaml.Path, yaml.Place]]:
    try:
        return yaml.located(text)
    except yaml.BadYaml as error:
        message = f"{_prefix(place)}{error.message}"
        raise ServiceError(message, line=error.line, column=error.column, statement=text) from None


def _json(text: str, place: str) -> tuple[Any, Mapping[yaml.Path, yaml.Place]]:
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        message = f"{_prefix(place)}{error.msg}"
        raise ServiceError(message, line=error.lineno, column=error.colno, statement=text) from None
    except (ValueError, RecursionError) as error:
        raise ServiceError(
            f"{_prefix(place)}{error}" if isinstance(error, ValueError) else "it is nested too deeply"
        ) from None
    try:
        return value, yaml.located(text.replace("\t", " "))[1]  # JSON is YAML, but for tabs
    except yaml.BadYaml:
        return value, {}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} stands twice")
        found[key] = value
    return found


def _remove(value: Any, path: tuple[int | str, ...]) -> None:
    for key in path[:-1]:
        value = value[key]
    del value[path[-1]]


def _prefix(place: str) -> str:
    return f"{place}: " if place else ""


def _wrong(error: ValidationError, text: str, places: Mapping[yaml.Path, yaml.Place], place: str) -> ServiceError:
    """The first thing that is wrong, at its place, with what would have worked."""
    first = error.errors()[0]
    path = tuple(first["loc"])
    line, column = next((places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in places), (None, None))
    name = ".".join(map(str, path))
    hint = ""
    match first["type"]:
        case "extra_forbidden":
            hint = did_you_mean(str(path[-1]), _known(path[:-1]))
            message = f"{name} is not known"
        case "missing":
            message, hint = f"{name} is missing", _EXAMPLE if len(path) <= 3 else ""
        case "value_error":
            message = f"{name} is to be {first['msg'].removeprefix('Value error, ')}"
        case _:
            message = f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    return ServiceError(f"{_prefix(place)}{message}", hint, line=line, column=column, statement=text)


def _known(path: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at *path*."""
    model: type[BaseModel] | None = ServiceSpec
    for key in path:
        if isinstance(key, int) or model is None:
            continue
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        if key in fields:
            model = _model_in(fields[key])
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner)) is not None), None)


def schema_file(name: str, folders: tuple[Path, ...]) -> Path:
    """Where the schema *name* is: in one of *folders*, never outside. Raises ServiceError."""
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts or "\0" in name:
        raise ServiceError(f"schemaFile {name} leads out of the service's folder", "a name, looked for in schemas/")
    for folder in folders:
        file = folder / relative
        if file.is_file():
            if not file.resolve().is_relative_to(folder.resolve()):
                raise ServiceError(f"schemaFile {name} is a link that leads out of its folder", "put the file there")
            return file
    places = " or ".join(str(folder) for folder in folders[:1]) or "schemas/"
    raise ServiceError(f"schemaFile {name} is not there", f"put it into {places}")
