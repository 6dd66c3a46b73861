"""Recordings from the notebook: `%kuiper record` and `%kuiper replay`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from kuiper_nb import KuiperError

from .conftest import Notebook, Opening

SOURCE = """
@kuiper.source(live=True)
def ticks():
    for n in range(1000):
        yield {"n": n}
"""
STREAM = '%%kuiper\nCREATE STREAM ticks () WITH (TYPE="ticks", INTERVAL="4")'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the notebook."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def world(opening: Opening) -> Notebook:
    """A live notebook with a stream that reads the world."""
    opened = opening("live")
    opened.run(SOURCE)
    opened.run(STREAM)
    return opened


def bounded_again(opening: Opening) -> Notebook:
    """The same notebook, run by a machine."""
    opened = opening("bounded")
    opened.run(SOURCE)
    opened.run(STREAM)
    return opened


def test_a_live_stream_is_recorded_for_a_while_and_replayed(world: Notebook) -> None:
    shown = world.run("%kuiper record ticks demo.jsonl --rows 5")

    assert shown.error is None
    assert shown.text.startswith("ticks is recorded: 5 payloads in 0")
    assert "record_ticks" not in world.run("%kuiper status").text
    assert [row["n"] for emit in world.run("%kuiper replay demo.jsonl").value.emits for row in emit.rows] == list(
        range(5)
    )


def test_seconds_end_a_recording_too(world: Notebook) -> None:
    assert world.run("%kuiper record ticks demo.jsonl --for 50ms").text.endswith("s in demo.jsonl")


def test_an_interrupt_ends_a_recording_and_keeps_what_has_come(world: Notebook) -> None:
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    shown = world.run("%kuiper record ticks demo.jsonl --for 60s")
    timer.join()

    assert shown.text.startswith("Interrupted: the recording has ended: ")
    assert world.run("%kuiper replay demo.jsonl").value.status.rows_in > 0
    assert "record_ticks" not in world.run("%kuiper status").text


def test_a_value_that_cannot_be_recorded_ends_it_with_an_error(world: Notebook) -> None:
    world.run("@kuiper.source\ndef odd():\n    yield {'n': 1}\n    yield {'n': {1, 2}}")
    world.run('%%kuiper\nCREATE STREAM odd () WITH (TYPE="odd")')

    shown = world.run("%kuiper record odd odd.jsonl")

    assert str(shown.error).startswith("the recording broke off: a set cannot be recorded")
    assert world.run("%kuiper replay odd.jsonl").value.status.rows_in == 1


def test_a_rule_records_its_own_input_from_its_start(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper hot --option record=hot.jsonl\nSELECT n FROM demo")
    notebook.run('kuiper.push("demo", {"n": 1})')
    notebook.run("%kuiper stop hot")

    assert shown.error is None
    assert notebook.run("%kuiper replay hot.jsonl hot").value.emits == notebook.run("kuiper.rules['hot']").value.emits


def test_without_a_file_it_lies_where_a_bounded_run_looks_for_it(world: Notebook, opening: Opening) -> None:
    world.run("%kuiper record ticks --rows 7")

    again = bounded_again(opening)
    shown = again.run("%%kuiper hot\nSELECT n FROM ticks")

    assert shown.value.status.rows_out == 7
    assert shown.value.status.message == "done"


def test_bounded_a_recording_of_the_world_stays_as_it_is(world: Notebook, opening: Opening) -> None:
    world.run("%kuiper record ticks --rows 3")
    before = Path("recordings/ticks.jsonl").read_bytes()

    shown = bounded_again(opening).run("%kuiper record ticks recordings/ticks.jsonl --for 5s")

    assert shown.text.startswith("Bounded, ticks replays a recording, which stays as it is: 3 payloads in 0")
    assert Path("recordings/ticks.jsonl").read_bytes() == before


def test_bounded_without_a_recording_names_what_is_missing(opening: Opening) -> None:
    shown = bounded_again(opening).run("%%kuiper hot\nSELECT n FROM ticks")

    assert isinstance(shown.error, KuiperError)
    assert "recordings/ticks.jsonl" in str(shown.error)
    assert "%kuiper record ticks" in str(shown.error)


def test_what_is_pushed_is_recorded_in_the_background(notebook: Notebook) -> None:
    shown = notebook.run("%kuiper record demo pushed.jsonl")
    notebook.run('kuiper.push("demo", {"n": 1})')
    notebook.run("%kuiper stop record_demo")

    assert "%kuiper stop record_demo ends it and writes pushed.jsonl" in shown.text
    assert notebook.run("%kuiper replay pushed.jsonl SELECT n + 1 AS m FROM demo").value.emits[0].rows == [{"m": 2.0}]


def test_a_replay_plays_a_rule_of_the_notebook_and_binds_it(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT n FROM demo WHERE n > 1")
    notebook.run("%kuiper record demo pushed.jsonl")
    notebook.run('kuiper.push("demo", [{"n": 1}, {"n": 2}])')
    notebook.run("%kuiper stop record_demo")

    shown = notebook.run("%kuiper replay pushed.jsonl hot -o again")

    assert notebook["again"] is shown.value
    assert shown.value.emits == notebook.run("kuiper.rules['hot']").value.emits
    assert "Rule hot has read all its input: 2 rows in, 1 out" in shown.text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("record", "record which stream?"),
        ("record nothing x.jsonl", "no stream named nothing"),
        ("record demo a.jsonl b.jsonl", "b.jsonl is one name too many"),
        ("replay", "replay which file?"),
        ("replay nowhere.jsonl", "there is no recording nowhere.jsonl"),
        ("replay a.jsonl hot SELECT n FROM demo", "hot or a SELECT, not both"),
    ],
)
def test_a_slip_says_what_would_have_worked(notebook: Notebook, line: str, message: str) -> None:
    shown = notebook.run(f"%kuiper {line}")

    assert isinstance(shown.error, KuiperError)
    assert message in str(shown.error)
