"""`%kuiper VERB [KIND] NAME`."""

from __future__ import annotations

import threading

import pytest

import kuiper_nb
from kuiper_nb.notebook.firstline import _FLAGS, _VALUED

from .conftest import Notebook

SIX = 'import pandas as pd\nkuiper.stream("six", pd.DataFrame({"n": [1, 2, 3, 4, 5, 6]}))'


def test_a_bare_line_shows_everything(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    assert notebook.run("%kuiper").text.splitlines() == [
        "bounded: on a clock of its own, which stands at 2024-01-01 00:00:00 UTC",
        "rule  state    reads  in  out  late  errors  generation  functions",
        "────  ───────  ─────  ──  ───  ────  ──────  ──────────  ─────────",
        "hot   running  demo    0    0     0       0           1",
        "streams: demo",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("statsu", "there is no verb statsu\ndid you mean status?"),
        ("stop hto", "no rule named hto\ndid you mean hot?"),
        ("stop", "which rule?\nknown: hot"),
        ("compare hot", "%kuiper compare is not supported yet"),
        ("drop plugin x", "no plugin named x"),
        ("drop service x", "no service named x"),
        ("plugin frob x", "there is no verb frob for plugins\ndid you mean from?"),
        ("stop plugin", "which plugin?\n%kuiper plugin stop NAME"),
        ("plugin stop a b", "b is one name too many\n%kuiper plugin stop NAME"),
        ("describe function sume", "no function named sume\ndid you mean sum?"),
        ("drop demo", "no rule named demo\ndemo is a stream; say so: stream demo"),
        ("explain demo", "no rule named demo\ndemo is a stream; say so: stream demo"),
        ("drop stream demo", "stream demo is used by rule hot\ndrop hot first"),
    ],
)
def test_a_wrong_line_says_what_would_have_worked(notebook: Notebook, line: str, message: str) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    assert str(notebook.run(f"%kuiper {line}").error).startswith(message)


def test_streams_are_shown_and_described(notebook: Notebook) -> None:
    shown = notebook.run("%kuiper show streams").text.splitlines()
    statement = notebook.run("%kuiper show stream demo").text
    described = notebook.run("%kuiper describe stream demo").text

    assert shown[2] == "demo    memory  json    demo  any"
    assert statement == 'CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")'
    assert "DATASOURCE: demo" in described


def test_a_rule_stops_and_starts(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    stopped = notebook.run("%kuiper stop rule hot")
    notebook.run("%kuiper start hot")
    notebook.run("kuiper.push('demo', {'a': 1})")

    assert stopped.text == "Rule hot is stopped: 0 rows in, 0 out"
    assert notebook.run("%kuiper show hot").text.splitlines()[0] == "Rule hot is running (bounded): 1 row in, 1 out"


def test_a_bounded_rule_is_run_to_its_end_by_its_cell(notebook: Notebook) -> None:
    notebook.run(SIX)

    shown = notebook.run("%%kuiper all\nSELECT n FROM six WHERE n > 5")

    assert shown.text.splitlines() == ["Rule all has read all its input: 6 rows in, 1 out", "n", "─", "6"]


def test_a_live_rule_is_waited_for(live: Notebook) -> None:
    live.run(SIX)
    live.run("%%kuiper all\nSELECT n FROM six WHERE n > 5")

    assert live.run("%kuiper wait all").text == "Rule all has read all its input: 6 rows in, 1 out"


def test_wait_without_a_name_waits_for_what_was_pushed(live: Notebook) -> None:
    live.run("%%kuiper hot -o hot\nSELECT a FROM demo")

    live.run("kuiper.push('demo', [{'a': 1}, {'a': 2}])\n%kuiper wait")

    assert live["hot"].status.rows_out == 2


def test_an_interrupted_wait_returns_at_once_and_leaves_the_rule_running(live: Notebook) -> None:
    live.run("%%kuiper hot -o hot\nSELECT a FROM demo")

    shown, seconds = live.interrupted("%kuiper wait hot --for 60s", lambda: threading.Event().wait(0.3))

    assert shown.text == "Interrupted: rule hot runs on"
    assert (seconds < 0.4, live["hot"].status.state) == (True, "running")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("wait", "the rules run on"),
        ("wait hot --for 60s", "rule hot runs on"),
        ("wait hot --rows 9", "rule hot runs on"),
        ("stop hot", "Rule hot has stopped after function slow did not return from "),
        ("restart hot", "Rule hot has stopped after function slow did not return from "),
    ],
)
def test_an_interrupt_does_not_wait_for_a_function_that_takes_long(live: Notebook, line: str, says: str) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(a: float) -> float:
        entered.set()
        leave.wait()
        return a

    kuiper_nb.session().function(slow)
    live.run("%%kuiper hot -o hot\nSELECT slow(a) AS b FROM demo")
    live.run("kuiper.push('demo', {'a': 1})")
    entered.wait()

    shown, seconds = live.interrupted(f"%kuiper {line}", lambda: threading.Event().wait(0.1))
    state = live["hot"].status.state
    leave.set()

    assert shown.text.startswith(f"Interrupted: {says}")
    assert seconds < 0.4
    assert state == ("running" if line.startswith("wait") else "stopped")
    live["hot"].stop()
    assert live["hot"].status.state == "stopped"


def test_a_stopped_rule_takes_one_batch_by_hand(live: Notebook) -> None:
    live.run(SIX)
    live.run("%%kuiper slow --stopped\nSELECT n FROM six WHERE n > 5")

    assert live.run("%kuiper step slow").text.splitlines()[:4] == [
        "6 rows in, 0 waiting in windows, 1 out",
        "n",
        "─",
        "6",
    ]


def test_an_endless_rule_ends_in_bounded_mode(notebook: Notebook) -> None:
    notebook.run(
        "@kuiper.source\ndef ticks():\n    n = 0\n    while True:\n        n += 1\n        yield {'n': n}\n"
        'kuiper.session().sql(\'CREATE STREAM t (n BIGINT) WITH (TYPE="ticks", INTERVAL="1000")\')'
    )

    shown = notebook.run("%%kuiper all\nSELECT n FROM t")

    assert shown.text.splitlines()[0] == "Rule all has stopped after 20 emits: 20 rows in, 20 out"


def test_a_function_is_swapped_and_dropped(notebook: Notebook) -> None:
    notebook.run("@kuiper.function\ndef f(x):\n    return x + 1")
    notebook.run("%%kuiper hot -o hot\nSELECT f(a) AS b FROM demo")
    notebook.run("kuiper.push('demo', {'a': 1})")
    notebook.run("@kuiper.function\ndef f(x):\n    return x + 10")
    notebook.run("kuiper.push('demo', {'a': 1})")

    used = notebook.run("%kuiper drop function f")
    notebook.run("%kuiper drop hot")
    dropped = notebook.run("%kuiper drop function f")

    assert [row for emit in notebook["hot"].emits for row in emit.rows] == [{"b": 2}, {"b": 11}]
    assert notebook["hot"].status.generations == {"f": 2}
    assert str(used.error) == "function f is used by rule hot\ndrop hot first"
    assert dropped.text == "Function f is dropped."


def test_reset_counts_tables_apart(notebook: Notebook) -> None:
    notebook.run('%%kuiper\nCREATE TABLE t () WITH (TYPE="memory", DATASOURCE="t")')

    shown = notebook.run("%kuiper reset")

    assert shown.text == "0 rules, 1 stream and 1 table are forgotten, and what Python defined."


def test_what_two_rules_use_is_dropped_after_both(notebook: Notebook) -> None:
    notebook.run("%%kuiper a\nSELECT a FROM demo")
    notebook.run("%%kuiper b\nSELECT a FROM demo")

    error = notebook.run("%kuiper drop stream demo").error

    assert str(error) == "stream demo is used by rules a, b\ndrop them first"


def test_help_names_every_option_of_the_first_line(notebook: Notebook) -> None:
    shown = notebook.run("%kuiper help").text

    assert all(option in shown for option in (*_FLAGS, *_VALUED))


def test_reset_forgets_everything(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    shown = notebook.run("%kuiper reset")

    assert shown.text == "1 rule and 1 stream are forgotten, and what Python defined."
    assert notebook.run("(dict(kuiper.rules), kuiper.session().streams)").value == ({}, {})


def test_reset_may_be_shouted(notebook: Notebook) -> None:
    notebook.run("%kuiper RESET")

    assert notebook.run("kuiper.session().streams").value == {}


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("hot", "%kuiper drop hot drops that alone"),
        ("demo", "%kuiper drop stream demo drops that alone"),
        ("rule hot", "%kuiper drop rule hot drops that alone"),
        ("stream demo", "%kuiper drop stream demo drops that alone"),
        ("rule", "%kuiper reset alone forgets everything, %kuiper drop [KIND] NAME drops one thing"),
        ("streams", "%kuiper reset alone forgets everything, %kuiper drop [KIND] NAME drops one thing"),
        ("x", "%kuiper reset alone forgets everything, %kuiper drop [KIND] NAME drops one thing"),
        ("--rows 3", "%kuiper reset alone forgets everything, %kuiper drop [KIND] NAME drops one thing"),
    ],
)
def test_reset_of_one_thing_forgets_nothing(notebook: Notebook, line: str, hint: str) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    shown = notebook.run(f"%kuiper reset {line}")

    assert str(shown.error) == f"reset forgets everything, so {line} does not fit after it\n{hint}"
    assert notebook.run("(list(kuiper.rules), list(kuiper.session().streams))").value == (["hot"], ["demo"])


def test_help_lists_the_verbs_and_explains_functions(notebook: Notebook) -> None:
    assert "  step      one micro-batch by hand" in notebook.run("%kuiper help").text
    assert notebook.run("%kuiper help avg").text.startswith("avg(value)\n")


def test_why_gives_the_one_reason(notebook: Notebook) -> None:
    notebook.run("@kuiper.function\ndef inverse(x: float) -> float:\n    return 1 / x")
    notebook.run("%%kuiper hot\nSELECT inverse(a) AS i FROM demo WHERE a < 5")
    notebook.run('kuiper.push("demo", [{"a": 10}, {"a": 20}])')
    filtered = notebook.run("%kuiper why hot").text
    notebook.run("%%kuiper hot\nSELECT inverse(a) AS i FROM demo")
    notebook.run('kuiper.push("demo", {"a": 0})')

    assert filtered == "WHERE removed all 2 rows: a < 5."
    assert notebook.run("%kuiper why hot").text.endswith("ZeroDivisionError: float division by zero (cell [3], line 3)")
    assert str(notebook.run("%kuiper why hto").error).startswith("no rule named hto")
