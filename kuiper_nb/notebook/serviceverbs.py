"""`%%kuiper service NAME` and `%kuiper service VERB …`: what can be done with services."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..connectors.recording import beside
from ..errors import KuiperError, ServiceError, did_you_mean
from . import pluginline
from .firstline import FirstLineError, words, wrong
from .pluginline import PluginLine
from .serviceviews import dry_view, headline, service_view, services_view, signature
from .views import View

if TYPE_CHECKING:
    from ..services.service import Service
    from ..session import Session

CELL = "%%kuiper service NAME [--wins] [--quiet]"
_EXAMPLE = f"""{CELL}
interfaces:
  weather: {{address: "http://localhost:8080", protocol: rest, schemaless: true}}"""
_PLACEHOLDER = re.compile(r"\{\{(.+?)\}\}")
_PLAIN = re.compile(r"[\w.:/@%+-]*")


@dataclass(frozen=True, slots=True)
class ServiceVerb:
    """What a verb does with the session and the line, how it is written, what it is for, the *options* it knows."""

    run: Callable[[Session, PluginLine], Any]
    usage: str
    help: str
    options: tuple[str, ...] = ()
    most: int = 1


# ---- a cell


def made(session: Session, line: str, text: str, names: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Make the cell with *text* the service that its first *line* names; what is to be said, and whether it shall be.

    `{{expr}}` becomes a number or a plain word of *names*. Raises KuiperError with the line of the cell.
    """
    said = pluginline.read(line, 1, ("--wins", "--quiet"), CELL)
    if not said.names:
        raise FirstLineError("a service needs a name", CELL)
    if len(said.names) > 1:
        raise wrong(f"{said.names[1]} is one name too many", CELL, line, list(words(line))[-1][1])
    if not text.strip():
        raise FirstLineError("the cell is empty", _EXAMPLE)
    filled = _filled(f"\n{text}", names)  # so that its lines are those of the cell, whose first is that of the magic
    service = session.services.add(filled, said.names[0], replace=True, wins=said.wins)
    return _told(session, service), not said.quiet


def _filled(text: str, names: Mapping[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        line = text[: found.start()].count("\n") + 1
        try:
            computed = eval(found[1], dict(names))
        except Exception as error:
            message = f"{{{{{found[1]}}}}}: {type(error).__name__}: {error}"
            raise ServiceError(message, line=line, column=1, statement=text) from None
        written = str(computed)
        if not isinstance(computed, (int, float, str)) or not _PLAIN.fullmatch(written):
            message = f"{{{{{found[1]}}}}} is {computed!r}"
            raise ServiceError(
                message, "a number, or a word without spaces or quotes", line=line, column=1, statement=text
            )
        return written

    return _PLACEHOLDER.sub(value, text)


def _told(session: Session, service: Service) -> list[str]:
    """What it offers; bounded, a recording beside the notebook answers for it."""
    tape = recording(service.name)
    if session.mode == "bounded" and tape.is_file():
        service.replay(tape)
    lines = [f"{headline(service, session.mode)}."]
    lines += [f"  {signature(service, name)}" for name in service.functions]
    return [*lines, *(f"note: {note}" for note in service.status.notes)]


def recording(service: str) -> Path:
    """Where the recorded answers of a service are kept, beside the notebook."""
    return beside(service).with_suffix(".calls.jsonl")


# ---- verbs


def done(session: Session, text: str) -> Any:
    """Do what stands behind `%kuiper service`; the answer is a text, a view or None. Raises KuiperError."""
    verb, _, rest = (text.strip() or "show").partition(" ")
    if verb.lower() == "call":
        return _call(session, rest.strip())
    if verb.lower() not in VERBS:
        hint = did_you_mean(verb, VERBS)
        raise FirstLineError(f"there is no verb {verb} for services", hint or f"verbs: {', '.join(VERBS)}")
    known = VERBS[verb.lower()]
    usage = f"%kuiper service {verb.lower()} {known.usage}".rstrip()
    said = pluginline.read(f"service {verb} {rest}", 2, (*known.options, "--quiet"), usage)
    if len(said.names) > known.most:
        raise FirstLineError(f"{said.names[known.most]} is one name too many", usage)
    if not said.names and not known.usage.startswith("["):
        raise FirstLineError("which service?", did_you_mean("", session.services) or usage)
    answer = known.run(session, said)
    return None if said.quiet else answer


def _service(session: Session, said: PluginLine) -> Service:
    name = said.names[0]
    if name not in session.services:
        raise ServiceError(f"no service named {name}", did_you_mean(name, session.services))
    return session.services[name]


def _add(session: Session, said: PluginLine) -> str:
    service = session.services.add(said.names[0], said.name, replace=said.replace, wins=said.wins)
    return "\n".join(_told(session, service))


def _show(session: Session, said: PluginLine) -> View:
    if not said.names:
        return services_view(session.services, session.mode)
    return service_view(_service(session, said), session)


def _drop(session: Session, said: PluginLine) -> str:
    session.drop("service", _service(session, said).name)
    return f"Service {said.names[0]} is dropped."


def _reload(session: Session, said: PluginLine) -> str:
    service = _service(session, said)
    service.reload()
    return "\n".join(_told(session, service))


def _record(session: Session, said: PluginLine) -> str:
    service = _service(session, said)
    file = Path(said.names[1]) if len(said.names) > 1 else recording(service.name)
    service.record(file)
    return f"Answers of service {service.name} are kept; %kuiper service live {service.name} writes them into {file}."


def _replay(session: Session, said: PluginLine) -> str:
    service = _service(session, said)
    file = Path(said.names[1]) if len(said.names) > 1 else recording(service.name)
    service.replay(file)
    return f"Service {service.name} is answered from {file}; nobody is asked."


def _live(session: Session, said: PluginLine) -> str:
    service = _service(session, said)
    service.live()
    return f"{headline(service, session.mode)}."


def _letters(session: Session, said: PluginLine) -> View:
    letters = _service(session, said).dead_letters()
    return View((letters if letters else "no call has been put aside",))


# ---- a call


def _call(session: Session, text: str) -> View:
    """`call f args…`: the request and the reply, outside of any rule."""
    name, _, rest = text.partition(" ")
    if not name:
        raise FirstLineError("which function?", '%kuiper service call f 1 "text" {"a": 2} @photo.jpg')
    owner = session.services.owner(name)
    if not owner:
        known = [each for service in session.services.values() for each in service.functions]
        raise ServiceError(f"no service has a function {name}", did_you_mean(name, known))
    return dry_view(session.services[owner].dry(name, *arguments(rest)), session.mode)


def arguments(text: str) -> list[Any]:
    """Values of JSON one after the other, words, and `@file` for the bytes of one. Raises KuiperError."""
    found: list[Any] = []
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        if rest.startswith("@"):
            word, _, rest = rest.partition(" ")
            try:
                found.append(Path(word[1:]).expanduser().read_bytes())
            except OSError as error:
                raise KuiperError(f"cannot read {word[1:]}: {error.strerror}", "@FILE is the bytes of a file") from None
        else:
            try:
                value, end = decoder.raw_decode(rest)
                if rest[end : end + 1].strip(" ,"):
                    raise ValueError
                found.append(value)
                rest = rest[end:]
            except ValueError:
                word, _, rest = rest.partition(" ")
                found.append(word.rstrip(","))
        rest = rest.lstrip(" ,")
    return found


VERBS: dict[str, ServiceVerb] = {
    "add": ServiceVerb(
        _add,
        "PATH [--name NAME] [--replace] [--wins]",
        "a file (YAML, or eKuiper's JSON), a folder or a zip",
        ("--name", "--replace", "--wins"),
    ),
    "show": ServiceVerb(_show, "[NAME]", "how it does; without a name, all of them"),
    "status": ServiceVerb(_show, "[NAME]", "the same"),
    "describe": ServiceVerb(_show, "NAME", "the same"),
    "call": ServiceVerb(
        _show, "FUNCTION ARGUMENT …", "one call, with its request and reply; @FILE is the bytes of a file"
    ),
    "reload": ServiceVerb(_reload, "NAME", "read its file again"),
    "record": ServiceVerb(_record, "NAME [FILE]", "keep its answers, for a replay without a network", most=2),
    "replay": ServiceVerb(_replay, "NAME [FILE]", "answer from a recording, and ask nobody", most=2),
    "live": ServiceVerb(_live, "NAME", "ask the server again; what was recorded is written"),
    "letters": ServiceVerb(_letters, "NAME", "the calls that onError: deadLetter has put aside"),
    "drop": ServiceVerb(_drop, "NAME", "forget it, unless rules use its functions"),
}
"""The verbs of services."""
