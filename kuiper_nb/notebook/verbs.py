"""`%kuiper VERB [KIND] NAME`: a table of verbs, each a function of the session and what the line names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import CatalogError, KuiperError, NotSupported, did_you_mean
from ..sql.ddl import described
from ..statements import known, mapping
from . import firstline, live, logs, picture, running
from .firstline import FirstLine, FirstLineError
from .help import explained, function_help
from .known import Known
from .views import Place, View, counted, rule_view, status_view, streams_view

if TYPE_CHECKING:
    from ..engine.rule import Rule
    from ..session import Session

KINDS = ("rule", "stream", "table", "function", "aggregate", "source", "sink", "plugin", "service")
LATER = (
    *("timeline", "compare", "parity"),
    *("export", "import", "deploy", "verify", "service", "config"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart: `%kuiper VERB [KIND] NAME [options]`; *kind* is "rule" when not said, *text* a SELECT."""

    session: Session
    kind: str
    first: FirstLine
    place: Place
    text: str = ""

    @property
    def name(self) -> str:
        """The name. Raises FirstLineError when there is none."""
        if not self.first.name:
            raise FirstLineError(f"which {self.kind}?", did_you_mean("", self.session.rules))
        return self.first.name

    def rule(self) -> Rule:
        """The rule that is named. Raises CatalogError."""
        if self.kind != "rule":
            raise KuiperError(f"that works for rules, not for a {self.kind}", "")
        if self.name not in self.session.rules:
            raise self.no_rule()
        return self.session.rules[self.name]

    def no_rule(self) -> CatalogError:
        """There is no rule of that name; if something else has it, its kind had to be said."""
        kinds = ("stream", "table", "function", "source", "sink")
        kind = next((kind for kind in kinds if self.name in getattr(self.session, f"{kind}s")), "")
        hint = f"{self.name} is a {kind}; say so: {kind} {self.name}" if kind else ""
        return CatalogError(f"no rule named {self.name}", hint or did_you_mean(self.name, self.session.rules))


def is_sql(line: str) -> bool:
    """Whether the rest of a `%kuiper` line is a statement."""
    words = [word.strip(";").upper() for word in line.split(None, 2)[:2]]
    if not words:
        return False
    second = words[1] if len(words) > 1 else ""
    return (
        words[0] in ("SELECT", "CREATE")
        or (words[0] in ("DROP", "DESCRIBE") and second in ("STREAM", "TABLE"))
        or (words[0] == "SHOW" and second in ("STREAMS", "TABLES"))
    )


def is_reset(line: str) -> bool:
    """Whether the line asks to forget everything."""
    return [word.lower() for word in line.split()[:1]] == ["reset"]


def done(line: str, session: Session, place: Place) -> tuple[FirstLine, Any]:
    """Do what *line* says; the options it had, and the answer: a text, a view or an object. Raises KuiperError."""
    words = line.split()
    verb = words[0] if words else "status"
    if verb.lower() in _LISTS:
        words, verb = ["show", *words], "show"
    for kind in ("plugin", "service"):
        if (text := _of_kind(kind, words, line)) is not None:
            return FirstLine(), VERBS[kind].run(Line(session, kind, FirstLine(), place, text))
    if verb.lower() in LATER:
        raise NotSupported(f"%kuiper {verb} is not supported yet")
    if verb.lower() not in VERBS:
        raise FirstLineError(f"there is no verb {verb}", did_you_mean(verb, VERBS) or "%kuiper help lists them")
    rest = words[1:]
    if is_reset(line):
        _refuse_any([word for word in rest if word != "--quiet"], session)
    kind = "rule"
    if rest and rest[0].lower() in (*KINDS, *_LISTS) and (len(rest) > 1 or rest[0].lower() in _LISTS):
        kind, rest = rest[0].lower(), rest[1:]
    text = line.strip()[len(words[0]) :].strip() if words and words[0] in line else ""
    if verb.lower() == "test":
        return FirstLine(), _tests(session, rest)
    line_, sql = _parted(verb.lower(), text, " ".join(rest))
    reserved = () if verb.lower() == "help" else firstline.RESERVED
    first = firstline.read(line_, VERBS[verb.lower()].names, reserved)
    return first, VERBS[verb.lower()].run(Line(session, kind, first, place, sql))


def _of_kind(kind: str, words: list[str], line: str) -> str | None:
    """`stop x`, of `%kuiper plugin stop x` and `%kuiper stop plugin x`; None for what is not about that kind."""
    first, second = (word.lower() for word in (*words, "", "")[:2])
    if first == kind:
        return line.strip()[len(kind) :].strip()  # as it was written: a call may have texts with spaces
    if second in (kind, f"{kind}s") and first not in ("help", "reset", "test"):
        return " ".join([first, *words[2:]])
    return None


def _parted(verb: str, text: str, rest: str) -> tuple[str, str]:
    """The names and options after *verb*, and the SELECT behind them, for the verbs that take one."""
    select = re.search(r"(?:^|\s)SELECT\s.*", text, re.I | re.S) if VERBS[verb].select else None
    return (text[: select.start()], select[0].strip()) if select else (rest, "")


_LISTS = ("rules", "streams", "tables", "functions", "sources", "sinks", "plugins", "services")


def _status(line: Line) -> Any:
    return rule_view(line.rule(), line.place) if line.first.name else live.status(line.session, line.place)


def _show(line: Line) -> Any:
    session = line.session
    match line.kind:
        case "rules":
            return status_view(session)
        case "streams" | "tables":
            kind = line.kind.removesuffix("s")
            return streams_view(mapping(session, kind), kind)
        case "functions" | "sources" | "sinks":
            return _native(session, line.kind)
        case "stream" | "table":
            return known(session, line.kind, line.name, "Show").statement
    return line.rule()


def _native(session: Session, kinds: str) -> View:
    definitions: Any = getattr(session, kinds)
    rows = [
        {kinds.removesuffix("s"): name, "generation": definitions.generation(name), "help": made.help.split("\n")[0]}
        for name, made in sorted(definitions.items())
    ]
    return View((rows if rows else f"no {kinds} of yours; @kuiper.{kinds.removesuffix('s')} makes one",))


def _describe(line: Line) -> Any:
    if line.kind in ("stream", "table"):
        return described(known(line.session, line.kind, line.name, "Describe"))
    if line.kind in ("function", "aggregate"):
        return function_help(line.name, Known.now())
    plan = line.rule().plan
    given = "".join(f"\n{key}: {value}" for key, value in plan.options.given.items())
    return f"{plan.text}{given}"


def _explain(line: Line) -> Any:
    if line.text:
        with line.session.beside() as stage:
            return picture.picture(stage.rule(line.text, start=False))
    return picture.picture(line.rule())


def _record(line: Line) -> str:
    from . import taping  # needs the engine, which who completes a line has not loaded yet

    return taping.record(line.session, line.first)


def _replay(line: Line) -> Rule:
    from . import taping

    return taping.replay(line.session, line.first, line.text)


def _tests(session: Session, words: list[str]) -> View | str:
    from . import trials

    return trials.listed(session, words)


def _service(line: Line) -> Any:
    from . import serviceverbs

    return serviceverbs.done(line.session, line.text)


def _plugin(line: Line) -> Any:
    from . import pluginverbs

    return pluginverbs.done(line.session, line.text, line.place)


def _drop(line: Line) -> str:
    if line.kind == "rule" and line.name not in line.session.rules:
        raise line.no_rule()
    line.session.drop(line.kind, line.name)
    return f"{line.kind.capitalize()} {line.name} is dropped."


def _reset(line: Line) -> str:
    session = line.session
    counts = [counted(len(session.rules), "rule"), counted(len(session.streams), "stream")]
    counts += [counted(len(session.tables), "table")] if session.tables else []
    counts += [counted(len(session.plugins), "plugin")] if session.plugins else []
    counts += [counted(len(session.services), "service")] if session.services else []
    return f"{', '.join(counts[:-1])} and {counts[-1]} are forgotten, and what Python defined."


def _refuse_any(words: list[str], session: Session) -> None:
    """Forgetting everything cannot be undone, so what looks like a part of it is never passed over."""
    if not words:
        return
    named = " ".join(words)
    if len(words) == 2 and words[0].lower() in KINDS:
        drop = named
    else:
        drop = f"stream {named}" if named in session.streams else f"table {named}" if named in session.tables else ""
        drop = named if named in session.rules else drop
    hint = "%kuiper reset alone forgets everything, %kuiper drop [KIND] NAME drops one thing"
    message = f"reset forgets everything, so {named} does not fit after it"
    raise FirstLineError(message, f"%kuiper drop {drop} drops that alone" if drop else hint)


def _help(line: Line) -> str:
    if topic := line.first.name or line.kind.removeprefix("rule"):
        return explained(topic, Known.now())
    width = max(len(name) for name in VERBS)
    verbs = "\n".join(f"  {name.ljust(width)}  {verb.help}" for name, verb in VERBS.items())
    return (
        f"{firstline.USAGE}\n    {firstline.FURTHER}\n"
        "    statements, ';' between them; a SELECT without a name is a preview, with a name a rule\n"
        f"%kuiper VERB [KIND] NAME, or a statement\n{verbs}\n"
        f"KIND is rule when it is left out, or {', '.join(KINDS[1:8])}"
    )


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb does, and says in the list of verbs; how many *names* it takes, and whether a SELECT may follow."""

    run: Callable[[Line], Any]
    help: str
    names: int = 1
    select: bool = False


VERBS: dict[str, Verb] = {
    "status": Verb(_status, "everything there is, and how it does"),
    "show": Verb(_show, "the newest rows of a rule; show streams, show functions … list"),
    "describe": Verb(_describe, "the columns and options of a stream, the text of a rule, help on a function"),
    "explain": Verb(_explain, "the steps a rule (or a SELECT) takes, and the SQL that DuckDB runs", select=True),
    "why": Verb(lambda line: line.rule().why(line.place), "the one reason why nothing comes out of a rule"),
    "wait": Verb(lambda line: running.wait(line.session, line.first, line.rule), "until a rule's input has ended"),
    "step": Verb(lambda line: running.step(line.rule(), line.session), "one micro-batch by hand"),
    "stop": Verb(lambda line: running.stop(line.rule()), "stop a rule; start runs it again"),
    "start": Verb(lambda line: running.start(line.rule()), "start a rule that was stopped"),
    "restart": Verb(lambda line: running.restart(line.rule()), "stop and start a rule"),
    "logs": Verb(lambda line: logs.logs(line.rule(), line.first), "what a rule's Python code printed, and its events"),
    "tail": Verb(lambda line: logs.tail(line.rule(), line.first), "the same, and what is added until the rule stops"),
    "drop": Verb(_drop, "drop a rule, stream, table, function, source, sink, plugin or service"),
    "service": Verb(_service, "add, show, call, reload, record, replay, live, drop; help service says more"),
    "plugin": Verb(_plugin, "add, attach, from, show, start, stop, restart, drop, logs, debug; help plugin says more"),
    "record": Verb(_record, "record what a stream's source delivers", names=2),
    "replay": Verb(
        _replay, "play a recording through a rule (or a SELECT) on a clock of its own", names=2, select=True
    ),
    "test": Verb(
        lambda line: _tests(line.session, []), "the tests that were run; --pytest FILE writes them for pytest"
    ),
    "reset": Verb(_reset, "forget everything"),
    "help": Verb(_help, "this; help NAME for a function, window, connector or verb, help option, help WITH"),
}
