"""The plugins of a session: what they serve is used in rules as if it were native."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuiper_nb import KuiperError, Rule, Session, VirtualClock
from kuiper_nb.errors import CatalogError, ConnectorError, PluginError

PATIENCE = 20.0

MIRROR = """
import kuiper_nb as kuiper

@kuiper.function
def backwards(s: str) -> str:
    "Turns a text round."
    return s[::-1]

@kuiper.aggregate
def spread(values):
    return max(values) - min(values)

@kuiper.source
def steps(most: int, width: int = 1):
    for n in range(0, most, width):
        yield {"n": n}

@kuiper.sink
def append(rows, path):
    with open(path, "a") as file:
        for row in rows:
            file.write(f"{row}\\n")
"""

LOUD = """
import kuiper_nb as kuiper

@kuiper.function
def backwards(s): return s.upper()
"""


@pytest.fixture
def session() -> Iterator[Session]:
    """A session on the real clock, with the stream demo."""
    with Session() as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        yield opened


def pushed(session: Session, rule: Rule, *rows: dict[str, object]) -> list[dict[str, object]]:
    """The rows that come of *rows*."""
    before = len(rule.emits)
    session.push("demo", list(rows))
    assert session.settle(PATIENCE)
    return [row for emit in list(rule.emits)[before:] for row in emit.rows]


def folder(path: Path, code: str = MIRROR, **changes: object) -> Path:
    """A folder with a manifest and a file of Python."""
    found = {
        "version": "v1.2.0",
        "language": "python",
        "executable": "mirror.py",
        "functions": ["backwards"],
        **changes,
    }
    path.mkdir()
    (path / "mirror.json").write_text(json.dumps(found))
    (path / "mirror.py").write_text(code)
    return path


def test_a_cell_serves_functions_that_rules_call(session: Session):
    plugin = session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")

    assert pushed(session, rule, {"a": "abc"}, {"a": "de"}) == [{"r": "cba"}, {"r": "ed"}]
    assert (plugin.status.functions, plugin.status.sources) == (("backwards", "spread"), ("steps",))
    assert session.functions["backwards"].help == "Turns a text round."


def test_a_row_that_fails_is_an_error_with_its_place_in_the_cell(session: Session):
    session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")

    assert pushed(session, rule, {"a": "abc"}, {"a": 3}) == [{"r": "cba"}]
    assert "call func backwards error" in rule.errors[0].message


def test_an_aggregate_gets_the_values_of_a_group(session: Session):
    session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT spread(v) AS s FROM demo GROUP BY COUNTWINDOW(3)")

    assert pushed(session, rule, {"v": 3}, {"v": 9}, {"v": 4}) == [{"s": 6.0}]


def test_a_source_and_a_sink_work_in_a_rule(session: Session, tmp_path: Path):
    plugin = session.plugins.define("mirror", MIRROR)
    session.sql('CREATE STREAM numbers () WITH (TYPE="steps", MOST="6", WIDTH="2")')

    rule = session.rule("SELECT n + 1 AS m FROM numbers", actions=[{"append": {"path": str(tmp_path / "out")}}])

    assert rule.wait(PATIENCE)
    assert (tmp_path / "out").read_text() == "{'m': 1.0}\n{'m': 3.0}\n{'m': 5.0}\n"
    rule.drop()
    assert plugin.status.refCount == {}


def test_an_option_that_a_source_does_not_have_is_refused(session: Session):
    session.plugins.define("mirror", MIRROR)

    with pytest.raises(KuiperError, match="unknown option MOSTLY"):
        session.sql('CREATE STREAM numbers () WITH (TYPE="steps", MOSTLY="6")')


def test_a_cell_that_is_run_again_takes_over_in_running_rules(session: Session):
    session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")
    assert pushed(session, rule, {"a": "abc"}) == [{"r": "cba"}]

    session.plugins.define("mirror", LOUD)

    assert pushed(session, rule, {"a": "abc"}) == [{"r": "ABC"}]
    assert session.plugins["mirror"].status.generation == 2
    assert rule.status.generations["backwards"] == 2
    assert "spread" not in session.functions


def test_what_does_not_start_changes_nothing(session: Session):
    session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")

    with pytest.raises(PluginError, match="mirror, line 3: invalid syntax"):
        session.plugins.define("mirror", "import os\n\ndef broken(:\n")
    with pytest.raises(PluginError, match=r"does not start[\s\S]*no licence"):
        session.plugins.define("mirror", "raise RuntimeError('no licence')")
    with pytest.raises(PluginError, match="serves nothing"):
        session.plugins.define("mirror", "x = 1")

    assert pushed(session, rule, {"a": "abc"}) == [{"r": "cba"}]


def test_what_a_rule_uses_cannot_be_taken_away(session: Session):
    session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT spread(v) AS s FROM demo GROUP BY COUNTWINDOW(2)", id="hot")

    with pytest.raises(PluginError, match="used by rule hot: function spread"):
        session.drop("plugin", "mirror")
    with pytest.raises(PluginError, match="used by rule hot: function spread"):
        session.plugins.define("mirror", LOUD)
    with pytest.raises(CatalogError, match="served by plugin mirror"):
        session.drop("function", "spread")

    with pytest.raises(PluginError, match="used by rule hot: function spread"):
        session.plugins["mirror"].drop()

    rule.drop()
    session.plugins["mirror"].drop()
    assert dict(session.plugins) == {}
    assert "spread" not in session.functions


def test_a_symbol_has_one_plugin_unless_the_user_says_which_wins(session: Session):
    session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")

    with pytest.raises(PluginError, match="already served by plugin mirror"):
        session.plugins.define("loud", LOUD)
    session.plugins.define("loud", LOUD, wins=True)

    assert pushed(session, rule, {"a": "abc"}) == [{"r": "ABC"}]


def test_a_function_of_python_is_not_taken_over_by_accident(session: Session):
    session.function(lambda s: "mine", name="backwards")

    with pytest.raises(PluginError, match="already defined in Python"):
        session.plugins.define("mirror", MIRROR)

    assert dict(session.plugins) == {}


def test_a_folder_and_a_zip_are_added_with_their_manifest(session: Session, tmp_path: Path):
    origin = folder(tmp_path / "mirror")
    with zipfile.ZipFile(tmp_path / "mirror.zip", "w") as archive:
        for file in origin.iterdir():
            archive.write(file, file.name)

    for each in (origin, tmp_path / "mirror.zip"):
        session.plugins.add(each, replace=True)
        rule = session.rule("SELECT backwards(a) AS r FROM demo", id="r")
        assert pushed(session, rule, {"a": "abc"}) == [{"r": "cba"}]
        rule.drop()

    with pytest.raises(PluginError, match="invalid name mirror: duplicate"):
        session.plugins.add(origin)


def test_a_symbol_that_is_declared_must_be_served(session: Session, tmp_path: Path):
    with pytest.raises(PluginError, match="declares function missing but does not serve it"):
        session.plugins.add(folder(tmp_path / "mirror", functions=["backwards", "missing"]))

    assert dict(session.plugins) == {}
    assert "backwards" not in session.functions


FACTOR = 3


def scaled(n: float) -> float:
    return n * FACTOR


def moved_along(n: float) -> float:
    """Uses another function, and a constant of this file."""
    return scaled(n) + 1


def test_the_very_code_of_a_function_moves_into_a_process_and_back(session: Session):
    session.function(moved_along, process=True)
    rule = session.rule("SELECT moved_along(v) AS w FROM demo")
    assert pushed(session, rule, {"v": 2}) == [{"w": 7.0}]
    assert session.functions["moved_along"].kind == "portable"

    session.function(moved_along)

    assert pushed(session, rule, {"v": 2}) == [{"w": 7.0}]
    assert session.functions["moved_along"].kind == "native"
    assert dict(session.plugins) == {}


def test_what_no_file_can_hold_is_named(session: Session):
    with pytest.raises(PluginError, match="uses opened of the function it was made in"):
        session.function(_closing_over(object()), process=True)
    with pytest.raises(PluginError, match="a lambda has no code of its own"):
        session.function(lambda v: v, name="f", process=True)


def _closing_over(opened: object):  # type: ignore[no-untyped-def]
    def looks(v):  # type: ignore[no-untyped-def]
        return opened

    return looks


def test_a_kill_is_an_event_of_the_plugin_and_not_of_the_rule(session: Session):
    plugin = session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")

    os.kill(plugin.status.pid, signal.SIGKILL)

    assert pushed(session, rule, {"a": "abc"}, {"a": "de"}) == [{"r": "cba"}, {"r": "ed"}]
    assert (rule.status.state, plugin.status.restarts) == ("running", 1)


def test_a_plugin_that_somebody_else_has_started_is_attached(session: Session, tmp_path: Path):
    file = tmp_path / "mirror.py"
    file.write_text(MIRROR)
    other = subprocess.Popen([sys.executable, "-um", "kuiper_nb.sdk", str(file)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    connection = other.stdout.readline().split()[-1]

    plugin = session.plugins.attach(connection)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")

    assert plugin.name == "mirror"
    assert pushed(session, rule, {"a": "abc"}) == [{"r": "cba"}]
    other.kill()
    other.wait()
    other.stdout.close()
    assert pushed(session, rule, {"a": "abc"}) == []
    assert "started by somebody else: start and attach it again" in rule.errors[-1].message
    assert plugin.status.quarantined  # at once: there is nothing to try
    assert plugin.status.restarts == 1


def test_nothing_of_a_plugin_is_left_when_its_session_is_closed(tmp_path: Path):
    with Session() as session:
        plugin = session.plugins.define("mirror", MIRROR)
        pid = plugin.status.pid

    assert not Path(f"/proc/{pid}").exists()


def test_a_session_beside_another_leaves_its_plugins_running(session: Session):
    plugin = session.plugins.define("mirror", MIRROR)

    with session.beside() as other:
        other.rule("SELECT backwards(a) AS r FROM demo", start=False)

    assert (list(session.plugins), plugin.status.status) == (["mirror"], "running")


def test_a_session_that_takes_the_place_of_another_has_its_plugins(session: Session):
    session.plugins.define("mirror", MIRROR)
    with session.beside() as after:
        after.inherit(session)
        session.close()
        rule = after.rule("SELECT backwards(a) AS r FROM demo", id="hot")

        assert pushed(after, rule, {"a": "abc"}) == [{"r": "cba"}]
        with pytest.raises(PluginError, match="is used by rule hot"):
            after.drop("plugin", "mirror")


def test_what_a_plugin_prints_while_it_starts_is_in_its_log_when_it_is_ready(session: Session):
    plugin = session.plugins.define("mirror", f"{MIRROR}\nfor n in range(50): print('line', n)")

    assert [line.text for line in plugin.lines.tail(50)] == [f"line {n}" for n in range(50)]


def test_what_a_sink_prints_is_in_the_log_when_it_has_taken_the_rows(session: Session):
    plugin = session.plugins.define("mirror", f"{MIRROR}\n@kuiper.sink\ndef said(rows): print(rows)")
    rule = session.rule("SELECT v FROM demo", actions=[{"said": {}}])

    pushed(session, rule, {"v": 1})

    assert [line.text for line in plugin.logs()] == ["[{'v': 1.0}]"]


def test_a_cell_that_is_no_python_says_where(session: Session):
    with pytest.raises(PluginError) as found:
        session.plugins.define("mirror", "x = 1\ndef f(:\n    pass")

    assert str(found.value) == "plugin mirror, line 2: invalid syntax\ndef f(:\n      ^"


def test_new_code_begins_without_the_crashes_of_the_old(session: Session):
    deadly = "import os\nimport kuiper_nb as kuiper\n@kuiper.function\ndef backwards(s):\n    {}\n    return s"
    plugin = session.plugins.define("mirror", deadly.format("if s == 'x': os._exit(1)"))
    rule = session.rule("SELECT backwards(a) AS r FROM demo")
    pushed(session, rule, {"a": "x"})
    session.plugins.define("mirror", deadly.format("'better'"))
    assert plugin.status.pid is not None

    os.kill(plugin.status.pid, signal.SIGKILL)

    assert pushed(session, rule, {"a": "y"}) == [{"r": "y"}]
    assert not plugin.status.quarantined


def test_a_source_and_a_sink_of_a_notebook_move_into_plugins_and_back(session: Session, tmp_path: Path):
    file, own = tmp_path / "pids", os.getpid()

    def numbers(path: str):  # type: ignore[no-untyped-def]
        import os
        import time

        n = 0
        while True:
            time.sleep(0.01)
            n += 1
            yield {"n": n, "from": os.getpid()}

    def note(rows, path):  # type: ignore[no-untyped-def]
        import os

        with open(path, "a") as opened:
            opened.writelines(f"{int(row['from'])} {os.getpid()}\n" for row in rows)

    def pids(emits: int) -> set[str]:
        file.write_text("")
        rule = session.rules["hot"]
        assert rule.wait(PATIENCE, emits=len(rule.emits) + emits)
        return set(file.read_text().splitlines())

    session.source(numbers)
    session.sink(note)
    session.sql(f'CREATE STREAM numbers () WITH (TYPE="numbers", PATH="{file}")')
    session.rule("SELECT * FROM numbers", id="hot", actions=[{"note": {"path": str(file)}}])
    assert pids(3) == {f"{own} {own}"}

    source, sink = session.portable("numbers"), session.portable("note")
    assert pids(3) == {f"{source.status.pid} {sink.status.pid}"}
    assert (list(session.sources), list(session.sinks)) == ([], [])

    session.source(numbers)
    session.sink(note)
    assert pids(3) == {f"{own} {own}"}
    assert list(session.plugins) == []


def test_a_virtual_clock_waits_for_the_source_of_a_plugin():
    def emits() -> list[tuple[int, list[dict[str, object]]]]:
        with Session(clock=VirtualClock(0)) as session:
            session.plugins.define("mirror", MIRROR)
            session.sql('CREATE STREAM steps () WITH (TYPE="steps", MOST="4", INTERVAL="250")')
            session.sql('CREATE STREAM quick () WITH (TYPE="steps", MOST="2")')
            paced = session.rule("SELECT n FROM steps")
            assert paced.wait()
            quick = session.rule("SELECT n FROM quick")
            assert quick.wait()
            return [(emit.at, emit.rows) for emit in (*paced.emits, *quick.emits)]

    steps = [(0, 0.0), (250, 1.0), (500, 2.0), (750, 3.0), (1000, 0.0), (1000, 1.0)]
    assert emits() == emits() == [(at, [{"n": n}]) for at, n in steps]


def test_a_source_that_says_that_it_reads_the_world_is_replayed_from_a_recording_in_bounded_mode():
    with Session(clock=VirtualClock(0)) as session:
        session.mode = "bounded"
        session.plugins.define("mirror", MIRROR.replace("@kuiper.source", "@kuiper.source(live=True)"))
        session.sql('CREATE STREAM steps () WITH (TYPE="steps", MOST="4")')

        with pytest.raises(ConnectorError, match="stream steps reads the world"):
            session.rule("SELECT n FROM steps")


def test_a_plugin_that_is_called_like_a_module_of_python_starts(session: Session):
    for name in ("numbers", "random", "json"):
        session.plugins.define(name, f"import kuiper_nb as kuiper\n@kuiper.function\ndef f_{name}(x): return x")
    rule = session.rule("SELECT f_numbers(a) AS r, f_random(a) AS s, f_json(a) AS t FROM demo")

    assert pushed(session, rule, {"a": 1}) == [{"r": 1, "s": 1, "t": 1}]


def test_a_plugin_started_by_hand_takes_the_place_of_one_that_runs(session: Session, tmp_path: Path):
    plugin = session.plugins.define("mirror", MIRROR)
    rule = session.rule("SELECT backwards(a) AS r FROM demo")
    file = tmp_path / "mirror.py"
    file.write_text(MIRROR.replace("s[::-1]", "s.upper()"))
    hand = subprocess.Popen([sys.executable, "-um", "kuiper_nb.sdk", str(file)], stdout=subprocess.PIPE, text=True)
    assert hand.stdout is not None
    connection = hand.stdout.readline().split()[-1]

    session.plugins.attach(connection, "mirror", timeout=3600)

    assert pushed(session, rule, {"a": "abc"}) == [{"r": "ABC"}]
    assert (plugin.generation, plugin.policy.timeout) == (2, 3600)
    session.plugins.define("mirror", MIRROR)
    assert pushed(session, rule, {"a": "abc"}) == [{"r": "cba"}]
    assert (plugin.generation, plugin.policy.timeout) == (3, 10)
    hand.kill()
    hand.wait()
    hand.stdout.close()


def test_a_plugin_that_was_started_by_hand_waits_for_the_next_host(tmp_path: Path):
    file = tmp_path / "mirror.py"
    file.write_text(MIRROR)
    other = subprocess.Popen([sys.executable, "-um", "kuiper_nb.sdk", str(file)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None

    for _ in range(2):
        connection = other.stdout.readline().split()[-1]
        with Session() as session:
            assert session.plugins.attach(connection).status.functions == ("backwards", "spread")

    other.kill()
    other.wait()
    other.stdout.close()


def test_a_source_goes_on_although_its_process_dies_again_while_it_starts(session: Session, tmp_path: Path):
    pids = tmp_path / "pids"
    code = f"""
import os, time
import kuiper_nb as kuiper
with open({str(pids)!r}, "a") as file:
    print(os.getpid(), file=file)
time.sleep(0.2)
@kuiper.source
def steps():
    while True:
        time.sleep(0.02)
        yield {{"pid": os.getpid()}}
"""

    def started(number: int) -> int:
        end = time.monotonic() + PATIENCE
        while len(found := pids.read_text().split()) < number and time.monotonic() < end:
            threading.Event().wait(0.005)
        return int(found[number - 1])

    session.plugins.define("mirror", code)
    session.sql('CREATE STREAM steps () WITH (TYPE="steps")')
    rule = session.rule("SELECT pid FROM steps")
    assert rule.wait(PATIENCE, emits=2)

    os.kill(started(1), signal.SIGKILL)
    os.kill(started(2), signal.SIGKILL)

    third = started(3)
    assert rule.wait(PATIENCE, emits=len(rule.emits) + 2)
    assert rule.emits[-1].rows == [{"pid": third}]


@pytest.mark.parametrize("name", ["../mirror", "a/b", "", "mir ror", "-x", "9", "x" * 65])
def test_the_name_of_a_cell_is_a_name(session: Session, name: str):
    with pytest.raises(PluginError, match="a plugin cannot be called"):
        session.plugins.define(name, MIRROR)


def test_who_pushes_into_a_slow_plugin_waits_and_nothing_is_lost(session: Session) -> None:
    session.plugins.define("slow", "import time\n@kuiper.function\ndef late(n):\n    time.sleep(0.002)\n    return n\n")
    session.sql('CREATE STREAM fed (n BIGINT) WITH (TYPE="memory", DATASOURCE="fed", FORMAT="json")')
    rule = session.rule("SELECT late(n) AS n FROM fed", options={"bufferLength": 2})
    backlogs = []

    for n in range(60):
        session.push("fed", [{"n": 5 * n + k} for k in range(5)])
        backlogs.append(rule.backlog)
    session.settle()

    assert [row["n"] for emit in rule.emits for row in emit.rows] == list(range(300))
    assert max(backlogs) <= 2
