"""msgpack-rpc: one connection over TCP, on which calls are under way together, each with a number.

→ [0, number, method, arguments]      ← [1, number, error, result]
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import msgpack

from ..errors import RowFault
from . import messages
from .address import Address
from .protocol import CallFailed, Operation, Parameter, Reply, Request, Shape
from .schema import Rpc
from .spec import Batch

_CHUNK = 1 << 16


def operation_of(rpc: Rpc, name: str) -> Operation:
    """An rpc as an operation: the fields of its message are its arguments."""
    return Operation(
        name, rpc.name, messages.parameters(rpc.input), returns=messages.returns(rpc.output), help=rpc.help, binding=rpc
    )


def schemaless(name: str, help: str = "") -> Operation:
    """Any method."""
    about = help or "Any method; further arguments are its own"
    return Operation(name, "METHOD", (Parameter("method", "string"),), rest=True, help=about)


class MsgpackRpc:
    """See `protocol.Interface`. *most*: bytes of an answer."""

    def __init__(self, operations: Mapping[str, Operation], address: Address, most: int) -> None:
        self.operations = operations
        self._address = address
        self._most = most
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[tuple[Any, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting: asyncio.Lock | None = None

    def encode(self, operation: Operation, arguments: Sequence[Any]) -> Request:
        """Method and arguments. Raises RowFault."""
        rpc: Rpc | None = operation.binding
        if rpc is None:
            if not arguments or not isinstance(arguments[0], str):
                raise RowFault("the first parameter is the method, a text")
            return Request(operation, arguments[0], _packed(list(arguments[1:])))
        message = messages.message_of(rpc.input, arguments)
        value = messages.value_of(message)
        given = list(value.values()) if isinstance(value, dict) else [] if value is None else [value]  # a wrapper's
        return Request(operation, rpc.name, _packed(given), safe=rpc.safe)

    def together(self, operation: Operation, values: Sequence[Any], endpoint: Batch) -> Request:
        """There is no such thing."""
        raise NotImplementedError

    def shaped(self, operation: Operation) -> Shape:
        """There is no such thing."""
        raise NotImplementedError

    async def exchange(self, request: Request, timeout: float) -> Reply:
        """One attempt. Raises CallFailed."""
        number = next(self._numbers)
        try:
            async with asyncio.timeout(timeout):
                writer = await self._connected()
                future = self._waiting[number] = asyncio.get_running_loop().create_future()
                head = msgpack.Packer().pack_array_header(4)
                writer.write(
                    head + msgpack.packb(0) + msgpack.packb(number) + msgpack.packb(request.target) + request.body
                )
                await writer.drain()
                error, result = await future
        except TimeoutError:
            raise CallFailed("deadline", f"there was no answer within {timeout:.3g} s") from None
        except OSError as error:
            raise CallFailed("broken", f"the connection to {self._address.netloc} broke: {error}") from None
        finally:
            self._waiting.pop(number, None)
        return Reply(0 if error is None else 1, (_packed(result if error is None else error),))

    def decode(self, operation: Operation, reply: Reply) -> Any:
        """The value. Raises CallFailed."""
        found = msgpack.unpackb(reply.body, strict_map_key=False)
        if reply.status:
            raise CallFailed("status", f"{operation.method}: {found}", status=reply.status)
        rpc: Rpc | None = operation.binding
        if rpc is None:
            return found
        from .answers import typed_value

        return typed_value(rpc.output, found)

    def shown(self, request: Request) -> str:
        """For people."""
        return f"{self._address.shown} {request.target} {msgpack.unpackb(request.body, strict_map_key=False)}"

    async def close(self) -> None:
        """Close the connection."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        self._lose("the connection was closed")

    # ---- the connection

    async def _connected(self) -> asyncio.StreamWriter:
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._writer is None:
                found = await self._address.resolve()
                try:
                    reader, self._writer = await asyncio.open_connection(found[0], self._address.port)
                except OSError as error:
                    why = error.strerror or str(error)
                    raise CallFailed("refused", f"no connection to {self._address.netloc}: {why}", sent=False) from None
                self._reading = asyncio.create_task(self._read(reader))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand out what comes, to who waits for its number."""
        unpacker = msgpack.Unpacker(max_buffer_size=self._most, strict_map_key=False)
        try:
            while chunk := await reader.read(_CHUNK):
                unpacker.feed(chunk)
                for message in unpacker:
                    kind, number, error, result = message
                    future = self._waiting.get(number)
                    if kind == 1 and future is not None and not future.done():
                        future.set_result((error, result))
            self._lose(f"the connection to {self._address.netloc} was closed by the server")
        except msgpack.BufferFull:
            self._lose(f"the answer is longer than maxResponse, {self._most:,} bytes")
        except OSError as error:
            self._lose(f"the connection to {self._address.netloc} broke: {error.strerror or error}")
        except Exception:  # whatever bytes may do to the unpacker
            self._lose(f"{self._address.netloc} sent what is no msgpack-rpc")

    def _lose(self, why: str) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(CallFailed("broken", why))


def _packed(value: Any) -> bytes:
    """Raises RowFault."""
    try:
        packed: bytes = msgpack.packb(value, datetime=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise RowFault(f"the arguments are no msgpack: {error}") from None
    return packed
