"""How long a plugin takes from the start of its process until it is ready, beside interpreters that start in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kuiper_nb.errors import PluginError
from kuiper_nb.plugins import gobuild
from kuiper_nb.plugins.launch import Program, python
from kuiper_nb.plugins.lines import Lines

PATIENCE = 60.0
STARTS = 40

PYTHON = "from kuiper_nb.sdk import function\n\n@function\ndef same(a): return a\n"
GO = """
package main

import (
    "os"
    "kuiper_nb/sdk"
)

func main() {
    sdk.Start(os.Args, &sdk.PluginConfig{Name: "starts", Functions: map[string]sdk.NewFunctionFunc{
        "same": sdk.Of(func(a float64) float64 { return a })}})
}
"""


@dataclass(frozen=True, slots=True)
class Started:
    """Milliseconds of every start in *language*, sorted; the medians of an interpreter that starts and ends, and of one
    that imports ZeroMQ in between, without which nothing can be said.
    """

    language: str
    ms: list[float]
    bare: float
    with_zmq: float


def measured() -> Iterator[Started]:
    """Python, then Go, where there is a toolchain; starts of an interpreter in turn with them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "starts.py"
        file.write_text(PYTHON)
        yield _started("Python", python(file))
    try:
        built = gobuild.build(GO, "starts")
    except PluginError:
        return
    yield _started("Go", Program(lambda connection: [str(built), str(connection)], built.parent))


def _started(language: str, program: Program) -> Started:
    actions = (lambda: _begun(program), lambda: _ran("pass"), lambda: _ran("import zmq"))
    ready, bare, with_zmq = zip(*([_timed(action) for action in actions] for _ in range(STARTS)), strict=True)
    return Started(language, sorted(ready), statistics.median(bare), statistics.median(with_zmq))


def _begun(program: Program) -> Callable[[], None]:
    kernel = program(Lines())
    kernel.ready(PATIENCE)
    return kernel.close


def _ran(code: str) -> Callable[[], None]:
    subprocess.run([sys.executable, "-c", code], check=True)
    return lambda: None


def _timed(action: Callable[[], Callable[[], None]]) -> float:
    """Milliseconds of *action*; what it returns cleans up afterwards."""
    began = time.perf_counter()
    clean = action()
    taken = (time.perf_counter() - began) * 1000
    clean()
    return taken
