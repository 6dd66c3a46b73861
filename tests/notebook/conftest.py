"""A notebook without a browser: cells in, what they show out."""

from __future__ import annotations

import atexit
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import kuiper_nb


@dataclass(frozen=True)
class Shown:
    """What a cell shows: the text printed, its value, the error it ended in (and what the user sees of that)."""

    text: str
    value: Any
    error: BaseException | None


class Notebook:
    """Runs cells one after the other."""

    def __init__(self) -> None:
        settings = Config()
        settings.HistoryManager.enabled = False
        self.shell = InteractiveShell(config=settings, colors="nocolor")

    def run(self, cell: str) -> Shown:
        """Run a cell."""
        with capture_output() as captured:
            result = self.shell.run_cell(cell, store_history=True)
        text = re.sub(r"Out\[\d+\]: ?\n?", "", captured.stdout)
        return Shown(text.rstrip(), result.result, result.error_in_exec or result.error_before_exec)

    def interrupted(self, cell: str, when: Callable[[], object]) -> tuple[Shown, float]:
        """Run a cell and interrupt it as Ctrl-C does, once *when* has returned, in a thread beside it; and how many
        seconds it went on after that."""
        signalled: list[float] = []

        def interrupt() -> None:
            when()
            signalled.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)  # the process, as a notebook does: the main thread gets it

        beside = threading.Thread(target=interrupt)
        beside.start()
        shown = self.run(cell)
        ended = time.monotonic()
        beside.join()
        return shown, ended - signalled[0]

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]


Opening = Callable[[str], Notebook]


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """Opens a notebook in a mode, with the extension loaded."""
    opened: list[Notebook] = []

    def open_one(mode: str) -> Notebook:
        monkeypatch.setenv("KUIPER_NB_MODE", mode)
        kuiper_nb.forget_session()
        notebook = Notebook()
        opened.append(notebook)
        notebook.run("%load_ext kuiper_nb\nimport kuiper_nb as kuiper")
        return notebook

    yield open_one
    for notebook in opened:
        notebook.run("%unload_ext kuiper_nb")
        atexit.unregister(notebook.shell.atexit_operations)
        notebook.shell.atexit_operations()


@pytest.fixture
def notebook(opening: Opening) -> Notebook:
    """A bounded notebook with a stream demo that is pushed to."""
    opened = opening("bounded")
    opened.run('%%kuiper\nCREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    return opened


@pytest.fixture
def live(opening: Opening) -> Notebook:
    """A live notebook with a stream demo that is pushed to."""
    opened = opening("live")
    opened.run('%%kuiper\nCREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    return opened
