"""One table for a plugin made for eKuiper in Python and one in Go: ready, called, fed from, written to, stopped."""

from __future__ import annotations

import os
import queue
import threading
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from kuiper_nb.contracts import Call, Failure, Payload
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.peer import Declined, Lost, Peer

from .zoo import FUNCTIONS, SECONDS, Heard, Start, called, lines_of, sink, source

LANGUAGES = pytest.mark.parametrize("language", ["python", "go"])


@LANGUAGES
def test_a_plugin_says_what_it_serves_and_which_of_its_functions_aggregate(start: Start, language: str) -> None:
    peer: Peer = start(language, ready=False)

    hello = peer.ready(SECONDS)

    assert (hello.name, hello.language, hello.sdk) == ("zoo", language, "ekuiper")
    assert [s.name for s in hello.served] == [*FUNCTIONS, "count", "endless", "keep"]
    assert [s.name for s in hello.served if s.aggregate] == ["total"]
    assert peer.ready(SECONDS) == hello


@LANGUAGES
def test_values_come_back_as_ekuiper_would_give_them(start: Start, language: str) -> None:
    given = [1, 2.5, "é", b"ab", None, True, datetime(2024, 3, 5, tzinfo=UTC), [1, {"a": 2}]]

    answer = called(start(language), "echo", given)

    assert answer.values == [1.0, 2.5, "é", "YWI=", None, True, "2024-03-05T00:00:00Z", [1.0, {"a": 2.0}]]
    assert {type(value) for value in answer.values[:2]} == {float}
    assert answer.failures == {}


def test_python_gets_whole_floats_as_integers_since_go_writes_them_so(start: Start) -> None:
    answer = called(start(), "kinds", [1], [2.0], [2.5], [b"x"], [True], [None])

    assert answer.values == ["int,int,float,str,bool,NoneType"]


@LANGUAGES
def test_columns_may_be_arrow(start: Start, language: str) -> None:
    column = pa.chunked_array([pa.array(["a", None]).dictionary_encode(), pa.array(["b"]).dictionary_encode()])

    answer = called(start(language), "pair", column, pa.array([1, 2, 3]))

    assert answer.values == [["a", 1.0], [None, 2.0], ["b", 3.0]]


@LANGUAGES
def test_an_aggregate_gets_the_values_of_each_group(start: Start, language: str) -> None:
    answer = called(start(language), "total", [[1, 2, 3], [0.5], []])

    assert answer.values == [6.0, 0.5, 0.0]


@LANGUAGES
def test_a_function_knows_whose_call_it_is(start: Start, language: str) -> None:
    peer = start(language)

    first = called(peer, "whose", [0, 0])
    other = called(peer, "whose", [0], ruleId="r2", funcId=2)
    again = called(peer, "whose", [0])

    assert first.values[1] == {"rule": "r1", "op": "op_2_project", "instance": 0.0, "seen": 2.0}
    assert [other.values[0]["rule"], other.values[0]["seen"], again.values[0]["seen"]] == ["r2", 1.0, 3.0]


@LANGUAGES
def test_a_call_that_belongs_to_no_rule_has_a_context_all_the_same(start: Start, language: str) -> None:
    assert start(language).call("echo", Call(([7],), 1), SECONDS).values == [7.0]


@LANGUAGES
def test_a_function_is_asked_what_it_has_against_its_arguments(start: Start, language: str) -> None:
    peer = start(language)

    assert peer.validate("pair", ["a", "b + 1"]) == ""
    assert peer.validate("pair", ["a"]) == "pair takes two arguments, not 1"


def test_a_row_that_fails_fails_alone_and_says_where(start: Start) -> None:
    peer = start()

    answer = called(peer, "picky", ["good", "bad", float("inf"), "set", "nan", "good"])

    line = 1 + _zoo_lines().index('            raise ValueError("bad is not good")')
    assert answer.values == ["good", None, None, None, None, "good"]
    assert answer.failures == {
        1: Failure("ValueError: bad is not good", f"{_zoo()}:{line}"),
        2: Failure("json: unsupported value: +Inf"),
        3: Failure("TypeError: Object of type set is not JSON serializable"),
        4: Failure("the result has a number that JSON cannot hold (NaN, or infinite)"),
    }
    assert peer.lost == ""


def test_go_cannot_send_its_errors_and_that_is_said(start: Start) -> None:
    answer = called(start("go"), "picky", ["bad", "worse", "good"])

    assert answer.failures == {0: Failure("it failed, and did not say why"), 1: Failure("worse is not good")}
    assert answer.values == [None, None, "good"]


@LANGUAGES
def test_a_function_that_is_not_served_is_declined(start: Start, language: str) -> None:
    with pytest.raises(Declined, match="plugin zoo serves no function nose"):
        called(start(language), "nose", [1])


@LANGUAGES
def test_a_function_of_the_manifest_that_the_plugin_has_not_is_told_at_the_start(start: Start, language: str) -> None:
    peer = start(language, ready=False, functions=("nose",))

    with pytest.raises(Lost, match="function nose does not start: the plugin has no function of this name"):
        peer.ready(SECONDS)


@LANGUAGES
def test_a_source_delivers_rows_with_their_metadata_and_ends(start: Start, language: str) -> None:
    peer, heard = start(language), Heard()
    control = source("count", datasource="topic", rows=3)

    peer.start(control, heard, SECONDS)
    got = heard.all()
    peer.stop(control, SECONDS)

    assert [(p.data["n"], p.data["from"], p.meta["at"]) for p in got if isinstance(p.data, dict)] == [
        (0.0, "topic", 0.0),
        (1.0, "topic", 1.0),
        (2.0, "topic", 2.0),
    ]
    assert heard.failure is None


@LANGUAGES
def test_a_source_that_fails_says_so_in_the_rule_and_at_its_end(start: Start, language: str) -> None:
    lines = Lines()
    peer, heard = start(language, lines=lines), Heard()

    peer.start(source("count", rows=1, fail=True), heard, SECONDS)
    got = heard.all()

    assert heard.failure is not None
    assert heard.failure[0].removeprefix("RuntimeError: ") == "the sensor is gone"
    assert str(got[-1].data).endswith("the sensor is gone']")
    assert any(line.origin == "ERROR" and "the sensor is gone" in line.text for line in lines.tail())


@LANGUAGES
def test_a_source_that_refuses_its_configuration_is_declined_with_its_reason(start: Start, language: str) -> None:
    peer = start(language)

    with pytest.raises(Declined, match="no topic here"):
        peer.start(source("count", datasource="topic", refuse=True), Heard(), SECONDS)

    peer.start(source("count", datasource="topic"), heard := Heard(), SECONDS)
    assert len(heard.all()) == 3


@LANGUAGES
def test_sources_and_sinks_that_the_plugin_has_not_are_declined(start: Start, language: str, tmp_path: Path) -> None:
    peer = start(language)

    with pytest.raises(Declined, match="the plugin has no source of this name"):
        peer.start(source("nose"), Heard(), SECONDS)


@LANGUAGES
def test_an_endless_source_is_read_as_fast_as_it_is_taken_and_stops_at_once(start: Start, language: str) -> None:
    peer, heard = start(language), Heard()
    control = source("endless")
    peer.start(control, heard, SECONDS)

    got = []
    for _ in range(5000):
        got.append(heard.payloads.get(timeout=SECONDS).data)
        peer.taken(control, 1)
    peer.stop(control, SECONDS)

    assert [row["n"] for row in got] == [float(n) for n in range(5000)]  # type: ignore[index, call-overload]
    assert not heard.over.is_set()
    assert heard.payloads.qsize() <= 1024


@LANGUAGES
def test_a_source_whose_rows_nobody_takes_waits(start: Start, language: str) -> None:
    peer, heard = start(language), Heard()
    control = source("endless")
    peer.start(control, heard, SECONDS)

    for _ in range(1024):
        heard.payloads.get(timeout=SECONDS)
    with pytest.raises(queue.Empty):
        heard.payloads.get(timeout=0.2)
    peer.taken(control, 1)

    assert isinstance(heard.payloads.get(timeout=SECONDS), Payload)
    assert called(peer, "echo", [1]).values == [1.0]


@LANGUAGES
def test_names_are_free_again_after_a_stop_and_in_the_next_process(start: Start, language: str) -> None:
    peer = start(language)
    control = source("endless")
    for _ in range(3):
        peer.start(control, heard := Heard(), SECONDS)
        assert heard.payloads.get(timeout=SECONDS).data["n"] == 0.0  # type: ignore[index, call-overload]
        peer.stop(control, SECONDS)
    peer.close()

    again = start(language)
    again.start(control, heard := Heard(), SECONDS)

    assert heard.payloads.get(timeout=SECONDS).data["n"] == 0.0  # type: ignore[index, call-overload]


@LANGUAGES
def test_the_same_source_may_run_twice_in_a_rule(start: Start, language: str) -> None:
    peer, one, two = start(language), Heard(), Heard()

    peer.start(source("count", instance=4, rows=1), one, SECONDS)
    peer.start(source("count", instance=5, rows=2), two, SECONDS)

    assert (len(one.all()), len(two.all())) == (1, 2)
    with pytest.raises(Declined, match="runs already"):
        peer.start(source("count", instance=5), Heard(), SECONDS)


@LANGUAGES
def test_a_rule_with_a_long_name_has_its_sockets_all_the_same(start: Start, language: str, tmp_path: Path) -> None:
    peer, heard = start(language), Heard()
    rule = "a_rule_whose_name_is_just_as_long_as_it_may_be_for_a_socket_at_all"

    peer.start(source("count", rule=rule), heard, SECONDS)
    peer.start(control := sink(tmp_path / "out", rule=rule), None, SECONDS)
    peer.write(control, b"here", SECONDS)

    assert len(heard.all()) == 3
    assert lines_of(tmp_path / "out", 1) == ["here"]


@LANGUAGES
def test_a_sink_gets_items_as_bytes(start: Start, language: str, tmp_path: Path) -> None:
    peer, control = start(language), sink(tmp_path / "out")

    peer.start(control, None, SECONDS)
    peer.write(control, b'[{"a":1}]', SECONDS)
    peer.write(control, [{"b": 2.0, "a": b"x"}], SECONDS)

    assert lines_of(tmp_path / "out", 2) == ['[{"a":1}]', '[{"a":"eA==","b":2}]']
    peer.stop(control, SECONDS)
    with pytest.raises(Declined, match="does not run"):
        peer.write(control, b"late", SECONDS)


@LANGUAGES
def test_a_sink_that_fails_takes_nothing_more_and_says_why(start: Start, language: str, tmp_path: Path) -> None:
    peer, control = start(language), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)

    def write_on() -> None:  # Go's SDK acknowledges nothing: it is noticed when it has hung up
        for _ in range(10_000):
            peer.write(control, b"bad", SECONDS)

    with pytest.raises(Declined, match=r"bad is not good|it has ended by itself"):
        write_on()
    peer.stop(control, SECONDS)

    peer.start(control, None, SECONDS)
    peer.write(control, b"good", SECONDS)
    assert lines_of(tmp_path / "out", 1) == ["good"]


@LANGUAGES
def test_what_was_written_before_a_stop_arrives(start: Start, language: str, tmp_path: Path) -> None:
    peer, control = start(language), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)

    for n in range(100):
        peer.write(control, str(n).encode(), SECONDS)
    peer.stop(control, SECONDS)

    assert (tmp_path / "out").read_text().split() == [str(n) for n in range(100)]


def test_a_sink_of_python_has_an_item_when_write_returns(start: Start, tmp_path: Path) -> None:
    peer, control = start(), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)

    for n in range(200):
        peer.write(control, str(n).encode(), SECONDS)
        assert (tmp_path / "out").read_text().count("\n") == n + 1


def test_a_sink_with_require_ack_says_of_each_item_whether_it_has_it(start: Start, tmp_path: Path) -> None:
    peer, control = start(), sink(tmp_path / "out", requireAck=True)
    peer.start(control, None, SECONDS)

    peer.write(control, b"one", SECONDS)
    with pytest.raises(Declined, match="not this one"):
        peer.write(control, b"refused", SECONDS)
    peer.write(control, b"two", SECONDS)
    with pytest.raises(Declined, match="ValueError: bad is not good") as raised:
        peer.write(control, b"bad", SECONDS)

    assert (tmp_path / "out").read_text() == "one\ntwo\n"
    assert raised.value.where.startswith(_zoo())


def test_an_error_that_nobody_required_goes_to_the_log(start: Start, tmp_path: Path) -> None:
    lines = Lines()
    peer, control = start(lines=lines), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)

    peer.write(control, b"refused", SECONDS)

    assert [line.text for line in lines.tail() if line.origin == "ERROR"] == ["sink keep: not this one"]


def test_a_sink_that_cannot_acknowledge_is_declined_where_that_is_required(start: Start, tmp_path: Path) -> None:
    peer = start("go")

    with pytest.raises(Declined, match="acknowledges nothing, so requireAck cannot be true"):
        peer.start(sink(tmp_path / "out", requireAck=True), None, SECONDS)


def test_a_sink_that_does_not_open_says_why(start: Start, tmp_path: Path) -> None:
    peer, control = start(), sink(tmp_path / "out", unready=True)

    def started_and_used() -> None:  # `open` runs beside the start, and may fail before or after that
        peer.start(control, None, SECONDS)
        peer.write(control, b"one", SECONDS)

    with pytest.raises(Declined, match="OSError: no ink"):
        started_and_used()


def test_messages_as_no_sdk_sends_them_are_rows_where_they_can_be_and_else_seen(start: Start) -> None:
    peer, heard = start(), Heard()

    peer.start(source("odd"), heard, SECONDS)

    assert [(p.data, dict(p.meta)) for p in heard.all()] == [
        ([{"n": 1.0}, {"n": 2.0}], {"m": 1.0}),
        ({"n": 3.0}, {}),
        ({"n": 4.0}, {"m": 2.0}),
        (["source odd: a hiccup"], {}),
        (['source odd: Invalid data format, cannot decode {"message": "text", "meta": null} to json format'], {}),
        (["source odd: Invalid data format, cannot decode no json to json format"], {}),
        ({"n": 5.0}, {}),
    ]
    assert heard.failure is None


def test_a_source_whose_close_raises_is_stopped_all_the_same(start: Start) -> None:
    peer, control = start(), source("count", rows=100_000, close=True)
    peer.start(control, Heard(), SECONDS)

    peer.stop(control, SECONDS)

    assert peer.lost == ""


@LANGUAGES
def test_two_peers_of_the_same_plugin_do_not_meet(start: Start, language: str) -> None:
    one, two = start(language), start(language)
    hear_one, hear_two = Heard(), Heard()

    one.start(source("count", rows=1), hear_one, SECONDS)
    two.start(source("count", rows=2), hear_two, SECONDS)

    assert (len(hear_one.all()), len(hear_two.all())) == (1, 2)
    assert [called(one, "whose", [0]).values[0]["seen"], called(two, "whose", [0]).values[0]["seen"]] == [1.0, 1.0]


@LANGUAGES
def test_functions_may_be_called_by_several_threads_at_once(start: Start, language: str) -> None:
    peer, answers = start(language), {}

    def call(n: int) -> None:
        answers[n] = called(peer, "echo", [n] * 50).values

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert answers == {n: [float(n)] * 50 for n in range(8)}


@LANGUAGES
def test_close_leaves_nothing_behind(start: Start, language: str, tmp_path: Path, runtime: Path) -> None:
    start(language).close()  # nng keeps threads and descriptors of its own
    before = {t.name for t in threading.enumerate()}, set(os.listdir("/proc/self/fd"))
    peer = start(language)
    peer.start(source("endless"), Heard(), SECONDS)
    peer.start(sink(tmp_path / "out"), None, SECONDS)
    pid = peer.pid
    assert pid is not None
    assert os.listdir(runtime)

    peer.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert os.listdir(runtime) == []
    assert ({t.name for t in threading.enumerate()}, set(os.listdir("/proc/self/fd"))) == before
    with pytest.raises(Lost, match="it was stopped"):
        called(peer, "echo", [1])


def _zoo() -> str:
    return str(Path(__file__).with_name("python") / "zoo.py")


def _zoo_lines() -> list[str]:
    return Path(_zoo()).read_text().splitlines()
