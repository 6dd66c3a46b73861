"""`%kuiper plugin VERB …`, or `%kuiper VERB plugin NAME`: what can be done with plugins."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import PluginError, did_you_mean
from . import pluginline
from .firstline import FirstLineError
from .plugincell import listened, told
from .pluginline import PluginLine
from .pluginviews import headline, plugins_view, serves
from .views import View

if TYPE_CHECKING:
    from ..plugins.supervisor import Plugin
    from ..session import Session
    from .views import Place

_NEWEST = 50


@dataclass(frozen=True, slots=True)
class PluginVerb:
    """What a verb does with the session and the line, how it is written, what it is for, the *options* it knows, and
    how many names at *most* it takes."""

    run: Callable[[Session, PluginLine, Place], Any]
    usage: str
    help: str
    options: tuple[str, ...] = ()
    most: int = 1


def done(session: Session, text: str, place: Place) -> Any:
    """Do what stands behind `%kuiper plugin`; the answer is a text, a view or None. Raises KuiperError."""
    verb, _, rest = (text.strip() or "show").partition(" ")
    if verb.lower() not in VERBS:
        hint = did_you_mean(verb, VERBS)
        raise FirstLineError(f"there is no verb {verb} for plugins", hint or f"verbs: {', '.join(VERBS)}")
    known = VERBS[verb.lower()]
    usage = f"%kuiper plugin {verb.lower()} {known.usage}".rstrip()
    said = pluginline.read(f"plugin {verb} {rest}", 2, (*known.options, "--quiet"), usage)
    if len(said.names) > known.most:
        raise FirstLineError(f"{said.names[known.most]} is one name too many", usage)
    if not said.names and not known.usage.startswith("["):
        what = {"add": "which folder, zip or address?", "attach": "which file?", "from": "which function?"}
        raise FirstLineError(what.get(verb.lower(), "which plugin?"), did_you_mean("", session.plugins) or usage)
    answer = known.run(session, said, place)
    return None if said.quiet else answer


def _plugin(session: Session, said: PluginLine) -> Plugin:
    name = said.names[0]
    if name not in session.plugins:
        raise PluginError(f"no plugin named {name}", did_you_mean(name, session.plugins))
    return session.plugins[name]


def _add(session: Session, said: PluginLine, place: Place) -> str:
    def add() -> Plugin:
        return session.plugins.add(said.names[0], said.name, replace=said.replace, wins=said.wins, hosts=said.hosts)

    plugin, text = _begun(session, add)
    note = session.plugins.notes.get(plugin.name, "")
    folder = session.plugins.folder(plugin.name)
    if session.mode != "live" and folder is not None:
        note = note.replace(str(folder), "FOLDER")
    return f"{text}\n{note}".rstrip()


def _attach(session: Session, said: PluginLine, place: Place) -> str:
    seconds = 10.0 if said.seconds is None else said.seconds
    return _begun(session, lambda: session.plugins.attach(said.names[0], said.name, wins=said.wins, timeout=seconds))[1]


def _from(session: Session, said: PluginLine, place: Place) -> str:
    _, text = _begun(session, lambda: session.portable(said.names[0]))
    return f"{text}\nRun its cell again, and it is back in this process."


def _begun(session: Session, begin: Callable[[], Plugin]) -> tuple[Plugin, str]:
    """The plugin that *begin* makes, and what is to be said of it, after what it printed."""
    began = monotonic()
    with listened(session.plugins) as printed:
        plugin = begin()
    return plugin, "\n".join([*printed, *told(plugin, session, monotonic() - began)])


def _show(session: Session, said: PluginLine, place: Place) -> Any:
    if not said.names:
        return plugins_view(session.plugins, session.mode)
    from . import live

    return live.plugin(session, _plugin(session, said))


def _describe(session: Session, said: PluginLine, place: Place) -> View:
    plugin = _plugin(session, said)
    lines = [f"{headline(plugin, 'bounded')}", f"It serves {serves(plugin)}."]
    lines.append(f"It understands {' and '.join(plugin.hello.codecs)}.")
    lines.append(f"A batch may take {plugin.policy.timeout:g} s, a start {plugin.policy.start:g} s.")
    return View(("\n".join(lines),))


def _restart(session: Session, said: PluginLine, place: Place) -> str:
    plugin = _plugin(session, said)
    return _again(session, plugin, plugin.restart)


def _again(session: Session, plugin: Plugin, act: Callable[[], object]) -> str:
    def begin() -> Plugin:
        act()
        return plugin

    return _begun(session, begin)[1]


def _start(session: Session, said: PluginLine, place: Place) -> str:
    plugin = _plugin(session, said)
    return _again(session, plugin, plugin.start)


def _stop(session: Session, said: PluginLine, place: Place) -> str:
    plugin = _plugin(session, said)
    plugin.stop()
    return f"{headline(plugin, session.mode)}; rows that need it fail until %kuiper start plugin {plugin.name}"


def _drop(session: Session, said: PluginLine, place: Place) -> str:
    session.drop("plugin", _plugin(session, said).name)
    return f"Plugin {said.names[0]} is dropped."


def _logs(session: Session, said: PluginLine, place: Place) -> str:
    plugin, most = _plugin(session, said), said.rows or _NEWEST
    home = session.plugins.home
    own = re.compile(rf"{re.escape(str(home))}[/\\]\d+[/\\]") if home is not None else re.compile(r"$^")
    lines = [own.sub("", line.text) for line in plugin.logs(most)]
    earlier = plugin.lines.total - len(lines)
    if earlier > 0 and session.mode == "live":
        lines.insert(0, f"… {earlier:,} earlier lines")
    return "\n".join(lines) or f"plugin {plugin.name} has said nothing yet"


def _record(session: Session, said: PluginLine, place: Place) -> str:
    name, file = _plugin(session, said).name, said.names[1] if len(said.names) > 1 else None
    session.plugins.record(name, file)
    if file is None:
        return f"What is said with plugin {name} is written down no more."
    return f"All that is said with plugin {name} is written into {file}, until %kuiper plugin record {name}."


def _debug(session: Session, said: PluginLine, place: Place) -> str:
    from . import debugging

    return debugging.how(_plugin(session, said), session.mode)


VERBS: dict[str, PluginVerb] = {
    "add": PluginVerb(
        _add,
        "PATH|URL [--name NAME] [--replace] [--wins] [--host HOST]",
        "a folder, a zip, or an address on a host that is allowed",
        ("--name", "--replace", "--wins", "--host"),
    ),
    "attach": PluginVerb(
        _attach,
        "FILE [--name NAME] [--wins] [--timeout 1h]",
        "join a process that somebody else has started, by its connection file",
        ("--name", "--wins", "--timeout"),
    ),
    "from": PluginVerb(_from, "FUNCTION|SOURCE|SINK", "move the code of this notebook's own into a process of its own"),
    "show": PluginVerb(_show, "[NAME]", "how it does; without a name, all of them"),
    "status": PluginVerb(_show, "[NAME]", "the same"),
    "describe": PluginVerb(_describe, "NAME", "what it serves, and what it may take"),
    "start": PluginVerb(_start, "NAME", "start it, when it was stopped"),
    "stop": PluginVerb(_stop, "NAME", "end its process"),
    "restart": PluginVerb(_restart, "NAME", "a new process, out of quarantine, too"),
    "drop": PluginVerb(_drop, "NAME", "stop and forget it, unless rules use it"),
    "logs": PluginVerb(_logs, "NAME [--rows 50]", "what it has printed and logged", ("--rows",)),
    "tail": PluginVerb(_show, "NAME", "its card, whose log goes on"),
    "record": PluginVerb(
        _record, "NAME [FILE]", "write all messages of a new process into a file; without one, no more", most=2
    ),
    "debug": PluginVerb(_debug, "NAME", "how to run it in a debugger"),
}
"""The verbs of plugins."""
