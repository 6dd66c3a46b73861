"""What CREATE, SHOW, DESCRIBE and DROP do to the definitions of a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from . import formats
from .catalog import Stream
from .connectors import PARAMETERS, Site
from .errors import CatalogError, KuiperError, did_you_mean
from .sql.ddl import described, stream_of
from .sql.parser import parse
from .sql.syntax import Create, Describe, Drop, Select, Show, Statement

if TYPE_CHECKING:
    from .engine.rule import Rule
    from .session import Session


def check(session: Session, statement: Statement, replace: bool) -> None:
    """Refuse what is wrong before anything has been done. Raises KuiperError."""
    if isinstance(statement, Select):
        raise KuiperError("a SELECT is a rule", "session.rule(…)", statement=statement.text)
    if isinstance(statement, Create):
        stream = _defined(session, statement)
        if not replace and statement.name in (*session.streams, *session.tables):
            where = "a stream" if statement.name in session.streams else "a table"
            message = f"Create {statement.kind} fails: Item {statement.name} already exists"
            raise CatalogError(message, f"it is {where}; DROP it first, or replace=True")
        formats.get(stream.format)
        if stream.type in session.sources or stream.type.lower() == "simulator":
            session.source_of(stream, Site(session.clock))  # says what is wrong with its properties


def run(session: Session, statement: Statement) -> Any:
    """Do it; answers a message, for SHOW a list of names, for DESCRIBE a text. Raises KuiperError."""
    match statement:
        case Create():
            return _create(session, _defined(session, statement))
        case Show(kind=kind):
            return sorted(mapping(session, kind))
        case Describe(kind=kind, name=name):
            return described(known(session, kind, name, "Describe"))
        case Drop(kind=kind, name=name):
            known(session, kind, name, "Drop")
            session.drop(kind, name)
            return f"{kind.capitalize()} {name} is dropped."
    raise KuiperError("a SELECT is a rule", "session.rule(…)")


def rehearsed(session: Session, statements: Sequence[Statement]) -> Session:
    """A session with the definitions as they will be after *statements*; *session* stays as it is.

    Raises KuiperError when one of them cannot be done.
    """
    stage = session.beside()
    for statement in statements:
        if isinstance(statement, Drop):
            session.refuse_used(statement.kind, statement.name)
        check(stage, statement, replace=True)
        run(stage, statement)
    return stage


@contextmanager
def all_or_nothing(session: Session) -> Iterator[None]:
    """Inside, a KuiperError takes back what was defined, and the rules read again what they read before."""
    before = {**session.tables, **session.streams}
    try:
        yield
    except KuiperError:
        now = {**session.tables, **session.streams}
        for kept, kind in ((session.streams, "stream"), (session.tables, "table")):
            kept.clear()
            kept.update({name: stream for name, stream in before.items() if stream.kind == kind})
        for name, stream in before.items():
            if now.get(name) is not stream:
                renew_users(session, stream.kind, name)
        raise


def uses(rule: Rule, kind: str, name: str) -> bool:
    """Whether *rule* uses the stream, table, function, aggregate, source or sink *name*."""
    match kind:
        case "stream" | "table":
            return rule.plan.stream.name == name
        case "function" | "aggregate":
            return any(call.name == name for call in rule.plan.calls)
        case "source":
            return rule.plan.stream.type == name
    return any(outlet == name for outlet in rule.sinks)


def renew_users(session: Session, kind: str, name: str, *, running: bool = False) -> list[str]:
    """Compile the rules that use something anew, after it was replaced, or only those that are *running*; answers what
    became of each."""
    return [_renewed(session, id) for id in session.users(kind, name) if not running or session.rules[id].active]


def _renewed(session: Session, id: str) -> str:
    rule, running = session.rules[id], session.rules[id].active
    try:
        made = session.rule(id=id, start=False, **session.recipes[id])
        made.bounds = rule.bounds
        if running:
            made.start()
    except KuiperError as error:
        rule.stop()
        rule.failed(error)
        session.rules[id] = rule
        return f"Rule {id} uses it and is stopped by an error: {error.message}"
    return f"Rule {id} uses it and {'starts' if running else 'is compiled'} anew."


def mapping(session: Session, kind: str) -> dict[str, Stream]:
    """The streams or the tables."""
    return session.streams if kind == "stream" else session.tables


def known(session: Session, kind: str, name: str, verb: str) -> Stream:
    """The stream or table *name*; CatalogError when there is none."""
    found = mapping(session, kind)
    if name not in found:
        raise CatalogError(f"{verb} {kind} fails: {name} is not found.", did_you_mean(name, found))
    return found[name]


def declared_stream(statement: str) -> Stream:
    """The stream a CREATE STREAM declares, whether or not its source is known here. Raises KuiperError."""
    create = parse(statement)[0] if statement.strip() else None
    if not isinstance(create, Create):
        raise CatalogError(f"this declares no stream: {statement}", "CREATE STREAM … declares one")
    return stream_of(create, frozenset(dict(create.options)))


def _defined(session: Session, create: Create) -> Stream:
    kind = dict(create.options).get("TYPE", "")
    own = PARAMETERS.get(kind.lower()) or session.plugins.options(kind)
    parameters = session.sources[kind].parameters if kind in session.sources else own
    return stream_of(create, parameters)


def _create(session: Session, stream: Stream) -> str:
    """Define *stream*; of a name that is taken, the rules that read it are compiled again."""
    what = f"{stream.kind.capitalize()} {stream.name}"
    before = session.streams.get(stream.name) or session.tables.get(stream.name)
    if before is not None and changed(before, statement="") == changed(stream, statement=""):
        return f"{what} is unchanged."
    mapping(session, "table" if stream.kind == "stream" else "stream").pop(stream.name, None)
    mapping(session, stream.kind)[stream.name] = stream
    if before is None:
        return f"{what} is created.{_doubt(session, stream)}"
    renewed = renew_users(session, stream.kind, stream.name)
    return "\n".join([f"{what} is replaced.{_doubt(session, stream)}", *renewed])


def _doubt(session: Session, stream: Stream) -> str:
    """A line on why no rule could read *stream* as things are: eKuiper says so at the first rule only, and its source
    may still be defined in a later cell. '' when nothing is wrong."""
    if stream.kind == "table":
        return ""
    try:
        session.source_of(stream, Site(session.clock))
    except KuiperError as error:
        return f"\nnote: {error.message}{error.hint and f' ({error.hint})'}"
    return ""
