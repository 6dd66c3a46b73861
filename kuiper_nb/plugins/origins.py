"""Where a plugin comes from, and how its process is started from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import PluginError
from .begun import Launch
from .channel import MOST_MESSAGE
from .connection import BadConnection, Connection
from .crashes import Policy
from .environment import EKUIPER_ARGUMENT, Environment
from .hello import Kind, Served
from .kernel import Kernel
from .launch import Program, python
from .lines import Lines
from .manifest import Manifest, wire_of
from .peer import Peer

Told = Callable[[str], None]
_NAME = re.compile(r"[^\W\d_][\w-]{0,63}")


@dataclass(frozen=True, slots=True)
class Origin:
    """How to start it, how to keep it, and the symbols it must serve."""

    launch: Launch
    policy: Policy
    declared: tuple[tuple[Kind, str], ...] = ()


def of_manifest(manifest: Manifest, told: Told) -> Origin:
    """A folder with a manifest. Raises PluginError."""
    environment = Environment.of(manifest, told=told)
    usual = Policy()
    policy = Policy(
        usual.timeout if manifest.timeout is None else manifest.timeout / 1000,
        usual.start if manifest.init_timeout is None else manifest.init_timeout / 1000,
    )
    kinds: tuple[Kind, ...] = ("source", "sink", "function")
    declared = tuple((kind, symbol) for kind in kinds for symbol in manifest.symbols(kind))
    variables = environment.variables(manifest)
    most = manifest.message or MOST_MESSAGE

    if wire_of(manifest) == "kuiper_nb":
        program = Program(
            lambda file: environment.command(manifest, str(file)), manifest.home, variables, manifest.limits, most
        )
        return Origin(program, policy, declared)

    def launch(lines: Lines) -> Peer:
        from .nanomsg import EkuiperPeer

        symbols = [Served(symbol, kind, manifest.about(kind, symbol)) for kind, symbol in declared]
        command = environment.command(manifest, EKUIPER_ARGUMENT)
        return EkuiperPeer(
            manifest.name,
            command,
            manifest.home,
            variables,
            symbols,
            lines,
            manifest.limits,
            language=manifest.language,
            most=most,
        )

    return Origin(launch, policy, declared)


def of_cell(name: str, code: str, language: str, folder: Path) -> Origin:
    """The text of a cell, written into *folder*. Raises PluginError."""
    if not _NAME.fullmatch(name):
        raise PluginError(f"a plugin cannot be called {name!r}", "letters, digits, _ and -, beginning with a letter")
    folder.mkdir(parents=True)
    if language == "python":
        file = folder / f"{name}.cell.py"  # which no import takes for a module, as it would `random.py`
        file.write_text(code, encoding="utf-8")
        try:
            compile(code, str(file), "exec")
        except SyntaxError as error:
            line, column = error.lineno or 1, max(error.offset or 1, 1)
            message = f"plugin {name}, line {line}: {error.msg}"
            raise PluginError(message, line=line, column=column, statement=code) from None
        except ValueError as error:
            raise PluginError(f"plugin {name}: {error}") from None
        return Origin(python(file), Policy())
    if language == "go":
        from .gobuild import build

        binary = build(code, name)
        return Origin(Program(lambda connection: [str(binary), str(connection)], folder), Policy())
    raise PluginError(f"a plugin in {language} cannot be written in a cell", "--language python or --language go")


def attached(file: Path, timeout: float = 10.0) -> Origin:
    """A process that somebody else has started; *timeout* is how long a batch may take: in a debugger, long."""
    started: list[Kernel] = []

    def launch(lines: Lines) -> Peer:
        if started:
            raise PluginError("its process has ended, and was started by somebody else", "start and attach it again")
        try:
            kernel = Kernel(Connection.read(file), lines)
        except BadConnection as why:
            raise PluginError(f"cannot attach: {why}") from None
        started.append(kernel)
        kernel.listen(None)
        return kernel

    return Origin(launch, Policy(timeout, start=10.0, elsewhere=True))
