"""`%%kuiper test`, and `%kuiper test --pytest FILE`, whose file passes and fails as the notebook did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kuiper_nb import KuiperError

from .conftest import Notebook

AVERAGE = """SELECT device, avg(t) AS t FROM demo GROUP BY device, TUMBLINGWINDOW(ss, 10)
input demo
{"device": "a", "t": 20}
@2s {"device": "a", "t": 30}
expect
@10s {"device": "a", "t": 25}
"""


def pytest_says(file: Path) -> str:
    """The last line of a run of pytest over *file*, from the command line."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", str(file)]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=file.parent, env=alone)
    return done.stdout


def test_a_test_that_passes_says_so_in_one_line(notebook: Notebook) -> None:
    shown = notebook.run(f"%%kuiper test rooms\n{AVERAGE}")

    assert shown.error is None
    assert shown.text == "test rooms passed: 2 rows in, 1 row out"
    assert shown.value._repr_html_() == "<div>test rooms passed: 2 rows in, 1 row out</div>"


def test_a_test_that_fails_shows_the_difference_and_is_an_error(notebook: Notebook) -> None:
    shown = notebook.run("%%kuiper test rooms\n" + AVERAGE.replace('"a", "t": 25', '"<a>", "t": 26'))

    assert isinstance(shown.error, KuiperError)
    assert str(shown.error) == "test rooms failed: 1 row differs"
    assert shown.text.splitlines()[:3] == [
        "test rooms failed: 1 row differs",
        '  - @10000 {"device": "<a>", "t": 26}',
        '  + @10000 {"device": "a", "t": 25.0}    (device, t)',
    ]
    html = shown.error.report._repr_html_()  # type: ignore[attr-defined]
    assert "<b>&quot;device&quot;: &quot;&lt;a&gt;&quot;</b>" in html
    assert "<a>" not in html


def test_the_session_is_not_touched(notebook: Notebook) -> None:
    notebook.run("%%kuiper heard\nSELECT t FROM demo")
    before = notebook.run("%kuiper status").text

    notebook.run(f"%%kuiper test rooms\n{AVERAGE}")

    assert notebook.run("%kuiper status").text == before


def test_a_rule_of_the_notebook_is_tested_by_its_name(notebook: Notebook) -> None:
    notebook.run('%%kuiper\nCREATE STREAM walk () WITH (TYPE="memory", DATASOURCE="walk", TIMESTAMP="ts")')
    notebook.run("%%kuiper steps --event-time --late 0s\nSELECT sum(n) AS n FROM walk GROUP BY TUMBLINGWINDOW(ss, 1)")

    shown = notebook.run('%%kuiper test\nsteps\ninput walk\n{"ts": 0, "n": 1}\n{"ts": 1500, "n": 1}\nexpect\n{"n": 1}')

    assert shown.text == "test 1 passed: 2 rows in, 1 row out"
    assert str(notebook.run("%%kuiper test\nstesp\ninput walk\nexpect").error).startswith("no rule named stesp")


def test_the_tests_are_listed(notebook: Notebook) -> None:
    assert notebook.run("%kuiper test").text == "no tests yet; %%kuiper test NAME makes one"
    notebook.run(f"%%kuiper test rooms\n{AVERAGE}")
    notebook.run(f"%%kuiper test rooms\n{AVERAGE}")
    notebook.run(f"%%kuiper test\n{AVERAGE.replace('25', '26')}")

    assert [line.split() for line in notebook.run("%kuiper test").text.splitlines()[2:]] == [
        ["rooms", "passed"],
        ["2", "failed"],
    ]


FUNCTIONS = """
import math as m
from datetime import timedelta
SCALE = {"k": [2.0, 3.0]}

def inner(x: float) -> float:
    return x * SCALE["k"][0]

@kuiper.function
def scaled(x: float) -> float:
    \"\"\"Twice.\"\"\"
    return m.floor(inner(x)) + timedelta(0).total_seconds()
"""


@pytest.mark.parametrize("expected", ["8", "9"])
def test_a_file_for_pytest_comes_out_as_the_notebook_did(notebook: Notebook, tmp_path: Path, expected: str) -> None:
    notebook.run(FUNCTIONS)
    notebook.run("limit = 3")
    notebook.run('%%kuiper\nCREATE STREAM walk () WITH (TYPE="memory", DATASOURCE="walk", TIMESTAMP="ts")')
    notebook.run("%%kuiper steps --event-time --late 0s\nSELECT sum(n) AS n FROM walk GROUP BY TUMBLINGWINDOW(ss, 1)")
    notebook.run('%%kuiper test steps\nsteps\ninput walk\n{"ts": 0, "n": 1}\n{"ts": 1500}\nexpect\n{"n": 1}')
    outcome = notebook.run(
        "%%kuiper test scale --set most=9\nSELECT scaled(t) AS s FROM demo WHERE t > {{limit}} AND t < $most\n"
        f'input demo\n{{"t": 1}}\n{{"t": 4}}\nexpect\n{{"s": {expected}}}'
    )
    file = tmp_path / "rules" / "test_rules.py"

    shown = notebook.run(f"%kuiper test --pytest {file}")

    assert shown.text.startswith("2 tests in ")
    said = pytest_says(file)
    if expected == "8":
        assert outcome.error is None
        assert "2 passed" in said
    else:
        assert isinstance(outcome.error, KuiperError)
        assert "1 failed, 1 passed" in said
        assert '- {"s": 9}' in said
        assert '+ @0 {"s": 8.0}' in said


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "model = object()\n@kuiper.function\ndef f(x):\n    return x if model else 0",
            "model, which function f uses,",
        ),
        ("kuiper.function(lambda x: x, name='f')", "function f is a lambda"),
        (
            "def make(k):\n    def f(x):\n        return x + k\n    return f\nkuiper.function(make(1))",
            "made inside another",
        ),
    ],
)
def test_what_no_file_can_hold_is_named(notebook: Notebook, tmp_path: Path, cell: str, message: str) -> None:
    notebook.run(cell)
    notebook.run('%%kuiper test\nSELECT f(t) AS t FROM demo\ninput demo\n{"t": 1}\nexpect\n{"t": 1}')

    shown = notebook.run(f"%kuiper test --pytest {tmp_path}/test_rules.py")

    assert message in str(shown.error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%kuiper test\n \n", "the test is empty"),
        ("%%kuiper test --rows 5\nSELECT t FROM demo\nexpect", "a test has a clock of its own"),
        ("%kuiper test rooms", "rooms does not fit after test"),
        ("%kuiper test --pytest", "--pytest does not fit after test"),
        ("%kuiper test --pytest test_x.py", "there are no tests to write"),
    ],
)
def test_a_slip_says_what_would_have_worked(notebook: Notebook, cell: str, message: str) -> None:
    assert message in str(notebook.run(cell).error)


def test_what_was_dropped_since_is_named(notebook: Notebook, tmp_path: Path) -> None:
    notebook.run("@kuiper.function\ndef f(x):\n    return x")
    notebook.run('%%kuiper test\nSELECT f(t) AS t FROM demo\ninput demo\n{"t": 1}\nexpect\n{"t": 1}')
    notebook.run("%kuiper drop function f")

    assert "function f, which has been dropped" in str(notebook.run("%kuiper test --pytest test_x.py").error)


def test_a_file_that_pytest_would_not_find_is_refused(notebook: Notebook) -> None:
    notebook.run(f"%%kuiper test rooms\n{AVERAGE}")

    assert "pytest does not look into rules.py" in str(notebook.run("%kuiper test --pytest rules.py").error)
