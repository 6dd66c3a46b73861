"""A service file bound: its interfaces, and the SQL functions they offer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from ..contracts import Answer, Call, Clock, Function
from ..errors import RowFault
from ..sql.builtins import find
from ..sql.calls import RESERVED
from .bound import Bound, Dry
from .cassette import Cassette
from .loop import Loop
from .protocol import Operation
from .reading import Described
from .status import ServiceStatus

_FUNCTIONS_TOLD = 200


class Bindings:
    """All interfaces of a service file. Raises ServiceError where one cannot be bound."""

    def __init__(
        self,
        name: str,
        described: Described,
        clock: Clock,
        loop: Loop,
        answer: Callable[[str, Call], Answer],
    ) -> None:
        self.described = described
        self._name = name
        self._clock = clock
        self._loop = loop
        self._cassette: Cassette | None = None
        self._bound = [Bound(each, spec, described, loop, clock) for each, spec in described.spec.interfaces.items()]
        self._owners: dict[str, tuple[Bound, Operation]] = {}
        self.notes = [*described.notes]
        for bound in self._bound:
            self._take(bound)
            if bound.address.secure and bound.spec.options.insecure_skip_verify:
                self.notes.append(f"{bound.name}: nobody verifies who answers there (insecureSkipVerify)")
        self.functions = {
            function: _function(name, operation, bound, answer) for function, (bound, operation) in self._owners.items()
        }
        self.given = {each.name for bound in self._bound for each in bound.spec.functions} | {
            bound.name for bound in self._bound if bound.name in bound.interface.operations
        }
        watched = [described.file] if described.file is not None and described.unpacked is None else []
        files = [] if described.unpacked is not None else [file for bound in self._bound for file in bound.files]
        self.files = tuple(dict.fromkeys([*watched, *files]))

    def _take(self, bound: Bound) -> None:
        """Its functions. Of a name that several have, the first that was given it counts, else the first."""
        given = {each.name for each in bound.spec.functions}
        for name, operation in bound.interface.operations.items():
            if find(name) is not None or name.lower() in RESERVED:
                self.notes.append(f"{name} of {bound.name} is a built-in function of eKuiper, which goes before it")
                continue
            other = self._owners.get(name)
            if other is not None and (name not in given or name in {f.name for f in other[0].spec.functions}):
                self.notes.append(f"{name} of {bound.name} is not called: that of {other[0].name} goes before it")
                continue
            self._owners[name] = bound, operation

    def leave(self, function: str, owner: str) -> None:
        """Do not offer a function that nobody asked for by its name, and that *owner* has."""
        del self.functions[function], self._owners[function]
        self.notes.append(f"{function} is not called: that of {owner} goes before it")

    def answer(self, function: str, call: Call) -> Answer:
        """A batch."""
        bound, operation = self._owners[function]
        return bound.answer(operation, call, self._clock.now())

    def dry(self, function: str, arguments: Sequence[Any]) -> Dry:
        """One call."""
        bound, operation = self._owners[function]
        return bound.dry(operation, arguments)

    def status(self, generation: int, fault: str) -> ServiceStatus:
        """A snapshot."""
        interfaces = tuple(bound.status() for bound in self._bound)
        down = [each for each in interfaces if each.reachable is False]
        message = fault or (down[0].last_failure or f"{down[0].address} does not answer" if down else "")
        return ServiceStatus(
            name=self._name,
            status="error" if fault or down else "running",
            errMsg=message,
            generation=generation,
            functions=tuple(self.functions)[:_FUNCTIONS_TOLD],
            interfaces=interfaces,
            notes=tuple(self.notes),
            cassette=f"{self._cassette.mode} {self._cassette.path.name}" if self._cassette is not None else "",
        )

    def tape(self, cassette: Cassette | None) -> None:
        """Record into it, or play it; None for neither."""
        self._cassette = cassette
        for bound in self._bound:
            bound.interface.cassette = cassette

    @property
    def cassette(self) -> Cassette | None:
        """What is recorded into, or played."""
        return self._cassette

    def dead_letters(self) -> list[dict[str, Any]]:
        """What was put aside."""
        return [letter for bound in self._bound for letter in bound.tally.letters]

    def operation(self, function: str) -> Operation:
        """What a function asks."""
        return self._owners[function][1]

    def retire(self, closed: Callable[[], object]) -> None:
        """Close, once what is under way must be over; then *closed* is called."""
        patience = max((bound.spec.options.deadline for bound in self._bound), default=0.0) + 1

        async def later() -> None:
            await asyncio.sleep(patience)
            await self._closed()
            self.described.close()
            closed()

        self._loop.run(later())

    def close(self) -> None:
        """Close now."""
        self._loop.run(self._closed()).result(5)
        self.described.close()

    async def _closed(self) -> None:
        for bound in self._bound:
            await bound.close()


def _function(service: str, operation: Operation, bound: Bound, answer: Callable[[str, Call], Answer]) -> Function:
    name = operation.name

    def call(batch: Call) -> Answer:
        return answer(name, batch)

    def one(*arguments: Any) -> Any:
        found = answer(name, Call(tuple([argument] for argument in arguments), 1))
        if found.failures:
            raise RowFault(found.failures[0].message)
        return found.values[0]

    types = ", ".join(f"{parameter.name} {parameter.type}" for parameter in operation.parameters)
    about = f"{operation.help or operation.method} ({types}) → {operation.returns}" if types else operation.help
    return Function(
        name=name,
        kind="external",
        call=call,
        one=one,
        arity=operation.arity,
        columnar=True,
        help=about or operation.method,
        parameters=tuple(parameter.name for parameter in operation.parameters),
        owner=service,
    )
