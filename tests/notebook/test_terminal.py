"""IPython in a terminal: the same cells, and everything is text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")

Typing = Callable[..., str]
PATIENT = 60
_PROMPT = r"In \[\d+\]: "


@pytest.fixture
def ipython(tmp_path: Path) -> Iterator[Typing]:
    """Types lines into IPython in a pseudo-terminal; answers what it shows until its next prompt."""
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path), "KUIPER_NB_MODE": "auto", "TERM": "dumb"}
    options = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor", "--HistoryManager.enabled=False"]
    terminal = pexpect.spawn(
        sys.executable, options, env=environment, encoding="utf-8", timeout=PATIENT, dimensions=(40, 120)
    )
    terminal.expect(_PROMPT)

    def typed(*lines: str) -> str:
        for line in lines:
            terminal.sendline(line)
            terminal.expect_exact(line)
        terminal.expect(_PROMPT)
        return str(terminal.before).replace("\r\n", "\n").strip()

    yield typed
    terminal.sendline("exit")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert (terminal.exitstatus, terminal.signalstatus) == (0, None)


def test_a_live_rule_its_views_and_its_end_are_text_and_a_rule_that_runs_lets_python_end(ipython: Typing) -> None:
    ipython("%load_ext kuiper_nb")
    ipython("import kuiper_nb as kuiper")
    ipython('%kuiper CREATE STREAM machine () WITH (TYPE="system", INTERVAL="100")')

    rule = ipython("%%kuiper busy", "SELECT cpu FROM machine WHERE cpu >= 0", "", "")
    waited = ipython("%kuiper wait busy --rows 3")
    status, view = ipython("%kuiper status"), ipython("kuiper.view('busy')")
    everything = ipython("kuiper.status()")
    stopped = ipython("%kuiper stop busy")
    ipython("%kuiper start busy")

    assert "Rule busy is running (live): 0 rows in, 0 out" in rule
    assert waited.startswith("Rule busy is running (live): ")
    for text in (status, everything):
        assert "live: on the clock on the wall" in text
        assert "busy  running" in text
    lines = [text.strip() for text in view.splitlines()]
    table = lines.index("cpu")
    assert set(lines[table + 1]) == {"─"}
    assert float(lines[table + 2]) >= 0
    assert stopped.startswith("Rule busy is stopped: ")
    for text in (rule, waited, status, view, everything, stopped):
        assert "Traceback" not in text
        assert "<" not in text
