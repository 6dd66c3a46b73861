"""`%%kuiper plugin NAME`: the cell is a plugin."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

import kuiper_nb

from .conftest import Notebook, Opening

MIRROR = """%%kuiper plugin mirror
print("loading")
@kuiper.function
def rev(text: str) -> str:
    "Turns round."
    return {0}
@kuiper.aggregate
def spread(values): return max(values) - min(values)
@kuiper.source
def ticks(n: int = 3):
    for i in range(n): yield {{"i": i}}
@kuiper.sink
def out(rows): print("out", rows)
"""
PLAIN = MIRROR.format("text[::-1]")
READY = [
    "loading",
    "Plugin mirror (python) is ready: generation 1.",
    "It serves function rev(text); aggregate spread(values); source ticks(n); sink out.",
]
HOT = "%%kuiper hot --quiet\nSELECT rev(a) AS r FROM demo"
GO = """%%kuiper plugin gomirror --language go
package main

import (
\t"os"

\t"kuiper_nb/sdk"
)

func main() {
\tsdk.Start(os.Args, &sdk.PluginConfig{
\t\tName:      "gomirror",
\t\tFunctions: map[string]sdk.NewFunctionFunc{"doubled": sdk.Of(func(n float64) float64 { return 2 * n })},
\t})
}
"""
needs_go = pytest.mark.skipif(
    shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin") is None, reason="there is no Go here"
)


def rows(notebook: Notebook, *pushed: str) -> list[object]:
    """What rule hot makes of *pushed* in column r."""
    rule = kuiper_nb.session().rules["hot"]
    before = len(rule.emits)
    kuiper_nb.push("demo", [{"a": text} for text in pushed])
    return [row["r"] for emit in list(rule.emits)[before:] for row in emit.rows]


def test_the_cell_says_what_it_serves_after_what_it_printed(notebook: Notebook) -> None:
    assert notebook.run(PLAIN).text.splitlines() == READY


def test_live_it_also_says_which_process_it_is_and_how_long_that_took(live: Notebook) -> None:
    shown = live.run(PLAIN).text.splitlines()

    pid = kuiper_nb.session().plugins["mirror"].status.pid
    assert shown[1].startswith("Plugin mirror (python) is ready in ")
    assert shown[1].endswith(f" ms: pid {pid}, generation 1.")


def test_run_again_it_takes_the_place_of_what_it_was_and_the_rule_goes_on(notebook: Notebook) -> None:
    notebook.run(PLAIN)
    notebook.run(HOT)
    assert rows(notebook, "abc") == ["cba"]

    again = notebook.run(MIRROR.format("text.upper()")).text.splitlines()

    assert again[1] == "Plugin mirror (python) is ready: generation 2, in place of that of cell [3]."
    assert rows(notebook, "abc") == ["ABC"]


def test_quiet_says_nothing(notebook: Notebook) -> None:
    assert notebook.run(PLAIN.replace("plugin mirror", "plugin mirror --quiet")).text == ""


def test_it_needs_no_import_of_what_every_notebook_has(notebook: Notebook) -> None:
    assert notebook.run("%%kuiper plugin one\n@kuiper.function\ndef one(a): return 1").error is None


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x = 1\ndef f(:\n    pass", "plugin bad, cell [3], line 3: invalid syntax\ndef f(:\n      ^"),
        (
            "import os\n\nimport nothing_here",
            "plugin bad does not start: ModuleNotFoundError: No module named 'nothing_here'\n"
            "cell [3], line 4: import nothing_here",
        ),
        (
            "def f():\n    return 1 / 0\nf()",
            "plugin bad does not start: ZeroDivisionError: division by zero\n"
            "cell [3], line 4: f()\ncell [3], line 3: return 1 / 0",
        ),
        (
            "import json\njson.loads('{')",
            "plugin bad does not start: json.decoder.JSONDecodeError: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
            "cell [3], line 3: json.loads('{')\ndecoder.py, line ",
        ),
        ("import os\nos._exit(3)", "plugin bad does not start: it ended with exit code 3"),
        (
            "import os, sys\nprint('no licence', file=sys.stderr)\nos._exit(3)",
            "plugin bad does not start: it ended with exit code 3\nno licence",
        ),
        ("x = 1", "plugin bad serves nothing\nmark a function, source or sink: @kuiper.function"),
        ("@kuiper.function\ndef abs(x): return x", "abs is a built-in function of eKuiper"),
    ],
)
def test_what_is_wrong_is_said_with_the_line_of_the_cell(notebook: Notebook, cell: str, message: str) -> None:
    shown = notebook.run(f"%%kuiper plugin bad\n{cell}")

    assert str(shown.error).startswith(message)
    assert "Traceback" not in shown.text
    assert list(kuiper_nb.session().plugins) == []


def test_what_it_printed_before_it_failed_is_shown(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper plugin bad\nprint('so far')\n1 / 0")

    assert shown.text.startswith("so far\nPluginError: plugin bad does not start: ZeroDivisionError")


def test_a_cell_that_does_not_start_leaves_the_one_before(notebook: Notebook) -> None:
    notebook.run(PLAIN)
    notebook.run(HOT)

    notebook.run("%%kuiper plugin mirror\n1 / 0")

    assert rows(notebook, "abc") == ["cba"]
    assert kuiper_nb.session().plugins["mirror"].generation == 1


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("", "a plugin needs a name\n%%kuiper plugin NAME"),
        ("a b", "b is one name too many\n%%kuiper plugin a b\n                  ^"),
        ("a --langage go", "there is no option --langage here\n%%kuiper plugin a --langage go\n"),
        ("a --rows 5", "there is no option --rows here"),
        ("a --language", "--language needs a value"),
        ("a --language rust", "a cell cannot be written in rust"),
        ("../a", "a plugin cannot be called '../a'"),
    ],
)
def test_a_wrong_first_line_says_what_would_have_worked(notebook: Notebook, first: str, message: str) -> None:
    assert str(notebook.run(f"%%kuiper plugin {first}\nx = 1").error).startswith(message)


def test_an_empty_cell_says_what_goes_into_it(notebook: Notebook) -> None:
    assert "@kuiper.function" in str(notebook.run("%%kuiper plugin a\n\n").error)


def test_a_row_that_fails_names_the_cell_and_the_line(notebook: Notebook) -> None:
    notebook.run(MIRROR.format("text[5]"))
    notebook.run(HOT)
    rows(notebook, "abc")
    notebook.run(PLAIN)  # the older generation failed in the older cell

    assert (
        "err:call func rev error: IndexError: string index out of range (cell [3], line 6)"
        in notebook.run("%kuiper show hot").text
    )


def test_a_source_and_a_sink_of_a_cell_work_in_bounded_mode(notebook: Notebook) -> None:
    notebook.run(PLAIN)

    shown = notebook.run(
        '%%kuiper all --sink out\nCREATE STREAM t () WITH (TYPE="ticks", N="2");\nSELECT i FROM t'
    ).text

    assert shown.splitlines()[1] == "Rule all has read all its input: 2 rows in, 2 out"
    assert notebook.run("%kuiper logs plugin mirror").text == "loading\nout [{'i': 0.0}]\nout [{'i': 1.0}]"


def test_what_it_prints_later_is_under_no_cell(notebook: Notebook) -> None:
    notebook.run(MIRROR.format("print('got', text) or text"))
    notebook.run(HOT)

    shown = notebook.run("kuiper.push('demo', {'a': 'abc'})")

    assert shown.text == ""
    assert notebook.run("%kuiper logs plugin mirror").text == "loading\ngot abc"


def test_a_killed_process_is_replaced_and_a_status_says_so(notebook: Notebook) -> None:
    notebook.run(PLAIN)
    notebook.run(HOT)
    pid = kuiper_nb.session().plugins["mirror"].status.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    assert rows(notebook, "abc") == ["cba"]
    assert notebook.run("%kuiper plugin show mirror").text.splitlines()[0] == (
        "Plugin mirror (python) is running: generation 1, 1 restart"
    )


def test_another_mode_keeps_the_plugins(notebook: Notebook) -> None:
    notebook.run(PLAIN)

    notebook.run("%config Kuiper.mode = 'live'")
    notebook.run(HOT)
    notebook.run("kuiper.push('demo', {'a': 'abc'})\n%kuiper wait")

    assert kuiper_nb.session().rules["hot"].emits[-1].rows == [{"r": "cba"}]
    assert "is used by rule hot" in str(notebook.run("%kuiper drop plugin mirror").error)


def test_explaining_a_select_leaves_the_plugins_running(notebook: Notebook) -> None:
    notebook.run(PLAIN)

    shown = notebook.run("%kuiper explain SELECT rev(a) AS r FROM demo")

    assert "rev(a): portable, plugin mirror, generation 1" in repr(shown.value)
    assert kuiper_nb.session().plugins["mirror"].status.status == "running"


@needs_go
def test_a_cell_of_go_is_compiled_and_served(notebook: Notebook) -> None:
    shown = notebook.run(GO)
    notebook.run("%%kuiper hot --quiet\nSELECT doubled(a) AS r FROM demo")

    assert shown.text.splitlines()[-2:] == [
        "Plugin gomirror (go) is ready: generation 1.",
        "It serves function doubled(…).",
    ]
    kuiper_nb.push("demo", {"a": 4})
    assert kuiper_nb.session().rules["hot"].emits[-1].rows == [{"r": 8}]


@needs_go
def test_what_the_compiler_says_is_said_with_the_line_of_the_cell(notebook: Notebook) -> None:
    shown = notebook.run(GO.replace("2 * n", "2 * m"))

    assert str(shown.error).startswith("plugin gomirror does not compile, cell [3], line 13: undefined: m\n")
    assert "return 2 * m" in str(shown.error)


def test_a_notebook_that_is_unloaded_leaves_no_process(opening: Opening) -> None:
    notebook = opening("live")
    notebook.run(PLAIN)
    pid = kuiper_nb.session().plugins["mirror"].status.pid
    assert pid is not None

    notebook.run("%unload_ext kuiper_nb")

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
