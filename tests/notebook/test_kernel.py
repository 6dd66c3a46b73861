"""In a real kernel: whose output is whose, what Ctrl-C does, and that nothing is left when it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

PATIENCE = 30
DEMO = 'CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")'
LOUD = "@kuiper.function\ndef loud(a):\n    print('got', a)\n    return a"
ENDLESS = (
    "import threading\nentered = threading.Event()\n"
    "@kuiper.function\ndef endless(a):\n    entered.set()\n    while True: pass"
)
THREADS = "import threading; print(sorted(t.name for t in threading.enumerate()))"


@dataclass
class Shown:
    """What a cell shows: its output streams, the error it ended in."""

    text: str = ""
    error: str = ""
    seen: list[Any] = field(default_factory=list)

    def __call__(self, message: dict[str, Any]) -> None:
        content, kind = message["content"], message["msg_type"]
        if kind == "stream":
            self.text += content["text"]
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}"
        elif kind == "execute_result":
            self.text += content["data"]["text/plain"]


class Kernel:
    """A kernel with a notebook or two."""

    def __init__(self) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel()
        self.client = self.connected()
        self.process = psutil.Process(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def connected(self) -> BlockingKernelClient:
        """A client: a notebook."""
        client = BlockingKernelClient(connection_file=self.manager.connection_file, parent=self.manager)
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        return client

    def run(self, code: str, client: BlockingKernelClient | None = None) -> Shown:
        """Run a cell."""
        shown = Shown()
        (client or self.client).execute_interactive(
            code, output_hook=shown, stdin_hook=lambda message: None, timeout=PATIENCE, allow_stdin=True
        )
        return shown

    def opened(self) -> None:
        """Load the extension and define the stream demo, live."""
        self.run(f"%load_ext kuiper_nb\nimport kuiper_nb as kuiper\nkuiper.session().sql('{DEMO}', replace=True)")

    def end(self) -> None:
        """Whatever has become of it."""
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def shared() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.end()


@pytest.fixture
def kernel(shared: Kernel) -> Iterator[Kernel]:
    """A kernel with the extension loaded, which is unloaded afterwards."""
    shared.opened()
    yield shared
    shared.run("%unload_ext kuiper_nb")


def test_loading_and_unloading_leave_nothing_running(shared: Kernel) -> None:
    before = shared.run(THREADS).text
    streams = shared.run("import sys; print(id(sys.stdout), id(sys.stderr))").text

    shared.run("%load_ext kuiper_nb")
    loaded = shared.run(THREADS).text
    shared.opened()
    shared.run("%%kuiper hot\nSELECT a FROM demo")
    running = shared.run(THREADS).text
    shared.run("%reload_ext kuiper_nb")
    reloaded = shared.run(THREADS).text
    shared.opened()
    shared.run("%%kuiper hot\nSELECT a FROM demo")
    shared.run("%unload_ext kuiper_nb")

    assert (loaded, reloaded, shared.run(THREADS).text) == (before, before, before)
    assert "rule hot" in running
    assert shared.run("print(id(sys.stdout), id(sys.stderr))").text == streams
    assert shared.process.children() == []


def test_what_a_rule_prints_is_under_no_cell(kernel: Kernel) -> None:
    kernel.run(LOUD)
    cells = [
        kernel.run("%%kuiper hot\nSELECT loud(a) AS b FROM demo"),
        kernel.run("kuiper.push('demo', {'a': 1})"),
        kernel.run("kuiper.push('demo', {'a': 2}); kuiper.session().settle(); print('mine')"),
        kernel.run("print('next')"),
    ]

    assert [cell.text for cell in cells[1:]] == ["", "mine\n", "next\n"]
    assert "got" not in cells[0].text
    assert kernel.run("%kuiper logs hot").text.count("line 3: got") == 2


def test_what_logging_was_told_before_holds_for_rules(kernel: Kernel) -> None:
    kernel.run("import logging; logging.basicConfig(level='INFO', force=True)")
    kernel.run("@kuiper.function\ndef loud(a):\n    logging.info('got %s', a)\n    return a")
    kernel.run("%%kuiper hot\nSELECT loud(a) AS b FROM demo")

    shown = kernel.run("kuiper.push('demo', {'a': 1}); kuiper.session().settle(); logging.info('mine')")

    assert shown.text == "INFO:root:mine\n"
    assert "INFO:root:got 1.0" in kernel.run("%kuiper logs hot").text


def test_a_rule_that_fails_shows_no_traceback_anywhere(kernel: Kernel) -> None:
    kernel.run("@kuiper.source\ndef broken():\n    yield {'n': 1}\n    raise ValueError('no more')")
    kernel.run('%%kuiper\nCREATE STREAM s () WITH (TYPE="broken")')

    cells = [kernel.run("%%kuiper bad\nSELECT n FROM s"), kernel.run("kuiper.rules['bad'].wait(20)"), kernel.run("1")]

    assert [cell.text for cell in cells[1:]] == ["True", "1"]
    assert [cell.error for cell in cells] == ["", "", ""]
    assert "no more" in kernel.run("%kuiper status bad").text


def test_two_notebooks_of_one_kernel_share_the_session(kernel: Kernel) -> None:
    other = kernel.connected()
    try:
        kernel.run("%%kuiper hot --quiet\nSELECT a FROM demo")
        kernel.run("kuiper.push('demo', {'a': 1}); kuiper.session().settle()", other)

        assert "hot" in kernel.run("%kuiper", other).text
        assert kernel.run("kuiper.rules['hot'].status.rows_in", other).text == "1"
    finally:
        other.stop_channels()


def test_quiet_says_nothing(kernel: Kernel) -> None:
    assert kernel.run("%%kuiper hot --quiet\nSELECT a FROM demo") == Shown()


@pytest.mark.parametrize("mode", ["live", "bounded"])
def test_interrupting_a_preview_whose_function_does_not_end_brings_the_kernel_back(kernel: Kernel, mode: str) -> None:
    kernel.run(ENDLESS)
    kernel.run("import pandas as pd; kuiper.stream('two', pd.DataFrame({'n': [1, 2]}))")
    at: list[float] = []

    def interrupts() -> None:
        at.append(monotonic())
        kernel.process.send_signal(signal.SIGINT)

    timer = threading.Timer(1.5, interrupts)
    timer.start()
    shown = kernel.run(f"%%kuiper --{mode}\nSELECT endless(n) AS n FROM two")

    assert monotonic() - at[0] < 1.5
    assert shown.error == "Interrupted: the preview has ended"
    assert kernel.run("print(dict(kuiper.rules))").text == "{}\n"
    assert "rule" not in kernel.run(THREADS).text


@pytest.mark.parametrize("wait", ["%kuiper wait hot --for 60s", "%kuiper tail hot", "kuiper.rules['hot'].wait(60)"])
def test_interrupting_a_wait_leaves_the_rule_running(kernel: Kernel, wait: str) -> None:
    kernel.run("%%kuiper hot\nSELECT a FROM demo")
    at: list[float] = []

    def interrupts() -> None:
        at.append(monotonic())
        kernel.process.send_signal(signal.SIGINT)

    threading.Timer(0.7, interrupts).start()
    shown = kernel.run(wait)

    assert monotonic() - at[0] < 1.5
    assert shown.error.split(":")[0] in ("Interrupted", "KeyboardInterrupt")
    assert kernel.run("kuiper.rules['hot'].status.state").text == "'running'"


def test_cells_run_again_in_any_order_leave_one_rule_of_a_name(kernel: Kernel) -> None:
    cells = [LOUD, "%%kuiper hot\nSELECT loud(a) AS b FROM demo", "kuiper.push('demo', {'a': 1})", "%kuiper stop hot"]
    for order in ([0, 1, 2, 1, 0, 2, 3, 3, 2], [1, 3, 1, 0, 2, 1]):
        for number in order:
            assert kernel.run(cells[number]).error == ""

    assert kernel.run(THREADS).text.count("rule hot") == 1
    assert kernel.run("print(list(kuiper.rules))").text == "['hot']\n"


@pytest.mark.parametrize("end", ["shutdown", "restart", "SIGTERM", "SIGKILL"])
def test_no_process_outlives_its_kernel_and_a_restart_begins_anew(end: str) -> None:
    kernel = Kernel()
    try:
        kernel.opened()
        kernel.run(ENDLESS)
        kernel.run("%%kuiper hot --sink log\nSELECT a FROM demo")
        kernel.run("%%kuiper stuck\nSELECT endless(a) AS b FROM demo")
        kernel.run("kuiper.push('demo', {'a': 1}); entered.wait(20)")
        tree = [kernel.process, *kernel.process.children(recursive=True)]

        if end == "shutdown":
            kernel.manager.shutdown_kernel()
        elif end == "restart":
            kernel.manager.restart_kernel()
        else:
            kernel.process.send_signal(signal.Signals[end])

        _, alive = psutil.wait_procs(tree, timeout=PATIENCE)
        assert alive == []
        if end == "restart":
            kernel.client.wait_for_ready(timeout=PATIENCE)
            kernel.opened()
            assert kernel.run("print(dict(kuiper.rules))").text == "{}\n"
    finally:
        kernel.end()


PLUGIN = "%%kuiper plugin mirror\n@kuiper.function\ndef rev(text): return text[::-1]"
SPAWNED = "import os; print(kuiper.plugins['mirror'].status.pid, kuiper.plugins.home)"


def begun(kernel: Kernel) -> tuple[list[psutil.Process], list[Path]]:
    """The processes below the kernel once it has a plugin that works, and the folders of that."""
    before = set(kernel.process.children(recursive=True))
    assert "is ready" in kernel.run(PLUGIN).text
    kernel.run("%%kuiper hot --quiet\nSELECT rev(a) AS b FROM demo")
    kernel.run("kuiper.push('demo', {'a': 'abc'}); kuiper.session().settle(20)")
    assert kernel.run("print(kuiper.rules['hot'].emits[-1].rows)").text == "[{'b': 'cba'}]\n"
    pid, home = kernel.run(SPAWNED).text.split()
    started = set(kernel.process.children(recursive=True)) - before
    assert int(pid) in {process.pid for process in started}
    connection = next(word for word in psutil.Process(int(pid)).cmdline() if word.endswith("connection.json"))
    return list(started), [Path(home), Path(connection).parent]


@pytest.mark.parametrize(
    "end",
    ["%reload_ext kuiper_nb", "%unload_ext kuiper_nb", "%kuiper reset", "%kuiper drop hot\n%kuiper drop plugin mirror"],
)
def test_no_process_of_a_plugin_outlives_its_session(shared: Kernel, end: str) -> None:
    shared.opened()
    started, folders = begun(shared)
    plugin = next(p for p in started if "kuiper_nb.plugins.sdk.run" in p.cmdline())

    assert shared.run(end).error == ""

    psutil.wait_procs([plugin], timeout=PATIENCE)
    assert not plugin.is_running()
    assert not folders[1].exists()
    shared.run("%unload_ext kuiper_nb")


@pytest.mark.parametrize("end", ["shutdown", "restart", "SIGTERM", "SIGKILL"])
def test_no_process_or_folder_of_a_plugin_outlives_its_kernel(end: str) -> None:
    kernel = Kernel()
    try:
        kernel.opened()
        started, folders = begun(kernel)

        if end == "shutdown":
            kernel.manager.shutdown_kernel()
        elif end == "restart":
            kernel.manager.restart_kernel()
        else:
            kernel.process.send_signal(signal.Signals[end])

        _, alive = psutil.wait_procs(started, timeout=PATIENCE)
        assert alive == []
        deadline = monotonic() + PATIENCE
        while any(folder.exists() for folder in folders) and monotonic() < deadline:
            threading.Event().wait(0.05)
        assert [folder for folder in folders if folder.exists()] == []
        if end == "restart":
            kernel.client.wait_for_ready(timeout=PATIENCE)
            kernel.opened()
            assert "is ready" in kernel.run(PLUGIN).text
    finally:
        kernel.end()
