"""HTTP: to one pinned address, in so much time for all of it, up to so many decoded bytes, and never anywhere else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import zlib
from collections.abc import Mapping
from typing import Any

import aiohttp
import aiohttp.abc
import httpcore
import httpx
from httpx_aiohttp import AiohttpTransport

from .address import Address
from .authorization import Authorization
from .protocol import CallFailed, Reply, Request
from .tls import reason

_IDLE = 4.0
"""Seconds after which an unused connection is closed: before most servers do, so that no request runs into that."""

_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class HttpTransport:
    """What `rest.Send` is. *most*: bytes of an answer, decoded."""

    def __init__(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        authorization: Authorization,
        most: int,
        connections: int,
        *,
        http2: bool = False,
    ) -> None:
        self._address = address
        self._origin = f"{'https' if address.secure else 'http'}://{address.netloc}"
        self._authorization = authorization
        self._most = most
        self._tls = tls
        self._connections = connections
        self._http2 = http2
        self._transport: httpx.AsyncBaseTransport | None = None

    async def send(self, request: Request, timeout: float) -> Reply:
        """One attempt. Raises CallFailed."""
        method, _, path = request.target.partition(" ")
        try:
            async with asyncio.timeout(timeout):
                headers = {**dict(request.headers), **await self._authorization.headers()}
                return await self._sent(method, self._origin + path, headers, request.body)
        except TimeoutError:
            raise CallFailed("deadline", f"there was no whole answer within {timeout:.3g} s") from None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """To an address of the same origin, without authorization: where tokens are."""
        return await self._sent("POST", url, headers, body)

    async def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if self._transport is None:
            self._transport = self._made()
        asked = httpx.Request(method, url, headers={"Accept-Encoding": "gzip, deflate", **headers}, content=body)
        try:
            response = await self._transport.handle_async_request(asked)
            try:
                return Reply(
                    response.status_code,
                    (await self._body(response),),
                    {k.lower(): v for k, v in response.headers.items()},
                )
            except BaseException:
                await self._abandon(response)
                raise
        except CallFailed:
            raise
        except (httpx.HTTPError, aiohttp.ClientError, OSError, zlib.error) as error:
            raise self._failed(error) from None

    async def _body(self, response: httpx.Response) -> bytes:
        """All of it, decoded as it comes, so that a little that stands for much is noticed before there is much."""
        encoding = response.headers.get("content-encoding", "").strip().lower()
        decoder = zlib.decompressobj(_WBITS[encoding]) if encoding in _WBITS else None
        parts, size = [], 0
        stream: Any = response.stream
        async for chunk in stream:
            data = chunk if decoder is None else decoder.decompress(chunk, self._most + 1 - size)
            parts.append(data)
            size += len(data)
            if size > self._most:
                raise CallFailed("limit", f"the answer is longer than maxResponse, {self._most:,} bytes")
        await stream.aclose()
        return b"".join(parts)

    async def _abandon(self, response: httpx.Response) -> None:
        """Close the connection, whatever would still come."""
        inner = getattr(response.stream, "_aiohttp_response", None)
        if inner is not None:
            inner.close()
        else:
            with contextlib.suppress(Exception):
                await response.aclose()

    def _failed(self, error: Exception) -> CallFailed:
        cause = error.__cause__ or error
        if why := reason(error):
            return CallFailed("tls", f"{self._address.netloc}: {why}", sent=False)
        if isinstance(cause, CallFailed):
            return cause
        if isinstance(cause, aiohttp.ClientConnectorError):
            if isinstance(cause.os_error, _Failed):
                return cause.os_error.failed
            return CallFailed(
                "refused", f"no connection to {self._address.netloc}: {cause.os_error.strerror}", sent=False
            )
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)) and not isinstance(cause, aiohttp.ClientError):
            return CallFailed("refused", f"no connection to {self._address.netloc}: {error}", sent=False)
        if isinstance(error, zlib.error):
            return CallFailed("garbage", f"the answer cannot be decompressed: {error}")
        return CallFailed(
            "broken", f"the connection to {self._address.netloc} broke: {type(cause).__name__} {cause}".strip()
        )

    def _made(self) -> httpx.AsyncBaseTransport:
        if self._http2:
            return _Http2(self._tls, self._connections, self._address)
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            ssl=self._tls if self._tls is not None else True,
            keepalive_timeout=_IDLE,
            resolver=_Pinned(self._address),
            ttl_dns_cache=None,
            use_dns_cache=False,
        )
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
        )
        return AiohttpTransport(client=session, verify=False)

    async def close(self) -> None:
        """Close all connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()


class _Failed(OSError):
    """A CallFailed on its way through aiohttp."""

    def __init__(self, failed: CallFailed) -> None:
        super().__init__(failed.message)
        self.failed = failed


class _Pinned(aiohttp.abc.AbstractResolver):
    """Answers the addresses that were resolved once."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        try:
            found = await self._address.resolve()
        except CallFailed as failed:
            raise _Failed(failed) from None
        return [
            {
                "hostname": host,
                "host": each,
                "port": port,
                "family": socket.AF_INET6 if ":" in each else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for each in found
        ]

    async def close(self) -> None:
        """There is nothing to close."""


class _Http2(httpx.AsyncHTTPTransport):
    """httpx's own transport, which speaks HTTP/2, over pinned connections."""

    def __init__(self, tls: ssl.SSLContext | None, connections: int, address: Address) -> None:
        super().__init__(http2=True, http1=tls is not None, verify=tls or ssl.create_default_context(), trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            keepalive_expiry=_IDLE,
            http1=tls is not None,
            http2=True,
            network_backend=_PinnedBackend(address),
        )


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to nothing but the address."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._address.resolve()
        return await self._backend.connect_tcp(found[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
