"""The plugins of a session, and which of them serves a symbol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace as replace_in
from itertools import count
from pathlib import Path
from typing import Any

from ..contracts import Clock, Function
from ..errors import PluginError, did_you_mean
from ..functions.registry import Registry
from .archive import install_note, unpacked
from .connection import private_folder, removed
from .guardian import guardian
from .hello import Hello, Served
from .launch import Program
from .lines import Line
from .manifest import Manifest
from .origins import Origin, attached, of_cell, of_manifest
from .supervisor import Plugin
from .symbols import PluginSink, PluginSource, function_of

Show = Callable[[str, Line], None]


class Plugins(Mapping[str, Plugin]):
    """Plugins by name. *check* raises for a function that *define* would not take; *functions* are all there are.

    *users* answers the ids of the rules that use a function, source or sink.
    """

    def __init__(
        self,
        check: Callable[[Function], None],
        define: Callable[[Function], object],
        functions: Registry,
        users: Callable[[str, str], list[str]],
    ) -> None:
        self.belong(check, define, functions, users)
        self._plugins: dict[str, Plugin] = {}
        self._owners: dict[tuple[str, str], tuple[str, Served]] = {}
        self._folders: dict[str, Path] = {}
        self._home: Path | None = None
        self._numbers = count(1)
        self.show: Show | None = None
        self.notes: dict[str, str] = {}
        self.configurations: dict[str, Mapping[str, Mapping[str, Any]]] = {}

    def belong(
        self,
        check: Callable[[Function], None],
        define: Callable[[Function], object],
        functions: Registry,
        users: Callable[[str, str], list[str]],
    ) -> None:
        """From now on they are those of another session, as when they are made."""
        self._check = check
        self._define = define
        self._functions = functions
        self._users = users

    # ---- adding

    def add(
        self,
        origin: str | Path,
        name: str = "",
        *,
        replace: bool = False,
        wins: bool = False,
        hosts: Collection[str] = (),
    ) -> Plugin:
        """A plugin from a folder, a zip, or an address on one of *hosts*; its process starts at once.

        *replace*: it may take the place of one with its name. *wins*: its symbols count where another plugin has the
        same. Raises PluginError; then nothing of it is left.
        """
        folder = self._folder()
        try:
            manifest = Manifest.read(unpacked(origin, folder, hosts=hosts), name)
            self._refuse_taken(manifest.name, replace)
            made = of_manifest(manifest, lambda text: self._lines(manifest.name, text))
            plugin = self._installed(manifest.name, made, wins)
        except BaseException:
            removed(folder)
            raise
        self._kept(manifest.name, folder)
        self.notes[manifest.name] = install_note(manifest.folder)
        for source in manifest.sources:
            self.configurations[source] = manifest.configuration(source)
        return plugin

    def define(
        self, name: str, code: str, language: str = "python", *, wins: bool = False, moving: bool = False
    ) -> Plugin:
        """A plugin whose only file is *code*, as in a cell; one of that name is replaced, between two batches.

        *moving*: a native function of its name becomes this plugin's. Raises PluginError; then the old one stays.
        """
        folder = self._folder()
        try:
            plugin = self._installed(name, of_cell(name, code, language, folder), wins, native=moving)
        except BaseException:
            removed(folder)
            raise
        self._kept(name, folder)
        return plugin

    def attach(self, file: str | Path, name: str = "", *, wins: bool = False, timeout: float = 10.0) -> Plugin:
        """A plugin that somebody else has started, and that waits with this connection file.

        With *name* it takes the place of the plugin that is called so, until that is defined or added again. *timeout*:
        seconds a batch may take. Raises PluginError.
        """
        return self._installed(name, attached(Path(file).expanduser(), timeout), wins)

    def record(self, name: str, file: str | Path | None) -> Plugin:
        """Write down all that is said with one from now on, in a new process of it; None ends that, in a new one again.

        See `messagelog` for the file. Raises PluginError for one that speaks another wire, or was attached.
        """
        plugin = self._find(name)
        if not isinstance(plugin.launch, Program):
            message = f"what is said with plugin {name} cannot be written down"
            raise PluginError(message, "plugins on kuiper_nb's own SDKs that are started here can be recorded")
        plugin.swap(replace_in(plugin.launch, log=None if file is None else Path(file).expanduser().absolute()))
        return plugin

    def drop(self, name: str) -> None:
        """Stop and forget one. Raises PluginError while rules use it, naming them."""
        plugin = self._find(name)
        owned = [(kind, symbol) for (kind, symbol), (owner, _) in self._owners.items() if owner == name]
        for kind, symbol in owned:
            self._refuse_used(name, kind, symbol)
        for kind, symbol in owned:
            self._disown(kind, symbol)
        del self._plugins[name]
        plugin.stop()
        self._kept(name, None)

    def released(self, kind: str, symbol: str) -> None:
        """A symbol is somebody else's now; a plugin that serves nothing more is dropped."""
        owner, _ = self._owners.pop((kind, symbol), ("", None))
        if owner and not any(name == owner for name, _ in self._owners.values()):
            self.drop(owner)

    def close(self) -> None:
        """Stop all of them."""
        for plugin in self._plugins.values():
            plugin.stop()
        self._plugins.clear()
        self._owners.clear()
        self._folders.clear()
        home, self._home = self._home, None
        if home is not None:
            removed(home)
            guardian.release(home)

    @property
    def home(self) -> Path | None:
        """The folder in which those are; None before there is one."""
        return self._home

    def folder(self, name: str) -> Path | None:
        """Where the files of a plugin that was added or defined are."""
        return self._folders.get(name)

    # ---- symbols

    @property
    def sources(self) -> list[str]:
        """The sources they serve."""
        return [symbol for kind, symbol in self._owners if kind == "source"]

    @property
    def sinks(self) -> list[str]:
        """The sinks they serve."""
        return [symbol for kind, symbol in self._owners if kind == "sink"]

    def options(self, source: str) -> frozenset[str]:
        """The keys of WITH that a source of a plugin takes beside those of eKuiper."""
        _, served = self._owners.get(("source", source), ("", None))
        return frozenset() if served is None else frozenset({p.upper() for p in served.parameters} | {"INTERVAL"})

    def owner(self, kind: str, symbol: str) -> str:
        """The plugin that serves a symbol; '' for none."""
        return self._owners.get((kind, symbol), ("", None))[0]

    def source(
        self, symbol: str, rule: str, config: Mapping[str, Any], clock: Clock, wake: Callable[[], None]
    ) -> PluginSource:
        """A source for one rule, not opened yet."""
        datasource = str(config.get("datasource", ""))
        served = self._owners["source", symbol][1]
        return PluginSource(lambda: self._serving("source", symbol), served, rule, datasource, config, clock, wake)

    def sink(self, symbol: str, rule: str, config: Mapping[str, Any]) -> PluginSink:
        """A sink for one rule, not opened yet."""
        return PluginSink(lambda: self._serving("sink", symbol), self._owners["sink", symbol][1], rule, config)

    # ---- a mapping

    def __getitem__(self, name: str) -> Plugin:
        return self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def __repr__(self) -> str:
        return f"<plugins: {', '.join(self._plugins) or 'none'}>"

    # ---- inside

    def _installed(self, name: str, origin: Origin, wins: bool, *, native: bool = False) -> Plugin:
        old = self._plugins.get(name)
        if old is not None:
            hello = old.swap(
                origin.launch, origin.policy, accept=lambda new: self._refuse(old, origin, new, wins, native)
            )
            self._serve(old, hello)
            return old
        plugin = Plugin(name, origin.launch, origin.policy, show=lambda line: self._line(name, line))
        try:
            hello = plugin.start()
            plugin.name = name = name or hello.name
            self._refuse_taken(name, False)
            self._refuse(plugin, origin, hello, wins, native)
        except BaseException:
            plugin.stop()
            raise
        self._plugins[name] = plugin
        plugin.forget = self.drop
        try:
            self._serve(plugin, hello)
        except BaseException:
            self.drop(name)
            raise
        return plugin

    def _serve(self, plugin: Plugin, hello: Hello) -> None:
        """What it serves from now on is its; what it does not serve any more is nobody's."""
        now = {(served.kind, served.name) for served in hello.served}
        for (kind, symbol), (owner, _) in list(self._owners.items()):
            if owner == plugin.name and (kind, symbol) not in now:
                self._disown(kind, symbol)
        for served in hello.served:
            self._owners[served.kind, served.name] = plugin.name, served
            if served.kind == "function":
                self._define(function_of(plugin, served))

    def _disown(self, kind: str, symbol: str) -> None:
        del self._owners[kind, symbol]
        if kind == "function" and symbol in self._functions and self._functions[symbol].kind == "portable":
            self._functions.drop(symbol)

    def _refuse(self, plugin: Plugin, origin: Origin, hello: Hello, wins: bool, native: bool) -> None:
        """Raises PluginError for what it should serve and does not, and for symbols that others have."""
        name, served = plugin.name, {(s.kind, s.name) for s in hello.served}
        missing = [f"{kind} {symbol}" for kind, symbol in origin.declared if (kind, symbol) not in served]
        if missing:
            raise PluginError(f"plugin {name} declares {', '.join(missing)} but does not serve it")
        if not served:
            raise PluginError(f"plugin {name} serves nothing", "mark a function, source or sink: @kuiper.function")
        for kind, symbol in served:
            owner = self.owner(kind, symbol)
            if owner and owner != name and not wins:
                message = f"{kind} {symbol} is already served by plugin {owner}"
                raise PluginError(message, f"say that {name} is to win (--wins), or drop {owner} first")
            known = self._functions.get(symbol) if kind == "function" else None
            if known is not None and known.kind != "portable" and not wins and not native:
                message = f"function {symbol} is already defined in Python"
                raise PluginError(message, f"%kuiper drop function {symbol}, or say that {name} is to win (--wins)")
        for owned, symbol in [key for key, (owner, _) in self._owners.items() if owner == name]:
            if (owned, symbol) not in served:
                self._refuse_used(name, owned, symbol)

        for one in hello.served:
            if one.kind == "function":
                self._check(function_of(plugin, one))

    def _refuse_taken(self, name: str, replace: bool) -> None:
        if name in self._plugins and not replace:
            raise PluginError(f"invalid name {name}: duplicate", f"drop plugin {name} first, or say --replace")

    def _refuse_used(self, name: str, kind: str, symbol: str) -> None:
        if used := self._users(kind, symbol):
            rules = f"{'rule' if len(used) == 1 else 'rules'} {', '.join(used)}"
            raise PluginError(f"plugin {name} is used by {rules}: {kind} {symbol}", f"drop {used[0]} first")

    def _find(self, name: str) -> Plugin:
        if name not in self._plugins:
            raise PluginError(f"no plugin named {name}", did_you_mean(name, self._plugins))
        return self._plugins[name]

    def _serving(self, kind: str, symbol: str) -> Plugin:
        owner = self.owner(kind, symbol)
        if not owner:
            raise PluginError(f"{kind} {symbol} is served by no plugin any more")
        return self._plugins[owner]

    def _folder(self) -> Path:
        if self._home is None:
            self._home = private_folder()
            guardian.keep(self._home)
        return self._home / str(next(self._numbers))

    def _kept(self, name: str, folder: Path | None) -> None:
        old = self._folders.pop(name, None)
        if folder is not None:
            self._folders[name] = folder
        if old is not None:
            removed(old)

    def _line(self, name: str, line: Line) -> None:
        if self.show is not None:
            self.show(name, line)

    def _lines(self, name: str, text: str) -> None:
        if self.show is not None:
            self.show(name, Line(0.0, "install", text))
