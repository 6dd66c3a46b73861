"""`%kuiper help NAME`, and `f?` on what the user defined."""

from __future__ import annotations

import pytest

from kuiper_nb.connectors import SINKS, SOURCES
from kuiper_nb.errors import CatalogError
from kuiper_nb.notebook.functionhelp import worked
from kuiper_nb.notebook.help import explained, topics
from kuiper_nb.notebook.known import Known
from kuiper_nb.sql.builtins import table
from kuiper_nb.sql.builtins.examples import EXAMPLES

from .conftest import Notebook


def helped(notebook: Notebook, topic: str) -> str:
    return notebook.run(f"%kuiper help {topic}").text


def test_help_on_a_function_has_signature_arguments_a_paragraph_and_an_example_with_its_result(
    notebook: Notebook,
) -> None:
    assert helped(notebook, "round") == (
        "round(value, places = 0)\n"
        "  value   a number\n"
        "  places  a number; 0 when left out\n"
        "\n"
        "X rounded half away from zero, to n decimal places. Where an argument is null, so is the result. "
        "DuckDB computes whole batches of it.\n"
        "\n"
        "Example: round(2.345, 1)  →  2.3"
    )


def test_the_example_of_an_aggregate_is_of_several_rows(notebook: Notebook) -> None:
    assert helped(notebook, "avg").endswith("Example, for v = 1, 2, 6: avg(v)  →  3.0")
    assert helped(notebook, "LAG").endswith("Example, for v = 1, 2, 6: lag(v)  →  null, 1.0, 2.0")


@pytest.mark.parametrize("name", [name for name in EXAMPLES if table()[name].steady])
def test_the_example_of_every_function_works(name: str) -> None:
    assert worked(table()[name], EXAMPLES[name])


def test_what_answers_something_else_every_time_shows_no_result(notebook: Notebook) -> None:
    assert helped(notebook, "newuuid").endswith("Example: newuuid(), another result every time")


def test_help_on_a_window_has_its_arguments_and_an_example(notebook: Notebook) -> None:
    text = helped(notebook, "tumblingwindow")

    assert text.startswith("TUMBLINGWINDOW(unit, length)\n")
    assert text.endswith("Example: SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)")
    assert "HOPPINGWINDOW(unit, length, hop)" in helped(notebook, "window")


def test_help_on_a_connector_has_its_keys_their_defaults_and_an_example(notebook: Notebook) -> None:
    text = helped(notebook, "simulator")

    assert "  interval  ms between two rows; 1000 when left out" in text
    (example,) = [line.removeprefix("Example: ") for line in text.splitlines() if line.startswith("Example: ")]
    assert notebook.run(f"%%kuiper\n{example}").text == "Stream demo is replaced."


def test_a_name_that_is_several_things_gets_the_help_on_each(notebook: Notebook) -> None:
    text = helped(notebook, "log")

    assert text.startswith("log(value) or log(base, value)")
    assert "log, a sink: " in text


def test_help_on_options_names_those_of_the_line_and_of_a_rule(notebook: Notebook) -> None:
    text = helped(notebook, "option")

    assert "  --event-time  " in text
    assert "lateTolerance" in text
    assert helped(notebook, "isEventTime").endswith("Example: %%kuiper hot --option isEventTime=true")


def test_help_on_verbs_keys_and_lists(notebook: Notebook) -> None:
    assert helped(notebook, "stop") == "stop, a verb: stop a rule; start runs it again\n\n%kuiper stop RULE"
    assert helped(notebook, "test").startswith("test, a verb: ")
    assert helped(notebook, "replay").endswith("%kuiper replay FILE [RULE], or a SELECT behind the file")
    assert helped(notebook, "TIMESTAMP") == "TIMESTAMP, an option of WITH: the column that carries event time"
    assert "  hash        md5, sha1" in helped(notebook, "functions")
    assert "DATASOURCE" in helped(notebook, "WITH")


NEAREST = [("avgg", "avg"), ("slidingwindo", "SLIDINGWINDOW"), ("restrat", "restart")]


@pytest.mark.parametrize(("topic", "nearest"), NEAREST)
def test_an_unknown_name_hears_the_nearest(notebook: Notebook, topic: str, nearest: str) -> None:
    error = notebook.run(f"%kuiper help {topic}").error

    assert str(error) == f"there is no help on {topic}\ndid you mean {nearest}?"


def test_there_is_help_on_every_topic() -> None:
    known = Known()

    assert {"avg", "TUMBLINGWINDOW", "stop", "WITH", *SOURCES, *SINKS} <= set(topics(known))
    assert all(explained(topic, known) for topic in topics(known) if topic not in EXAMPLES)
    with pytest.raises(CatalogError):
        explained("", known)


def test_help_on_a_function_of_the_users_says_how_sql_calls_it(notebook: Notebook) -> None:
    notebook.run('@kuiper.function\ndef fahrenheit(c: float) -> float:\n    "Celsius as Fahrenheit."\n    return c')

    assert helped(notebook, "fahrenheit") == (
        "fahrenheit(c: float) -> float\n"
        "\n"
        "Celsius as Fahrenheit.\n"
        "\n"
        "In SQL: SELECT fahrenheit(c) AS fahrenheit FROM demo\n"
        "It gets the values of a row; running rules take up a redefinition at their next batch."
    )


def inspected(notebook: Notebook, name: str) -> str:
    return str(notebook.shell.object_inspect_mime(name)["text/plain"])


def test_a_question_mark_shows_the_python_doc_and_the_call_from_sql(notebook: Notebook) -> None:
    notebook.run('@kuiper.aggregate\ndef spread(values):\n    "The widest gap."\n    return max(values) - min(values)')

    text = inspected(notebook, "spread")

    assert "spread(values)" in text
    assert "The widest gap." in text
    assert "In SQL: SELECT spread(values) AS spread FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)" in text


def test_a_question_mark_on_a_source_or_sink_says_where_it_goes(notebook: Notebook) -> None:
    notebook.run('@kuiper.source\ndef counter(start: int = 0):\n    "Counts."\n    yield {"n": start}')
    notebook.run('@kuiper.sink\ndef post(rows):\n    "Posts."')

    assert 'CREATE STREAM demo () WITH (TYPE="counter")' in inspected(notebook, "counter")
    assert "%%kuiper NAME --sink post" in inspected(notebook, "post")


def test_a_question_mark_on_anything_else_is_as_ever(notebook: Notebook) -> None:
    notebook.run("def fahrenheit(c):\n    'plain'")

    assert "In SQL" not in inspected(notebook, "fahrenheit")
    assert "Return the number of items" in inspected(notebook, "len")


def test_another_hook_of_the_inspector_still_works_and_is_there_after_unload(notebook: Notebook) -> None:
    notebook.run("%unload_ext kuiper_nb")
    hooks = notebook.shell.inspector.mime_hooks
    hooks["text/plain"] = lambda data: [("Mine", "yes")]
    notebook.run("%load_ext kuiper_nb")

    assert "Mine: yes" in inspected(notebook, "len")
    notebook.run("%unload_ext kuiper_nb")
    assert inspected(notebook, "len") == "Mine: yes"
    del hooks["text/plain"]
