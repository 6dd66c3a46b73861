"""A folder with eKuiper's own manifest, added to a session: its source, function and sink in one rule."""

from __future__ import annotations

import json
import os
import shutil
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kuiper_nb import Session

from .zoo import FUNCTIONS, HERE, SECONDS, lines_of

Folder = Callable[[str], Path]
LANGUAGES = pytest.mark.parametrize("language", ["python", "go"])


@pytest.fixture
def session() -> Iterator[Session]:
    """A session on the real clock."""
    with Session() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Folder:
    """Makes the folder of the zoo, as eKuiper has it."""

    def make(language: str) -> Path:
        made = tmp_path / "zoo"
        (made / "sources").mkdir(parents=True)
        program = made / ("zoo.py" if language == "python" else "zoo")
        shutil.copy(HERE / "python/zoo.py" if language == "python" else request.getfixturevalue("go_zoo"), program)
        for source in ("count", "endless"):
            (made / "sources" / f"{source}.yaml").write_text("default:\n  rows: 4\n\nfew:\n  rows: 2\n")
        manifest = {
            "version": "v1.0.0",
            "language": language,
            "executable": program.name,
            "sources": ["count", "endless"],
            "sinks": ["keep"],
            "functions": list(FUNCTIONS),
        }
        (made / "zoo.json").write_text(json.dumps(manifest))
        return made

    return make


@LANGUAGES
def test_source_function_and_sink_of_one_plugin_work_in_one_rule(
    session: Session, folder: Folder, language: str, tmp_path: Path
) -> None:
    session.plugins.add(folder(language))
    session.sql('CREATE STREAM s () WITH (TYPE="count", DATASOURCE="topic")')

    rule = session.rule(
        "SELECT echo(n) AS e, meta(at) AS at FROM s",
        id="r1",
        actions=[{"keep": {"path": str(tmp_path / "out")}}],
    )
    assert rule.wait(SECONDS)

    rows = [row for emit in rule.emits for row in emit.rows]
    assert [(row["e"], row["at"]) for row in rows] == [(n, n) for n in (0.0, 1.0, 2.0, 3.0)]
    assert [json.loads(line)[0]["e"] for line in lines_of(tmp_path / "out", 4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("strict", ["false", "true"])
@LANGUAGES
def test_rows_have_the_types_of_the_stream_and_conf_key_chooses_a_section(
    session: Session, folder: Folder, language: str, strict: str
) -> None:
    session.plugins.add(folder(language))
    options = f'TYPE="count", CONF_KEY="few", STRICT_VALIDATION="{strict}"'
    session.sql(f"CREATE STREAM s (n BIGINT) WITH ({options})")

    rule = session.rule("SELECT n, n / 2 AS half FROM s", id="r1", actions=[])
    assert rule.wait(SECONDS)

    rows = [row for emit in rule.emits for row in emit.rows]
    assert [(type(row["n"]), row["n"], row["half"]) for row in rows] == [(int, 0, 0), (int, 1, 0)]


@LANGUAGES
def test_a_killed_plugin_is_started_again_and_the_rule_goes_on(session: Session, folder: Folder, language: str) -> None:
    plugin = session.plugins.add(folder(language))
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    rule = session.rule("SELECT echo(a) AS e FROM demo", id="r1", actions=[])
    session.push("demo", [{"a": 1}])
    assert session.settle(SECONDS)
    first = plugin.status.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    session.push("demo", [{"a": 2}])
    assert session.settle(SECONDS)

    assert [row["e"] for emit in rule.emits for row in emit.rows] == [1.0, 2.0]
    assert plugin.status.pid not in (first, None)
    assert (plugin.status.status, plugin.status.restarts) == ("running", 1)


def test_a_go_process_whose_sink_was_stopped_is_replaced_and_its_functions_go_on(
    session: Session, folder: Folder, tmp_path: Path
) -> None:
    plugin = session.plugins.add(folder("go"))
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    other = session.rule("SELECT echo(a) AS e FROM demo", id="other", actions=[])
    rule = session.rule("SELECT a FROM demo", id="r1", actions=[{"keep": {"path": str(tmp_path / "out")}}])
    session.push("demo", [{"a": 1}])
    assert session.settle(SECONDS)
    first = plugin.status.pid

    rule.stop()
    session.push("demo", [{"a": 2}])
    assert session.settle(SECONDS)
    rule.start()
    session.push("demo", [{"a": 3}])
    assert session.settle(SECONDS)

    assert [row["e"] for emit in other.emits for row in emit.rows] == [1.0, 2.0, 3.0]
    assert [json.loads(line)[0]["a"] for line in lines_of(tmp_path / "out", 2)] == [1, 3]
    assert plugin.status.pid not in (first, None)
    assert (plugin.status.status, plugin.status.restarts, other.errors[:], rule.errors[:]) == ("running", 0, [], [])
    assert any("its thread does not end" in line.text for line in plugin.logs())


@LANGUAGES
def test_a_row_that_kills_the_plugin_fails_alone(session: Session, folder: Folder, language: str) -> None:
    session.plugins.add(folder(language))
    session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    rule = session.rule("SELECT deadly(a) AS d FROM demo", id="r1", actions=[])

    session.push("demo", [{"a": "fine"}, {"a": "kill"}, {"a": "well"}])
    assert session.settle(SECONDS)

    assert [row["d"] for emit in rule.emits for row in emit.rows] == ["fine", "well"]
    assert len(rule.errors) == 1


def test_a_zip_whose_executable_lacks_its_run_bit_runs_all_the_same(
    session: Session, folder: Folder, tmp_path: Path
) -> None:
    made = folder("go")
    with zipfile.ZipFile(tmp_path / "zoo.zip", "w") as packed:
        for path in made.rglob("*"):
            if path.is_file():
                packed.writestr(path.relative_to(made).as_posix(), path.read_bytes())

    plugin = session.plugins.add(tmp_path / "zoo.zip")
    pid = plugin.status.pid
    session.plugins.drop("zoo")

    assert not Path(f"/proc/{pid}").exists()
