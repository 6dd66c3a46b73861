"""A whole batch: equal calls are made once, several are under way, answers come back in the order of the rows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as Late
from typing import Any

from ..contracts import Answer, Call, Failure
from ..errors import RowFault
from ..functions.columns import as_python
from ..functions.guard import Stopped, current
from .cache import MISSING, Answers
from .caller import Caller
from .loop import Loop
from .protocol import CallFailed, Interface, Operation, Reply, Request
from .secrets import masked
from .spec import Batch

_TICK = 0.5

Outcome = Any
"""A value, or the CallFailed or RowFault in its place."""


class Batches:
    """Answers batches by *caller*. *noted* is told how many rows each was, and how many calls were answered already."""

    def __init__(
        self,
        interface: Interface,
        caller: Caller,
        loop: Loop,
        concurrency: int,
        cache: Answers | None = None,
        keyed_by: Sequence[str] = (),
        endpoint: Batch | None = None,
    ) -> None:
        self._interface = interface
        self._caller = caller
        self._loop = loop
        self._concurrency = concurrency
        self._slots: asyncio.Semaphore | None = None
        self._cache = cache
        self._keyed_by = tuple(keyed_by)
        self._endpoint = endpoint

    def answer(self, operation: Operation, call: Call) -> tuple[list[Outcome], list[tuple[Any, ...]]]:
        """The outcome of each row, and its arguments. Raises Stopped when its rule is to stop."""
        columns = [column if isinstance(column, list) else as_python(column) for column in call.arguments]
        rows: list[tuple[Any, ...]] = list(zip(*columns, strict=True)) if columns else [()] * call.rows
        places, different = _different(rows)
        outcomes: list[Outcome] = [None] * len(different)
        requests: dict[Hashable, tuple[Request, list[int]]] = {}
        for number, arguments in enumerate(different):
            try:
                request = self._interface.encode(operation, arguments)
            except RowFault as fault:
                outcomes[number] = fault
                continue
            key = self._key(operation, request, arguments)
            if self._cache is not None and (value := self._cache.get(key)) is not MISSING:
                outcomes[number] = value
            else:
                requests.setdefault(key, (request, []))[1].append(number)
        if requests:
            asked = [request for request, _ in requests.values()]
            answers = self._waited(operation, self._loop.run(self._all(asked)))
            for (key, (_, numbers)), outcome in zip(requests.items(), answers, strict=True):
                for number in numbers:
                    outcomes[number] = outcome
                if self._cache is not None and not isinstance(outcome, Exception):
                    self._cache.put(key, outcome)
        return [outcomes[place] for place in places], rows

    def _key(self, operation: Operation, request: Request, arguments: tuple[Any, ...]) -> Hashable:
        """What makes two calls the same; by some of the arguments only, where the cache says so."""
        if not self._keyed_by:
            return request.key
        named = {p.name: a for p, a in zip(operation.parameters, arguments, strict=False)}
        return operation.name, repr([named.get(name) for name in self._keyed_by])

    def _waited(self, operation: Operation, future: Future[list[Outcome]]) -> list[Outcome]:
        """Wait, in a way that can be broken off."""
        guard = current()

        def wake() -> None:
            future.cancel()

        guard.wake = wake
        try:
            guard.enter(f"service function {operation.name}")
            while True:
                try:
                    return future.result(_TICK)
                except Late:
                    continue  # so that Ctrl-C is heard
        except CancelledError:
            raise Stopped from None
        except BaseException:
            future.cancel()
            raise
        finally:
            guard.wake = None
            guard.leave()

    # ---- in the event loop

    async def _all(self, requests: Sequence[Request]) -> list[Outcome]:
        if self._slots is None:
            self._slots = asyncio.Semaphore(self._concurrency)
        if self._endpoint is not None and all(request.body for request in requests):
            return await self._together(requests, self._endpoint)
        outcomes: list[Outcome] = [None] * len(requests)
        left = iter(enumerate(requests))
        workers = [self._work(left, outcomes) for _ in range(min(self._concurrency, len(requests)))]
        await asyncio.gather(*workers)
        return outcomes

    async def _work(self, left: Iterator[tuple[int, Request]], outcomes: list[Outcome]) -> None:
        assert self._slots is not None
        for number, request in left:
            async with self._slots:
                try:
                    outcomes[number] = await self._caller.call(request)
                except CallFailed as failed:
                    outcomes[number] = failed

    async def _together(self, requests: Sequence[Request], endpoint: Batch) -> list[Outcome]:
        """Bodies by the array to an address that takes them so."""
        parts = [requests[first : first + endpoint.size] for first in range(0, len(requests), endpoint.size)]
        answered = await asyncio.gather(*(self._part(part, endpoint) for part in parts))
        return [outcome for part in answered for outcome in part]

    async def _part(self, part: Sequence[Request], endpoint: Batch) -> list[Outcome]:
        assert self._slots is not None
        whole = self._interface.together(part, endpoint)
        async with self._slots:
            try:
                replies = await self._caller.call(whole, lambda operation, reply: _split(reply, len(part)))
            except CallFailed as failed:
                return [failed] * len(part)
        return [_decoded(self._interface, part[0].operation, reply) for reply in replies]


def _decoded(interface: Interface, operation: Operation, reply: Reply) -> Outcome:
    try:
        return interface.decode(operation, reply)
    except CallFailed as failed:
        return failed


def _split(reply: Reply, wanted: int) -> list[Reply]:
    """One reply for each element of an array."""
    from .answers import refused

    if (failed := refused(reply)) is not None:
        raise failed
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise CallFailed("garbage", "the answer to a batch is no JSON") from None
    if not isinstance(found, list) or len(found) != wanted:
        told = f"{len(found)} elements" if isinstance(found, list) else "no array"
        raise CallFailed("garbage", f"the answer to a batch of {wanted} is {told}")
    headers = {"content-type": "application/json"}
    return [Reply(200, (json.dumps(each).encode(),), headers) for each in found]


def _different(rows: list[tuple[Any, ...]]) -> tuple[list[int], list[tuple[Any, ...]]]:
    """For each row the number of its arguments among the different ones, and those. 1 and 1.0 and true differ."""
    seen: dict[Hashable, int] = {}
    different: list[tuple[Any, ...]] = []
    places = []
    for row in rows:
        try:
            key: Hashable = (row, tuple(map(type, row)))
            place = seen.get(key)
        except TypeError:  # an object or an array: its request will tell
            places.append(len(different))
            different.append(row)
            continue
        if place is None:
            place = seen[key] = len(different)
            different.append(row)
        places.append(place)
    return places, different


def answered(
    operation: Operation,
    outcomes: list[Outcome],
    on_error: str,
    failed: Callable[[int, str], None],
) -> Answer:
    """Outcomes as values and failures; *failed* is told of each row that has one, by its number and why."""
    values: list[Any] = []
    failures: dict[int, Failure] = {}
    for row, outcome in enumerate(outcomes):
        if isinstance(outcome, (CallFailed, RowFault)):
            message = masked(f"call func {operation.name} error: {outcome.message}")
            failed(row, message)
            if on_error != "null":
                failures[row] = Failure(message)
            values.append(None)
        else:
            values.append(outcome)
    return Answer(values, failures)
