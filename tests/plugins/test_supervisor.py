"""A plugin that is kept running: nothing is lost or doubled, only rows that do it fail, no crash goes on for ever."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kuiper_nb.contracts import Call
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.crashes import Policy
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.supervisor import Plugin

from .conftest import PATIENCE, Written

Start = Callable[..., Plugin]

DOUBLE = """
    import os, signal
    @function
    def double(n): return n * 2
"""

POISON = """
    import os
    @function
    def careful(n):
        if n < 0: os._exit(1)
        return n * 2
"""


def called(plugin: Plugin, symbol: str, values: list[object]) -> tuple[list[object], dict[int, str]]:
    answer = plugin.call(symbol, Call((values,), len(values)))
    found = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
    return found, {row: failure.message for row, failure in answer.failures.items()}


def test_after_a_kill_the_same_batch_is_answered_by_a_new_process(plugin: Start):
    mirror = plugin(DOUBLE)
    pid = mirror.status.pid

    os.kill(pid, signal.SIGKILL)

    assert called(mirror, "double", [1, 2]) == ([2, 4], {})
    assert mirror.status.pid != pid
    assert (mirror.status.status, mirror.status.restarts) == ("running", 1)


def test_a_kill_at_any_moment_loses_and_doubles_nothing(plugin: Start):
    chance = random.Random(7)
    mirror = plugin(DOUBLE, Policy(timeout=PATIENCE, crashes=10_000))

    def kill() -> None:
        if (pid := mirror.status.pid) is not None:
            with contextlib.suppress(ProcessLookupError):  # it was dying already
                os.kill(pid, signal.SIGKILL)

    for _ in range(15):
        batch = [chance.randrange(1000) for _ in range(chance.choice([1, 100, 20_000, 50_000]))]
        killer = threading.Timer(chance.random() / 50, kill)
        killer.start()
        assert called(mirror, "double", batch) == ([n * 2 for n in batch], {})
        killer.join()


@pytest.mark.parametrize("poison", [[77], [5, 6, 100]])
def test_only_the_rows_on_which_it_dies_fail(plugin: Start, poison: list[int]):
    mirror = plugin(POISON)
    values = [-1 if n in poison else n for n in range(128)]

    found, failures = called(mirror, "careful", values)

    assert found == [None if n in poison else n * 2 for n in range(128)]
    assert sorted(failures) == poison
    assert set(failures.values()) == {"call func careful error: plugin mirror: it ended with exit code 1"}
    assert not mirror.status.quarantined


def test_three_crashes_in_five_minutes_are_too_many(plugin: Start):
    now = [0.0]
    mirror = plugin(DOUBLE, clock=lambda: now[0])
    for _ in range(2):
        os.kill(mirror.status.pid, signal.SIGKILL)
        assert called(mirror, "double", [1]) == ([2], {})
    now[0] = 60.0

    os.kill(mirror.status.pid, signal.SIGKILL)
    found, failures = called(mirror, "double", [1, 2])

    assert found == [None, None]
    assert "in quarantine: 3 crashes within 300 s" in failures[0]
    assert (mirror.status.quarantined, mirror.status.pid, mirror.status.status) == (True, None, "error")
    with pytest.raises(PluginError, match="quarantine"):
        mirror.start()
    mirror.restart()
    assert called(mirror, "double", [1]) == ([2], {})


def test_crashes_that_are_long_ago_do_not_count(plugin: Start):
    now = [0.0]
    mirror = plugin(DOUBLE, clock=lambda: now[0])
    for hour in range(5):
        now[0] = 3600.0 * hour
        os.kill(mirror.status.pid, signal.SIGKILL)
        assert called(mirror, "double", [1]) == ([2], {})

    assert not mirror.status.quarantined


def test_a_plugin_that_never_starts_is_left_alone_and_says_why(written: Written):
    mirror = Plugin("mirror", written("raise RuntimeError('no licence')"))
    for _ in range(3):
        with pytest.raises(PluginError, match=r"does not start[\s\S]*no licence"):
            mirror.start()

    with pytest.raises(PluginError, match="quarantine"):
        mirror.start()


def test_a_hang_costs_the_row_that_hangs_and_no_other(plugin: Start):
    mirror = plugin(
        """
        import time
        @function
        def slow(n):
            if n < 0: time.sleep(1000)
            return n
        """,
        Policy(timeout=0.3),
    )

    found, failures = called(mirror, "slow", [1, -1, 3])

    assert found == [1, None, 3]
    assert failures == {1: "call func slow error: plugin mirror: slow did not answer within 0.3 s"}


def test_a_row_that_hangs_is_not_asked_again(plugin: Start, tmp_path: Path):
    """It has had its time; other rows of its batch have not."""
    asked = tmp_path / "asked"
    mirror = plugin(
        f"""
        import time
        @function
        def slow(n):
            with open({str(asked)!r}, "a") as file: print(n, file=file)
            if n < 0: time.sleep(1000)
            return n
        """,
        Policy(timeout=0.3),
    )

    assert called(mirror, "slow", [-1])[0] == [None]
    assert asked.read_text().split() == ["-1"]
    assert called(mirror, "slow", [-2, 2])[0] == [None, 2]
    assert asked.read_text().split() == ["-1", "-2", "-2", "2"]


def test_hangs_are_crashes_and_too_many_are_too_many(plugin: Start):
    mirror = plugin(
        """
        import time
        @function
        def slow(n): time.sleep(1000)
        """,
        Policy(timeout=0.1),
    )

    for _ in range(3):
        called(mirror, "slow", [1, 2])

    assert "quarantine" in called(mirror, "slow", [1])[1][0]


@pytest.mark.parametrize(
    "answer",
    [
        "fields['rows'] = 2",
        "fields['codec'] = 'pickle'",
        "payload[:] = [b'nonsense']",
        "payload[:] = [bytes(payload[0])[:-40]]",
        "payload[:] = []",
        "fields['failures'] = [[9, 'x', '']]",
        "fields['failures'] = 7",
        "del fields['codec']",
        "payload[:] = [b'x' * (5 << 20)]",
    ],
)
def test_an_answer_that_is_none_is_treated_as_a_crash(plugin: Start, written: Written, answer: str):
    program = written(f"""
    from kuiper_nb.plugins.sdk.serving import Serving
    from kuiper_nb.plugins.channel import Channel
    send = Channel.send
    def wrong(self, kind, fields=None, payload=()):
        if kind == "answer":
            payload = list(payload)
            {answer}
        send(self, kind, fields, payload)
    Channel.send = wrong
    @function
    def double(n): return n * 2
    """)
    object.__setattr__(program, "most", 4 << 20)
    mirror = Plugin("mirror", program, Policy(timeout=PATIENCE))
    mirror.start()

    found, failures = called(mirror, "double", [1])
    mirror.stop()

    assert (found, len(failures)) == ([None], 1)


def test_more_than_a_message_may_hold_is_said_by_the_plugin_itself(plugin: Start, written: Written):
    program = written("""
    @function
    def large(n): return "x" * n
    """)
    object.__setattr__(program, "most", 4 << 20)
    mirror = Plugin("mirror", program)
    mirror.start()

    _, failures = called(mirror, "large", [5 << 20])
    fine, _ = called(mirror, "large", [3])
    mirror.stop()

    assert failures == {0: "5 MiB of answers are more than one message may hold"}
    assert fine == ["xxx"]
    assert mirror.status.restarts == 0


def test_a_new_plugin_takes_over_between_two_batches(plugin: Start, written: Written):
    mirror = plugin(DOUBLE)
    done = threading.Event()
    answers: list[tuple[list[object], dict[int, str]]] = []

    def call() -> None:
        while not done.is_set():
            answers.append(called(mirror, "double", [1, 2]))

    caller = threading.Thread(target=call)
    caller.start()
    for factor in (3, 4, 5):
        mirror.swap(
            written(f"""
        @function
        def double(n): return n * {factor}
        """)
        )
    done.set()
    caller.join()

    assert mirror.generation == 4
    assert called(mirror, "double", [1]) == ([5], {})
    factors = [values[0] for values, _ in answers]
    assert all(values == [f, 2 * f] and not failures for (values, failures), f in zip(answers, factors, strict=True))  # type: ignore[operator]
    assert factors == sorted(factors)  # type: ignore[type-var]


def test_a_new_plugin_takes_over_when_it_can_be_called(plugin: Start, written: Written):
    """Not when it has said hello: until then the old one answers."""
    mirror = plugin(DOUBLE)

    mirror.swap(
        written("""
        import sys, time
        class Slow:
            def find_spec(self, name, path=None, target=None):
                if name == "pyarrow": time.sleep(0.3)
        sys.meta_path.insert(0, Slow())
        @function
        def double(n): return n * 3
        """)
    )

    assert isinstance(mirror._peer, Kernel)
    assert mirror._peer._exchange.callable.is_set()
    assert called(mirror, "double", [1]) == ([3], {})


def test_what_does_not_start_takes_over_nothing(plugin: Start, written: Written):
    mirror = plugin(DOUBLE)

    with pytest.raises(PluginError, match="does not start"):
        mirror.swap(written("def broken(:"))

    assert called(mirror, "double", [1]) == ([2], {})
    assert mirror.generation == 1


def test_a_flood_of_output_is_counted_and_holds_nobody_up(plugin: Start):
    mirror = plugin("""
    @function
    def loud(n):
        for _ in range(n): print("x" * 999)
        return n
    """)

    assert called(mirror, "loud", [20_000]) == ([20_000], {})
    mirror.stop()

    assert mirror.lines.total >= 20_000
    assert mirror.lines.dropped > 10_000
    assert len(mirror.logs(5000)) <= 1000


def test_a_memory_hog_meets_its_limit(written: Written):
    program = written("""
    @function
    def hog(n): return len(bytearray(n))
    """)
    object.__setattr__(program, "limits", {"memory": 1 << 30})
    mirror = Plugin("mirror", program)
    mirror.start()

    found, failures = called(mirror, "hog", [10, 4 << 30])
    mirror.stop()

    assert (found, failures) == ([10, None], {1: "call func hog error: MemoryError"})


def test_nothing_survives_a_host_that_is_killed(tmp_path: Path):
    """Not even a plugin that holds its GIL in C, nor what it has started; no folder either."""
    script = tmp_path / "host.py"
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        textwrap.dedent("""
        from kuiper_nb.sdk import function
        import re, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        print("child", child.pid, flush=True)
        @function
        def stuck(n): return re.match("(a*)*b", "a" * 40)
        """)
    )
    script.write_text(
        textwrap.dedent(f"""
        import threading, sys, time
        from pathlib import Path
        from kuiper_nb.contracts import Call
        from kuiper_nb.plugins.guardian import guardian
        from kuiper_nb.plugins.launch import python
        from kuiper_nb.plugins.supervisor import Plugin
        mirror = Plugin("mirror", python(Path({str(plugin)!r})), show=lambda line: print(line.text, flush=True))
        mirror.start()
        threading.Thread(target=lambda: mirror.call("stuck", Call(([1],), 1)), daemon=True).start()
        folder = Path(mirror._peer.addresses["calls"].removeprefix("ipc://")).parent
        print("ready", mirror.status.pid, folder, guardian.pid, flush=True)
        time.sleep(1000)
        """)
    )
    host = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert host.stdout is not None
    lines = [host.stdout.readline().split() for _ in range(2)]
    found = {words[0]: words[1:] for words in lines}
    pid, folder, reaper = found["ready"]
    watched = [os.pidfd_open(int(number)) for number in (pid, found["child"][0], reaper)]

    host.kill()

    import select

    for descriptor in watched:
        assert select.select([descriptor], [], [], 2.0)[0], "a process is still there after 2 s"
        os.close(descriptor)
    assert not Path(folder).exists()
    host.wait()
    host.stdout.close()
