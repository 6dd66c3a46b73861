"""A SELECT without a name: shows what comes, ends by itself, leaves nothing running."""

from __future__ import annotations

import threading
import time

import pyarrow as pa
import pytest

import kuiper_nb
from kuiper_nb.notebook.cell import PREVIEW

from .conftest import Notebook

SIX = 'import pandas as pd\nkuiper.stream("six", pd.DataFrame({"n": [1, 2, 3, 4, 5, 6]}))'
TICKS = (
    "@kuiper.source\ndef ticks():\n    n = 0\n    while True:\n        n += 1\n        yield {'n': n}\n"
    'kuiper.session().sql(\'CREATE STREAM t (n BIGINT) WITH (TYPE="ticks", INTERVAL="100")\')'
)


@pytest.fixture(params=["live", "notebook"])
def either(request: pytest.FixtureRequest) -> Notebook:
    """A live notebook, then a bounded one."""
    found: Notebook = request.getfixturevalue(request.param)
    return found


def test_a_preview_ends_with_its_input(either: Notebook) -> None:
    either.run(SIX)

    shown = either.run("%%kuiper\nSELECT n * 2 AS m FROM six WHERE n > 4")

    assert shown.text.splitlines() == [" m", "──", "10", "12", "2 rows; the input has ended"]
    assert either.run("dict(kuiper.rules)").value == {}


def test_a_preview_ends_after_so_many_rows(either: Notebook) -> None:
    either.run(SIX)

    shown = either.run("%%kuiper --rows 2\nSELECT n FROM six")

    assert (shown.value.rows, shown.value.reason) == ([{"n": 1}, {"n": 2}], "2 rows")


def test_a_preview_of_an_endless_source_ends(either: Notebook) -> None:
    either.run(TICKS)

    shown = either.run("%%kuiper --for 250ms\nSELECT n FROM t")

    assert (shown.value.rows, shown.value.reason) == ([{"n": 1}, {"n": 2}, {"n": 3}], "0.25 s")


def test_the_answer_is_rows_pandas_and_arrow(notebook: Notebook) -> None:
    notebook.run(SIX)

    result = notebook.run("r = %kuiper SELECT n FROM six WHERE n > 4\nr").value

    assert result.rows == [{"n": 5}, {"n": 6}]
    assert result.df()["n"].tolist() == [5, 6]
    assert result.arrow() == pa.table({"n": [5, 6]})


def test_rows_in_html_are_escaped(notebook: Notebook) -> None:
    notebook.run('import pandas as pd\nkuiper.stream("s", pd.DataFrame({"t": ["<b>&"]}))')

    result = notebook.run("%%kuiper\nSELECT t FROM s").value

    assert result._repr_html_() == (
        "<table><thead><tr><th>t</th></tr></thead><tbody><tr><td>&lt;b&gt;&amp;</td></tr></tbody></table>\n"
        "<div>1 row; the input has ended</div>"
    )


def test_a_cell_may_be_bounded_in_a_live_notebook(live: Notebook) -> None:
    live.run(TICKS)
    before = time.monotonic()

    shown = live.run("%%kuiper --bounded --for 60s --rows 1000\nSELECT n FROM t")

    assert (len(shown.value), shown.value.reason) == (601, "60 s")
    assert time.monotonic() - before < 10


def test_an_interrupt_ends_a_preview_at_once_and_shows_what_there_was(live: Notebook) -> None:
    live.run(TICKS)

    shown, seconds = live.interrupted(
        "%%kuiper --for 60s\nSELECT n FROM t WHERE n < 3", lambda: threading.Event().wait(0.35)
    )

    assert isinstance(shown.error, KeyboardInterrupt)
    assert shown.text.splitlines() == ["n", "─", "1", "2", "2 rows; interrupted", "Interrupted: the preview has ended"]
    assert seconds < 0.5
    assert live.run("dict(kuiper.rules)").value == {}


@pytest.mark.parametrize(("busy", "left_behind"), [(True, 0), (False, 1)])
def test_an_interrupt_does_not_wait_for_a_function_that_takes_long(
    live: Notebook, busy: bool, left_behind: int
) -> None:
    entered, leave, answered = threading.Event(), threading.Event(), threading.Event()

    def slow(n: int) -> int:
        entered.set()
        while not leave.is_set():
            if not busy:
                leave.wait()
        answered.set()
        return n

    kuiper_nb.session().function(slow)
    live.run(TICKS)

    shown, seconds = live.interrupted("%%kuiper --for 60s\nSELECT slow(n) AS m FROM t", entered.wait)
    threads = {thread for thread in threading.enumerate() if thread.name == f"rule {PREVIEW}"}
    leave.set()
    for thread in threads:
        thread.join(20)

    assert shown.text.splitlines()[-1] == "Interrupted: the preview has ended"
    assert seconds < 0.4
    assert (len(threads), answered.is_set()) == (left_behind, False)
    assert {thread.name for thread in threading.enumerate()}.isdisjoint({f"rule {PREVIEW}"})
    assert live.run("dict(kuiper.rules)").value == {}
