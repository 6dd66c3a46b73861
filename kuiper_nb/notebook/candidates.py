"""What completes a statement: columns, functions, streams, windows, the keys and values of WITH, keywords."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..catalog import Field, Stream
from ..connectors import SOURCES, documented
from ..contracts import Function
from ..errors import KuiperError
from ..formats import KNOWN as FORMATS
from ..sql.builtins import table
from ..sql.builtins.entry import Builtin
from ..sql.builtins.signatures import signature
from ..sql.builtins.special import SPECIAL
from ..sql.calls import RESERVED
from ..sql.ddl import OPTIONS
from ..sql.expected import Expected, expected, spelled
from ..sql.parser import parse
from ..sql.strings import statements
from ..sql.syntax import Create
from ..sql.windowhelp import WINDOWS, here, joins
from ..types import StructOf
from .known import Known

_MOST_FILES = 100


class Candidate(NamedTuple):
    """A completion: the text, and what the list of completions says beside it."""

    text: str
    about: str


def of_statement(text: str, offset: int, known: Known) -> tuple[str, list[Candidate]] | None:
    """What completes *text* at *offset*, with what of it is replaced; None where no SQL is expected."""
    wanted = expected(text, offset)
    if wanted is None:
        return None
    known = _with_definitions(text[:offset], known)
    behind = text[offset : offset + 1]
    return wanted.typed, list(_fitting(wanted, _names(wanted, known, behind)))


def _with_definitions(before: str, known: Known) -> Known:
    """*known*, and the streams that CREATE statements above in the same cell will define."""
    streams = dict(known.streams)
    for text in statements(before)[:-1]:
        if text.lstrip()[:6].lower() == "create":
            try:
                found = parse(text, lambda _: None)[0]
            except KuiperError:
                continue
            if isinstance(found, Create):
                fields = tuple(Field(c.name, c.type, c.default) for c in found.columns)
                streams[found.name] = Stream(found.name, fields, dict(found.options), found.kind)
    return Known(
        streams, known.tables, known.rules, known.functions, known.sources, known.sinks, known.sections, known.plugins
    )


def _names(wanted: Expected, known: Known, behind: str) -> Iterator[Candidate]:
    match wanted.slot:
        case "expression" | "column":
            yield from _columns(wanted, known)
            if wanted.windows:
                yield from (Candidate(w.name, f"window ({w.arguments}): {w.help}") for w in WINDOWS.values() if here(w))
            if wanted.slot == "expression" and not wanted.qualifier and wanted.typed[:1] != "`":
                yield from functions(known)
        case "source":
            yield from streams({**known.tables, **known.streams})
        case "stream" | "table":
            yield from streams(known.streams if wanted.slot == "stream" else known.tables)
        case "option":
            yield from _keys(wanted, known)
        case "value":
            yield from _quoted(wanted, known, behind)
            return
    yield from (Candidate(word, "keyword") for word in wanted.words if not word.endswith(" JOIN") or joins())


def _fitting(wanted: Expected, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Those that begin as what is typed does, written in the case it is written in; each once."""
    typed, seen = wanted.typed, set()
    lowered = typed.lower().removeprefix("`")
    for candidate in candidates:
        text, about = candidate
        if text in seen or (lowered and not text.lower().removeprefix("`").startswith(lowered)):
            continue
        seen.add(text)
        if typed[:1] == "`" and text[:1] != "`":
            yield Candidate(f"`{text}`", about)
        elif typed and _case_does_not_matter(about):
            yield Candidate(_in_case(text, typed), about)
        else:
            yield candidate


def _case_does_not_matter(about: str) -> bool:
    return about == "keyword" or about.startswith(("window", "function", "aggregate", "analytic function"))


def _in_case(text: str, typed: str) -> str:
    rest = text[len(typed) :]
    return typed + (rest.upper() if typed[-1].isupper() else rest.lower() if typed[-1].islower() else rest)


def streams(of: Mapping[str, Stream]) -> Iterator[Candidate]:
    """Streams or tables, with what they are."""
    for name, stream in sorted(of.items()):
        columns = f"{len(stream.fields)} columns" if stream.typed else "any columns"
        yield Candidate(spelled(name), f"{stream.kind}, {stream.type} {stream.datasource}".rstrip() + f", {columns}")


def _columns(wanted: Expected, known: Known) -> Iterator[Candidate]:
    aliases = dict(wanted.sources)
    names = list(dict.fromkeys(aliases.values())) or _only(known)
    if wanted.qualifier:
        if wanted.qualifier not in aliases:
            yield from _members(wanted.qualifier, names, known)
            return
        names = [aliases[wanted.qualifier]]
    for name in names:
        yield from (Candidate(spelled(column), about) for column, about in known.columns(name).items())
    if not wanted.qualifier and len(aliases) > 1:
        yield from (Candidate(spelled(alias), "stream") for alias in aliases)


def _only(known: Known) -> list[str]:
    """Before FROM is written: the stream, when there is but one."""
    return list(known.streams) if len(known.streams) == 1 else []


def _members(column: str, names: list[str], known: Known) -> Iterator[Candidate]:
    for name in names:
        stream = known.streams.get(name) or known.tables.get(name)
        field = None if stream is None else stream.column(column.strip("`"))
        if field is not None and isinstance(field.type, StructOf):
            yield from (Candidate(spelled(member), f"column {kind}") for member, kind in field.type.fields)


_KINDS = {
    "scalar": "function", "aggregate": "aggregate", "analytic": "analytic function", "state": "analytic function",
    "columns": "analytic function", "set": "function of rows",
}  # fmt: skip


def functions(known: Known) -> Iterator[Candidate]:
    """The user's functions, then the built-in ones, each with its signature and a line of help."""
    yield from (Candidate(name, told(known.functions[name])) for name in sorted(known.functions))
    yield from _builtins()


@cache
def _builtins() -> tuple[Candidate, ...]:
    entries = [Candidate(name, told(entry)) for name, entry in sorted(table().items()) if name not in RESERVED]
    return (
        *entries,
        *(Candidate(name, f"function {arguments}: {help}") for name, (arguments, help) in SPECIAL.items()),
    )


def told(function: Function | Builtin) -> str:
    """What a function is in one line, behind its name: `function (value, places = 0): …`."""
    if isinstance(function, Builtin):
        return f"{_KINDS[function.kind]} {signature(function).removeprefix(function.name)}: {function.help}"
    kind = "your aggregate" if function.aggregate else "your function"
    owner = "service" if function.kind == "external" else "plugin"
    kind = kind.replace("your", f"{owner} {function.owner},") if function.owner else kind
    line = function.help.split("\n")[0]
    return f"{kind} ({', '.join(function.parameters)})" + (f": {line}" if line else "")


def of_plugins(kind: str, known: Known) -> Iterator[Candidate]:
    """The sources or sinks that plugins serve."""
    for name, (plugin, served) in sorted(known.served(kind).items()):
        yield Candidate(name, f"{kind} of plugin {plugin}: {served.help}".rstrip(": "))


# ---- WITH


def _keys(wanted: Expected, known: Known) -> Iterator[Candidate]:
    given = dict(wanted.options)
    source = known.sources.get(given.get("TYPE", ""))
    own = sorted(source.parameters) if source is not None else []
    if given.get("TYPE") in (served := known.served("source")):
        own = sorted({"INTERVAL", *(name.upper() for name in served[given["TYPE"]][1].parameters)})
    for key in (*own, *sorted(OPTIONS, key=_first)):
        if key not in given:
            about = OPTIONS.get(key, f"option of {given.get('TYPE', '')}")
            yield Candidate(key, f"option: {about}")


def _first(key: str) -> int:
    """The keys that nearly every stream has come first."""
    usual = ("TYPE", "DATASOURCE", "FORMAT", "TIMESTAMP")
    return usual.index(key) if key in usual else len(usual)


def _quoted(wanted: Expected, known: Known, behind: str) -> Iterator[Candidate]:
    """The values of an option between the quotes that are open already, or between new ones; single ones are wrong."""
    if wanted.typed.startswith("'"):
        return
    for text, about in values(wanted, known, wanted.typed[1:]):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        closed = "" if behind == '"' or text.endswith("/") else '"'
        yield Candidate(f'"{escaped}{closed}', about)


def values(wanted: Expected, known: Known, typed: str) -> Iterator[Candidate]:
    """What an option may be, as far as that is known."""
    given = dict(wanted.options)
    kind = given.get("TYPE", "")
    match wanted.option:
        case "TYPE":
            for name in sorted(SOURCES):
                yield Candidate(name, f"source: {_about(name)}")
            yield from (Candidate(name, f"your source: {s.help}") for name, s in sorted(known.sources.items()))
            yield from of_plugins("source", known)
        case "FORMAT":
            yield from (Candidate(name, "format") for name in FORMATS)
        case "TIMESTAMP":
            yield from (Candidate(name, "column") for name in wanted.declared)
        case "DATASOURCE" if kind == "file":
            yield from files(typed)
        case "DATASOURCE" if kind == "memory":
            topics = {s.datasource for s in known.streams.values() if s.type == "memory" and s.datasource}
            yield from (Candidate(topic, "topic") for topic in sorted(topics))
        case "SHARED" | "STRICT_VALIDATION" | "TEMP":
            yield from (Candidate(word, "true or false") for word in ("true", "false"))
        case "KIND":
            yield from (Candidate(word, "kind of table") for word in ("scan", "lookup"))
        case "CONF_KEY":
            yield from (Candidate(name, f"section of {kind}") for name in known.sections.get(("source", kind), {}))
        case "TIMESTAMP_FORMAT":
            yield Candidate("yyyy-MM-dd HH:mm:ss", "pattern of a time")
        case "EXTRA":
            yield from _properties(kind)


def _about(kind: str) -> str:
    found = documented("source", kind)
    return "" if found is None else found.help


def _properties(kind: str) -> Iterator[Candidate]:
    found = documented("source", kind)
    for known in () if found is None else found.properties:
        if not known.later:
            yield Candidate(json.dumps({known.name: known.default}), f"property: {known.help}")


def files(typed: str) -> Iterator[Candidate]:
    """Files and directories that begin as what is typed."""
    folder, _, start = typed.rpartition("/")
    base = f"{folder}/" if "/" in typed else ""
    try:
        with os.scandir(Path(base or ".")) as entries:
            fitting = [
                (e.name, e.is_dir()) for e in entries if e.name.startswith(start) and (start or e.name[0] != ".")
            ]
    except OSError:
        return
    for name, is_folder in sorted(fitting)[:_MOST_FILES]:
        yield Candidate(f"{base}{name}{'/' if is_folder else ''}", "directory" if is_folder else "file")
