"""How a service looks in text and plain html. What differs from run to run (times, ports of this machine) is left out
where the notebook is bounded, so that it shows the same again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..services.secrets import masked
from .views import View, counted

if TYPE_CHECKING:
    from ..services.bound import Dry
    from ..services.installed import Services
    from ..services.service import Service
    from ..services.status import InterfaceStatus
    from ..session import Session

_PORT = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+")
_LONGEST = 4000


def stable(text: str, mode: str) -> str:
    """*text* without the ports that this machine gave, where the notebook is bounded."""
    return text if mode == "live" else _PORT.sub(r"\1:PORT", text)


def signature(service: Service, function: str) -> str:
    """`getFeature(value bytea) → struct`."""
    operation = service.operation(function)
    given = [f"{p.name} {p.type}" + ("" if p.required else "?") for p in operation.parameters]
    given += ["…"] if operation.rest else []
    return f"{function}({', '.join(given)}) → {operation.returns}"


def headline(service: Service, mode: str) -> str:
    """One line: which service, how it does, where."""
    status = service.status
    addresses = ", ".join(dict.fromkeys(f"{each.protocol} {each.address}" for each in status.interfaces))
    word = "in error" if status.status == "error" else status.status
    taped = {"record": ", recording into", "replay": ", answered from"}
    kind, _, file = status.cassette.partition(" ")
    more = f"{taped[kind]} {file}" if kind else ""
    return stable(f"Service {status.name} is {word}: generation {status.generation}, {addresses}{more}", mode)


def offered(service: Service, session: Session) -> list[dict[str, str]]:
    """Its functions, one a row."""
    return [
        {
            "function": signature(service, name),
            "asks": service.operation(name).method,
            "help": service.operation(name).help.split("\n")[0],
            "used by": ", ".join(session.users("function", name)),
        }
        for name in service.functions
    ]


def service_view(service: Service, session: Session) -> View:
    """One service: its state, what it offers and to whom, what it has done, what failed."""
    status, mode = service.status, session.mode
    parts: list[Any] = [headline(service, mode)]
    if status.errMsg:
        parts.append(stable(f"last error: {status.errMsg}", mode))
    parts.append(offered(service, session))
    parts += [stable(_interface(each, mode), mode) for each in status.interfaces if each.calls or each.rows]
    parts += [f"note: {note}" for note in status.notes]
    return View(tuple(parts))


def _interface(status: InterfaceStatus, mode: str) -> str:
    parts = [f"{status.name}: {counted(status.calls, 'call')} for {counted(status.rows, 'row')}"]
    parts += [f"{status.hits:,} answered from the cache"] if status.hits else []
    parts += [f"errors: {errors(status)}"] if status.errors else []
    parts += ["left alone for a while, it has failed too often"] if status.breaker else []
    if mode == "live" and status.calls:
        parts.append(f"a call takes {status.p50:.1f} ms (p50), {status.p99:.1f} ms (p99)")
    if status.last_failure:
        parts.append(f"last failure: {status.last_failure}")
    return "; ".join(parts)


def errors(status: InterfaceStatus) -> str:
    """`12 status, 1 deadline`."""
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(status.errors.items()))


def services_view(services: Services, mode: str) -> View:
    """All of them, one a row."""
    rows = [_row(service, mode) for service in list(services.values())]
    return View((rows if rows else "no services; a cell that begins with %%kuiper service NAME makes one",))


def _row(service: Service, mode: str) -> dict[str, Any]:
    status = service.status
    return {
        "service": status.name,
        "state": status.status,
        "generation": status.generation,
        "calls": status.calls,
        "rows": status.rows,
        "errors": sum(status.errors.values()),
        "functions": ", ".join(status.functions),
    }


def dry_view(dry: Dry, mode: str) -> View:
    """One call: the request, the reply, the value or the error."""
    took = f" after {1000 * dry.seconds:.1f} ms" if mode == "live" and dry.reply else ""
    parts = [_indented("→", dry.request)] if dry.request else []
    parts += [_indented("←", dry.reply) + took] if dry.reply else []
    parts.append(f"error: {dry.error}" if dry.error else f"= {_value(dry.value)}")
    return View((stable(masked("\n".join(parts)), mode),))


def _indented(arrow: str, text: str) -> str:
    lines = text[:_LONGEST].splitlines()
    return "\n".join([f"{arrow} {lines[0]}", *(f"  {line}" for line in lines[1:])])


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)[:_LONGEST]
