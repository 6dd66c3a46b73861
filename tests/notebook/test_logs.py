"""`%kuiper logs` and `%kuiper tail`; what a preview's code prints; autoreload."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from .conftest import Notebook

LOUD = "@kuiper.function\ndef loud(a):\n    print('got', a)\n    return a"
RULE = "%%kuiper hot\nSELECT loud(a) AS b FROM demo"


def test_logs_shows_what_was_printed_with_its_cell_and_line(notebook: Notebook) -> None:
    notebook.run(LOUD)
    notebook.run(RULE)
    pushed = notebook.run("kuiper.push('demo', {'a': 1})")

    shown = notebook.run("%kuiper logs hot")

    assert pushed.text == ""
    assert shown.text.splitlines() == [
        "2024-01-01 00:00:00.000 started",
        "2024-01-01 00:00:00.000 cell [3], line 3: got 1.0",
    ]
    assert notebook.run("kuiper.rules['hot'].logs()").value == shown.text.splitlines()


def test_logs_shows_as_many_lines_as_it_is_asked_for(notebook: Notebook) -> None:
    notebook.run(LOUD)
    notebook.run(RULE)
    notebook.run("kuiper.push('demo', [{'a': n} for n in range(5)])")

    shown = notebook.run("%kuiper logs hot --rows 2").text.splitlines()

    assert shown[0] == "… 4 earlier; --rows 6 shows them"
    assert [line[-7:] for line in shown[1:]] == ["got 3.0", "got 4.0"]


def test_a_rule_that_never_ran_has_no_log(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot --stopped\nSELECT a FROM demo")

    assert notebook.run("%kuiper logs hot").text == "rule hot has no log yet"
    assert str(notebook.run("%kuiper logs cold").error).startswith("no rule named cold")


def test_tail_ends_at_once_in_bounded_mode(notebook: Notebook) -> None:
    notebook.run(LOUD)
    notebook.run(RULE)
    notebook.run("kuiper.push('demo', [{'a': n} for n in range(20)])")

    shown = notebook.run("%kuiper tail hot").text.splitlines()

    assert len(shown) == 11
    assert shown[9].endswith("got 19.0")
    assert shown[10] == "Rule hot is running (bounded): 20 rows in, 20 out"


def test_tail_shows_what_is_new_until_the_rule_stops(live: Notebook) -> None:
    live.run(LOUD)
    live.run(RULE)
    live.run(
        "import threading\n"
        "def later():\n"
        "    kuiper.push('demo', {'a': 7})\n"
        "    kuiper.session().settle()\n"
        "    kuiper.rules['hot'].stop()\n"
        "threading.Timer(0.2, later).start()"
    )

    shown = live.run("%kuiper tail hot").text.splitlines()

    assert [line.split(" ", 2)[2] for line in shown[:-1]] == ["started", "cell [3], line 3: got 7.0", "stopped"]
    assert shown[-1] == "Rule hot is stopped: 1 row in, 1 out"


def test_tail_waits_for_what_is_said_last(live: Notebook) -> None:
    live.run(
        "import threading\n"
        "class Door:\n"
        "    def open(self): pass\n"
        "    def poll(self): return None\n"
        "    def close(self): threading.Event().wait(0.5)\n"
        "kuiper.source(Door, name='door')"
    )
    live.run('%%kuiper\nCREATE STREAM opened () WITH (TYPE="door")')
    live.run("%%kuiper hot\nSELECT a FROM opened")
    live.run("threading.Timer(0.2, kuiper.rules['hot'].stop).start()")

    shown = live.run("%kuiper tail hot").text.splitlines()

    assert [line.split(" ", 2)[2] for line in (shown[0], shown[-2])] == ["started", "stopped"]


def test_tail_can_be_interrupted_and_the_rule_runs_on(live: Notebook) -> None:
    live.run("%%kuiper hot\nSELECT a FROM demo")
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    before = time.monotonic()

    shown = live.run("%kuiper tail hot")

    assert time.monotonic() - before < 1
    assert str(shown.error) == "rule hot runs on"
    assert live.run("kuiper.rules['hot'].status.state").value == "running"


def test_tail_ends_when_it_is_told_to(live: Notebook) -> None:
    live.run("%%kuiper hot\nSELECT a FROM demo")

    assert live.run("%kuiper tail hot --for 100ms").text.splitlines()[-1].startswith("Rule hot is running")


@pytest.mark.parametrize("mode", ["live", "notebook"])
def test_a_preview_shows_what_its_code_printed(mode: str, request: pytest.FixtureRequest) -> None:
    opened: Notebook = request.getfixturevalue(mode)
    opened.run(LOUD)
    opened.run('import pandas as pd\nkuiper.stream("two", pd.DataFrame({"n": [1, 2]}))')

    shown = opened.run("%%kuiper\nSELECT loud(n) AS n FROM two")

    assert [line.split(" ", 2)[2] for line in shown.text.splitlines()[:2]] == [
        "cell [3], line 3: got 1",
        "cell [3], line 3: got 2",
    ]
    assert shown.text.splitlines()[2:] == ["n", "─", "1", "2", "2 rows; the input has ended"]


def test_a_preview_that_is_interrupted_in_a_function_ends_and_says_where(notebook: Notebook) -> None:
    notebook.run(
        "import os, signal\n"
        "@kuiper.function\n"
        "def endless(a):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    while True:\n"
        "        pass"
    )
    notebook.run('import pandas as pd\nkuiper.stream("two", pd.DataFrame({"n": [1, 2]}))')
    before = time.monotonic()

    shown = notebook.run("%%kuiper\nSELECT endless(n) AS n FROM two")

    assert time.monotonic() - before < 2
    assert str(shown.error) == "the preview has ended"
    assert "function endless was broken off in cell [3], line " in shown.text
    assert notebook.run("dict(kuiper.rules)").value == {}


@pytest.mark.parametrize("code", ["    while True: pass", "    go.wait()"])
def test_a_live_preview_whose_function_does_not_end_can_be_interrupted(live: Notebook, code: str) -> None:
    live.run(f"import threading\ngo = threading.Event()\n@kuiper.function\ndef endless(a):\n{code}")
    live.run('import pandas as pd\nkuiper.stream("two", pd.DataFrame({"n": [1, 2]}))')
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    before = time.monotonic()

    shown = live.run("%%kuiper\nSELECT endless(n) AS n FROM two")

    assert time.monotonic() - before < 0.5 + 1.5
    assert str(shown.error) == "the preview has ended"
    live.run("go.set()")


def test_stop_names_the_cell_and_line_of_code_that_does_not_end(live: Notebook) -> None:
    live.run(
        "import threading\nentered = threading.Event()\n"
        "@kuiper.function\ndef endless(a):\n    entered.set()\n    while True:\n        entered.is_set()"
    )
    live.run("%%kuiper hot\nSELECT endless(a) AS b FROM demo")
    live.run("kuiper.push('demo', {'a': 1})\nentered.wait(20)")

    shown = live.run("%kuiper stop hot")

    assert "function endless was broken off in cell [3], line" in shown.text
    assert "cell [3], line" in live.run("%kuiper").text


def test_autoreload_reaches_the_running_rule(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Autoreload puts the new code into the function that is registered; a decorator in the module registers anew."""
    module = tmp_path / "gauge_for_autoreload.py"
    module.write_text(
        "import kuiper_nb as kuiper\ndef plain(a):\n    return 1\n@kuiper.function\ndef decorated(a):\n    return 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.invalidate_caches()
    notebook.run("%load_ext autoreload\n%autoreload 2\nimport gauge_for_autoreload as gauge")
    notebook.run("kuiper.function(gauge.plain)")
    notebook.run("%%kuiper hot -o hot\nSELECT plain(a) AS p, decorated(a) AS d FROM demo")
    notebook.run("kuiper.push('demo', {'a': 1})")

    module.write_text(module.read_text().replace("return 1", "return 20"))
    notebook.run("kuiper.push('demo', {'a': 1})")

    assert notebook.run("[row for emit in hot.emits for row in emit.rows]").value == [
        {"p": 1, "d": 1},
        {"p": 20, "d": 20},
    ]
    assert notebook.run("hot.logs()").value[-1].endswith("function decorated: generation 2 is in use")
    del sys.modules["gauge_for_autoreload"]


def test_what_a_background_rule_fails_with_is_one_line_of_its_log_and_nowhere_else(live: Notebook) -> None:
    live.run(
        "@kuiper.source\ndef broken():\n    yield {'n': 1}\n    raise ValueError('no more')\n"
        "kuiper.session().sql('CREATE STREAM s () WITH (TYPE=\"broken\")')"
    )
    live.run("%%kuiper hot -o hot\nSELECT n FROM s")

    shown = live.run("hot.wait(20)")

    assert (shown.text, shown.value) == ("True", True)
    lines = [line for line in live.run("hot.logs()").value if "no more" in line]
    assert len(lines) == 1
    assert lines[0].endswith("stopped by error: source broken failed: ValueError: no more")
