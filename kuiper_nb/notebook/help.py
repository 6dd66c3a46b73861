"""`%kuiper help NAME`: a function, window, connector, verb or option; what it is, and one example that works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from ..connectors import SINKS, SOURCES, documented
from ..errors import CatalogError, did_you_mean
from ..formats import KNOWN as FORMATS
from ..sql.builtins import FAMILIES, family, table
from ..sql.builtins.special import SPECIAL
from ..sql.ddl import OPTIONS
from ..sql.ruleoptions import RULE_OPTIONS
from ..sql.windowhelp import UNITS, WINDOWS, here
from . import firstline
from .functionhelp import builtin_help, native_help, served_help, sink_help, source_help, special_help
from .known import Known

_GENERAL = ("WINDOW", "WITH", "TYPE", "FORMAT", "option", "functions")


def topics(known: Known) -> dict[str, str]:
    """Everything there is help on, and what it is; the same word may be several things."""
    from .verbs import LATER, VERBS

    names = dict.fromkeys(_GENERAL, "general")
    names |= dict.fromkeys(OPTIONS, "option of WITH")
    names |= dict.fromkeys(sorted({*SOURCES, *SINKS}), "connector")
    names |= {name: "verb" for name in VERBS if name not in LATER}
    names |= dict.fromkeys(WINDOWS, "window")
    names |= dict.fromkeys((*known.sources, *known.sinks), "your source or sink")
    names |= dict.fromkeys((*known.served("source"), *known.served("sink")), "source or sink of a plugin")
    names |= dict.fromkeys((*table(), *SPECIAL, *known.functions), "function")
    return names


def explained(topic: str, known: Known) -> str:
    """The help on *topic*, in any case. Raises CatalogError, with the nearest topic, when there is none."""
    found = [text for part in _PARTS for text in part(topic, known)]
    if not found:
        raise CatalogError(f"there is no help on {topic}", did_you_mean(topic, topics(known)))
    return "\n\n".join(found)


def function_help(name: str, known: Known) -> str:
    """The help on a function. Raises CatalogError, with the nearest one, when there is none."""
    for text in _function(name, known):
        return text
    raise CatalogError(f"no function named {name}", did_you_mean(name, [*known.functions, *table(), *SPECIAL]))


def of_name(name: str, known: Known) -> str:
    """The help on the function or window *name*; '' when there is none."""
    return "\n\n".join(text for part in (_function, _window) for text in part(name, known))


def _function(topic: str, known: Known) -> Iterator[str]:
    if topic in known.functions:
        yield native_help(known.functions[topic])
    elif topic.lower() in table():
        yield builtin_help(table()[topic.lower()])
    elif topic.lower() in SPECIAL:
        yield special_help(topic.lower())


def _window(topic: str, known: Known) -> Iterator[str]:
    window = WINDOWS.get(topic.upper())
    if window is not None:
        supported = "" if here(window) else " It is not supported yet."
        about = f"{window.help[0].upper()}{window.help[1:]}.{supported} {UNITS[0].upper()}{UNITS[1:]}."
        example = f"Example: SELECT count(*) AS n FROM demo GROUP BY {window.example}"
        yield f"{window.signature}\n\n{about}\n\n{example}"
    elif topic.lower() in ("window", "windows"):
        width = max(len(window.signature) for window in WINDOWS.values())
        lines = [f"  {w.signature:<{width}}  {w.help}{'' if here(w) else ' (not here yet)'}" for w in WINDOWS.values()]
        yield "\n".join(["Windows of GROUP BY; " + UNITS + "; help NAME says more.", *lines])


def _connector(topic: str, known: Known) -> Iterator[str]:
    for what in ("source", "sink"):
        if documented(what, topic) is not None:
            yield _documented(what, topic.lower())
    if topic in known.sources:
        yield source_help(known.sources[topic])
    if topic in known.sinks:
        yield sink_help(known.sinks[topic])
    for kind in ("source", "sink"):
        if topic in (served := known.served(kind)):
            yield served_help(*served[topic])


def _documented(what: str, kind: str) -> str:
    found = documented(what, kind)
    assert found is not None
    rows: list[tuple[str, str]] = []
    if what == "source":
        rows = [("TYPE", f'"{kind}"')]
        if found.datasource:
            rows.append(("DATASOURCE", found.datasource))
        rows += [("FORMAT", f"{', '.join(FORMATS)}; json when left out"), ("TIMESTAMP", OPTIONS["TIMESTAMP"])]
        rows.append(("EXTRA", "properties of the connector, as a JSON object:" if found.properties else "no property"))
    properties = [p for p in found.properties if not p.later]
    indent = "  " if what == "source" else ""
    for known in properties:
        text = known.help + (f": {', '.join(known.values)}" if known.values else "")
        left_out = f"; {json.dumps(known.default)} when left out" if known.default not in ("", []) else ""
        rows.append((f"{indent}{known.name}", text + left_out))
    later = [p.name for p in found.properties if p.later]
    lines = [f"{kind}, a {what}: {found.help}", *_aligned(rows)]
    lines += [f"Not here yet: {', '.join(later)}"] if later else []
    lines += ["", f"Example: {found.example}"] if found.example else []
    return "\n".join(lines)


def _with(topic: str, known: Known) -> Iterator[str]:
    match topic.upper():
        case "WITH":
            yield "\n".join(['The options of a stream or table, KEY="value":', *_aligned(OPTIONS.items())])
        case "TYPE":
            kinds = [(name, _line("source", name)) for name in sorted(SOURCES)]
            own = [(name, definition.help.split("\n")[0]) for name, definition in sorted(known.sources.items())]
            yield "\n".join([f"TYPE: {OPTIONS['TYPE']}", *_aligned([*kinds, *own])])
            sinks = [(name, _line("sink", name)) for name in sorted(SINKS)]
            yield "\n".join(["Sinks, behind --sink:", *_aligned(sinks)])
        case key if key in OPTIONS:
            yield f"{key}, an option of WITH: {OPTIONS[key]}"


def _line(what: str, kind: str) -> str:
    found = documented(what, kind)
    return "" if found is None else found.help


def _options(topic: str, known: Known) -> Iterator[str]:
    if topic.lower() in ("option", "options"):
        yield "\n".join(["Options of the first line of a cell:", *_aligned(firstline.OPTIONS.items())])
        acting = {name: f"{o.help}; {o.default} when left out" for name, o in RULE_OPTIONS.items() if o.acts}
        yield "\n".join(["Options of a rule, --option key=value:", *_aligned(acting.items())])
        idle = [name for name, option in RULE_OPTIONS.items() if not option.acts and not option.relied]
        missing = [name for name, option in RULE_OPTIONS.items() if option.relied]
        yield f"Known from eKuiper, without effect here: {', '.join(idle)}\nNot here yet: {', '.join(missing)}"
    elif topic.lower() in (lowered := {name.lower(): name for name in RULE_OPTIONS}):
        name = lowered[topic.lower()]
        option = RULE_OPTIONS[name]
        effect = "" if option.acts else " It is not here yet." if option.relied else " It has no effect here."
        other = {"false": "true", "true": "false"}.get(option.default, option.default)
        yield (
            f"{name}, an option of a rule: {option.help}; {option.default} when left out.{effect}\n\n"
            f"Example: %%kuiper hot --option {name}={other}"
        )


def _verb(topic: str, known: Known) -> Iterator[str]:
    from .verbs import VERBS

    verb = VERBS.get(topic.lower())
    if topic.lower() in ("plugin", "plugins"):
        yield _plugins()
    elif topic.lower() in ("service", "services"):
        yield _services()
    elif verb is not None:
        usage = f"%kuiper {topic.lower()} {_USAGE[topic.lower()]}" if topic.lower() in _USAGE else ""
        yield "\n\n".join(part for part in (f"{topic.lower()}, a verb: {verb.help}", usage) if part)


def _services() -> str:
    from .serviceverbs import CELL
    from .serviceverbs import VERBS as OF_SERVICES

    verbs = [(f"{name} {verb.usage}", verb.help) for name, verb in OF_SERVICES.items()]
    return "\n".join(
        [
            "service, SQL functions that a server answers: REST, gRPC or msgpack-rpc, described in YAML.",
            CELL,
            "    the cell is the service file; eKuiper's JSON does, too",
            "%kuiper service VERB …, or %kuiper VERB service …",
            *_aligned(verbs),
        ]
    )


def _plugins() -> str:
    from .pluginline import CELL, OPTIONS
    from .pluginverbs import VERBS as OF_PLUGINS

    verbs = [(f"{name} {verb.usage}", verb.help) for name, verb in OF_PLUGINS.items()]
    return "\n".join(
        [
            "plugin, a process of its own that serves functions, sources and sinks: Python, Go, or one of eKuiper's.",
            CELL,
            "    the cell is the plugin: what @kuiper.function, aggregate, source and sink mark; run again, it swaps",
            "%kuiper plugin VERB …, or %kuiper VERB plugin …",
            *_aligned(verbs),
            "Options",
            *_aligned(OPTIONS.items()),
        ]
    )


_KINDS = "KIND is rule when it is left out, or stream, table, function, aggregate, source, sink, plugin, service"
_USAGE = {
    **dict.fromkeys(("stop", "start", "restart", "step", "why"), "RULE"),
    **dict.fromkeys(("show", "describe", "drop"), f"[KIND] NAME    ({_KINDS})"),
    "wait": "[RULE] [--rows 20] [--for 5s]",
    "logs": "RULE [--rows 50]",
    "tail": "RULE [--for 10s]",
    "explain": "RULE, or a SELECT",
    "status": "[RULE]",
    "record": "STREAM [FILE] [--rows 20] [--for 5s]",
    "replay": "FILE [RULE], or a SELECT behind the file",
    "test": "[--pytest FILE]",
    "help": "[NAME]",
}


def _functions(topic: str, known: Known) -> Iterator[str]:
    if topic.lower() in ("function", "functions"):
        rows = [(name, ", ".join(entry.name for entry in family(name))) for name in FAMILIES]
        own = [("yours", ", ".join(sorted(known.functions)))] if known.functions else []
        yield "\n".join(["Functions; help NAME says more.", *_aligned([*own, *rows])])


_PARTS: tuple[Callable[[str, Known], Iterator[str]], ...] = (
    _function, _window, _connector, _with, _options, _verb, _functions,
)  # fmt: skip


def _aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    pairs = list(rows)
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"  {name:<{width}}  {text}".rstrip() for name, text in pairs]
