"""A whole batch: equal calls are made once, several are under way, answers come back in the order of the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as Late
from typing import Any

import pyarrow as pa

from ..contracts import Answer, Call, Failure
from ..errors import RowFault
from ..functions.columns import as_python
from ..functions.guard import Stopped, current
from ..types import unencoded
from .answers import json_of, refused
from .cache import MISSING, Answers
from .caller import Caller
from .loop import Loop
from .protocol import CallFailed, Interface, Operation, Reply, Request
from .secrets import masked
from .spec import Batch

_TICK = 0.5
_PLAIN = {str, int, float, bool, bytes, type(None)}

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
        columns = [_listed(column) for column in call.arguments]
        rows: list[tuple[Any, ...]] = list(zip(*columns, strict=True)) if columns else [()] * call.rows
        silent = len(columns) == (len(operation.parameters) if operation.rest else 0)
        places, different = (list(range(len(rows))), rows) if silent else _different(columns, rows)
        if self._endpoint is not None and self._cache is None:
            outcomes = self._at_once(operation, different, self._endpoint)
        else:
            outcomes = self._one_by_one(operation, different, silent)
        return [outcomes[place] for place in places], rows

    def _one_by_one(self, operation: Operation, different: list[tuple[Any, ...]], silent: bool) -> list[Outcome]:
        """A request for each that is not answered yet.

        What a call answers that tells the server nothing (*silent*) depends on when it is made: unless it is safe to
        repeat, it is made for each row, one after the other, as eKuiper does.
        """
        outcomes: list[Outcome] = [None] * len(different)
        requests: dict[Hashable, tuple[Request, list[int]]] = {}
        in_turn = False
        for number, arguments in enumerate(different):
            try:
                request = self._interface.encode(operation, arguments)
            except RowFault as fault:
                outcomes[number] = fault
                continue
            anew = silent and self._cache is None and not self._caller.retry.repeats(request.safe)
            in_turn = in_turn or anew
            key = number if anew else self._key(operation, request, arguments)
            if self._cache is not None and (value := self._cache.get(key)) is not MISSING:
                outcomes[number] = value
            else:
                requests.setdefault(key, (request, []))[1].append(number)
        if requests:
            if self._endpoint is not None:
                firsts = [different[numbers[0]] for _, numbers in requests.values()]
                answers = self._at_once(operation, firsts, self._endpoint)
            else:
                asked = [request for request, _ in requests.values()]
                answers = self._waited(operation, self._loop.run(self._all(asked, at_once=1 if in_turn else None)))
            for (key, (_, numbers)), outcome in zip(requests.items(), answers, strict=True):
                for number in numbers:
                    outcomes[number] = outcome
                if self._cache is not None and not isinstance(outcome, Exception):
                    self._cache.put(key, outcome)
        return outcomes

    def _at_once(self, operation: Operation, different: list[tuple[Any, ...]], endpoint: Batch) -> list[Outcome]:
        """An array of them in one request, or several where there are many."""
        outcomes: list[Outcome] = [None] * len(different)
        numbers: list[int] = []
        values: list[Any] = []
        shape = self._interface.shaped(operation)
        for number, arguments in enumerate(different):
            try:
                values.append(shape.make(arguments))
                numbers.append(number)
            except RowFault as fault:
                outcomes[number] = fault
        parts = [values[first : first + endpoint.size] for first in range(0, len(values), endpoint.size)]
        try:
            requests = [self._interface.together(operation, part, endpoint) for part in parts]
        except RowFault as fault:
            return [fault] * len(different)
        if not requests:
            return outcomes
        answers = self._waited(operation, self._loop.run(self._all(requests, list(map(len, parts)))))
        found = [each for part, answer in zip(parts, answers, strict=True) for each in _each(part, answer)]
        for number, value in zip(numbers, found, strict=True):
            try:
                outcomes[number] = value if isinstance(value, CallFailed) else shape.read(value)
            except CallFailed as failed:
                outcomes[number] = failed
        return outcomes

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

    async def _all(
        self, requests: Sequence[Request], sizes: Sequence[int] = (), at_once: int | None = None
    ) -> list[Outcome]:
        """The outcome of each request, of which so many are under way *at_once*; with *sizes*, each is for so many
        calls, and its answer an array as long."""
        if self._slots is None:
            self._slots = asyncio.Semaphore(self._concurrency)
        outcomes: list[Outcome] = [None] * len(requests)
        left = iter(enumerate(requests))
        workers = [self._work(left, outcomes, sizes) for _ in range(min(at_once or self._concurrency, len(requests)))]
        await asyncio.gather(*workers)
        return outcomes

    async def _work(self, left: Iterator[tuple[int, Request]], outcomes: list[Outcome], sizes: Sequence[int]) -> None:
        assert self._slots is not None
        for number, request in left:
            async with self._slots:
                try:
                    if sizes:
                        outcomes[number] = await self._caller.call(request, _reader(sizes[number]))
                    else:
                        outcomes[number] = await self._caller.call(request)
                except CallFailed as failed:
                    outcomes[number] = failed


def _each(part: list[Any], answer: Outcome) -> list[Outcome]:
    """What came for each call of a part: its own, or the one failure of all."""
    return [answer] * len(part) if isinstance(answer, CallFailed) else list(answer)


def _reader(wanted: int) -> Callable[[Operation, Reply], list[Any]]:
    """Reads arrays of so many elements."""
    return lambda operation, reply: _array(reply, wanted)


def _array(reply: Reply, wanted: int) -> list[Any]:
    """The array of an answer. Raises CallFailed."""
    if (failed := refused(reply)) is not None:
        raise failed
    found = json_of(reply, int)
    if not isinstance(found, list) or len(found) != wanted:
        told = f"{len(found)} elements" if isinstance(found, list) else "no array"
        raise CallFailed("garbage", f"the answer to a batch of {wanted} is {told}")
    return found


def _listed(column: Any) -> list[Any]:
    """The values of a column: a list, or Arrow, in one part or several."""
    if isinstance(column, list):
        return column
    plain = unencoded(column)
    return as_python(plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain)


def _different(columns: Sequence[list[Any]], rows: list[tuple[Any, ...]]) -> tuple[list[int], list[tuple[Any, ...]]]:
    """For each row the number of its arguments among the different ones, and those. 1 and 1.0 and true differ."""
    kinds = [set(map(type, column)) for column in columns]
    if all(len(found) <= 1 and found <= _PLAIN for found in kinds):
        numbers: dict[tuple[Any, ...], int] = {}
        places = [numbers.setdefault(row, len(numbers)) for row in rows]
        return places, list(numbers)
    seen: dict[Hashable, int] = {}
    different: list[tuple[Any, ...]] = []
    places = []
    for row in rows:
        try:
            place = seen.setdefault((row, tuple(map(type, row))), len(different))
        except TypeError:  # an object or an array
            place = seen.setdefault(repr(row), len(different))
        if place == len(different):
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
