"""`%kuiper explain` as a picture, through IPython's display machinery."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from .conftest import Notebook

_TEXT = "{http://www.w3.org/2000/svg}text"


def shown(notebook: Notebook, line: str) -> dict[str, str]:
    """What `%kuiper explain` gives the front end, by MIME type."""
    value = notebook.run(f"%kuiper explain {line}").value
    bundle: dict[str, str] = notebook.shell.display_formatter.format(value)[0]
    return bundle


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(_TEXT)]


@pytest.fixture
def hot(notebook: Notebook) -> Notebook:
    """A rule with a function, a filter, a window and rows of every fate."""
    notebook.run("@kuiper.function\ndef double(x: float) -> float:\n    return 2 * x")
    notebook.run(
        '%%kuiper\nCREATE STREAM plant (a FLOAT, device STRING, ts BIGINT) WITH (TYPE="memory", DATASOURCE="plant", '
        'TIMESTAMP="ts")'
    )
    notebook.run(
        "%%kuiper hot --event-time --sink log\n"
        "SELECT device, double(avg(a)) AS twice FROM plant GROUP BY device, TUMBLINGWINDOW(ss, 10) FILTER(WHERE a > 0)"
    )
    notebook.run(
        'kuiper.push("plant", [{"a": n - 2.0, "device": "a", "ts": 1_704_067_200_000 + 4000 * n} for n in range(9)]'
        ' + [{"a": 1.0, "device": "a", "ts": 0}, {"a": "x", "device": "a", "ts": 1_704_067_232_000}])'
    )
    return notebook


def test_there_is_a_picture_for_pages_one_for_itself_and_the_text_for_terminals(hot: Notebook) -> None:
    bundle = shown(hot, "hot")

    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"] == str(hot["kuiper"].rules["hot"].explain())
    assert hot.run("%kuiper explain hot").text == bundle["text/plain"]
    assert bundle["text/html"].count("<svg") == 1


def test_the_steps_stand_in_the_order_rows_go_through_them(hot: Notebook) -> None:
    found = texts(shown(hot, "hot")["image/svg+xml"])

    names = ["source", "decode", "rows", "window", "calls", "span", "sinks"]
    assert [text for text in found if text in names] == names
    assert "double(avg(a)): native, generation 1" in found
    assert "TUMBLINGWINDOW(ss, 10), event time" in found


def test_every_step_has_its_counts_and_they_add_up(hot: Notebook) -> None:
    svg = shown(hot, "hot")["image/svg+xml"]
    title = ElementTree.fromstring(svg)[0].text or ""
    status = hot["kuiper"].rules["hot"].status
    counted = {word: int(number.replace(",", "")) for number, word in re.findall(r"([\d,]+) ([a-z ]+)", title)}

    assert counted["rows in"] == status.rows_in == 11
    assert (counted["filtered"], counted["late"], counted["errored"]) == (3, 1, 1)
    assert counted["waiting"] + counted["used"] + 3 + 1 + 1 == 11
    assert (counted["emits"], counted["rows out"]) == (status.emits, status.rows_out)


def test_the_arm_is_named_with_its_reason(hot: Notebook) -> None:
    found = texts(shown(hot, "hot")["image/svg+xml"])

    assert found.count("DuckDB") == 2  # the rows and the span
    assert "your functions" in found
    assert any(text.startswith("DuckDB: batches of fewer than") for text in found)
    assert any(text.startswith("So far: 9 rows by the evaluator") for text in found)


def test_the_evaluator_says_why_it_is_taken(notebook: Notebook) -> None:
    found = texts(shown(notebook, "SELECT lag(a) AS b FROM demo")["image/svg+xml"])

    assert "The evaluator, row by row: the plan looks at rows one after the other" in found


def test_the_sql_is_folded_away_in_the_page(hot: Notebook) -> None:
    html = shown(hot, "hot")["text/html"]

    assert re.search(r"<details[^>]*><summary[^>]*>The SQL that DuckDB runs</summary><pre>SELECT ", html)


def test_a_select_that_does_not_run_has_no_counts(notebook: Notebook) -> None:
    svg = shown(notebook, "SELECT a FROM demo WHERE a > 1")["image/svg+xml"]

    assert "rows in" not in svg


def test_the_same_plan_and_counts_give_the_same_bytes(hot: Notebook) -> None:
    first, second = shown(hot, "hot"), shown(hot, "hot")
    assert first == second
    assert "__duckdb_source" not in "".join(first.values())

    hot.run('kuiper.push("plant", {"a": 1.0, "device": "a", "ts": 1_704_067_233_000})')
    assert shown(hot, "hot")["image/svg+xml"] != first["image/svg+xml"]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "</text></svg><img src=x onerror=alert(1)>", "]]>&lt;'", "a\x07b"]
)
def test_whatever_stands_in_a_rule_is_only_text(notebook: Notebook, text: str) -> None:
    notebook.run("text = " + repr(text))
    notebook.run("%%kuiper odd\nSELECT a FROM demo WHERE b = {{text}}")

    bundle = shown(notebook, "odd")

    root = ElementTree.fromstring(bundle["image/svg+xml"])
    drawn = {element.tag.partition("}")[2] for element in root.iter()}
    assert drawn <= {"svg", "title", "g", "rect", "path", "text", "circle"}
    assert "<script" not in bundle["text/html"]
    assert "<img" not in bundle["text/html"]


def test_the_picture_takes_the_colours_of_the_page_and_nothing_from_elsewhere(hot: Notebook) -> None:
    html = shown(hot, "hot")["text/html"]
    svg: Any = html[html.index("<svg") : html.index("</svg>") + 6]

    assert 'fill="currentColor"' in svg
    assert not re.search(r"(?:href|url\(|@import|<style|<script| id=| on\w+=)", svg)
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert all("," in variable for variable in re.findall(r"var\(([^()]*)\)", svg))  # each with a fallback
