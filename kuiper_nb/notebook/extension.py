"""`%load_ext kuiper_nb`: registers the magic and how things look; nothing runs, nothing is opened until it is used."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from traitlets.config.loader import LazyConfigValue

import kuiper_nb

from ..functions.places import name_places
from . import complete, modes
from .magics import Kuiper
from .rehearsal import REHEARSAL

if TYPE_CHECKING:
    from ..catalog import Stream
    from ..engine.rule import Rule
    from ..plugins.supervisor import Plugin
    from ..session import Session
    from .views import Place, View

_PLUGIN = ("kuiper_nb.plugins.supervisor", "Plugin")
_SHOWN = (("kuiper_nb.engine.rule", "Rule"), ("kuiper_nb.catalog", "Stream"), _PLUGIN)


def load(shell: Any) -> None:
    """Register everything anew. Raises KuiperError when KUIPER_NB_MODE is no mode."""
    modes.decided("auto", os.environ, shell)
    _forget(shell)
    _ignore_wrong_mode(shell)
    kuiper = Kuiper(shell)  # which makes it known to %config, too
    shell.register_magics(kuiper)
    shell.events.register("pre_run_cell", kuiper.cells.begins)
    _register_views(shell, kuiper.cells.place)
    name_places(kuiper.cells.place)
    complete.register(shell)
    kuiper.inspecting.register()
    REHEARSAL.begin()

    def opening() -> Session:
        return modes.opened(kuiper.running_mode())

    kuiper_nb._opening = opening


def unload(shell: Any) -> None:
    """Stop every rule, forget the session, take the magic away."""
    REHEARSAL.end()
    kuiper_nb.forget_session()
    kuiper_nb._opening = None
    name_places(None)
    _forget(shell)
    _end_views()


def _end_views() -> None:
    pump = sys.modules.get("kuiper_nb.notebook.pump")
    if pump is not None:
        pump.PUMP.close()


def _forget(shell: Any) -> None:
    complete.unregister(shell)
    for known in [c for c in shell.configurables if type(c).__name__ == Kuiper.__name__]:
        if inspecting := getattr(known, "inspecting", None):
            inspecting.unregister()
        cells = getattr(known, "cells", None)  # a wrong %config leaves one behind that was never finished
        if cells is not None and cells.begins in shell.events.callbacks["pre_run_cell"]:
            shell.events.unregister("pre_run_cell", cells.begins)
    shell.configurables[:] = [c for c in shell.configurables if type(c).__name__ != Kuiper.__name__]
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("kuiper", None)
    shell.magics_manager.registry.pop(Kuiper.__name__, None)
    formatters = shell.display_formatter.formatters
    for formatter in (
        formatters["text/plain"],
        formatters["text/html"],
        shell.display_formatter.ipython_display_formatter,
    ):
        for known in [t for t in formatter.type_printers if (t.__module__, t.__name__) in _SHOWN]:
            del formatter.type_printers[known]
        for shown in _SHOWN:
            formatter.deferred_printers.pop(shown, None)


def _ignore_wrong_mode(shell: Any) -> None:
    """`%config` keeps a value even when it refuses it; with it nothing could be loaded ever again."""
    given = shell.config.get(Kuiper.__name__, {})
    if isinstance(given.get("mode"), LazyConfigValue) or given.get("mode", "auto") in modes.MODES:
        return
    print(f"Kuiper.mode = {given.pop('mode')} is no mode and ignored; auto, bounded or live")


def _register_views(shell: Any, place: Place) -> None:
    def rule_text(rule: Rule, printer: Any, cycle: bool) -> None:
        printer.text(repr(_rule_view(rule, place)))

    def rule_html(rule: Rule) -> str:
        return _rule_view(rule, place)._repr_html_()

    def stream_text(stream: Stream, printer: Any, cycle: bool) -> None:
        printer.text(stream.statement)

    def rule_live(rule: Rule) -> None:
        from . import live

        live.show(shell, rule, place)

    def plugin_text(plugin: Plugin, printer: Any, cycle: bool) -> None:
        printer.text(repr(_plugin_view(plugin)))

    def plugin_html(plugin: Plugin) -> str:
        return _plugin_view(plugin)._repr_html_()

    shell.display_formatter.ipython_display_formatter.for_type_by_name("kuiper_nb.engine.rule", "Rule", rule_live)
    formatters = shell.display_formatter.formatters
    formatters["text/plain"].for_type_by_name("kuiper_nb.engine.rule", "Rule", rule_text)
    formatters["text/html"].for_type_by_name("kuiper_nb.engine.rule", "Rule", rule_html)
    formatters["text/plain"].for_type_by_name("kuiper_nb.catalog", "Stream", stream_text)
    formatters["text/plain"].for_type_by_name(*_PLUGIN, plugin_text)
    formatters["text/html"].for_type_by_name(*_PLUGIN, plugin_html)


def _plugin_view(plugin: Plugin) -> View:
    from .pluginviews import plugin_view

    return plugin_view(plugin, kuiper_nb.session())


def _rule_view(rule: Rule, place: Place) -> View:
    from .views import rule_view

    return rule_view(rule, place)
