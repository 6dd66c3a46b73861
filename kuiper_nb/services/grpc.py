"""gRPC: rpcs of a protobuf file, or of what the server says of itself; messages go out and come in as bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else each server that goes is told on standard error

import grpc
import grpc.aio
from google.protobuf import json_format, message_factory
from google.protobuf.message import DecodeError

from . import messages
from .address import Address
from .authorization import Authorization
from .protocol import CallFailed, Kind, Operation, Reply, Request, Shape
from .schema import Rpc
from .spec import Batch, Options, Tls
from .tls import placed

_Code = grpc.StatusCode
_KINDS: Mapping[grpc.StatusCode, Kind] = {
    _Code.DEADLINE_EXCEEDED: "deadline",
    _Code.UNAUTHENTICATED: "auth",
    _Code.PERMISSION_DENIED: "auth",
}
_NO_ANSWER = (
    "failed to connect",
    "connection refused",
    "no route",
    "dns resolution",
    "handshake",
    "connections to all",
)
"""What UNAVAILABLE says when nothing has been sent, in lower case."""

_TOO_LARGE = "larger than max"


def operation_of(rpc: Rpc, name: str) -> Operation:
    """An rpc as an operation."""
    returns = messages.returns(rpc.output)
    return Operation(
        name,
        rpc.full,
        messages.parameters(rpc.input),
        returns=f"array({returns})" if rpc.streams_out else returns,
        help=rpc.help,
        binding=rpc,
    )


def credentials(options: Options, folders: Sequence[Path]) -> grpc.ChannelCredentials:
    """What verifies a server, and shows who we are. Raises OSError."""
    tls = options.tls or Tls()
    read = {name: placed(path, folders).read_bytes() if path else None for name, path in _files(tls).items()}
    return grpc.ssl_channel_credentials(read["ca"], read["key"], read["cert"])


def _files(tls: Tls) -> dict[str, str]:
    return {"ca": tls.ca, "key": tls.key, "cert": tls.cert}


class Grpc:
    """See `protocol.Interface`."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        address: Address,
        channel_credentials: grpc.ChannelCredentials | None,
        authorization: Authorization,
        options: Options,
    ) -> None:
        self.operations = operations
        self._address = address
        self._credentials = channel_credentials
        self._authorization = authorization
        self._options = options
        self._channel: grpc.aio.Channel | None = None
        self._calls: dict[str, Any] = {}

    def encode(self, operation: Operation, arguments: Sequence[Any]) -> Request:
        """The message. Raises RowFault."""
        rpc: Rpc = operation.binding
        message = messages.message_of(rpc.input, arguments)
        return Request(operation, rpc.full, message.SerializeToString(deterministic=True), safe=rpc.safe)

    def together(self, operation: Operation, values: Sequence[Any], endpoint: Batch) -> Request:
        """There is no such thing."""
        raise NotImplementedError

    def shaped(self, operation: Operation) -> Shape:
        """There is no such thing."""
        raise NotImplementedError

    async def exchange(self, request: Request, timeout: float) -> Reply:
        """One attempt. Raises CallFailed."""
        call = self._calls.get(request.target) or await self._call(request)
        headers = await self._authorization.headers()
        metadata = tuple((name.lower(), value) for name, value in headers.items())
        try:
            if request.operation.binding.streams_out:
                return Reply(0, await self._streamed(call(request.body, timeout=timeout, metadata=metadata)))
            return Reply(0, (await call(request.body, timeout=timeout, metadata=metadata),))
        except grpc.aio.AioRpcError as error:
            raise self._failed(error, timeout) from None

    async def _streamed(self, call: Any) -> tuple[bytes, ...]:
        """All messages of a stream, up to the size that one may have."""
        parts, size = [], 0
        async for part in call:
            parts.append(part)
            size += len(part)
            if size > self._options.max_response:
                call.cancel()
                raise self._too_large()
        return tuple(parts)

    def decode(self, operation: Operation, reply: Reply) -> Any:
        """The value. Raises CallFailed."""
        rpc: Rpc = operation.binding
        kind = message_factory.GetMessageClass(rpc.output)
        try:
            found = [messages.value_of(kind.FromString(part)) for part in reply.parts]
        except DecodeError as error:
            raise CallFailed("garbage", f"the answer is no {rpc.output.name}: {error}") from None
        return found if rpc.streams_out else found[0]

    def shown(self, request: Request) -> str:
        """The message as JSON, and the metadata."""
        rpc: Rpc = request.operation.binding
        message = message_factory.GetMessageClass(rpc.input).FromString(request.body)
        lines = [f"{self._address.shown}{request.target}"]
        lines += [f"{name.lower()}: {value}" for name, value in self._authorization.shown]
        return "\n".join([*lines, "", json_format.MessageToJson(message, preserving_proto_field_name=True)])

    async def close(self) -> None:
        """Close the channel; what is under way is broken off."""
        channel, self._channel = self._channel, None
        self._calls.clear()
        if channel is not None:
            await channel.close(None)

    async def channel(self) -> grpc.aio.Channel:
        """The connection, to the one address. Raises CallFailed."""
        if self._channel is None:
            found = await self._address.resolve()
            target = ",".join(
                f"[{each}]:{self._address.port}" if ":" in each else f"{each}:{self._address.port}" for each in found
            )
            scheme = "ipv6" if ":" in found[0] else "ipv4"
            made = {
                "grpc.max_receive_message_length": self._options.max_response,
                "grpc.default_authority": self._address.netloc,
                "grpc.enable_http_proxy": 0,
                "grpc.enable_retries": 0,
                "grpc.initial_reconnect_backoff_ms": 100,
                "grpc.min_reconnect_backoff_ms": 100,
                "grpc.max_reconnect_backoff_ms": 2000,
                "grpc.use_local_subchannel_pool": 1,
            }
            if self._credentials is not None:
                tls = self._options.tls
                made["grpc.ssl_target_name_override"] = (tls.server_name if tls else "") or self._address.host
                self._channel = grpc.aio.secure_channel(f"{scheme}:{target}", self._credentials, list(made.items()))
            else:
                self._channel = grpc.aio.insecure_channel(f"{scheme}:{target}", list(made.items()))
        return self._channel

    async def _call(self, request: Request) -> Any:
        channel = await self.channel()
        streams = request.operation.binding.streams_out
        make = channel.unary_stream if streams else channel.unary_unary
        call = self._calls[request.target] = make(request.target)
        return call

    def _too_large(self) -> CallFailed:
        return CallFailed("limit", f"the answer is longer than maxResponse, {self._options.max_response:,} bytes")

    def _failed(self, error: grpc.aio.AioRpcError, timeout: float) -> CallFailed:
        code, said = error.code(), (error.details() or "").strip()
        status, lowered = code.value[0], said.lower()
        if code is _Code.RESOURCE_EXHAUSTED and _TOO_LARGE in lowered:
            return self._too_large()
        if code is _Code.UNAVAILABLE:
            sent = not any(words in lowered for words in _NO_ANSWER)
            if "certificate" in lowered or "handshake" in lowered or "ssl" in lowered:
                return CallFailed("tls", f"{self._address.netloc}: {said}", sent=False, status=status)
            kind: Kind = "broken" if sent else "refused"
            message = f"{'the connection to' if sent else 'no connection to'} {self._address.netloc}"
            return CallFailed(kind, f"{message}{' broke' if sent else ''}: {said}", sent=sent, status=0)
        if code is _Code.DEADLINE_EXCEEDED:
            return CallFailed("deadline", f"there was no answer within {timeout:.3g} s", status=status)
        words = code.name.lower().replace("_", " ")
        again = code in (_Code.RESOURCE_EXHAUSTED, _Code.ABORTED)
        return CallFailed(_KINDS.get(code, "status"), f"{words}: {said}" if said else words, status=status, again=again)
