"""Recording and replaying through the public API: a replay gives what the live run gave, and gives it every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb import KuiperError, Rule, Session, VirtualClock

from .conftest import START, rows
from .generated import cases


def emitted(rule: Rule) -> str:
    """All that came out, byte for byte: repr tells 1 from 1.0, and keeps the order of keys."""
    return repr([(emit.at, emit.rows) for emit in rule.emits])


@pytest.fixture
def live() -> Iterator[Session]:
    with Session() as opened:
        yield opened


def ticking(session: Session, items: int) -> None:
    """A native source that reads the world: so many rows, 3 ms apart."""

    @session.source(live=True)
    def ticks() -> Iterator[dict[str, Any]]:
        for n in range(items):
            yield {"n": n, "key": "ab"[n % 2], "seen": datetime(2024, 1, 1, 0, 0, n % 60, tzinfo=UTC), "raw": b"\x00"}

    session.sql('CREATE STREAM ticks () WITH (TYPE="ticks", INTERVAL="3")')


QUERIES = (
    "SELECT n, raw, seen FROM ticks WHERE n % 3 = 0",
    "SELECT key, count(*) AS c, window_end() AS until, collect(seen) AS seen FROM ticks "
    "GROUP BY key, TUMBLINGWINDOW(ms, 20)",
    "SELECT collect(n) AS n FROM ticks GROUP BY HOPPINGWINDOW(ms, 30, 10)",
    "SELECT sum(n) AS s FROM ticks GROUP BY COUNTWINDOW(7)",
    "SELECT n, lag(n) AS before FROM ticks",
)


class Hand:
    """A clock on the wall that is moved by hand: a rule's thread may come as late as it likes."""

    virtual = False

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at


MOVES = st.lists(
    st.tuples(st.integers(0, 25), st.sampled_from(["step", "plant/a", "plant/b", "rows", "bytes"])), max_size=25
)
STEPPED = (
    "SELECT n, meta(topic) AS topic FROM plant",
    "SELECT collect(n) AS n, window_end() AS until FROM plant GROUP BY TUMBLINGWINDOW(ms, 10)",
    "SELECT count(*) AS c FROM plant GROUP BY HOPPINGWINDOW(ms, 30, 10)",
    "SELECT collect(n) AS n FROM plant GROUP BY COUNTWINDOW(3)",
)


@settings(max_examples=cases(60))
@given(st.sampled_from(STEPPED), MOVES)
def test_however_late_a_rule_steps_its_replay_gives_the_same(query: str, moves: list[tuple[int, str]]) -> None:
    hand = Hand()
    with Session(clock=hand) as session, TemporaryDirectory() as folder:
        session.sql('CREATE STREAM plant () WITH (TYPE="memory", DATASOURCE="plant/+")')
        rule = session.rule(query, id="hot", options={"record": f"{folder}/plant.jsonl"}, start=False)
        rule.start(by_hand=True)
        for n, (passed, what) in enumerate(moves):
            hand.at += passed
            if what == "step":
                rule.step()
            elif what == "rows":
                session.push("plant/a", [{"n": n}, {"n": -n}])
            else:
                session.push("plant/c" if what == "bytes" else what, b'{"n": 1}' if what == "bytes" else {"n": n})
        rule.step()
        rule.stop()

        again = session.replay(f"{folder}/plant.jsonl", "hot")

        assert emitted(again) == emitted(rule)
        assert again.status.waiting == rule.status.waiting


@pytest.mark.parametrize("query", QUERIES)
def test_a_replay_gives_what_the_live_run_gave(live: Session, tmp_path: Path, query: str) -> None:
    ticking(live, 40)
    rule = live.rule(query, id="hot", options={"record": str(tmp_path / "ticks.jsonl")})
    assert rule.wait(20)

    again = [live.replay(tmp_path / "ticks.jsonl", "hot") for _ in range(3)]

    assert rows(rule)
    assert [emitted(replayed) for replayed in again] == [emitted(rule)] * 3
    assert again[0].status.rows_in == rule.status.rows_in == 40


def test_what_was_pushed_between_two_steps_is_one_emit_in_the_replay_too(live: Session, tmp_path: Path) -> None:
    live.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
    rule = live.rule("SELECT * FROM demo", id="hot", options={"record": str(tmp_path / "demo.jsonl")})
    for n in range(500):
        live.push("demo", {"n": n})
    live.push("demo", pa.table({"n": [1, 2]}))
    live.push("demo", b'[{"n": 3}, {"n": 4}]')
    live.settle(20)
    rule.stop()

    assert emitted(live.replay(tmp_path / "demo.jsonl", "hot")) == emitted(rule)
    assert rule.status.rows_out == 504


def test_a_rule_that_was_stopped_stops_in_the_replay_without_its_last_window(session: Session, tmp_path: Path) -> None:
    query = "SELECT count(*) AS c FROM demo GROUP BY TUMBLINGWINDOW(ss, 1)"
    rule = session.rule(query, id="hot", options={"record": str(tmp_path / "demo.jsonl")})
    session.push("demo", {"n": 1}, at=START + 100)
    session.push("demo", {"n": 2}, at=START + 1100)
    rule.stop()

    assert rows(session.replay(tmp_path / "demo.jsonl", "hot")) == rows(rule) == [{"c": 1}]


def test_a_recording_whose_input_ended_lets_the_last_window_out(session: Session, tmp_path: Path) -> None:
    session.stream("frame", pa.table({"n": [1, 2, 3]}))
    query = "SELECT count(*) AS c FROM frame GROUP BY TUMBLINGWINDOW(ss, 1)"
    rule = session.rule(query, id="hot", options={"record": str(tmp_path / "frame.jsonl")})
    rule.wait()

    assert rows(session.replay(tmp_path / "frame.jsonl", "hot")) == rows(rule) == [{"c": 3}]


def test_any_rule_may_read_a_recording_and_the_session_is_not_touched(session: Session, tmp_path: Path) -> None:
    heard = session.rule("SELECT n FROM demo", id="heard")
    session.record("demo", tmp_path / "demo.jsonl")
    session.push("demo", [{"n": 1}, {"n": 30}], at=START + 100)
    session.rules["record_demo"].stop()

    replayed = session.replay(tmp_path / "demo.jsonl", "SELECT n FROM demo WHERE n > 10")

    assert [(emit.at, emit.rows) for emit in replayed.emits] == [(START + 100, [{"n": 30.0}])]
    assert len(heard.emits) == 1
    assert sorted(session.rules) == ["heard", "record_demo"]


def test_without_a_rule_the_one_that_reads_the_stream_is_played(session: Session, tmp_path: Path) -> None:
    session.rule("SELECT n * 2 AS twice FROM demo", id="doubled")
    session.record("demo", tmp_path / "demo.jsonl")
    session.push("demo", {"n": 4})
    session.drop("rule", "record_demo")

    assert rows(session.replay(tmp_path / "demo.jsonl")) == [{"twice": 8.0}]
    session.drop("rule", "doubled")
    assert rows(session.replay(tmp_path / "demo.jsonl")) == [{"n": 4.0}]


def test_recording_ends_after_rows_or_seconds(session: Session, tmp_path: Path) -> None:
    session.configure("source", "simulator", {"default": {"data": [{"a": 1}, {"a": 2}], "interval": 100}})
    session.sql('CREATE STREAM sim () WITH (TYPE="simulator")')

    for bound, rows_in in (({"rows": 5}, 5), ({"seconds": 2.0}, 21)):
        rule = session.record("sim", tmp_path / "sim.jsonl", **bound)  # type: ignore[arg-type]
        assert rule.wait()
        assert session.replay(tmp_path / "sim.jsonl").status.rows_in == rows_in


def test_event_time_late_rows_and_errors_are_replayed_as_well(session: Session, tmp_path: Path) -> None:
    session.sql('CREATE STREAM walk (ts BIGINT, n BIGINT) WITH (TYPE="memory", DATASOURCE="walk", TIMESTAMP="ts")')
    rule = session.rule(
        "SELECT count(*) AS c, window_end() AS e FROM walk GROUP BY TUMBLINGWINDOW(ss, 1)",
        id="hot",
        options={"isEventTime": True, "lateTolerance": "0s", "record": str(tmp_path / "walk.jsonl")},
    )
    for ts in (100, 1200, 900, 2500):
        session.push("walk", {"ts": ts, "n": ts})
    session.push("walk", {"ts": 3000, "n": "no number"})
    rule.stop()

    again = session.replay(tmp_path / "walk.jsonl", "hot")

    assert emitted(again) == emitted(rule)
    assert (again.late, again.errors) == (rule.late, rule.errors)
    assert (len(rule.late), len(rule.errors)) == (1, 1)


def test_a_stream_nobody_knows_any_more_is_read_as_it_was_declared(session: Session, tmp_path: Path) -> None:
    ticking(session, 3)
    session.record("ticks", tmp_path / "ticks.jsonl").wait()

    with Session(clock=VirtualClock(0)) as other:
        replayed = other.replay(tmp_path / "ticks.jsonl", "SELECT n FROM ticks")

    assert [row["n"] for row in rows(replayed)] == [0.0, 1.0, 2.0]


# ---- bounded


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Session]:
    """A bounded session whose notebook lies in an empty folder."""
    monkeypatch.chdir(tmp_path)
    with Session(clock=VirtualClock(START)) as opened:
        opened.mode = "bounded"
        yield opened


def test_bounded_a_source_that_reads_the_world_is_replaced_by_the_recording_beside(
    live: Session, bounded: Session
) -> None:
    ticking(live, 12)
    recorded = live.record("ticks", "recordings/ticks.jsonl")
    recorded.wait(20)
    ticking(bounded, 99)

    rule = bounded.rule("SELECT n FROM ticks")
    rule.wait()

    assert len(rows(rule)) == 12
    assert rule.emits[0].at - START == live.replay("recordings/ticks.jsonl").emits[0].at - recorded.status.started


def test_bounded_a_source_of_the_program_runs_itself(bounded: Session) -> None:
    @bounded.source
    def own() -> Iterator[dict[str, int]]:
        yield {"n": 1}

    bounded.sql('CREATE STREAM own () WITH (TYPE="own")')
    rule = bounded.rule("SELECT n FROM own")
    rule.wait()

    assert rows(rule) == [{"n": 1.0}]


def test_without_a_recording_the_error_names_the_file_and_the_command(bounded: Session) -> None:
    ticking(bounded, 1)

    with pytest.raises(KuiperError) as caught:
        bounded.rule("SELECT n FROM ticks")

    assert "recordings/ticks.jsonl" in caught.value.message
    assert "%kuiper record ticks recordings/ticks.jsonl" in caught.value.hint


def test_a_recording_is_never_recorded_over_itself(live: Session, bounded: Session) -> None:
    ticking(live, 2)
    live.record("ticks", "recordings/ticks.jsonl").wait(20)
    before = Path("recordings/ticks.jsonl").read_bytes()
    ticking(bounded, 9)

    with pytest.raises(KuiperError, match=r"is read from the recording recordings/ticks\.jsonl"):
        bounded.record("ticks", "recordings/ticks.jsonl")

    assert Path("recordings/ticks.jsonl").read_bytes() == before


def test_a_rule_that_records_what_it_reads_leaves_the_file_alone(live: Session, bounded: Session) -> None:
    ticking(live, 4)
    live.record("ticks", "recordings/ticks.jsonl").wait(20)
    before = Path("recordings/ticks.jsonl").read_bytes()
    ticking(bounded, 9)

    rule = bounded.rule("SELECT n FROM ticks", options={"record": "recordings/ticks.jsonl"})
    rule.wait()

    assert len(rows(rule)) == 4
    assert Path("recordings/ticks.jsonl").read_bytes() == before


def test_a_class_may_say_that_it_reads_the_world(bounded: Session) -> None:
    class Sensor:
        live = True

        def poll(self) -> dict[str, int]:
            return {"n": 1}

    bounded.source(Sensor)
    bounded.sql('CREATE STREAM sensor () WITH (TYPE="Sensor")')

    with pytest.raises(KuiperError, match="reads the world"):
        bounded.rule("SELECT n FROM sensor")


# ---- files


def test_a_new_recording_replaces_the_old_one_only_when_it_is_whole(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    session.record("demo", path).stop()
    before = path.read_bytes()
    rule = session.record("demo", path)
    session.push("demo", {"n": 1})

    assert path.read_bytes() == before
    rule.stop()
    assert b'"n": 1' in path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["demo.jsonl"]


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda text: b"", "is no recording"),
        (lambda text: b'{"ts": 1}\n' + text, "is no line of a recording|is no recording"),
        (lambda text: text + b"nonsense\n", None),
        (lambda text: text.replace(b'"end"', b'"an end"'), "line 3 is no line of a recording"),
        (lambda text: text.replace(b'"data"', b'"date"'), "damaged"),
    ],
)
def test_a_damaged_recording_is_a_clear_error(
    session: Session, tmp_path: Path, harm: Callable[[bytes], bytes], message: str | None
) -> None:
    path = tmp_path / "demo.jsonl"
    rule = session.record("demo", path)
    session.push("demo", {"n": 1})
    rule.stop()
    path.write_bytes(harm(path.read_bytes()))

    if message is None:
        assert rows(session.replay(path)) == [{"n": 1.0}]
        return
    assert re.search(message, _refusal(session, path))


def test_what_came_before_a_damaged_payload_of_the_same_step_is_played(session: Session, tmp_path: Path) -> None:
    path, now = tmp_path / "demo.jsonl", session.clock.now()
    session.record("demo", path).stop()
    head = path.read_text(encoding="utf-8").splitlines()[0]
    step = [f'{{"at": {now}, "data": {{"n": 1}}, "more": true}}', f'{{"at": {now}, "date": {{"n": 2}}}}']
    path.write_text("\n".join([head, *step, ""]), encoding="utf-8")
    made = session.replay(path)

    assert "damaged" in made.status.message
    assert rows(made) == [{"n": 1.0}]


def _refusal(session: Session, path: Path) -> str:
    """Why there is no replay, or why it stopped."""
    try:
        return session.replay(path).status.message
    except KuiperError as error:
        return error.message


def test_a_recording_that_was_cut_off_is_played_as_far_as_it_goes(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    rule = session.record("demo", path)
    for n in count():
        session.push("demo", {"n": n})
        if n == 2:
            break
    rule.stop()
    text = path.read_bytes()
    path.write_bytes(text[: text.rindex(b'{"end"') - 5])

    assert rows(session.replay(path)) == [{"n": 0.0}, {"n": 1.0}]


def test_a_value_that_no_file_can_hold_stops_the_rule_and_says_so(session: Session, tmp_path: Path) -> None:
    rule = session.record("demo", tmp_path / "demo.jsonl")
    session.push("demo", {"n": {1, 2}})

    assert rule.status.state == "stopped by error"
    assert "a set cannot be recorded" in rule.status.message


def test_a_folder_that_cannot_be_written_is_a_clear_error(session: Session, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(KuiperError, match="cannot be written"):
        session.record("demo", tmp_path / "taken" / "demo.jsonl")
