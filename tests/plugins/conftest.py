"""What the tests of plugins share: a plugin from a text, and a way to wait for what comes by itself."""

from __future__ import annotations

import os
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kuiper_nb.contracts import Payload
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins import gobuild
from kuiper_nb.plugins.crashes import Policy
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import Program, python
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.supervisor import Plugin

Written = Callable[[str], Program]
PATIENCE = 20.0
"""Seconds after which what was waited for does not come any more."""


@pytest.fixture(scope="session")
def go() -> None:
    """Go is here; without it there is nothing to test, but where all must be."""
    try:
        gobuild.toolchain("tests")
    except PluginError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(missing.message)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Makes a program of the text of a plugin."""

    def write(text: str) -> Program:
        file = tmp_path / f"plugin{len(list(tmp_path.iterdir()))}.py"
        file.write_text("from kuiper_nb.sdk import *\n" + textwrap.dedent(text), encoding="utf-8")
        return python(file)

    return write


@pytest.fixture
def kernel(written: Written) -> Iterator[Callable[[str], Kernel]]:
    """Starts the process of a plugin and waits until it is ready."""
    started: list[Kernel] = []

    def start(text: str) -> Kernel:
        made = written(text)(Lines())
        started.append(made)
        made.ready(PATIENCE)
        return made

    yield start
    for each in started:
        each.close()


@pytest.fixture
def plugin(written: Written) -> Iterator[Callable[..., Plugin]]:
    """A supervised plugin, started."""
    made: list[Plugin] = []

    def start(text: str, policy: Policy | None = None, **more: Any) -> Plugin:
        one = Plugin("mirror", written(text), policy or Policy(timeout=PATIENCE), **more)
        made.append(one)
        one.start()
        return one

    yield start
    for each in made:
        each.stop()


class Collected:
    """An inlet that keeps what it gets, and lets a test wait for it."""

    def __init__(self) -> None:
        self.payloads: list[Payload] = []
        self.end = ""
        self._changed = threading.Condition()

    def rows(self, payload: Payload) -> None:
        with self._changed:
            self.payloads.append(payload)
            self._changed.notify_all()

    def ended(self) -> None:
        with self._changed:
            self.end = "ended"
            self._changed.notify_all()

    def failed(self, why: str, where: str) -> None:
        with self._changed:
            self.end = why
            self._changed.notify_all()

    @property
    def items(self) -> list[Any]:
        """All rows, and what is no row, in order."""
        return [item for p in self.payloads for item in (p.data if isinstance(p.data, list) else [p.data])]

    def wait(self, done: Callable[[], bool]) -> None:
        """Until *done*."""
        with self._changed:
            assert self._changed.wait_for(done, PATIENCE), (self.items, self.end)
