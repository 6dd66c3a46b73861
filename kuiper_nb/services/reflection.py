"""What a gRPC server says of itself: its services, and the files that describe them (server reflection)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, message_factory

from ..errors import ServiceError
from .protocol import CallFailed
from .schema import Rpc, compiled, rpcs_of

if TYPE_CHECKING:
    from .grpc import Grpc

_PACKAGES = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
_OWN = ("grpc.reflection.", "grpc.health.", "grpc.channelz.")
"""Services of servers for their keepers."""

_NOT_HERE = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)
"""How a server says that it does not know a package. INTERNAL is what grpcio makes of a refusal that overtakes the
question."""

_PROTO = """
syntax = "proto3";
message Ask { string host = 1; oneof message_request { string file_by_filename = 3; string file_containing_symbol = 4;
  string list_services = 7; } }
message Told { string valid_host = 1; oneof message_response { Files file_descriptor_response = 4;
  Services list_services_response = 6; Fault error_response = 7; } }
message Files { repeated bytes file_descriptor_proto = 1; }
message Services { repeated Service service = 1; }
message Service { string name = 1; }
message Fault { int32 error_code = 1; string error_message = 2; }
service Reflection { rpc Info (stream Ask) returns (stream Told); }
"""
"""The part of grpc/reflection/v1/reflection.proto that is asked for here, in other words and with the same numbers."""


async def reflected(interface: Grpc, seconds: float) -> tuple[Rpc, ...]:
    """The rpcs of a server. Raises ServiceError when it does not answer, or does not tell."""
    told: Exception | None = None
    for package in _PACKAGES:
        try:
            return await _Asking(interface, package, seconds).rpcs()
        except CallFailed as failed:
            raise ServiceError(f"reflection: {failed.message}", "schemaFile: x.proto needs no server") from None
        except grpc.aio.AioRpcError as error:
            told = error
            if error.code() not in _NOT_HERE:
                break
    said = told.details() if isinstance(told, grpc.aio.AioRpcError) else ""
    raise ServiceError(f"reflection: the server does not say what it offers: {said}", "schemaFile: x.proto")


class _Asking:
    def __init__(self, interface: Grpc, package: str, seconds: float) -> None:
        rpc = compiled("", _PROTO, ()).rpcs[0]
        self._ask = message_factory.GetMessageClass(rpc.input)
        self._told = message_factory.GetMessageClass(rpc.output)
        self._interface = interface
        self._method = f"/{package}.ServerReflection/ServerReflectionInfo"
        self._seconds = seconds
        self._files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    async def rpcs(self) -> tuple[Rpc, ...]:
        """Of all services."""
        answer = await self._one(list_services="*")
        names = [service.name for service in answer.list_services_response.service]
        wanted = []
        for name in names:
            if not name.startswith(_OWN):
                first = self._keep(await self._one(file_containing_symbol=name))
                wanted.append(first)
        await self._complete()
        return rpcs_of(list(_sorted(self._files)), list(dict.fromkeys(wanted)))

    async def _complete(self) -> None:
        """Fetch what is imported."""
        while missing := [d for file in self._files.values() for d in file.dependency if d not in self._files]:
            for name in dict.fromkeys(missing):
                self._keep(await self._one(file_by_filename=name))

    def _keep(self, answer: Any) -> str:
        """The files of an answer; the name of the first."""
        found = [
            descriptor_pb2.FileDescriptorProto.FromString(each)
            for each in answer.file_descriptor_response.file_descriptor_proto
        ]
        if not found:
            raise ServiceError(f"reflection: {answer.error_response.error_message or 'a file is missing'}")
        for file in found:
            self._files.setdefault(file.name, file)
        return str(found[0].name)

    async def _one(self, **asked: str) -> Any:
        channel = await self._interface.channel()
        call = channel.stream_stream(self._method)(
            iter([self._ask(**asked).SerializeToString()]), timeout=self._seconds
        )
        async for part in call:
            return self._told.FromString(part)
        raise ServiceError("reflection: the server said nothing")


def _sorted(files: dict[str, descriptor_pb2.FileDescriptorProto]) -> Iterator[descriptor_pb2.FileDescriptorProto]:
    """Each file behind those it imports."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[descriptor_pb2.FileDescriptorProto]:
        if name in done or name not in files:
            return
        done.add(name)
        for dependency in files[name].dependency:
            yield from visit(dependency)
        yield files[name]

    for name in files:
        yield from visit(name)
