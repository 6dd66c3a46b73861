"""Sources and sinks of a plugin whose process becomes another: they move, or stay, and nothing is lost between."""

from __future__ import annotations

import os
import signal
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kuiper_nb.contracts import Call
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.peer import Control
from kuiper_nb.plugins.supervisor import Plugin

from .conftest import PATIENCE, Collected, Written

Start = Callable[..., Plugin]

SOURCE = """
    import os, time
    @source
    def counted(first: int):
        n = first
        while True:
            yield {"pid": os.getpid(), "n": n}
            n += 1
            time.sleep(0.001)
    @function
    def die(n): os._exit(1)
"""


def test_a_source_goes_on_in_a_new_process(plugin: Start):
    mirror = plugin(SOURCE)
    inlet, control = Collected(), Control("counted", "source", "r1", "op", 0, "", {"first": "5"})
    mirror.begin(control, inlet)
    inlet.wait(lambda: len(inlet.items) > 0)
    assert mirror.status.refCount == {"r1": 1}

    os.kill(mirror.status.pid, signal.SIGKILL)
    inlet.wait(lambda: len({row["pid"] for row in inlet.items}) == 2)

    mirror.end(control)
    assert mirror.status.refCount == {}


SINK = """
    class Slow(Sink):
        def configure(self, conf): self.path = conf["path"]
        def open(self, ctx): threading.Event().wait(0.3)
        def collect(self, ctx, data):
            with open(self.path, "ab") as file: file.write(data)

    import threading
    plugin.start(PluginConfig("p", sinks={"slow": Slow}))
"""


def until(over: threading.Event, done: Callable[[], bool]) -> None:
    """Look now and then, but not for ever."""
    for _ in range(int(PATIENCE * 100)):
        if done() or over.wait(0.01):
            break


@pytest.mark.parametrize("change", ["killed", "restarted", "replaced"])
def test_a_sink_is_handed_nothing_before_it_is_open_in_a_new_process(
    plugin: Start, written: Written, tmp_path: Path, change: str
):
    mirror = plugin(SINK)
    control = Control("slow", "sink", "r1", "op", 0, "", {"path": str(tmp_path / "out")})
    mirror.begin(control, None)
    over = threading.Event()
    told: list[str] = []
    handed: list[bytes] = []

    def hand_over() -> None:
        while not over.is_set():
            try:
                mirror.write(control, b"x")
                handed.append(b"x")
            except PluginError as error:
                told.append(str(error))

    handing = threading.Thread(target=hand_over)
    handing.start()
    if change == "killed":
        pid = mirror.status.pid
        os.kill(pid, signal.SIGKILL)
        until(over, lambda: mirror.status.pid not in (None, pid))
    elif change == "restarted":
        mirror.restart()
    else:
        mirror.swap(written(SINK))
    more = len(handed) + 20
    until(over, lambda: len(handed) + len(told) >= more)
    over.set()
    handing.join(PATIENCE)

    assert told == []


def test_a_source_moves_to_the_plugin_that_takes_over(plugin: Start, written: Written):
    mirror = plugin(SOURCE)
    inlet, control = Collected(), Control("counted", "source", "r1", "op", 0, "", {"first": "5"})
    mirror.begin(control, inlet)
    inlet.wait(lambda: len(inlet.items) > 0)

    mirror.swap(written(SOURCE.replace("n = first", "n = -first")))
    inlet.wait(lambda: any(row["n"] < 0 for row in inlet.items))

    pids = [row["pid"] for row in inlet.items]
    assert pids == sorted(pids, key=pids.index)


@pytest.mark.parametrize("failing", ["raise ValueError('not today')", "os._exit(1)"])
def test_a_source_that_the_new_plugin_cannot_start_goes_on_in_the_old_one(
    plugin: Start, written: Written, tmp_path: Path, failing: str
):
    """… and so does a sink beside it, which both of them could open."""
    parts = f"""
    import os, time
    class Counted(Source):
        times = 0
        def configure(self, datasource, conf): pass
        def open(self, ctx):
            Counted.times += 1
            while True:
                ctx.emit({{"pid": os.getpid(), "times": Counted.times}}, None)
                time.sleep(0.001)
    {textwrap.dedent(SINK).replace(chr(10), chr(10) + "    ")}
    """.replace("sinks=", 'sources={"counted": Counted}, sinks=')
    mirror = plugin(parts)
    inlet, source = Collected(), Control("counted", "source", "r1", "op", 0)
    sink = Control("slow", "sink", "r1", "op2", 0, "", {"path": str(tmp_path / "out")})
    mirror.begin(source, inlet)
    mirror.begin(sink, None)
    inlet.wait(lambda: len(inlet.items) > 0)

    with pytest.raises(PluginError, match="stays as it was"):
        mirror.swap(written(parts.replace("conf): pass", f"conf): {failing}")))
    inlet.wait(lambda: any(row["times"] == 2 for row in inlet.items))
    mirror.write(sink, b"x")

    assert {row["pid"] for row in inlet.items} == {mirror.status.pid}
    assert (mirror.generation, mirror.status.refCount) == (1, {"r1": 2})


def test_a_sink_that_its_rule_ends_while_it_opens_in_a_new_process_is_closed_there(
    plugin: Start, written: Written, tmp_path: Path
):
    sink = f"""
    import os, pathlib, threading
    folder = pathlib.Path({str(tmp_path)!r})
    class Slow(Sink):
        def configure(self, conf): pass
        def open(self, ctx):
            (folder / f"open{{os.getpid()}}").touch()
            while not (folder / "go").exists(): threading.Event().wait(0.01)
        def collect(self, ctx, data): pass
        def close(self, ctx): (folder / f"closed{{os.getpid()}}").touch()
    plugin.start(PluginConfig("p", sinks={{"slow": Slow}}))
    """
    (tmp_path / "go").touch()
    mirror = plugin(sink)
    control = Control("slow", "sink", "r1", "op", 0)
    mirror.begin(control, None)
    (tmp_path / "go").unlink()

    swapping = threading.Thread(target=mirror.swap, args=(written(sink),))
    swapping.start()
    until(threading.Event(), lambda: len(list(tmp_path.glob("open*"))) == 2)
    mirror.end(control)
    (tmp_path / "go").touch()
    swapping.join(PATIENCE)

    assert (tmp_path / f"closed{mirror.status.pid}").exists()


NUMBERED = """
    import threading
    class Numbered(Sink):
        def configure(self, conf): self.path = conf["path"]
        def open(self, ctx): pass
        def collect(self, ctx, data):
            threading.Event().wait(0.03)
            with open(self.path, "ab") as file: file.write(data + b" ")

    def slow(n):
        threading.Event().wait(0.03)
        return n

    plugin.start(PluginConfig("p", functions={"slow": slow}, sinks={"numbered": Numbered}))
"""


def test_restarts_however_soon_one_after_the_other_lose_and_double_nothing(plugin: Start, tmp_path: Path):
    mirror = plugin(NUMBERED)
    out = tmp_path / "out"
    sink = Control("numbered", "sink", "r1", "op", 0, "", {"path": str(out)})
    mirror.begin(sink, None)
    over = threading.Event()
    told: list[str] = []
    numbers: list[int] = []

    def hand_over() -> None:
        while not over.is_set():
            numbers.append(len(numbers))
            try:
                mirror.write(sink, str(numbers[-1]).encode())
            except PluginError as error:
                told.append(str(error))

    def call() -> None:
        while not over.is_set():
            answer = mirror.call("slow", Call(([1],), 1))
            told.extend(failure.message for failure in answer.failures.values())

    threads = [threading.Thread(target=work) for work in (hand_over, call)]
    for thread in threads:
        thread.start()
    for _ in range(12):
        mirror.restart()
    over.set()
    for thread in threads:
        thread.join(PATIENCE)

    assert told == []
    assert [int(number) for number in out.read_text().split()] == numbers
