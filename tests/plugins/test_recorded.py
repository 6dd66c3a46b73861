"""What plugins said under each version of the wire is understood by the host of today."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.connection import Connection
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.messagelog import read

from .conftest import PATIENCE, Written
from .dialogue import RECORDED, dialogue
from .replayed import Replayed

LOGS = sorted(RECORDED.glob("wire*.jsonl"))


def test_there_is_a_log_of_every_language() -> None:
    assert [log.name for log in LOGS] == ["wire1-go.jsonl", "wire1-python.jsonl"]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_plugin_of_then_works_today(log: Path, tmp_path: Path) -> None:
    lines = Lines()
    connection = Connection.made(tmp_path)
    kernel = Kernel(connection, lines)
    kernel.listen()
    plugin = Replayed(connection, [said for said in read(log) if said.kind != "bye"])

    steps = dialogue(kernel)
    plugin.close()
    kernel.close()

    assert plugin.wrong == []
    assert steps[2:] == [
        ["echo", [1, "a", None, {"b": [b"\x00", 1.5]}], []],
        ["add", [2.5, None], [1]],
        ["below", [0, None, 1], [1]],
        ["spread", [6.0, 0.0], []],
        ["doubled", [3.0, 4.0], []],
        ["counting", [1], []],
        ["whereabouts", ["r1 op_2_project 0 3"], []],
        ["loud", [7], []],
        ["validate", "it takes no a + 1"],
        ["missing", "there is no function missing"],
        [
            "items",
            [
                {"a": 1.5, "b": None, "c": [1, "x"], "d": b"\x00\xff"},
                [{"n": 1}, {"n": 2}],
                b"raw",
                {"n": [1, None, 3]},
            ],
            "ended",
        ],
        ["broken", [{"n": 1}], True],
        ["append", "not this one"],
    ]
    assert "loud: logged 7" in [line.text for line in lines.tail(10)]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_the_logs_know_nothing_of_the_machine_they_were_made_on(log: Path) -> None:
    assert str(Path.home()) not in log.read_text(encoding="utf-8")
    assert not any(text.startswith("/") for text in texts([said.fields for said in read(log)]) if text != "/dev/null")


def texts(value: Any) -> list[str]:
    """All the texts in a value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    return [text for each in inner for text in texts(each)]


def test_a_log_that_is_damaged_says_where(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(LOGS[0].read_text(encoding="utf-8").splitlines()[0] + '\n{"from": "host"}\n', encoding="utf-8")

    with pytest.raises(ValueError, match=r"log\.jsonl, line 2: no message"):
        list(read(log))


def test_what_is_written_down_is_what_was_said(written: Written, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    kernel = replace(written("@function\ndef twice(n): return 2 * n\nplugin.serve_marked()"), log=log)(Lines())
    kernel.ready(PATIENCE)
    kernel.call("twice", Call(([1, 2],), 2), PATIENCE)
    kernel.close()

    said = [(said.side, said.channel, said.kind) for said in read(log)]
    assert said[:2] == [("plugin", "control", "hello"), ("host", "control", "welcome")]
    assert said.index(("host", "calls", "call")) < said.index(("plugin", "calls", "answer"))
    assert [json.loads(line)["header"].get("key") for line in log.read_text(encoding="utf-8").splitlines()] == [
        None
    ] * len(said)


def test_a_running_plugin_can_be_recorded_and_left_alone_again(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with Session() as session:
        session.plugins.define("small", "@kuiper.function\ndef twice(n): return 2 * n\n")
        session.plugins.record("small", log)
        one: Callable[..., Any] = session.functions["twice"].one
        assert one(4) == 8
        session.plugins.record("small", None)
        size = log.stat().st_size
        assert one(5) == 10

        assert [said.fields["symbol"] for said in read(log) if said.kind == "call"] == ["twice"]
        assert log.stat().st_size == size


def test_a_log_that_cannot_be_written_leaves_the_plugin_as_it_was(tmp_path: Path) -> None:
    with Session() as session:
        session.plugins.define("small", "@kuiper.function\ndef twice(n): return 2 * n\n")
        pid = session.plugins["small"].status.pid

        with pytest.raises(PluginError, match="No such file or directory"):
            session.plugins.record("small", tmp_path / "missing" / "log.jsonl")
        assert session.plugins["small"].status.pid == pid
