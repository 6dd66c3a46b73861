"""Services in the notebook: cells, verbs, calls, completion, help, status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kuiper_nb
from kuiper_nb.errors import KuiperError
from kuiper_nb.notebook.serviceverbs import arguments

from ..services.servers import Asked, Http, as_json, http
from .conftest import Notebook
from .test_complete import texts


@pytest.fixture
def server() -> Iterator[Http]:
    def answer(asked: Asked) -> Any:
        return as_json({"asked": f"{asked.method} {asked.path}", "body": json.loads(asked.body or b"null")})

    with http(answer) as started:
        yield started


def cell(server: Http, more: str = "") -> str:
    interface = f"address: '{server.url}', protocol: rest, schemaless: true{more}"
    return f"%%kuiper service weather\ninterfaces:\n  ask: {{{interface}}}"


def test_a_cell_is_a_service(live: Notebook, server: Http) -> None:
    said = live.run(cell(server)).text

    assert f"Service weather is running: generation 1, rest {server.url}." in said
    assert "ask(method string, path string, …) → any" in said
    live.run('%kuiper CREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    rule = kuiper_nb.session().rule('SELECT ask("get", a)->asked AS t FROM demo')
    kuiper_nb.push("demo", [{"a": "/x"}, {"a": "/y"}])
    kuiper_nb.session().settle(10)
    assert [row["t"] for emit in rule.emits for row in emit.rows] == ["GET /x", "GET /y"]


def test_running_the_cell_again_replaces_it(live: Notebook, server: Http) -> None:
    live.run(cell(server))

    assert "generation 2" in live.run(cell(server)).text


def test_values_of_the_notebook_may_stand_in_it(live: Notebook, server: Http) -> None:
    live.shell.user_ns["port"] = server.port
    text = cell(server).replace(str(server.port), "{{port}}")

    assert server.url in live.run(text).text


@pytest.mark.parametrize("value", ["a: b", "x\ny", "'", ["x"]])
def test_what_would_be_more_than_a_word_is_refused(live: Notebook, server: Http, value: object) -> None:
    live.shell.user_ns["odd"] = value

    assert "a number, or a word" in str(live.run(cell(server, ", description: {{odd}}")).error)


def test_a_slip_is_told_with_its_line(live: Notebook, server: Http) -> None:
    error = str(live.run(cell(server, ", optons: {}")).error)

    assert "interfaces.ask.optons is not known" in error
    assert "did you mean options" in error


def test_a_call_shows_the_request_and_the_answer(live: Notebook, server: Http) -> None:
    live.run(cell(server, ", options: {headers: {X-Room: kitchen}}"))

    shown = live.run('%kuiper service call ask post /x {"a": "two words"} 3').text

    assert f"→ POST {server.url}/x" in shown
    assert "X-Room: kitchen" in shown
    assert '[{"a":"two words"},3]' in shown
    assert "← status 200" in shown
    assert '= {"asked": "POST /x"' in shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("1 2.5 true null", [1, 2.5, True, None]),
        ('"a b" word {"a": [1, 2]}', ["a b", "word", {"a": [1, 2]}]),
        ("1, 2", [1, 2]),
        ("2024-01-01 10:00", ["2024-01-01", "10:00"]),
    ],
)
def test_arguments_are_json_or_words(text: str, found: list[object]) -> None:
    assert arguments(text) == found


def test_an_argument_may_be_the_bytes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"\xff\xd8")

    assert arguments(f"@{tmp_path / 'image'} 1") == [b"\xff\xd8", 1]
    with pytest.raises(KuiperError, match="cannot read"):
        arguments("@/not/there")


def test_a_file_is_added_shown_reloaded_and_dropped(live: Notebook, server: Http, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    interface = {"address": server.url, "protocol": "rest", "schemaless": True}
    file.write_text(json.dumps({"interfaces": {"ask": interface}}))

    assert "Service sample is running" in live.run(f"%kuiper service add {file}").text
    live.run("%kuiper service call ask get /")
    assert "ask: 1 call for 0 rows" in live.run("%kuiper service show sample").text
    assert "sample" in live.run("%kuiper services").text
    assert "generation 2" in live.run("%kuiper reload service sample").text
    assert "services" in live.run("%kuiper status").text
    assert "Service sample is dropped." in live.run("%kuiper drop service sample").text
    assert "no services" in live.run("%kuiper service show").text


def test_what_is_unknown_is_told(live: Notebook, server: Http) -> None:
    live.run(cell(server))

    assert "did you mean weather" in str(live.run("%kuiper service show wether").error)
    assert "no service has a function asc" in str(live.run("%kuiper service call asc").error)
    assert "there is no verb shwo" in str(live.run("%kuiper service shwo x").error)
    assert "a service needs a name" in str(live.run("%%kuiper service\nx: 1").error)
    assert "the cell is empty" in str(live.run("%%kuiper service x\n ").error)


def test_answers_are_recorded_and_played(live: Notebook, server: Http, tmp_path: Path) -> None:
    tape = tmp_path / "weather.calls.jsonl"
    live.run(cell(server))

    live.run(f"%kuiper service record weather {tape}")
    live.run("%kuiper service call ask get /a")
    live.run("%kuiper service live weather")
    live.run(f"%kuiper service replay weather {tape}")

    assert "GET /a" in live.run("%kuiper service call ask get /a").text
    assert len(server.asked) == 1
    assert "no recorded answer" in live.run("%kuiper service call ask get /b").text


def test_help_and_completion_know_services(live: Notebook, server: Http) -> None:
    live.run(cell(server))

    assert "call FUNCTION ARGUMENT" in live.run("%kuiper help service").text
    assert "Any method and path" in live.run("%kuiper help ask").text
    for text, offered in (
        ("%kuiper service re", {"reload", "record", "replay"}),
        ("%kuiper service show ", {"weather"}),
        ("%kuiper service call ", {"ask"}),
        ("%kuiper drop service ", {"weather"}),
    ):
        assert offered <= set(texts(live, text)), text
