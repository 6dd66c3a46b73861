"""Runs when the interpreter of a Python plugin made for eKuiper starts, and moves the plugin's sockets.

The SDK, the package `ekuiper`, has `ipc:///tmp/…ipc` written into it. This folder is put on PYTHONPATH, so Python
imports this file before anything of the plugin's; neither the plugin nor the installed SDK is touched. When the SDK's
module of connections is imported, the socket classes it uses are replaced by their like that listen and dial in the
folder KUIPER_NB_SOCKETS. Beside that, what eKuiper never gets to know is said:

- a source whose `open` raises sends `{"error": <the traceback>}`; one whose `open` returns, an empty message
- a sink whose `open` or `collect` raises sends the same over its channel of acknowledgements; one whose `collect`
  returns, an empty message
- a source whose rows are not taken for a second waits, and does not fail
- a source or sink whose `close` raises is closed all the same

It stands alone, and keeps to what old versions of Python know. A `sitecustomize` of the user's still runs.
"""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # the plugin need not load typing for us
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

FOLDER = os.environ.get("KUIPER_NB_SOCKETS", "")
_HERE = os.path.dirname(os.path.abspath(__file__))
_THEIRS = "ipc:///tmp/"
_MOST_PATH = 100


def moved(url: str) -> str:
    """Where the socket of this url is instead; a name too long for a path is hashed, as the host does."""
    if not url.startswith(_THEIRS):
        return url
    name = url[len(_THEIRS) :]
    if "/" in name or len(os.path.join(FOLDER, name).encode()) > _MOST_PATH:
        import hashlib

        name = hashlib.sha256(name.encode()).hexdigest()[:16]
    return "ipc://" + os.path.join(FOLDER, name)


def _move_sockets(module: ModuleType) -> None:
    for name, kind in list(vars(module).items()):
        if isinstance(kind, type) and hasattr(kind, "dial") and hasattr(kind, "listen"):
            setattr(module, name, _moving(kind))


def _moving(kind: Any) -> Any:
    class Moved(kind):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            if kind.__name__ == "Push0":
                options.pop("send_timeout", None)
            super().__init__(*args, **options)

        def dial(self, address: str, **options: Any) -> Any:
            return super().dial(moved(address), **options)

        def listen(self, address: str, *args: Any, **options: Any) -> Any:
            return super().listen(moved(address), *args, **options)

    Moved.__name__ = kind.__name__
    return Moved


def _tell_of_sources(module: Any) -> None:
    def prepare(runtime: Any) -> None:
        run = runtime.s.open

        def open(ctx: Any) -> None:
            try:
                run(ctx)
            except BaseException:
                if runtime.running:
                    _quietly(ctx.emit_error, _traceback())
                raise
            if runtime.running:
                _quietly(runtime.ch.send, b"")

        runtime.s.open = open
        runtime.s.close = _closing(runtime.s.close)

    _after_init(module.SourceRuntime, prepare)


def _tell_of_sinks(module: Any) -> None:
    def prepare(runtime: Any) -> None:
        if not hasattr(runtime, "ackCh"):  # an old SDK
            return
        runtime.s.open = told(runtime, runtime.s.open, ends=True)
        runtime.s.collect = told(runtime, runtime.s.collect)
        runtime.s.close = _closing(runtime.s.close)

    def told(runtime: Any, act: Callable[..., Any], ends: bool = False) -> Callable[..., None]:
        def acting(*args: Any) -> None:
            try:
                act(*args)
            except BaseException:
                if ends or runtime.running:
                    _quietly(runtime.ctx.ack_error, _traceback())
                if ends:  # the SDK leaves its sockets open, so that nobody would notice
                    _quietly(runtime.ch.close)
                    _quietly(runtime.ackCh.close)
                raise
            if not ends:
                _quietly(runtime.ackCh.send, b"")

        return acting

    _after_init(module.SinkRuntime, prepare)


def _closing(close: Callable[[Any], None]) -> Callable[[Any], None]:
    def closing(ctx: Any) -> None:
        try:
            close(ctx)
        except Exception:  # the SDK would go no further, and leave the sockets open
            sys.stderr.write(_traceback())

    return closing


def _after_init(kind: Any, prepare: Callable[[Any], None]) -> None:
    init = kind.__init__

    def __init__(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        prepare(self)

    kind.__init__ = __init__


def _traceback() -> str:
    import traceback

    return traceback.format_exc()


def _quietly(act: Callable[..., Any], *args: Any) -> None:
    with contextlib.suppress(Exception):
        act(*args)


_CHANGED = {
    "ekuiper.runtime.connection": _move_sockets,
    "ekuiper.runtime.source": _tell_of_sources,
    "ekuiper.runtime.sink": _tell_of_sinks,
}


class _Watching:
    """Finds the modules of the SDK as Python does, and changes them once they are loaded."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in _CHANGED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _CHANGED[name](module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _users_own() -> None:
    """Run the `sitecustomize` that this one stands before."""
    spec = PathFinder.find_spec("sitecustomize", [p for p in sys.path if os.path.abspath(p or ".") != _HERE])
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        spec.loader.exec_module(module_from_spec(spec))


if FOLDER:
    sys.meta_path.insert(0, _Watching)
_users_own()
