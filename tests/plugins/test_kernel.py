"""One process of a plugin: what it answers, what becomes of it, and that nothing else reaches its host."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import zmq

from kuiper_nb.contracts import Call
from kuiper_nb.plugins import launch
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.peer import Control, Declined, Lost
from kuiper_nb.plugins.wire import Wire

from .conftest import PATIENCE, Collected, Written

Start = Callable[[str], Kernel]

FUNCTIONS = """
    @function
    def reverse(s: str) -> str:
        "Turns a text round."
        return s[::-1]

    @function
    def half(n):
        if n % 2:
            raise ValueError(f"{n} is odd")
        return n // 2

    @function(vectorized=True)
    def doubled(a):
        return a * 2

    @aggregate
    def spread(values):
        return max(values) - min(values)

    class Counting(Function):
        def exec(self, args, ctx):
            ctx.state["calls"] = ctx.state.get("calls", 0) + 1
            return [ctx.get_rule_id(), ctx.get_func_id(), ctx.state["calls"]]

        def validate(self, args):
            return "it takes no arguments" if args else ""

    plugin.start(PluginConfig("mirror", functions={"counting": Counting}))
"""


def called(kernel: Kernel, symbol: str, *columns: object, rows: int | None = None, **context: object) -> object:
    answer = kernel.call(symbol, Call(columns, len(columns[0]) if rows is None else rows, context), PATIENCE)
    values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
    return values, {row: failure.message for row, failure in answer.failures.items()}


def test_a_plugin_says_what_it_serves(kernel: Start):
    hello = kernel(FUNCTIONS).ready(0)

    served = {s.name: s for s in hello.served}
    assert (hello.name, hello.language, hello.codecs) == ("mirror", "python", ("arrow", "json"))
    assert served.keys() == {"reverse", "half", "doubled", "spread", "counting"}
    assert served["reverse"].arity == (1, 1)
    assert served["reverse"].help == "Turns a text round."
    assert served["spread"].aggregate
    assert served["doubled"].vectorized


def test_a_batch_is_answered_whole_and_a_row_that_raises_fails_alone(kernel: Start):
    assert called(kernel(FUNCTIONS), "half", [2, 3, 8]) == (
        [1, None, 4],
        {1: "call func half error: ValueError: 3 is odd"},
    )


def test_the_failure_of_a_row_names_the_place(kernel: Start):
    answer = kernel(FUNCTIONS).call("half", Call(([3],), 1), PATIENCE)

    assert Path(answer.failures[0].where.rpartition(":")[0]).name.startswith("plugin")


def test_functions_of_arrays_and_of_groups_are_called_with_them(kernel: Start):
    plugin = kernel(FUNCTIONS)

    assert called(plugin, "doubled", pa.array([1.5, 2.0])) == ([3.0, 4.0], {})
    assert called(plugin, "spread", [[3, 9, 4], [5]]) == ([6, 0], {})


def test_a_long_batch_comes_back_in_order(kernel: Start):
    values = [str(n) for n in range(50_000)]

    assert called(kernel(FUNCTIONS), "reverse", values) == ([v[::-1] for v in values], {})


def test_a_class_of_ekuipers_shape_has_a_context_per_call_of_a_rule(kernel: Start):
    plugin = kernel(FUNCTIONS)

    assert called(plugin, "counting", rows=2, ruleId="r1", funcId=3) == ([["r1", 3, 1], ["r1", 3, 2]], {})
    assert called(plugin, "counting", rows=1, ruleId="r2", funcId=3) == ([["r2", 3, 1]], {})


def test_a_function_may_have_something_against_its_arguments(kernel: Start):
    plugin = kernel(FUNCTIONS)

    assert plugin.validate("counting", []) == ""
    assert plugin.validate("counting", ["a + 1"]) == "it takes no arguments"


def test_a_symbol_that_is_not_served_is_declined(kernel: Start):
    with pytest.raises(Declined, match="there is no function missing"):
        called(kernel(FUNCTIONS), "missing", [1])


def test_a_source_delivers_rows_with_metadata_and_ends(kernel: Start):
    plugin = kernel("""
    class Numbers(Source):
        def configure(self, datasource, conf):
            self.first, self.most = int(datasource), int(conf["most"])

        def open(self, ctx):
            for n in range(self.first, self.most):
                ctx.emit({"n": n}, {"parity": n % 2})

    @source
    def texts(size: int):
        yield from ({"text": "x" * n} for n in range(size))

    plugin.start(PluginConfig("p", {"numbers": Numbers}))
    """)
    numbers, texts = Collected(), Collected()

    plugin.start(Control("numbers", "source", "r1", "op", 0, "3", {"most": "6"}), numbers, PATIENCE)
    plugin.start(Control("texts", "source", "r1", "op", 1, "", {"size": "3"}), texts, PATIENCE)

    numbers.wait(lambda: len(numbers.items) == 3)
    texts.wait(lambda: texts.end == "ended")
    assert [(p.data, p.meta) for p in numbers.payloads] == [({"n": n}, {"parity": n % 2}) for n in (3, 4, 5)]
    assert texts.items == [{"text": ""}, {"text": "x"}, {"text": "xx"}]


def test_a_source_waits_while_nobody_takes_what_it_sends(kernel: Start):
    plugin = kernel("""
    sent = 0

    @source
    def endless():
        global sent
        while True:
            yield [{"n": sent}]
            sent += 1

    @function
    def so_far(): return sent
    """)
    inlet = Collected()
    control = Control("endless", "source", "r1", "op")

    plugin.start(control, inlet, PATIENCE)
    inlet.wait(lambda: len(inlet.payloads) == 16)
    plugin.taken(control, 4)
    inlet.wait(lambda: len(inlet.payloads) == 20)

    (values, _) = called(plugin, "so_far", rows=1)  # type: ignore[misc]
    assert values[0] < 20 + 1100
    assert inlet.items == [{"n": n} for n in range(20)]
    plugin.stop(control, PATIENCE)


def test_a_source_that_raises_tells_why(kernel: Start):
    plugin = kernel("""
    @source
    def broken():
        yield {"n": 1}
        raise OSError("the line is dead")
    """)
    inlet = Collected()

    plugin.start(Control("broken", "source", "r1", "op"), inlet, PATIENCE)
    inlet.wait(lambda: bool(inlet.end))

    assert (inlet.items, inlet.end) == ([{"n": 1}], "OSError: the line is dead")


def test_a_sink_takes_items_one_by_one_and_says_when_it_could_not(kernel: Start, tmp_path: Path):
    plugin = kernel("""
    class Append(Sink):
        def configure(self, conf): self.path = conf["path"]
        def collect(self, ctx, data):
            if b"bad" in data: raise ValueError("not this one")
            with open(self.path, "ab") as file: file.write(data)

    plugin.start(PluginConfig("p", sinks={"append": Append}))
    """)
    control = Control("append", "sink", "r1", "op", 0, "", {"path": str(tmp_path / "out")})

    plugin.start(control, None, PATIENCE)
    plugin.write(control, b'{"a":1}', PATIENCE)
    with pytest.raises(Declined, match="not this one"):
        plugin.write(control, b'{"a":"bad"}', PATIENCE)
    plugin.write(control, b'{"a":2}', PATIENCE)

    assert (tmp_path / "out").read_bytes() == b'{"a":1}{"a":2}'


def test_a_source_whose_configuration_is_wrong_is_declined(kernel: Start):
    plugin = kernel("""
    @source
    def needy(size: int): yield {}

    class Picky(Source):
        def configure(self, datasource, conf): raise ValueError("no topic")
        def open(self, ctx): pass

    plugin.start(PluginConfig("p", {"picky": Picky}))
    """)

    with pytest.raises(Declined, match="no topic"):
        plugin.start(Control("picky", "source", "r1", "op"), Collected(), PATIENCE)


def test_what_a_plugin_prints_and_logs_are_its_lines(written: Written):
    lines = Lines()
    plugin = written("""
    import logging, sys
    @function
    def loud(n):
        print("printed", n, flush=True)
        print("to stderr", n, file=sys.stderr, flush=True)
        logging.getLogger("mine").warning("logged %s", n)
        return n
    """)(lines)
    plugin.ready(PATIENCE)

    called(plugin, "loud", [7])
    plugin.close()

    found = {(line.origin, line.text) for line in lines.tail()}
    assert {("stdout", "printed 7"), ("stderr", "to stderr 7"), ("WARNING", "mine: logged 7")} <= found


@pytest.mark.parametrize("victim", ["kill", "exit", "crash"])
def test_a_process_that_ends_in_a_call_is_noticed_at_once(kernel: Start, victim: str):
    plugin = kernel("""
    import os, signal, ctypes
    @function
    def kill(n): os.kill(os.getpid(), signal.SIGKILL)
    @function
    def exit(n): os._exit(0)
    @function
    def crash(n): ctypes.string_at(0)
    """)
    began = time.monotonic()

    with pytest.raises(Lost, match=r"it ended with (SIGKILL|exit code 0|SIGSEGV)"):
        called(plugin, victim, [1])

    assert time.monotonic() - began < PATIENCE / 2


@pytest.mark.parametrize("hang", ["sleep", "deadlock", "c_loop"])
def test_a_call_that_hangs_is_over_at_its_deadline(kernel: Start, hang: str):
    plugin = kernel("""
    import re, threading, time
    @function
    def sleep(n): time.sleep(1000)
    @function
    def deadlock(n):
        lock = threading.Lock(); lock.acquire(); lock.acquire()
    @function
    def c_loop(n): return re.match("(a*)*b", "a" * 40)
    """)

    with pytest.raises(Lost, match=r"did not answer within 0\.3 s") as lost:
        plugin.call(hang, Call(([1],), 1), 0.3)

    assert lost.value.hung
    assert plugin.lost


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def broken(:", "SyntaxError"),
        ("import a_package_that_is_not_there", "ModuleNotFoundError"),
        ("raise RuntimeError('no licence')", "no licence"),
        ("import sys; sys.exit(0)", "exit code 0"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    ],
)
def test_a_plugin_that_does_not_start_says_why(written: Written, text: str, told: str):
    lines = Lines()
    plugin = written(text)(lines)

    with pytest.raises(Lost) as lost:
        plugin.ready(PATIENCE)
    plugin.close()

    assert told in f"{lost.value}\n{lines.text}"


def test_a_plugin_that_says_nothing_is_killed(written: Written):
    plugin = written("import time; time.sleep(1000)")(Lines())

    with pytest.raises(Lost, match=r"did not say hello within 0\.2 s"):
        plugin.ready(0.2)

    plugin.close()
    assert plugin.lost


@pytest.mark.parametrize("key", [b"", b"x" * 32])
def test_a_stranger_on_the_socket_has_no_effect_and_is_counted(kernel: Start, key: bytes):
    plugin = kernel(FUNCTIONS)
    context = zmq.Context()
    wire = Wire(key, "plugin", "calls")
    strangers = [context.socket(zmq.DEALER) for _ in range(10)]
    for number, stranger in enumerate(strangers):
        stranger.linger = 0
        stranger.connect(plugin.addresses["calls"])
        stranger.send_multipart(wire.pack("answer", {"id": number + 1, "rows": 2, "codec": "json"}, [b"[[7,7]]"]))

    assert [called(plugin, "half", [2, 4]) for _ in range(20)] == [([1, 2], {})] * 20
    while plugin.refused < len(strangers):
        called(plugin, "half", [2])
    context.destroy(0)


def test_nothing_is_left_when_it_is_closed(written: Written):
    before = {Path("/proc/self/fd") / fd for fd in os.listdir("/proc/self/fd")}
    plugin = written("""
    import subprocess, sys
    @function
    def spawn():
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]).pid
    """)(Lines())
    plugin.ready(PATIENCE)
    folder = Path(plugin.addresses["calls"].removeprefix("ipc://")).parent
    ((child,), _) = called(plugin, "spawn", rows=1)  # type: ignore[misc]
    pid = plugin.pid

    plugin.close()

    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()
    assert not _alive(child)
    assert len({Path("/proc/self/fd") / fd for fd in os.listdir("/proc/self/fd")}) <= len(before) + 1


def _alive(pid: int) -> bool:
    """Whether it runs; one that is dead and not collected by its new parent yet does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_the_descriptor_of_a_process_may_be_missing(kernel: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(launch, "PIDFD", False)
    monkeypatch.setattr(launch, "IPC", False)
    plugin = kernel(FUNCTIONS)

    assert plugin.addresses["calls"].startswith("tcp://127.0.0.1:")
    assert called(plugin, "half", [2]) == ([1], {})
    assert plugin.pid is not None
    os.kill(plugin.pid, signal.SIGKILL)
    with pytest.raises(Lost, match="SIGKILL"):
        called(plugin, "half", [2])


def test_a_source_may_tell_of_an_error_and_go_on(written: Written):
    lines = Lines()
    plugin = written("""
    class Flaky(Source):
        def open(self, ctx):
            ctx.emit({"n": 1})
            ctx.emit_error("the line was busy")
            ctx.emit({"n": 2})

    plugin.start(PluginConfig("p", {"flaky": Flaky}))
    """)(lines)
    plugin.ready(PATIENCE)
    inlet = Collected()

    plugin.start(Control("flaky", "source", "r1", "op"), inlet, PATIENCE)
    inlet.wait(lambda: len(inlet.items) == 3)
    plugin.close()

    assert inlet.items == [{"n": 1}, "the line was busy", {"n": 2}]
    assert ("ERROR", "the line was busy") in {(line.origin, line.text) for line in lines.tail()}
