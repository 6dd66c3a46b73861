"""Protobuf files, compiled: the rpcs of their services, with the messages they take and answer."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google.api
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from ..errors import ServiceError
from .reading import schema_file

_SECONDS = 30.0
_INLINE = "schema.proto"
_PLACE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+): (?P<what>.+)$", re.MULTILINE)
_METHOD, _SERVICE = 2, 6
"""Numbers of fields of descriptors, by which comments are found."""


@dataclass(frozen=True)
class Rpc:
    """One rpc: *full* is `/package.Service/Name`; *http* its google.api.http option, if there is one."""

    name: str
    full: str
    input: Descriptor
    output: Descriptor
    streams_in: bool = False
    streams_out: bool = False
    http: Any = None
    help: str = ""
    safe: bool = False
    """Its idempotency_level says that to ask twice does no harm."""


@dataclass(frozen=True)
class Schema:
    """What was compiled; *files* are those it was made of that may be edited."""

    rpcs: tuple[Rpc, ...]
    files: tuple[Path, ...] = ()


def compiled(file: str, text: str, folders: Sequence[Path]) -> Schema:
    """The schema in *file*, looked for in *folders*, or else in *text*. Raises ServiceError with its place."""
    with tempfile.TemporaryDirectory(prefix="kuiper-proto-") as scratch:
        if text:
            source = Path(scratch) / _INLINE
            source.write_text(text, encoding="utf-8")
        else:
            source = schema_file(file, tuple(folders))
        found = _compile(source, [source.parent, *folders], Path(scratch) / "compiled")
    own = [f for name in found.file for folder in (source.parent, *folders) if (f := folder / name.name).is_file()]
    return Schema(rpcs_of(found.file, [source.name]), () if text else tuple(dict.fromkeys(own)))


def rpcs_of(files: Sequence[descriptor_pb2.FileDescriptorProto], wanted: Sequence[str]) -> tuple[Rpc, ...]:
    """The rpcs of all services in the *wanted* ones of *files*, which hold all they import."""
    pool = DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    return tuple(rpc for file in files if file.name in wanted for rpc in _of_file(file, pool))


def _of_file(file: descriptor_pb2.FileDescriptorProto, pool: DescriptorPool) -> Iterator[Rpc]:
    comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
    for number, service in enumerate(file.service):
        name = f"{file.package}.{service.name}" if file.package else service.name
        described: ServiceDescriptor = pool.FindServiceByName(name)
        for place, method in enumerate(service.method):
            known = described.methods_by_name[method.name]
            has_http = method.options.HasExtension(annotations_pb2.http)
            yield Rpc(
                name=method.name,
                full=f"/{name}/{method.name}",
                input=known.input_type,
                output=known.output_type,
                streams_in=method.client_streaming,
                streams_out=method.server_streaming,
                http=method.options.Extensions[annotations_pb2.http] if has_http else None,
                help=" ".join(comments.get((_SERVICE, number, _METHOD, place), "").split()),
                safe=method.options.idempotency_level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN,
            )


def _compile(source: Path, folders: Sequence[Path], out: Path) -> descriptor_pb2.FileDescriptorSet:
    """By the compiler of grpcio-tools, in a process of its own, whatever the text makes of it."""
    shipped = Path(next(iter(google.api.__path__))).parents[1]  # google/api/annotations.proto
    command = [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{folder}" for folder in folders if folder.is_dir())]
    command += [f"-I{shipped}", "--include_imports", "--include_source_info", f"--descriptor_set_out={out}"]
    try:
        ran = subprocess.run(
            [*command, str(source)], capture_output=True, timeout=_SECONDS, text=True, errors="replace", check=False
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(f"{source.name}: the schema was not compiled within {_SECONDS:g} s") from None
    if ran.returncode:
        raise _wrong(ran.stderr, source)
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def _wrong(said: str, source: Path) -> ServiceError:
    """What the compiler said, at the place it named."""
    found = _PLACE.search(said)
    if found is None:
        lines = [line for line in said.splitlines() if line.strip()]
        return ServiceError(f"{source.name}: {lines[-1] if lines else 'the schema cannot be compiled'}")
    text = None
    if Path(found["file"]).name == source.name:
        text = source.read_text(encoding="utf-8", errors="replace")
    return ServiceError(
        f"{Path(found['file']).name}: {found['what']}",
        line=int(found["line"]),
        column=int(found["column"]),
        statement=text,
    )
