"""Cells: definitions, previews and rules, all or nothing."""

from __future__ import annotations

import logging

import pytest

import kuiper_nb
from kuiper_nb import KuiperError

from .conftest import Notebook


def test_a_cell_of_definitions_says_what_it_did(notebook: Notebook) -> None:
    shown = notebook.run(
        '%%kuiper\nCREATE STREAM a () WITH (TYPE="memory", DATASOURCE="a");\n'
        'CREATE STREAM b () WITH (TYPE="memory", DATASOURCE="b");'
    )

    assert shown.text == "Stream a is created.\nStream b is created."


def test_the_same_definition_again_is_unchanged(notebook: Notebook) -> None:
    shown = notebook.run('%%kuiper\nCREATE STREAM demo() WITH (DATASOURCE="demo", TYPE="memory")')

    assert shown.text == "Stream demo is unchanged."


def test_a_changed_definition_restarts_the_rules_that_use_it(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    shown = notebook.run('%%kuiper\nCREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo")')
    notebook.run('kuiper.push("demo", {"a": 1})')

    assert shown.text == "Stream demo is replaced.\nRule hot uses it and starts anew."
    assert [e.rows for e in notebook.run("kuiper.rules['hot'].emits").value] == [[{"a": "1"}]]


def test_a_rule_that_does_not_fit_its_changed_stream_is_stopped_with_the_error(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    shown = notebook.run('%%kuiper\nCREATE STREAM demo (b BIGINT) WITH (TYPE="memory", DATASOURCE="demo")')

    assert shown.text == "Stream demo is replaced.\nRule hot uses it and is stopped by an error: unknown field a"
    assert notebook.run("kuiper.rules['hot'].status.state").value == "stopped by error"


def test_nothing_is_done_when_the_select_is_wrong(notebook: Notebook) -> None:
    shown = notebook.run('%%kuiper\nCREATE STREAM new () WITH (TYPE="memory", DATASOURCE="x");\nSELECT FROM new')

    assert isinstance(shown.error, KuiperError)
    assert notebook.run("list(kuiper.session().streams)").value == ["demo"]


def test_nothing_is_done_when_the_source_cannot_be_opened(notebook: Notebook) -> None:
    shown = notebook.run(
        '%%kuiper\nCREATE STREAM new () WITH (TYPE="file", DATASOURCE="nowhere.json");\nSELECT * FROM new'
    )

    assert isinstance(shown.error, KuiperError)
    assert notebook.run("list(kuiper.session().streams)").value == ["demo"]


def test_the_log_sink_says_where_it_writes_until_it_is_seen(
    notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    shown = notebook.run("%%kuiper hot --sink log\nSELECT a FROM demo")
    assert shown.text.splitlines()[0].startswith(
        "note: the log sink writes into %kuiper logs hot and, at level INFO, to logger kuiper_nb.rule.hot"
    )

    caplog.set_level(logging.INFO)
    shown = notebook.run("%%kuiper warm --sink log\nSELECT a FROM demo")
    assert "note" not in shown.text


def test_a_cell_has_one_select_and_it_comes_last(notebook: Notebook) -> None:
    two = notebook.run("%%kuiper\nSELECT a FROM demo;\nSELECT b FROM demo")
    early = notebook.run("%%kuiper\nSELECT a FROM demo;\nSHOW STREAMS")

    assert "a cell has at most one SELECT" in str(two.error)
    assert "the SELECT comes last in a cell" in str(early.error)


def test_a_name_needs_a_select(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper hot\nSHOW STREAMS")

    assert "hot is the name of a rule, but there is no SELECT here" in str(shown.error)


def test_an_error_shows_a_caret_and_no_traceback(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper\nSELECT a\nFROM dmo")

    assert shown.text == "PlanError: stream dmo not found\nFROM dmo\n     ^\ndid you mean demo?"


def test_a_rule_is_replaced_when_its_cell_is_run_again(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot\nSELECT a FROM demo")

    shown = notebook.run("%%kuiper hot\nSELECT b FROM demo")

    assert shown.text.splitlines() == [
        "Rule hot replaces the one of cell [3].",
        "Rule hot is running (bounded): 0 rows in, 0 out",
    ]


def test_options_and_sinks_of_the_first_line_reach_the_rule(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot --option sendError=true --sink nop --sink log -o r\nSELECT a FROM demo")

    assert (notebook["r"].plan.options.send_error, notebook["r"].sinks) == (True, ["nop", "log"])


def test_quiet_says_nothing_and_still_binds(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper hot --quiet -o r\nSELECT a FROM demo")

    assert (shown.text, shown.value, notebook["r"].id) == ("", None, "hot")


def test_a_semicolon_at_the_end_hides_nothing(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper hot\nSELECT a FROM demo;")

    assert shown.text == "Rule hot is running (bounded): 0 rows in, 0 out"


def test_a_note_is_said_once(notebook: Notebook) -> None:
    cell = '%%kuiper hot\nSELECT a FROM demo WHERE a = "a"'

    first, second = notebook.run(cell), notebook.run(cell)

    assert ("note:" in first.text, "note:" in second.text) == (True, False)


def test_values_of_python_come_in_as_values(notebook: Notebook) -> None:
    notebook.run("word = \"it's\"\nwords = ['x', word]")
    notebook.run("%%kuiper hot -o r\nSELECT a FROM demo WHERE a = {{word}} OR a IN {{words}}")

    notebook.run("word = 'other'\nkuiper.push('demo', [{'a': \"it's\"}, {'a': 'x'}, {'a': 'other'}])")

    assert [row for emit in notebook["r"].emits for row in emit.rows] == [{"a": "it's"}, {"a": "x"}]


def test_an_unknown_name_in_braces_is_a_short_error(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper\nSELECT a FROM demo WHERE a > {{limit}}")

    assert shown.text.splitlines()[0] == "ParseError: {{limit}} failed: NameError(\"name 'limit' is not defined\")"


def test_a_row_that_fails_names_the_cell_the_line_and_the_row(notebook: Notebook) -> None:
    notebook.run("@kuiper.function\ndef inverse(x):\n    return 1 / x")
    notebook.run("%%kuiper hot\nSELECT inverse(x) AS y FROM demo")

    shown = notebook.run("kuiper.push('demo', [{'x': 0}, {'x': 2}])\nkuiper.rules['hot']")

    assert shown.text.splitlines() == [
        "Rule hot is running (bounded): 2 rows in, 1 out",
        "  y",
        "───",
        "0.5",
        "1 row failed:",
        "  run Select error: alias: y expr: inverse(x) meet error, err:call func inverse error: "
        "ZeroDivisionError: float division by zero (cell [3], line 3)",
        '    row {"x": 0.0}',
    ]


def test_a_parameter_gets_its_value_on_the_first_line_and_later_from_python(notebook: Notebook) -> None:
    notebook.run(
        "%%kuiper hot --set threshold=30 --set $unit=C\nSELECT t, $unit AS unit FROM demo WHERE t > $threshold"
    )
    notebook.run('kuiper.push("demo", [{"t": 20}, {"t": 40}])')
    notebook.run("kuiper.rules['hot'].set(threshold=10)")
    notebook.run('kuiper.push("demo", {"t": 20})')

    assert [row for emit in kuiper_nb.rules["hot"].emits for row in emit.rows] == [
        {"t": 40.0, "unit": "C"},
        {"t": 20.0, "unit": "C"},
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hot", "parameter $threshold has no value\n--set threshold=30 on the first line"),
        ("", "parameter $threshold has no value"),
        ("hot --set treshold=30", "there is no parameter $treshold\ndid you mean threshold?"),
        ("hot --set threshold", "threshold is no name=value"),
        ("hot --set threshold=null", "parameter $threshold cannot be a NoneType"),
    ],
)
def test_a_parameter_without_a_value_is_refused_before_anything_is_done(
    notebook: Notebook, line: str, message: str
) -> None:
    cell = 'CREATE STREAM other () WITH (TYPE="memory", DATASOURCE="other");\nSELECT t FROM demo WHERE t > $threshold'

    shown = notebook.run(f"%%kuiper {line}\n{cell}")

    assert message in str(shown.error)
    assert "other" not in notebook.run("%kuiper show streams").text


def test_a_rule_that_is_not_started_may_wait_for_its_values(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper hot --stopped\nSELECT t FROM demo WHERE t > $threshold")
    notebook.run("kuiper.rules['hot'].set(threshold=1)")

    assert shown.error is None
    assert notebook.run("%kuiper start hot").error is None


def test_a_slider_drives_a_rule(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot --set threshold=30\nSELECT t FROM demo WHERE t > $threshold")
    notebook.run(
        "import ipywidgets\n"
        "slider = ipywidgets.IntSlider(30, 0, 50)\n"
        "slider.observe(lambda change: kuiper.rules['hot'].set(threshold=change.new), 'value')"
    )
    notebook.run("slider.value = 5")
    notebook.run('kuiper.push("demo", {"t": 20})')

    assert notebook.run("kuiper.rules['hot']").text.splitlines()[0] == "Rule hot is running (bounded): 1 row in, 1 out"
