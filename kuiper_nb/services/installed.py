"""The services of a session, and which of them answers a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..contracts import Clock, Function
from ..errors import FunctionError, ServiceError, did_you_mean
from ..functions.registry import Registry

if TYPE_CHECKING:
    from .binder import Bindings
    from .loop import Loop
    from .reading import Described
    from .service import Service

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)


class Services(Mapping[str, "Service"]):
    """Services by name. *check* raises for a function that *define* would not take; *functions* are all there are.

    *users* answers the ids of the rules that use a function. Nothing heavy is imported before there is a service.
    """

    def __init__(
        self,
        clock: Clock,
        check: Callable[[Function], None],
        define: Callable[[Function], object],
        functions: Registry,
        users: Callable[[str, str], list[str]],
    ) -> None:
        self.belong(clock, check, define, functions, users)
        self._services: dict[str, Service] = {}
        self._owners: dict[str, str] = {}
        self._loop: Loop | None = None

    def belong(
        self,
        clock: Clock,
        check: Callable[[Function], None],
        define: Callable[[Function], object],
        functions: Registry,
        users: Callable[[str, str], list[str]],
    ) -> None:
        """From now on they are those of another session, as when they are made."""
        self.clock = clock
        self._check = check
        self._define = define
        self._functions = functions
        self._users = users

    # ---- adding

    def add(self, origin: str | Path, name: str = "", *, replace: bool = False, wins: bool = False) -> Service:
        """A service from a file (YAML, or eKuiper's JSON), a folder or zip in eKuiper's layout, or the text of a file.

        Nothing is contacted yet, but where a server is asked for its schema. *name* is needed for a text; else it is
        that of the file. *replace*: it may take the place of one with its name. *wins*: its functions count where
        another service, a plugin or Python has the same. Raises ServiceError; then nothing has changed.
        """
        from .reading import found

        described = found(origin, name)
        if not _NAME.fullmatch(described.name):
            hint = "letters, digits, _ and -; a letter first" if described.name else "services.add(text, name)"
            raise ServiceError(f"a service cannot be called {described.name or 'nothing'}", hint)
        if described.name in self._services and not replace:
            message = f"invalid name {described.name}: duplicate"
            raise ServiceError(message, f"drop service {described.name} first, or say --replace")
        return self._installed(described, wins)

    def drop(self, name: str) -> None:
        """Forget one. Raises ServiceError while rules use it, naming them."""
        service = self._find(name)
        owned = [function for function, owner in self._owners.items() if owner == name]
        for function in owned:
            self._refuse_used(name, function)
        for function in owned:
            self._disown(function)
        del self._services[name]
        service.close()

    def released(self, function: str) -> None:
        """A function is somebody else's now."""
        self._owners.pop(function, None)

    def close(self) -> None:
        """Forget all of them."""
        for service in self._services.values():
            service.close()
        self._services.clear()
        self._owners.clear()
        if self._loop is not None:
            self._loop.close()

    # ---- functions

    def owner(self, function: str) -> str:
        """The service that answers a function; '' for none."""
        return self._owners.get(function, "")

    def renew(self, service: Service, described: Described) -> None:
        """Serve what an edited file says. Raises ServiceError; then what it said before goes on."""
        operations = service.bind(described)
        try:
            self._refuse(service.name, operations, wins=False)
        except BaseException:
            operations.close()
            raise
        service.use(operations)
        self._serve(service)

    def _installed(self, described: Described, wins: bool) -> Service:
        from .loop import Loop
        from .service import Service

        self._loop = self._loop or Loop()
        old = self._services.get(described.name)
        service = old or Service(described.name, self.clock, self._loop, self.renew, self.drop)
        operations = service.bind(described)
        try:
            self._refuse(service.name, operations, wins)
        except BaseException:
            operations.close()
            raise
        service.use(operations)
        self._services[service.name] = service
        self._serve(service)
        return service

    def _serve(self, service: Service) -> None:
        """What it offers from now on is its; what it does not offer any more is nobody's."""
        for owned, owner in list(self._owners.items()):
            if owner == service.name and owned not in service.functions:
                self._disown(owned)
        for name, function in service.functions.items():
            self._owners[name] = service.name
            self._define(function)

    def _disown(self, function: str) -> None:
        del self._owners[function]
        if function in self._functions and self._functions[function].kind == "external":
            self._functions.drop(function)

    def _refuse(self, name: str, bindings: Bindings, wins: bool) -> None:
        """Raises ServiceError for functions that others have, or that running rules call and are gone. One that a
        schema brings along, and nobody has named, is left to others."""
        offered = bindings.functions
        for function in list(offered.values()):
            known = self._functions.get(function.name)
            if known is not None and known.owner != name and not wins:
                if function.name not in bindings.given:
                    bindings.leave(function.name, _owner(known))
                    continue
                if not self._along(known):
                    message = f"function {function.name} is already defined by {_owner(known)}"
                    hint = f"give it another name in `functions`, or say that {name} wins (--wins)"
                    raise ServiceError(message, hint)
            try:
                self._check(function)
            except FunctionError as error:
                raise ServiceError(f"service {name}: {error.message}", "give it another name in `functions`") from None
        for mine, owner in self._owners.items():
            if owner == name and mine not in offered:
                self._refuse_used(name, mine)

    def _along(self, known: Function) -> bool:
        """Whether a schema has brought a function along that another service now offers by its name."""
        owner = self._services.get(known.owner) if known.kind == "external" else None
        return owner is not None and known.name not in owner.given

    def _refuse_used(self, name: str, function: str) -> None:
        if used := self._users("function", function):
            rules = f"{'rule' if len(used) == 1 else 'rules'} {', '.join(used)}"
            raise ServiceError(f"service {name} is used by {rules}: function {function}", f"drop {used[0]} first")

    def _find(self, name: str) -> Service:
        if name not in self._services:
            raise ServiceError(f"no service named {name}", did_you_mean(name, self._services))
        return self._services[name]

    # ---- a mapping

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def __repr__(self) -> str:
        return f"<services: {', '.join(self._services) or 'none'}>"


def _owner(known: Function) -> str:
    return {"native": "Python", "portable": f"plugin {known.owner}"}.get(known.kind, f"service {known.owner}")
