"""What every SDK does alike: one table of calls, and one set of behaviours, for each language."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuiper_nb.contracts import Call
from kuiper_nb.plugins import launch
from kuiper_nb.plugins.connection import Connection, private_folder, removed
from kuiper_nb.plugins.gobuild import build
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import Program, python
from kuiper_nb.plugins.lines import Line, Lines
from kuiper_nb.plugins.peer import Control, Declined

from ..generated import cases
from .conftest import PATIENCE, Collected

MIRROR = Path(__file__).parent / "mirror"
LANGUAGES = ("python", "go")


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest) -> Program:
    """The plugin of the suite in one language."""
    if request.param == "python":
        return python(MIRROR / "mirror.py")
    request.getfixturevalue("go")
    built = build((MIRROR / "mirror.go").read_text(encoding="utf-8"), "mirror")
    return Program(lambda connection: [str(built), str(connection)], built.parent)


@pytest.fixture(scope="module")
def mirror(program: Program) -> Iterator[Kernel]:
    """It, running, for all that leaves nothing behind."""
    kernel = program(Lines())
    kernel.ready(PATIENCE)
    yield kernel
    kernel.close()


@pytest.fixture
def fresh(program: Program) -> Iterator[Kernel]:
    """It, running, for one test."""
    kernel = program(Lines())
    kernel.ready(PATIENCE)
    yield kernel
    kernel.close()


# ---- calls


@dataclass(frozen=True)
class Case:
    """A call, and what is answered; a failure is known by a part of its message."""

    symbol: str
    arguments: tuple[Any, ...]
    answer: list[Any]
    failures: dict[int, str] = field(default_factory=dict)
    rows: int | None = None

    @property
    def count(self) -> int:
        return len(self.arguments[0]) if self.rows is None else self.rows


def echoed(values: Any) -> Case:
    return Case("echo", (values,), values if isinstance(values, list) else values.to_pylist())


BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2018, 11, 2, 9, 54, 46, 250_000)

CASES = {
    "whole numbers": echoed([1, -(2**63), 2**63 - 1, None]),
    "floats": echoed([1.0, -0.5, 1e300, float("inf"), None]),
    "truth values": echoed([True, False, None]),
    "texts": echoed(["a", "", "äöü 🜨", 'a"b\\c\n', "<&>", None]),
    "bytes": echoed([b"", b"\x00\xff", None]),
    "moments": echoed([AT, AT.replace(microsecond=0), None]),
    "moments of a zone": echoed([AT.replace(tzinfo=UTC), None]),
    "moments of an offset": echoed([AT.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))]),
    "moments of a place": echoed([AT.replace(tzinfo=BERLIN), AT.replace(year=1890, tzinfo=BERLIN), None]),
    "lists": echoed([[1, 2], [], None, [3]]),
    "lists of texts": echoed([["a", None], None]),
    "lists of lists": echoed([[[1], [2, 3]], [[]]]),
    "mixed lists": echoed([[1, "a", None, 2.0]]),
    "objects": echoed([{"a": 1, "b": {"c": [1.0]}}, {}, None]),
    "objects that look like a form": echoed([{"$bytes": "x"}, {"$float": 1.0}]),
    "nulls": echoed([None, None]),
    "values of several types": echoed([1, 1.0, "1", True, None, b"1", [1], {"a": 1}, AT]),
    "Arrow, 32 bits": echoed(pa.array([1, None, -3], pa.int32())),
    "Arrow, unsigned": echoed(pa.array([1, None, 2**32 - 1], pa.uint32())),
    "Arrow, single floats": echoed(pa.array([1.5, None], pa.float32())),
    "Arrow, large texts": echoed(pa.array(["a", None], pa.large_string())),
    "Arrow, a dictionary": echoed(pa.array(["a", "b", None, "a"]).dictionary_encode()),
    "Arrow, moments": echoed(pa.array([AT, None], pa.timestamp("ms"))),
    "Arrow, moments of a zone": echoed(pa.array([AT.replace(tzinfo=UTC), None], pa.timestamp("us", "UTC"))),
    "Arrow, lists": echoed(pa.array([[1.5, None], [], None])),
    "Arrow, objects": echoed(pa.array([{"a": 1, "b": ["x"]}, None])),
    "Arrow, a part of an array": echoed(pa.array([1, None, 3, 4, None])[1:4]),
    "Arrow, texts, a part": echoed(pa.array(["a", "bc", None, "d"])[1:]),
    "JSON beside Arrow": Case("second", ([1, "a"], pa.array([1.5, None])), [1.5, None]),
    "numbers of a typed function": Case("add", ([1.5, 2.0], [1.0, -2.0]), [2.5, 0.0]),
    "whole numbers for floats": Case("add", ([1, 2], [1, 0.5]), [2.0, 2.5]),
    "whole floats for whole numbers": Case("below", ([1.0, 2.0],), [0, 1]),
    "a text of a typed function": Case("shout", (["a", "ä"],), ["A", "Ä"]),
    "a null where a text must be": Case("shout", (["a", None, "b"],), ["A", None, "B"], {1: "call func shout error"}),
    "a text where a number must be": Case("below", ([1, "x"],), [0, None], {1: "call func below error"}),
    "half a whole number": Case("below", ([0.5],), [None], {0: "call func below error"}),
    "rows that fail": Case(
        "below", ([1, 4, 2, 9],), [0, None, 1, None], {1: "call func below error", 3: "9 is too much"}
    ),
    "all rows fail": Case("below", ([7, 8],), [None, None], {0: "7 is too much", 1: "8 is too much"}),
    "a row that crashes": Case("crashing", ([0, 7, 2],), [1, None, 3], {1: "out of range"}),
    "answers of several types": Case(
        "mixed", (list(range(8)),), [0, 1.0, "2", True, [4], {"n": 5}, None, b"n"]
    ),
    "no arguments": Case("seven", (), [7, 7, 7], rows=3),
    "no arguments, no rows": Case("seven", (), [], rows=0),
    "no rows": Case("add", ([], []), []),
    "no rows of Arrow": Case("echo", (pa.array([], pa.string()),), []),
    "any number of arguments": Case("how_many", ([1, 2], ["a", "b"], [None, None]), [3, 3]),
    "groups": Case("spread", ([[3.0, 9.0, 4.0], [5.0]],), [6.0, 0.0]),
    "groups of Arrow": Case("spread", (pa.array([[3.0, 9.0], [5.0, 7.5]]),), [6.0, 2.5]),
    "a group that fails": Case("spread", ([[1.0, 2.0], []],), [1.0, None], {1: "call func spread error"}),
    "columns": Case("doubled", (pa.array([1.5, 2.0]),), [3.0, 4.0]),
    "columns with nulls": Case("doubled", ([1.5, None],), [3.0, None]),
    "columns whose rows fail": Case(
        "positive", ([1.0, -2.0, 3.0, 4.0, -5.0],), [1.0, None, 3.0, 4.0, None],
        {1: "a negative number", 4: "call func positive error"},
    ),
    "20,000 rows": Case("add", ([float(n) for n in range(20_000)], [0.5] * 20_000), [n + 0.5 for n in range(20_000)]),
    "20,000 texts": echoed([f"text {n}" for n in range(20_000)]),
    "20,000 rows, some fail": Case(
        "below", ([n % 5 for n in range(20_000)],), [n % 5 - 1 if n % 5 < 4 else None for n in range(20_000)],
        dict.fromkeys(range(4, 20_000, 5), "4 is too much"),
    ),
}  # fmt: skip


def called(kernel: Kernel, symbol: str, *arguments: Any, rows: int | None = None, **context: Any) -> list[Any]:
    answer = kernel.call(symbol, Call(arguments, len(arguments[0]) if rows is None else rows, context), PATIENCE)
    assert answer.failures == {}
    return answer.values if isinstance(answer.values, list) else answer.values.to_pylist()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_batch_is_answered(mirror: Kernel, case: Case) -> None:
    answer = mirror.call(case.symbol, Call(case.arguments, case.count), PATIENCE)

    values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
    assert values == case.answer
    assert list(map(kinds, values)) == list(map(kinds, case.answer))
    assert answer.failures.keys() == case.failures.keys()
    assert [row for row, told in case.failures.items() if told not in answer.failures[row].message] == []


def kinds(value: Any) -> Any:
    """The types in a value, which == does not see: 1 is not 1.0, nor noon in Berlin eleven in Greenwich."""
    if isinstance(value, datetime):
        return value.utcoffset()
    if isinstance(value, list):
        return [kinds(each) for each in value]
    if isinstance(value, dict):
        return {key: kinds(each) for key, each in value.items()}
    return type(value)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WHOLE = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
ZONES = st.sampled_from([None, UTC, BERLIN])
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES, allow_imaginary=False)
SCALARS = st.one_of(st.none(), st.booleans(), WHOLE, FLOATS, TEXTS, st.binary(max_size=8), MOMENTS)
KEYS = TEXTS | st.sampled_from(["$bytes", "$object"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
ALIKE = [st.lists(st.none() | one, min_size=1) for one in (WHOLE, FLOATS, TEXTS, st.lists(FLOATS), MOMENTS)]


@settings(max_examples=cases(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.one_of(st.lists(VALUES, min_size=1, max_size=6), *ALIKE))
def test_any_value_comes_back_as_it_was_sent(mirror: Kernel, column: list[Any]) -> None:
    found = called(mirror, "echo", column)

    assert found == column
    assert kinds(found) == kinds(column)


def test_nan_stays_nan(mirror: Kernel) -> None:
    values = called(mirror, "echo", [float("nan"), 1.0]) + called(mirror, "echo", [float("nan"), "a"])

    assert [isinstance(value, float) and math.isnan(value) for value in values] == [True, False, True, False]


@pytest.mark.parametrize(("symbol", "value", "line"), [("below", 9, "below("), ("crashing", 9, "[n]")])
def test_the_failure_of_a_row_names_its_place(mirror: Kernel, symbol: str, value: int, line: str) -> None:
    failure = mirror.call(symbol, Call(([value],), 1), PATIENCE).failures[0]

    file, _, number = failure.where.rpartition(":")
    lines = (MIRROR / Path(file).name).read_text(encoding="utf-8").splitlines()
    near = lines[max(0, int(number) - 4) : int(number)]
    assert any(line in each for each in near), near


def test_a_plugin_says_what_it_serves(mirror: Kernel, program: Program) -> None:
    hello = mirror.ready(0)

    served = {(s.kind, s.name): s for s in hello.served}
    assert (hello.name, hello.codecs) == ("mirror", ("arrow", "json"))
    assert hello.language in LANGUAGES
    assert hello.sdk.startswith(f"{hello.language} ")
    assert {name for kind, name in served if kind == "source"} == {"numbers", "items", "many", "broken", "endless"}
    assert served["function", "below"].help == "Counts down."
    assert [served["function", f].arity for f in ("seven", "add", "how_many")] == [(0, 0), (2, 2), (0, None)]
    assert {name for (_, name), s in served.items() if s.aggregate} == {"spread"}
    assert {name for (_, name), s in served.items() if s.vectorized} == {"doubled", "positive"}
    assert (served["sink", "append"].takes, served["sink", "counted"].takes) == ("bytes", "rows")


def test_a_symbol_that_is_not_served_is_declined(mirror: Kernel) -> None:
    with pytest.raises(Declined, match="there is no function missing"):
        called(mirror, "missing", [1])
    with pytest.raises(Declined, match="there is no source missing"):
        mirror.start(Control("missing", "source", "r1", "op"), Collected(), PATIENCE)
    with pytest.raises(Declined, match="there is no sink missing"):
        mirror.start(Control("missing", "sink", "r1", "op"), None, PATIENCE)


def test_what_a_function_has_against_its_arguments(mirror: Kernel) -> None:
    assert mirror.validate("counting", []) == ""
    assert mirror.validate("counting", ["a + 1"]) == "it takes no a + 1"
    assert mirror.validate("add", ["a", "b"]) == ""
    assert mirror.validate("missing", []) == "no such function"


def test_state_is_kept_per_call_of_a_rule_and_rows_are_answered_in_order(fresh: Kernel) -> None:
    one = {"ruleId": "r1", "opId": "op", "instanceId": 0, "funcId": 3}

    assert called(fresh, "counting", rows=2, **one) == [1, 2]
    assert called(fresh, "counting", rows=1, **one) == [3]
    assert called(fresh, "counting", rows=1, **{**one, "funcId": 4}) == [1]
    assert called(fresh, "counting", rows=20_000, **{**one, "ruleId": "r2"}) == list(range(1, 20_001))


def test_a_context_knows_its_place(mirror: Kernel) -> None:
    place = {"ruleId": "r1", "opId": "op_2_project", "instanceId": 1, "funcId": 3}

    assert called(mirror, "whereabouts", rows=1, **place) == ["r1 op_2_project 1 3"]
    assert called(mirror, "whereabouts", rows=1) == ["  0 0"]


def test_several_threads_may_call(mirror: Kernel) -> None:
    def many(thread: int) -> bool:
        column = [float(thread)] * 50
        return all(called(mirror, "add", column, [float(n)] * 50) == [thread + n] * 50 for n in range(20))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(many, range(8)))


def test_an_answer_that_no_message_holds_is_an_error_and_not_the_end(program: Program) -> None:
    kernel = replace(program, most=1 << 20)(Lines())
    kernel.ready(PATIENCE)

    with pytest.raises(Declined, match="more than one message may hold"):
        called(kernel, "long", [2 << 20])

    assert called(kernel, "long", [3]) == ["xxx"]
    kernel.close()


def test_over_loopback_payloads_are_signed(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "IPC", False)
    kernel = program(Lines())
    kernel.ready(PATIENCE)

    assert called(kernel, "echo", [1, 2]) == [1, 2]
    assert called(kernel, "seven", rows=2) == [7, 7]
    kernel.close()


# ---- sources


def test_a_source_delivers_rows_with_metadata(fresh: Kernel) -> None:
    inlet = Collected()

    fresh.start(Control("numbers", "source", "r1", "op", 0, "3", {"most": "6"}), inlet, PATIENCE)
    inlet.wait(lambda: len(inlet.items) == 3)

    assert [(p.data, p.meta) for p in inlet.payloads] == [({"n": n}, {"parity": n % 2}) for n in (3, 4, 5)]


def test_a_source_delivers_rows_bytes_and_tables_and_ends(fresh: Kernel) -> None:
    inlet = Collected()

    fresh.start(Control("items", "source", "r1", "op"), inlet, PATIENCE)
    inlet.wait(lambda: bool(inlet.end))

    row, rows, raw, table = (payload.data for payload in inlet.payloads)
    assert row == {"a": 1.5, "b": None, "c": [1, "x"], "d": b"\x00\xff"}
    assert (rows, raw, table.to_pydict()) == ([{"n": 1}, {"n": 2}], b"raw", {"n": [1, None, 3]})
    assert [payload.typed for payload in inlet.payloads] == [False, False, False, True]
    assert inlet.end == "ended"


def test_rows_that_come_one_by_one_travel_together_and_in_order(fresh: Kernel) -> None:
    control = Control("many", "source", "r1", "op", 0, "", {"rows": "30000"})
    inlet = Taking(fresh, control)

    fresh.start(control, inlet, PATIENCE)
    inlet.wait(lambda: bool(inlet.end))

    assert inlet.items == [{"n": n} for n in range(30_000)]
    assert len(inlet.payloads) < 30_000


class Taking(Collected):
    """An inlet that takes everything at once."""

    def __init__(self, kernel: Kernel, control: Control) -> None:
        super().__init__()
        self._kernel, self._control = kernel, control

    def rows(self, payload: Any) -> None:
        super().rows(payload)
        self._kernel.taken(self._control, 1)


def test_a_source_that_fails_tells_why_after_what_it_has_sent(fresh: Kernel) -> None:
    inlet = Collected()

    fresh.start(Control("broken", "source", "r1", "op"), inlet, PATIENCE)
    inlet.wait(lambda: bool(inlet.end))

    assert inlet.items == [{"n": 1}]
    assert inlet.end.endswith("the line is dead")


def test_a_source_whose_configuration_is_wrong_is_declined(mirror: Kernel) -> None:
    with pytest.raises(Declined, match="how many"):
        mirror.start(Control("numbers", "source", "r1", "op", 0, "3"), Collected(), PATIENCE)


def test_a_source_waits_while_nobody_takes_what_it_sends_and_ends_when_it_is_stopped(fresh: Kernel) -> None:
    inlet, control = Collected(), Control("endless", "source", "r1", "op")

    fresh.start(control, inlet, PATIENCE)
    inlet.wait(lambda: len(inlet.payloads) == 16)
    fresh.taken(control, 4)
    inlet.wait(lambda: len(inlet.payloads) == 20)

    assert called(fresh, "so_far", rows=1)[0] < 20 + 1100
    assert inlet.items == [{"n": n} for n in range(1, 21)]
    fresh.stop(control, PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while called(fresh, "is_finished", rows=1) != [True]:
        assert time.monotonic() < deadline
    fresh.stop(control, PATIENCE)


# ---- sinks


def test_a_sink_takes_items_one_by_one_and_says_when_it_could_not(mirror: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "out"
    control = Control("append", "sink", "r1", "append", 0, "", {"path": str(path)})

    mirror.start(control, None, PATIENCE)
    mirror.write(control, b'{"a":1}', PATIENCE)
    with pytest.raises(Declined, match="not this one") as declined:
        mirror.write(control, b'{"a":"bad"}', PATIENCE)
    mirror.write(control, b'{"a":2}', PATIENCE)

    assert path.read_bytes() == b'{"a":1}{"a":2}'
    assert Path(declined.value.where.rpartition(":")[0]).name.startswith("mirror.")


def test_a_stopped_sink_has_been_closed(mirror: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "out"
    control = Control("append", "sink", "r1", "stopped", 0, "", {"path": str(path)})

    mirror.start(control, None, PATIENCE)
    mirror.write(control, b"1", PATIENCE)
    mirror.stop(control, PATIENCE)

    assert path.read_bytes() == b"1closed"


def test_a_sink_takes_rows(mirror: Kernel, tmp_path: Path) -> None:
    control = Control("counted", "sink", "r1", "counted", 0, "", {"path": str(tmp_path / "out")})

    mirror.start(control, None, PATIENCE)
    mirror.write(control, [{"n": 1}, {"n": 2}], PATIENCE)
    mirror.write(control, {"n": 3}, PATIENCE)

    assert (tmp_path / "out").read_text() == "2 1;1 3;"


def test_a_sink_whose_configuration_is_wrong_is_declined(mirror: Kernel) -> None:
    with pytest.raises(Declined, match="no path"):
        mirror.start(Control("append", "sink", "r1", "op"), None, PATIENCE)


def test_an_item_for_a_sink_that_does_not_run_is_declined(mirror: Kernel) -> None:
    with pytest.raises(Declined, match="has not been started"):
        mirror.write(Control("append", "sink", "r1", "never"), b"1", PATIENCE)


# ---- lines, beginning and end


def test_the_first_call_may_come_at_once(program: Program) -> None:
    for _ in range(10):
        kernel = program(Lines())
        kernel.ready(PATIENCE)
        assert called(kernel, "seven", rows=1) == [7]
        kernel.close()


def test_what_a_plugin_prints_and_logs_are_its_lines(program: Program) -> None:
    found: list[Line] = []
    kernel = program(Lines(found.append))
    kernel.ready(PATIENCE)

    called(kernel, "loud", [7])
    kernel.close()

    assert {("stdout", "printed 7"), ("WARNING", "loud: logged 7")} <= {(line.origin, line.text) for line in found}
    assert not [line for line in found if "not shown" in line.text]


def test_good_bye_closes_what_runs(program: Program, tmp_path: Path) -> None:
    kernel, path = program(Lines()), tmp_path / "out"
    kernel.ready(PATIENCE)
    control = Control("append", "sink", "r1", "op", 0, "", {"path": str(path)})
    kernel.start(control, None, PATIENCE)
    kernel.write(control, b"1", PATIENCE)

    kernel.close()

    assert path.read_bytes() == b"1closed"


def test_a_plugin_ends_with_the_standard_input_its_host_holds(program: Program) -> None:
    folder = private_folder()
    connection = Connection.made(folder)
    connection.write(folder / "connection.json")
    kernel = Kernel(connection, Lines())
    kernel.listen()
    command = program.command(folder / "connection.json")
    environment = {**os.environ, **program.variables}
    process = subprocess.Popen(command, cwd=program.folder, stdin=subprocess.PIPE, env=environment)
    kernel.ready(PATIENCE)

    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(PATIENCE) == 0
    kernel.close()
    removed(folder)


def test_a_plugin_that_was_started_by_hand_waits_for_a_host(program: Program) -> None:
    command = [part for part in program.command(Path("none")) if part != "none"]
    process = subprocess.Popen(by_hand(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    kernel = Kernel(Connection.read(Path(said.rpartition("attach ")[2].strip())), Lines())
    kernel.listen()

    assert kernel.ready(PATIENCE).name == "mirror"
    assert called(kernel, "seven", rows=1) == [7]
    process.kill()
    process.wait(PATIENCE)
    process.stdout.close()
    kernel.close()


def by_hand(command: list[str]) -> list[str]:
    """How a person starts the plugin that *command* starts for a host."""
    return command if len(command) == 1 else [command[0], "-u", command[-1]]
