"""Completion through IPython's own completer. The cursor stands where the ┃ is, else at the end."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.completer import Completion, provisionalcompleter

from kuiper_nb.sql.parser import parse

from .conftest import Notebook


def completions(notebook: Notebook, cell: str) -> list[Completion]:
    offset = cell.index("┃") if "┃" in cell else len(cell)
    with provisionalcompleter():
        return list(notebook.shell.Completer.completions(cell.replace("┃", "", 1), offset))


def texts(notebook: Notebook, cell: str) -> list[str]:
    return [found.text for found in completions(notebook, cell)]


def about(notebook: Notebook, cell: str, text: str) -> str:
    found = next(str(found.type) for found in completions(notebook, cell) if found.text == text)
    return found.replace("\u00a0", " ")


def completed(notebook: Notebook, cell: str) -> str:
    """The cell after its only completion has been taken."""
    (found,) = completions(notebook, cell)
    plain = cell.replace("┃", "", 1)
    return plain[: found.start] + found.text + plain[found.end :]


@pytest.fixture
def plant(notebook: Notebook) -> Notebook:
    """The notebook with a typed stream, a function, a source, a sink and a rule of the user's."""
    notebook.run(
        "%%kuiper\nCREATE STREAM plant (temperature FLOAT, device STRING, pos STRUCT(lat FLOAT, lon FLOAT), "
        '`odd one` BIGINT, ts BIGINT) WITH (TYPE="memory", DATASOURCE="plant/one", TIMESTAMP="ts")'
    )
    notebook.run('@kuiper.function\ndef fahrenheit(c: float) -> float:\n    "Celsius as Fahrenheit."\n    return c')
    notebook.run('@kuiper.source\ndef counter(start: int = 0):\n    "Counts."\n    yield {"n": start}')
    notebook.run('@kuiper.sink\ndef post(rows):\n    "Posts."')
    notebook.run("%%kuiper hot\nSELECT speed, gear FROM demo")
    return notebook


def test_keywords_are_those_that_the_grammar_accepts(notebook: Notebook) -> None:
    assert texts(notebook, "%%kuiper\n") == ["CREATE", "DESCRIBE", "DROP", "SELECT", "SHOW"]
    assert texts(notebook, "%%kuiper hot\nSELECT a FROM demo W") == ["WHERE"]
    assert texts(notebook, "%%kuiper\nCREATE STREAM x (a D") == ["DATETIME"]


def test_a_keyword_continues_in_the_case_it_was_begun_in(notebook: Notebook) -> None:
    assert texts(notebook, "%%kuiper\nsel") == ["select"]
    assert texts(notebook, "%%kuiper\nSEL") == ["SELECT"]


def test_streams_follow_from(plant: Notebook) -> None:
    assert texts(plant, "%%kuiper\nSELECT * FROM ") == ["demo", "plant"]
    assert about(plant, "%%kuiper\nSELECT * FROM ", "plant") == "stream, memory plant/one, 5 columns"
    assert texts(plant, "%%kuiper\nDROP STREAM p") == ["plant"]
    assert "plant" not in texts(plant, "%%kuiper\nDROP TABLE ")


def test_columns_are_those_of_the_stream_in_from_wherever_that_stands(plant: Notebook) -> None:
    assert completed(plant, "%%kuiper\nSELECT te┃ FROM plant") == "%%kuiper\nSELECT temperature FROM plant"
    first = texts(plant, "%%kuiper\nSELECT device, ┃\nFROM plant")[:5]
    assert first == ["temperature", "device", "pos", "`odd one`", "ts"]
    assert about(plant, "%%kuiper\nSELECT ┃ FROM plant", "device") == "column STRING"


def test_a_column_that_needs_back_quotes_gets_them(plant: Notebook) -> None:
    assert completed(plant, "%%kuiper\nSELECT odd┃ FROM plant") == "%%kuiper\nSELECT `odd one` FROM plant"
    assert completed(plant, "%%kuiper\nSELECT `od┃ FROM plant") == "%%kuiper\nSELECT `odd one` FROM plant"


def test_behind_a_dot_stand_columns_of_that_stream_or_members_of_that_column(plant: Notebook) -> None:
    assert texts(plant, "%%kuiper\nSELECT p.t┃ FROM plant AS p") == ["temperature", "ts"]
    assert completed(plant, "%%kuiper\nSELECT pos.la┃ FROM plant") == "%%kuiper\nSELECT pos.lat FROM plant"


def test_a_schemaless_stream_has_the_columns_that_rules_have_read(plant: Notebook) -> None:
    assert texts(plant, "%%kuiper\nSELECT ┃ FROM demo")[:2] == ["gear", "speed"]
    assert about(plant, "%%kuiper\nSELECT ┃ FROM demo", "gear") == "column, seen by hot"


def test_a_schemaless_stream_has_the_columns_that_came(notebook: Notebook) -> None:
    notebook.run("%%kuiper all\nSELECT * FROM demo")
    notebook.run('kuiper.push("demo", {"depth": 1, "salt": 2})')

    assert texts(notebook, "%%kuiper\nSELECT ┃ FROM demo")[:2] == ["depth", "salt"]


def test_a_stream_that_the_same_cell_creates_is_known_below(notebook: Notebook) -> None:
    cell = '%%kuiper\nCREATE STREAM fresh (depth FLOAT) WITH (TYPE="memory", DATASOURCE="a;b");\nSELECT dep┃ FROM fresh'

    assert texts(notebook, cell) == ["depth"]


def test_functions_come_with_their_signature_and_a_line_of_help(plant: Notebook) -> None:
    assert about(plant, "%%kuiper\nSELECT ro", "round").startswith("function (value, places = 0): x rounded")
    assert about(plant, "%%kuiper\nSELECT av", "avg").startswith("aggregate (value): the mean")
    assert about(plant, "%%kuiper\nSELECT fa", "fahrenheit") == "your function (c): Celsius as Fahrenheit."
    assert texts(plant, "%%kuiper\nSELECT window_s") == ["window_start"]


def test_what_is_said_beside_a_completion_is_one_line_that_no_front_end_breaks(plant: Notebook) -> None:
    said = [str(found.type) for found in completions(plant, "%%kuiper\nSELECT ┃ FROM plant")]

    assert max(map(len, said)) <= 80
    assert not any(" " in text or "\n" in text for text in said)


def test_windows_stand_in_group_by(plant: Notebook) -> None:
    assert "TUMBLINGWINDOW" in texts(plant, "%%kuiper\nSELECT count(*) FROM plant GROUP BY T")
    assert "TUMBLINGWINDOW" not in texts(plant, "%%kuiper\nSELECT T┃ FROM plant")
    units = texts(plant, "%%kuiper\nSELECT count(*) FROM plant GROUP BY TUMBLINGWINDOW(")
    assert units == ["SS", "MS", "MI", "HH", "DD"]


def test_with_offers_its_keys_those_of_the_source_first(plant: Notebook) -> None:
    keys = texts(plant, "%%kuiper\nCREATE STREAM x () WITH (")
    assert keys[:4] == ["TYPE", "DATASOURCE", "FORMAT", "TIMESTAMP"]
    assert texts(plant, '%%kuiper\nCREATE STREAM x () WITH (TYPE="counter", ')[:2] == ["INTERVAL", "START"]
    assert "TYPE" not in texts(plant, '%%kuiper\nCREATE STREAM x () WITH (TYPE="counter", ')


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ("TYPE=", ['"file"', '"memory"', '"simulator"', '"counter"']),
        ('TYPE="me', ['"memory"']),
        ("FORMAT=", ['"json"', '"delimited"', '"binary"', '"urlencoded"', '"parquet"']),
        ("TIMESTAMP=", ['"a"', '"seen"']),
        ("SHARED=", ['"true"', '"false"']),
        ('TYPE="memory", DATASOURCE=', ['"demo"', '"plant/one"']),
        ('TYPE="simulator", EXTRA="{\\"int', ['"{\\"interval\\": 1000}"']),
    ],
)
def test_with_offers_values(plant: Notebook, options: str, offered: list[str]) -> None:
    found = texts(plant, f"%%kuiper\nCREATE STREAM x (a BIGINT, seen DATETIME) WITH ({options}")

    assert set(offered) <= set(found)


def test_a_quote_that_is_closed_already_stays_the_only_one(plant: Notebook) -> None:
    cell = '%%kuiper\nCREATE STREAM x () WITH (TYPE="mem┃")'

    assert completed(plant, cell) == '%%kuiper\nCREATE STREAM x () WITH (TYPE="memory")'


def test_files_complete_a_datasource(notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sea.csv").touch()
    cell = '%%kuiper\nCREATE STREAM x () WITH (TYPE="file", DATASOURCE="{}┃")'

    assert texts(notebook, cell.format("da")) == ['"data/']
    assert texts(notebook, cell.format("data/s")) == ['"data/sea.csv']
    assert texts(notebook, "%kuiper replay data/s") == ["data/sea.csv"]


def test_the_first_line_offers_rules_and_options(plant: Notebook) -> None:
    assert texts(plant, "%%kuiper h┃\nSELECT a FROM demo") == ["hot"]
    assert texts(plant, "%%kuiper hot --st") == ["--stopped"]
    assert texts(plant, "%%kuiper hot --set a=1 --se") == ["--set"]
    assert {"log", "memory", "post"} <= set(texts(plant, "%%kuiper hot --sink "))
    assert texts(plant, "%%kuiper hot --option isEv") == ["isEventTime="]
    assert texts(plant, "%%kuiper hot --option isEventTime=") == ["isEventTime=true", "isEventTime=false"]
    assert "hot" not in texts(plant, "%%kuiper hot ")


def test_a_line_offers_verbs_kinds_and_names(plant: Notebook) -> None:
    assert {"stop", "step", "status", "start"} <= set(texts(plant, "%kuiper st"))
    assert texts(plant, "%kuiper stop ") == ["hot", "rule", "plugin"]
    assert texts(plant, "%kuiper why ") == ["hot", "rule"]
    assert texts(plant, "%kuiper record ") == ["demo", "plant", "plugin", "service"]
    assert texts(plant, "%kuiper replay file.jsonl ") == ["hot"]
    assert texts(plant, "%kuiper drop stream ") == ["demo", "plant"]
    assert texts(plant, "%kuiper drop sink ") == ["post"]
    assert texts(plant, "%kuiper help TUMB") == ["TUMBLINGWINDOW"]
    assert about(plant, "%kuiper st", "stop") == "verb: stop a rule; start runs it again"


def test_a_statement_on_a_line_is_completed_like_one_in_a_cell(plant: Notebook) -> None:
    assert texts(plant, "%kuiper SELECT te┃ FROM plant") == ["temperature"]
    assert texts(plant, "rows = %kuiper SELECT te┃ FROM plant") == ["temperature"]
    assert texts(plant, "%kuiper explain SELECT te┃ FROM plant") == ["temperature"]


def test_outside_kuiper_python_completes_as_ever(plant: Notebook) -> None:
    plant.run("temperate = 1")

    assert "temperate" in texts(plant, "x = tempera")
    assert all(found._origin != "kuiper_nb.complete" for found in completions(plant, "x = tempera"))
    assert all(found._origin != "kuiper_nb.complete" for found in completions(plant, "print(1)\nSELECT te"))
    assert all(found._origin != "kuiper_nb.complete" for found in completions(plant, "%%kuiperish\nSEL"))


def test_within_kuiper_python_is_silent_where_there_is_something_to_say(plant: Notebook) -> None:
    plant.run("temperate = 1")

    assert {found._origin for found in completions(plant, "%%kuiper\nSELECT te┃ FROM plant")} == {"kuiper_nb.complete"}


@pytest.mark.parametrize("cell", ["%%kuiper\nSELECT {{te", "%%kuiper\nSELECT 1 -- te", '%%kuiper\nSELECT "te'])
def test_in_placeholders_comments_and_texts_it_says_nothing(plant: Notebook, cell: str) -> None:
    assert all(found._origin != "kuiper_nb.complete" for found in completions(plant, cell))


def test_unload_takes_it_away_and_reload_does_not_double_it(notebook: Notebook) -> None:
    notebook.run("%reload_ext kuiper_nb")
    assert len(notebook.shell.Completer.custom_matchers) == 1

    notebook.run("%unload_ext kuiper_nb")
    assert notebook.shell.Completer.custom_matchers == []


def test_it_raises_nowhere_in_a_cell(plant: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    create = 'CREATE STREAM x () WITH (TYPE="file", DATASOURCE="x")'
    cell = f"%%kuiper hot --sink log\n{create};\nSELECT a.b, FROM plant WHERE"

    for offset in range(len(cell) + 1):
        completions(plant, cell[:offset] + "┃" + cell[offset:])

    assert capsys.readouterr().err == ""


def test_it_opens_no_session_and_does_not_import_duckdb() -> None:
    script = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.completer import provisionalcompleter
import kuiper_nb
shell = InteractiveShell()
shell.run_line_magic("load_ext", "kuiper_nb")
for cell in ("%%kuiper\\nSELECT ", "%%kuiper hot --sink ", "%kuiper ", '%%kuiper\\nCREATE STREAM x () WITH (TYPE='):
    with provisionalcompleter():
        assert list(shell.Completer.completions(cell, len(cell))), cell
print(kuiper_nb._session, "duckdb" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "None False", answer.stderr


def test_a_completion_costs_a_few_times_what_it_costs_to_parse_the_statement(plant: Notebook) -> None:
    from kuiper_nb.notebook.complete import completed as found

    columns = ", ".join(f"c{n} BIGINT" for n in range(500))
    plant.run(f'%%kuiper\nCREATE STREAM wide ({columns}) WITH (TYPE="memory", DATASOURCE="w")')
    select = "SELECT a, round(avg(c1), 1) AS t FROM wide WHERE c2 > 3 GROUP BY a, TUMBLINGWINDOW(ss, 1)"
    cell = f"%%kuiper\n{select}"

    def cost(act: Callable[[], object]) -> float:
        times = []
        for _ in range(15):
            start = time.perf_counter()
            act()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    assert cost(lambda: found(cell, 1, len("SELECT a, round("))) < 30 * cost(lambda: parse(select))
