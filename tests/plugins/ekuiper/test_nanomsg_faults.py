"""What goes wrong with a plugin made for eKuiper: it dies, hangs, talks nonsense, starts slowly or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.nanomsg import EkuiperPeer
from kuiper_nb.plugins.peer import Declined, Lost

from .zoo import HERE, SECONDS, Heard, Start, called, sink, source

LANGUAGES = pytest.mark.parametrize("language", ["python", "go"])


@LANGUAGES
def test_a_process_killed_in_the_middle_of_a_batch_is_noticed_at_once(start: Start, language: str) -> None:
    peer = start(language)

    began = time.monotonic()
    with pytest.raises(Lost) as raised:
        called(peer, "deadly", ["fine", "kill", "fine"])

    assert raised.value.why == "it ended with SIGKILL, maybe out of memory"
    assert not raised.value.hung
    assert time.monotonic() - began < 2  # not the five seconds of eKuiper
    assert peer.lost == raised.value.why
    with pytest.raises(Lost):
        called(peer, "echo", [1])


@LANGUAGES
def test_whoever_waits_is_told_when_the_process_is_killed_from_outside(start: Start, language: str) -> None:
    peer, told = start(language), []
    knows = threading.Event()
    peer.on_lost(lambda why: (told.append(why), knows.set()))
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            called(peer, "deadly", ["hang"])
        except Lost as why:
            raised.append(why)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert peer.pid is not None
    os.kill(peer.pid, signal.SIGKILL)
    waiting.join(SECONDS)

    assert knows.wait(SECONDS)
    assert [str(why) for why in raised] == told == ["it ended with SIGKILL, maybe out of memory"]
    peer.on_lost(told.append)
    assert len(told) == 2


@LANGUAGES
def test_an_exit_is_a_crash_even_with_a_code(start: Start, language: str) -> None:
    with pytest.raises(Lost, match="it ended with exit code 3"):
        called(start(language), "deadly", ["exit"])


@LANGUAGES
def test_a_batch_that_hangs_is_killed_at_its_deadline(start: Start, language: str) -> None:
    peer = start(language)

    began = time.monotonic()
    with pytest.raises(Lost) as raised:
        called(peer, "deadly", ["fine", "hang"], seconds=0.5)

    assert raised.value.hung
    assert raised.value.why == "time out, plugin zoo status running, message: deadly did not answer within 0.5 s"
    assert 0.5 <= time.monotonic() - began < 3
    assert _is_gone(peer)


def test_a_function_that_ends_its_thread_is_not_waited_for(start: Start) -> None:
    peer = start()

    with pytest.raises(Lost, match="it closed the channel of function deadly"):
        called(peer, "deadly", ["leave"], seconds=30)

    assert _is_gone(peer)


def test_an_answer_that_is_none_ends_the_process(start: Start) -> None:
    peer = start("go")

    with pytest.raises(Lost, match="it answered what is no answer: no JSON"):
        called(peer, "deadly", ["fine", "garbage"])

    assert _is_gone(peer)


def test_an_answer_that_is_too_long_is_not_taken(start: Start) -> None:
    peer = start(most=1 << 20)

    with pytest.raises(Lost, match="sent more than 1 MiB in one message"):
        called(peer, "echo", ["x" * (1 << 21)])


def test_a_slow_start_is_waited_for(start: Start) -> None:
    peer = start(zoo="slow", ready=False)

    assert peer.ready(SECONDS).name == "zoo"


def test_a_start_that_is_too_slow_is_killed(start: Start) -> None:
    peer = start(argv=[sys.executable, "-c", "import threading; threading.Event().wait()"], ready=False)

    with pytest.raises(Lost) as raised:
        peer.ready(0.3)

    assert raised.value.hung
    assert raised.value.why == "time out, plugin zoo status initializing, message: no handshake within 0.3 s"
    assert _is_gone(peer)


def test_a_plugin_that_cannot_start_is_noticed_at_once_and_its_last_words_are_told(start: Start) -> None:
    peer = start(zoo="broken", ready=False)

    with pytest.raises(Lost, match="it ended with exit code 1: ImportError: no such organ"):
        peer.ready(60)


def test_a_plugin_of_another_name_than_its_manifest_says_is_not_waited_for_for_ever(start: Start) -> None:
    peer = start(name="zoo", argv=["env", "ZOO_NAME=aquarium", *_python_zoo()], ready=False)

    with pytest.raises(Lost, match="no handshake within 1 s"):
        peer.ready(1)


def test_an_executable_that_is_not_there_leaves_nothing_behind(runtime: Path) -> None:
    before = {t.name for t in threading.enumerate()}

    with pytest.raises(FileNotFoundError):
        EkuiperPeer("zoo", ["./nothing"], HERE, {}, [], Lines())

    assert {t.name for t in threading.enumerate()} == before
    assert os.listdir(runtime) == []


def test_an_executable_that_is_none_says_so(start: Start, tmp_path: Path) -> None:
    (tmp_path / "zoo").write_bytes(b"\x7fELF no program")
    (tmp_path / "zoo").chmod(0o755)
    peer = start("go", argv=[str(tmp_path / "zoo")], ready=False)

    with pytest.raises(Lost, match=r"cannot run .*zoo: .*Exec format error"):
        peer.ready(SECONDS)


def test_a_plugin_that_has_had_nothing_to_do_for_longer_than_the_sdk_waits_answers(start: Start) -> None:
    peer = start()
    called(peer, "echo", [1])

    threading.Event().wait(5.5)  # the SDK says `handshake` after five seconds, on both channels

    assert called(peer, "echo", [2]).values == [2.0]
    peer.start(source("count"), heard := Heard(), SECONDS)
    assert len(heard.all()) == 3


@LANGUAGES
def test_sources_say_nothing_when_the_process_dies_as_it_will_be_another_that_goes_on(
    start: Start, language: str
) -> None:
    peer, heard = start(language), Heard()
    peer.start(source("endless"), heard, SECONDS)
    heard.payloads.get(timeout=SECONDS)

    with pytest.raises(Lost):
        called(peer, "deadly", ["kill"])
    peer.close()

    assert not heard.over.is_set()


@LANGUAGES
def test_a_sink_of_a_dead_process_is_lost(start: Start, language: str, tmp_path: Path) -> None:
    peer, control = start(language), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)
    with pytest.raises(Lost):
        called(peer, "deadly", ["kill"])

    with pytest.raises(Lost):
        peer.write(control, b"one", SECONDS)


def test_a_sink_that_hangs_is_killed_at_its_deadline(start: Start, tmp_path: Path) -> None:
    peer, control = start(), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)

    with pytest.raises(Lost, match=r"sink keep did not take an item within 0\.3 s") as raised:
        peer.write(control, b"hang", 0.3)

    assert raised.value.hung


def test_a_sink_that_dies_while_an_item_is_written_is_declined_or_lost_but_not_waited_for(
    start: Start, tmp_path: Path
) -> None:
    peer, control = start(), sink(tmp_path / "out")
    peer.start(control, None, SECONDS)
    stopper = threading.Timer(0.2, lambda: peer.stop(control, SECONDS))
    stopper.start()

    with pytest.raises((Lost, Declined)):
        peer.write(control, b"hang", SECONDS)

    stopper.join(SECONDS)


@LANGUAGES
def test_a_plugin_outlives_neither_its_host_nor_leaves_sockets(language: str, go_zoo: Path) -> None:
    script = (
        "import sys, time\n"
        "from tests.plugins.ekuiper.zoo import *\n"
        "from pathlib import Path\n"
        f"argv = command('{language}', Path('{go_zoo}'))\n"
        f"peer = EkuiperPeer('zoo', argv, HERE, {{}}, [], Lines(), language='{language}')\n"
        "peer.ready(20)\n"
        "print(peer.pid, peer._place.folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    host = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=HERE.parents[2])
    assert host.stdout is not None
    pid, folder = host.stdout.readline().split()

    host.kill()
    host.wait()
    host.stdout.close()

    assert _until(lambda: not Path(f"/proc/{pid}").exists() and not Path(folder).exists())


def test_without_pynng_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynng", None)

    with pytest.raises(PluginError, match="pynng is not installed") as raised:
        EkuiperPeer("zoo", _python_zoo(), HERE, {}, [], Lines())

    assert "kuiper-nb[ekuiper]" in raised.value.hint
    assert os.listdir(runtime) == []


def _python_zoo() -> list[str]:
    return [sys.executable, "-u", str(HERE / "python/zoo.py"), "{}"]


def _is_gone(peer: EkuiperPeer) -> bool:
    pid = peer.pid
    peer.close()
    return not Path(f"/proc/{pid}").exists()


def _until(true: object) -> bool:
    tick = threading.Event()
    for _ in range(400):
        if true():  # type: ignore[operator]
            return True
        tick.wait(0.01)
    return False
