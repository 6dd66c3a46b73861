"""One call: attempts, until it is answered, may not be asked again, or its one deadline is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .authorization import Authorization
from .protocol import CallFailed, Interface, Operation, Reply, Request
from .retry import Host, Retry, chance, is_of_host


class Pace:
    """At most so many requests a second, evenly."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 0.0 if rate is None else 1 / rate
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds to wait for a turn, which is taken."""
        at = max(self._next, now)
        self._next = at + self._gap
        return at - now


class Caller:
    """Calls one *interface*. *authorization* is told of a refusal for want of a right; *noted* of each attempt: how
    many seconds it took, and the failure. Used in the event loop only."""

    def __init__(
        self,
        interface: Interface,
        retry: Retry,
        deadline: float,
        rate: float | None,
        authorization: Authorization,
        noted: Callable[[float, CallFailed | None], None],
        concurrency: int = 1,
    ) -> None:
        self._interface = interface
        self.retry = retry
        self._deadline = deadline
        self._pace = Pace(rate)
        self._authorization = authorization
        self._noted = noted
        self.host = Host(concurrency)

    async def call(self, request: Request, decode: Callable[[Operation, Reply], Any] | None = None) -> Any:
        """The value. Raises CallFailed."""
        loop = asyncio.get_running_loop()
        if wait := self._pace.wait(loop.time()):
            await asyncio.sleep(wait)  # before its time begins: the queue is no fault of the server
        end, attempt, renewed = loop.time() + self._deadline, 0, False
        while True:
            attempt += 1
            if not self.host.may_ask(loop.time()):
                raise CallFailed("breaker", f"not asked: the last {self.host.failures} calls have failed", sent=False)
            stamp = self._authorization.stamp
            try:
                return await self._once(request, end - loop.time(), decode or self._interface.decode)
            except CallFailed as failed:
                if (
                    failed.status in (401, 16)
                    and failed.kind == "auth"
                    and not renewed
                    and await self._renewed(stamp, end)
                ):
                    renewed, attempt = True, attempt - 1
                    continue
                wait_or_none = self.retry.wait(attempt, failed, request.safe, chance())
                if wait_or_none is None or not self.host.patient or loop.time() + wait_or_none >= end:
                    raise
                if failed.kind == "deadline":
                    raise
                await asyncio.sleep(wait_or_none)

    async def _renewed(self, stamp: str, end: float) -> bool:
        try:
            async with asyncio.timeout_at(end):
                return await self._authorization.renewed(stamp)
        except (TimeoutError, CallFailed):
            return False

    async def _once(self, request: Request, seconds: float, decode: Callable[[Operation, Reply], Any]) -> Any:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            value = decode(request.operation, await self._interface.exchange(request, max(seconds, 0.001)))
        except CallFailed as failed:
            self._noted(loop.time() - began, failed)
            if is_of_host(failed):
                self.host.failed(loop.time())
            else:
                self.host.succeeded()
            raise
        self._noted(loop.time() - began, None)
        self.host.succeeded()
        return value
