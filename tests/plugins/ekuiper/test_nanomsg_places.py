"""Where sockets lie: in private folders; in /tmp only where that cannot be, one user of a name at a time."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pynng
import pytest

from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.nanomsg import EkuiperPeer
from kuiper_nb.plugins.nanomsg_locks import Lock
from kuiper_nb.plugins.nanomsg_places import Namespaced, Redirected, Shared, namespaces
from kuiper_nb.plugins.peer import Declined

from .zoo import HERE, SECONDS, Heard, Start, called, lines_of, sink, source


@pytest.fixture
def tmp() -> Iterator[Path]:
    """Stands for /tmp, with a name that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="zoo", dir="/tmp") as folder:
        yield Path(folder)


def shared(start: Start, name: str) -> EkuiperPeer:
    """A peer in Go whose sockets are in the real /tmp."""
    return start("go", name=name, place=Shared, functions=(), ready=False)


def unique(word: str) -> str:
    return f"{word}{os.getpid()}"


needs_namespaces = pytest.mark.skipif(not namespaces(), reason="this system allows no namespaces")


def test_nothing_of_a_python_plugin_is_in_tmp(start: Start, tmp_path: Path) -> None:
    name = unique("hidden")
    peer = start(name=name)
    peer.start(source("endless", rule=name), Heard(), SECONDS)
    peer.start(sink(tmp_path / "out", rule=name), None, SECONDS)

    assert not [entry for entry in os.listdir("/tmp") if name in entry]


def test_a_sitecustomize_of_the_user_still_runs(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['ZOO'] = 'broken'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(Exception, match="no such organ"):
        start().ready(SECONDS)


def test_the_redirection_leaves_other_programs_alone(tmp_path: Path) -> None:
    place = Redirected(lambda: None)
    try:
        argv, variables = place.started(
            [sys.executable, "-c", "import sys, json; print(json.dumps([m for m in sys.modules]))"], {}
        )
        bare = {**os.environ, **variables, "KUIPER_NB_SOCKETS": ""}

        moved = json.loads(subprocess.check_output(argv, env={**os.environ, **variables}))
        plain = json.loads(subprocess.check_output(argv, env=bare))

        assert set(moved) == set(plain)
        assert "ekuiper" not in moved
    finally:
        place.close()


@needs_namespaces
def test_a_compiled_plugin_has_a_tmp_of_its_own_in_which_the_real_one_shows(start: Start, tmp: Path) -> None:
    name = unique("apart")
    peer = start("go", name=name)

    for path in (tmp / "in a folder", Path(f"/tmp/{name}.txt")):
        peer.start(control := sink(path, rule=name), None, SECONDS)
        peer.write(control, b"here", SECONDS)
        assert lines_of(path, 1) == ["here"]
        peer.stop(control, SECONDS)

    assert not [entry for entry in os.listdir("/tmp") if name in entry and entry.endswith(".ipc")]
    Path(f"/tmp/{name}.txt").unlink()


@needs_namespaces
def test_a_namespace_keeps_the_user_the_folder_and_the_exit_code(tmp: Path) -> None:
    place = Namespaced(lambda: None)
    try:
        argv, _ = place.started(["sh", "-c", "id -u; pwd; ls -a /tmp | grep -c real; exit 7"], {})
        ran = subprocess.run(argv, cwd=tmp, capture_output=True, text=True, check=False)
    finally:
        place.close()

    user, folder, real = ran.stdout.split()
    assert (user, real, ran.returncode) == (str(os.getuid()), "1", 7)
    assert Path(folder).name == tmp.name


@needs_namespaces
@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser can become somebody else")
def test_a_user_who_is_not_the_superuser_has_namespaces_too(tmp: Path) -> None:
    tmp.chmod(0o777)
    launcher = Path("kuiper_nb/plugins/namespace.py").read_text()
    (tmp / "namespace.py").write_text(launcher)
    folder = tmp / "own"
    command = [sys.executable, "-I", "-S", str(tmp / "namespace.py"), str(folder), "sh", "-c", "id -u; ls /tmp"]

    ran = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command],
        capture_output=True, text=True, check=False, preexec_fn=lambda: os.umask(0o077),
    )  # fmt: skip

    if "Permission denied" in ran.stderr and "python" in ran.stderr:
        pytest.skip("nobody may not run this Python")
    assert (ran.stdout, ran.stderr) == ("65534\n", "")


def test_in_the_real_tmp_a_plugin_works_as_well_and_leaves_nothing(start: Start, tmp: Path) -> None:
    name = unique("shared")
    peer = shared(start, name)
    assert peer.ready(SECONDS).name == name
    peer.start(control := source("count", rule=name), heard := Heard(), SECONDS)
    peer.start(written := sink(tmp / "out", rule=name), None, SECONDS)
    peer.write(written, b"here", SECONDS)
    sockets = [entry for entry in os.listdir("/tmp") if name in entry]

    assert len(heard.all()) == 3
    assert len(sockets) >= 4
    peer.stop(control, SECONDS)
    peer.stop(written, SECONDS)
    peer.close()
    assert not [entry for entry in os.listdir("/tmp") if name in entry]


def test_in_the_real_tmp_the_second_is_refused_and_told_who_holds_it(start: Start) -> None:
    name = unique("taken")
    first = shared(start, name)
    first.ready(SECONDS)

    with pytest.raises(PluginError, match=f"/tmp/plugin_{name}.ipc is in use by process {os.getpid()} of "):
        shared(start, name)

    assert first.lost == ""
    first.close()
    assert shared(start, name).ready(SECONDS).name == name


def test_in_the_real_tmp_two_kernels_do_not_start_the_same_rule(start: Start) -> None:
    one, two, name = shared(start, unique("one")), shared(start, unique("two")), unique("rule")
    for peer in (one, two):
        peer.ready(SECONDS)
    one.start(source("endless", rule=name), Heard(), SECONDS)

    with pytest.raises(Declined, match="is in use by process"):
        two.start(source("endless", rule=name), Heard(), SECONDS)


def test_in_the_real_tmp_only_the_plugins_own_process_may_connect(start: Start) -> None:
    name = unique("guarded")
    peer = shared(start, name)
    peer.ready(SECONDS)
    mode = stat.S_IMODE(os.stat(f"/tmp/plugin_{name}.ipc").st_mode)

    with pynng.Req0(recv_timeout=300, resend_time=0) as stranger:
        stranger.dial(f"ipc:///tmp/plugin_{name}.ipc", block=False)
        stranger.send_timeout = 300
        with contextlib.suppress(pynng.Timeout):
            stranger.send(b"handshake")
        peer.start(source("count", rule=name), heard := Heard(), SECONDS)
        with pytest.raises(pynng.NNGException):
            stranger.recv()

    assert mode & 0o077 == 0
    assert peer.refused >= 1
    assert len(heard.all()) == 3


def test_a_socket_of_the_dead_is_removed(tmp: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp / "plugin_x.ipc"))

    lock = Lock(tmp, "plugin_x.ipc")

    assert [entry.name for entry in tmp.iterdir()] == ["plugin_x.ipc.lock"]
    lock.release()
    assert list(tmp.iterdir()) == []


def test_a_lock_file_of_the_dead_locks_nothing(tmp: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from kuiper_nb.plugins.nanomsg_locks import Lock\n"
        "Lock(Path(sys.argv[1]), 'plugin_x.ipc'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp)], check=False, cwd=HERE.parents[2])
    assert (tmp / "plugin_x.ipc.lock").exists()

    Lock(tmp, "plugin_x.ipc").release()

    assert list(tmp.iterdir()) == []


def test_somebody_who_listens_without_a_lock_is_named(tmp: Path) -> None:
    with socket.socket(socket.AF_UNIX) as ekuiper:
        ekuiper.bind(str(tmp / "plugin_x.ipc"))
        ekuiper.listen()

        with pytest.raises(PluginError, match=f"in use by process {os.getpid()} of .*") as raised:
            Lock(tmp, "plugin_x.ipc")

    assert "an eKuiper on this machine" in raised.value.hint
    assert (tmp / "plugin_x.ipc").exists()


def test_a_lock_file_that_is_a_link_is_not_followed(tmp: Path) -> None:
    (tmp / "victim").write_text("precious")
    (tmp / "plugin_x.ipc.lock").symlink_to(tmp / "victim")

    with pytest.raises(PluginError, match="cannot lock"):
        Lock(tmp, "plugin_x.ipc")

    assert (tmp / "victim").read_text() == "precious"


def test_of_many_at_once_one_has_the_lock(tmp: Path) -> None:
    held: list[Lock] = []
    refused: list[str] = []
    ready = threading.Barrier(16)

    def take() -> None:
        ready.wait()
        try:
            held.append(Lock(tmp, "plugin_x.ipc"))
        except PluginError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(held), len(refused)) == (1, 15)
    held[0].release()


@pytest.mark.parametrize("rule", ["../../etc/x", "x" * 120])
def test_a_rule_that_cannot_name_a_socket_is_declined_by_a_compiled_plugin(start: Start, rule: str) -> None:
    with pytest.raises(Declined, match="cannot be a socket"):
        start("go").start(source("count", rule=rule), Heard(), SECONDS)


def test_a_rule_of_any_name_reaches_a_python_plugin(start: Start) -> None:
    peer, heard = start(), Heard()

    peer.start(source("count", rule="../../etc/ü" * 9), heard, SECONDS)

    assert len(heard.all()) == 3
    assert called(peer, "echo", [1]).values == [1.0]
