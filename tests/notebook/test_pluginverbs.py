"""`%kuiper plugin VERB`, and `%kuiper VERB plugin NAME`."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import kuiper_nb
from tests.notebook.test_complete import about, texts

from .conftest import Notebook
from .test_plugincells import HOT, PLAIN, rows

FUNCTION = '''LIMIT = 6
@kuiper.function
def may_sail(force: int) -> bool:
    """Whether the ferry goes."""
    return force < LIMIT'''


@pytest.fixture
def mirror(notebook: Notebook) -> Notebook:
    """A bounded notebook with plugin mirror."""
    notebook.run(PLAIN)
    return notebook


def archive(folder: Path, **changes: object) -> Path:
    """A zip of a plugin with an install.sh."""
    manifest = {"version": "v1.0.0", "language": "python", "executable": "pysam.py", "functions": ["sam"], **changes}
    code = "import kuiper_nb as kuiper\n@kuiper.function\ndef sam(a): return 'sam'\n"
    with zipfile.ZipFile(folder / "pysam.zip", "w") as packed:
        packed.writestr("pysam.json", json.dumps(manifest))
        packed.writestr("pysam.py", code)
        packed.writestr("install.sh", "pip install everything\n")
    return folder / "pysam.zip"


def test_both_ways_to_say_it_do_the_same(mirror: Notebook) -> None:
    for line in ("plugin show mirror", "show plugin mirror", "plugin status mirror", "status plugin mirror"):
        assert repr(mirror.run(f"%kuiper {line}").value).startswith("Plugin mirror (python) is running: generation 1")
    for line in ("plugin", "plugins", "show plugins", "plugin show"):
        assert repr(mirror.run(f"%kuiper {line}").value).splitlines()[2].startswith("mirror  running  python")


def test_show_tells_what_is_served_and_who_uses_it(mirror: Notebook) -> None:
    mirror.run(HOT)
    rows(mirror, "abc")

    assert repr(mirror.run("%kuiper plugin show mirror").value).splitlines() == [
        "Plugin mirror (python) is running: generation 1",
        "serves     name            help          used by",
        "─────────  ──────────────  ────────────  ───────",
        "function   rev(text)       Turns round.  hot",
        "aggregate  spread(values)",
        "source     ticks(n)",
        "sink       out",
        "1 call, 1 row",
    ]


def test_a_plugin_as_a_value_looks_like_that_too(mirror: Notebook) -> None:
    shown = mirror.run("kuiper.plugins['mirror']")

    assert shown.text.startswith("Plugin mirror (python) is running: generation 1\nserves")


def test_it_is_stopped_started_and_restarted(mirror: Notebook) -> None:
    mirror.run(HOT)

    stopped = mirror.run("%kuiper stop plugin mirror").text
    failed = rows(mirror, "abc")
    started = mirror.run("%kuiper start plugin mirror").text
    works = rows(mirror, "abc")
    before = kuiper_nb.session().plugins["mirror"].status.pid
    restarted = mirror.run("%kuiper restart plugin mirror").text

    assert stopped.startswith("Plugin mirror (python) is stopped: generation 1; rows that need it fail until")
    assert (failed, works) == ([], ["cba"])
    assert (
        started.splitlines()[:2]
        == restarted.splitlines()[:2]
        == ["loading", "Plugin mirror (python) is ready: generation 1."]
    )
    assert kuiper_nb.session().plugins["mirror"].status.pid != before


def test_a_plugin_in_use_is_not_dropped(mirror: Notebook) -> None:
    mirror.run(HOT)

    refused = mirror.run("%kuiper drop plugin mirror")
    mirror.run("%kuiper drop hot")

    assert str(refused.error) == "plugin mirror is used by rule hot: function rev\ndrop hot first"
    assert mirror.run("%kuiper drop plugin mirror").text == "Plugin mirror is dropped."
    assert repr(mirror.run("%kuiper plugins").value).startswith("no plugins; a cell that begins with")


def test_the_log_ends_with_what_was_printed_last(mirror: Notebook) -> None:
    mirror.run("%%kuiper plugin loud\n@kuiper.function\ndef loud(a):\n    print(a)\n    return a")
    mirror.run("%%kuiper hot --quiet\nSELECT loud(a) AS r FROM demo")
    rows(mirror, *"abcdef")

    assert mirror.run("%kuiper logs plugin loud --rows 2").text.splitlines() == ["e", "f"]
    assert mirror.run("%kuiper plugin logs loud").text.splitlines() == [*"abcdef"]


def test_a_log_names_no_private_folder(mirror: Notebook) -> None:
    mirror.run("%%kuiper plugin mirror\n1 / 0")

    assert 'File "mirror.cell.py", line 2' in mirror.run("%kuiper logs plugin mirror").text


def test_a_zip_is_added_and_its_script_is_shown_not_run(notebook: Notebook, tmp_path: Path) -> None:
    shown = notebook.run(f"%kuiper plugin add {archive(tmp_path)}").text.splitlines()

    assert shown[:4] == [
        "Plugin pysam (python) is ready: generation 1.",
        "It serves function sam(a).",
        "install.sh has not been run. It says:",
        "    pip install everything",
    ]
    assert "cd FOLDER && sh install.sh" in shown[-1]


def test_a_name_that_is_taken_needs_replace(notebook: Notebook, tmp_path: Path) -> None:
    path = archive(tmp_path)
    notebook.run(f"%kuiper add plugin {path} --name pysam")

    refused = notebook.run(f"%kuiper add plugin {path} --name pysam")

    assert str(refused.error).startswith("invalid name pysam: duplicate\ndrop plugin pysam first, or say --replace")
    assert notebook.run(f"%kuiper add plugin {path} --name pysam --replace").error is None


def test_what_is_not_there_or_not_allowed_is_not_added(notebook: Notebook) -> None:
    assert str(notebook.run("%kuiper plugin add ./nothing.zip").error).startswith("there is no nothing.zip")
    refused = notebook.run("%kuiper plugin add http://127.0.0.1:9/mirror.zip")
    assert "127.0.0.1" in str(refused.error)


def test_a_function_moves_into_a_process_of_its_own_and_back(notebook: Notebook) -> None:
    notebook.run(FUNCTION)
    notebook.run("%%kuiper hot --quiet\nSELECT may_sail(a) AS r FROM demo")

    there = notebook.run("%kuiper plugin from may_sail").text.splitlines()
    kuiper_nb.push("demo", [{"a": 4}, {"a": 8}])
    explained = repr(notebook.run("%kuiper explain hot").value)
    asked = notebook.run("may_sail?")
    notebook.run(FUNCTION)
    kuiper_nb.push("demo", [{"a": 4}])

    assert there[:2] == ["Plugin may_sail (python) is ready: generation 1.", "It serves function may_sail(force)."]
    assert "may_sail(a): portable, plugin may_sail, generation 2" in explained
    assert asked.error is None
    assert [row["r"] for emit in kuiper_nb.session().rules["hot"].emits for row in emit.rows] == [True, False, True]
    assert list(kuiper_nb.session().plugins) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("plugin from nope", "no function, source or sink named nope"),
        ("plugin from rev", "function rev is served by plugin mirror already"),
        ("plugin from", "which function?"),
        ("plugin add", "which folder, zip or address?"),
        ("plugin attach /nowhere.json", "cannot attach: there is no file /nowhere.json"),
        ("stop plugin mirro", "no plugin named mirro\ndid you mean mirror?"),
        ("plugin stop", "which plugin?\nknown: mirror"),
        ("plugin logs mirror --rows x", "x is no number of lines"),
        ("plugin stop mirror --wins", "there is no option --wins here"),
        ("why plugin mirror", "there is no verb why for plugins"),
        ("drop function rev", "function rev is served by plugin mirror\n%kuiper drop plugin mirror"),
    ],
)
def test_a_wrong_line_says_what_would_have_worked(mirror: Notebook, line: str, message: str) -> None:
    assert str(mirror.run(f"%kuiper {line}").error).startswith(message)


def test_a_function_that_uses_what_no_file_can_hold_stays(notebook: Notebook) -> None:
    notebook.run("import threading\nlock = threading.Lock()\n@kuiper.function\ndef locked(a): return lock.locked()")

    shown = notebook.run("%kuiper plugin from locked")

    assert str(shown.error).startswith("locked uses lock, a lock, which no file of a plugin can hold")
    assert kuiper_nb.session().functions["locked"].kind == "native"


def test_debug_gives_commands_that_work(live: Notebook) -> None:
    live.run(PLAIN)
    live.run(HOT)

    told = live.run("%kuiper debug plugin mirror").text
    by_hand = re.search(r"^     (cd .*) -um (kuiper_nb.sdk .*)$", told, re.M)
    assert by_hand is not None
    command = f"{by_hand[1]} -um {by_hand[2]}"
    assert shlex.quote(sys.executable) in command
    assert "-m pdb -m kuiper_nb.sdk" in told

    hand = subprocess.Popen(
        ["sh", "-c", f"{command.replace(' && ', ' && exec env ', 1)}"], stdout=subprocess.PIPE, text=True
    )
    assert hand.stdout is not None
    hand.stdout.readline()  # "loading"
    connection = hand.stdout.readline().split()[-1]
    attached = live.run(f"%kuiper plugin attach {connection} --name mirror --timeout 1h").text
    kuiper_nb.push("demo", {"a": "abc"})
    kuiper_nb.session().settle(20)
    hand.kill()
    hand.wait()
    hand.stdout.close()

    assert attached.startswith("Plugin mirror (python) is ready in ")
    assert attached.splitlines()[0].endswith(" ms: generation 2.")
    assert kuiper_nb.session().rules["hot"].emits[-1].rows == [{"r": "cba"}]


def test_bounded_debug_names_no_path(mirror: Notebook) -> None:
    told = mirror.run("%kuiper plugin debug mirror").text

    assert "cd FOLDER && python -um kuiper_nb.sdk mirror.cell.py" in told
    assert os.sep + "tmp" not in told


def test_help_knows_what_plugins_serve(mirror: Notebook) -> None:
    assert "It is served by plugin mirror." in mirror.run("%kuiper help rev").text
    assert mirror.run("%kuiper help ticks").text.startswith("ticks(n), a source of plugin mirror\n")
    assert mirror.run("%kuiper help out").text.startswith("out, a sink of plugin mirror\n")
    assert "attach FILE [--name NAME] [--wins] [--timeout 1h]" in mirror.run("%kuiper help plugin").text
    assert "rev(text)\n\nTurns round." in mirror.run("%kuiper describe function rev").text


def test_completion_knows_verbs_names_options_and_what_is_served(mirror: Notebook) -> None:
    mirror.run(FUNCTION)

    assert texts(mirror, "%kuiper plugin st") == ["status", "start", "stop"]
    assert texts(mirror, "%kuiper plugin stop ") == texts(mirror, "%kuiper drop plugin ") == ["mirror"]
    assert about(mirror, "%kuiper plugin stop ", "mirror") == "plugin, python running, 4 served"
    assert texts(mirror, "%kuiper plugin from ") == ["may_sail"]
    assert texts(mirror, "%kuiper plugin add x --") == ["--name", "--replace", "--wins", "--host", "--quiet"]
    assert texts(mirror, "%%kuiper plugin mi") == ["mirror"]
    assert texts(mirror, "%%kuiper plugin x --language ") == ["python", "go"]
    assert texts(mirror, "%%kuiper plugin x --l") == ["--language"]
    assert texts(mirror, "%%kuiper\nSELECT re┃ FROM demo")[:1] == ["rev"]
    assert about(mirror, "%%kuiper\nSELECT re┃ FROM demo", "rev") == "plugin mirror, function (text): Turns round."
    assert texts(mirror, "%%kuiper x --sink ou") == ["out"]
    assert texts(mirror, '%%kuiper\nCREATE STREAM t () WITH (TYPE="tic') == ['"ticks"']
    assert {"N", "INTERVAL"} <= set(texts(mirror, '%%kuiper\nCREATE STREAM t () WITH (TYPE="ticks", '))


def test_reset_forgets_plugins_and_says_so(mirror: Notebook) -> None:
    assert "1 plugin" in mirror.run("%kuiper reset").text
    assert list(kuiper_nb.session().plugins) == []
