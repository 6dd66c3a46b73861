"""Plugins come from allowed hosts only, over real sockets, within limits that hold whatever the other side does."""

from __future__ import annotations

import io
import socketserver
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kuiper_nb.errors import PluginError
from kuiper_nb.plugins import archive
from kuiper_nb.plugins.archive import unpacked

Answers = dict[str, Callable[["Wire"], None]]


class Wire(socketserver.StreamRequestHandler):
    """Answers a request as the test says, byte by byte if it likes."""

    server: Server

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        headers = b"".join(iter(self.rfile.readline, b"\r\n"))
        self.server.asked.append((path, headers.decode()))
        self.server.answers[path.split("?")[0]](self)

    def say(self, status: str, body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "Connection: close"]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def trickle(self, data: bytes) -> None:
        """Again and again, until the other side has had enough."""
        try:
            while not self.server.over.wait(0.01):
                self.wfile.write(data)
        except OSError:
            self.server.hung_up.set()


class Server(socketserver.ThreadingTCPServer):
    """A web server on loopback whose every answer is of the test's making."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Wire)
        self.answers: Answers = {}
        self.asked: list[tuple[str, str]] = []
        self.over = threading.Event()
        self.hung_up = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def address(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as opened:
        thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield opened
        opened.over.set()
        opened.shutdown()
        thread.join()


HOSTS = ("127.0.0.1",)


def plugin_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("mirror.json", '{"language": "go", "executable": "run", "functions": ["f"]}')
        opened.writestr("run", "#!/bin/sh\n")
    return file.getvalue()


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.iterdir()]


def test_a_zip_comes_from_an_allowed_host(tmp_path: Path, server: Server) -> None:
    server.answers["/mirror.zip"] = lambda wire: wire.say("200 OK", plugin_zip())

    folder = unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=HOSTS)

    assert sorted(path.name for path in folder.iterdir()) == ["mirror.json", "run"]
    assert left(tmp_path) == ["mirror"]


@pytest.mark.parametrize("hosts", [(), ("localhost",), ("127.0.0.1:1",), ("27.0.0.1",), ("",)])
def test_no_other_host_is_even_asked(tmp_path: Path, server: Server, hosts: tuple[str, ...]) -> None:
    address = server.address("/mirror.zip").replace("//", "//me:secret@") + "?token=secret"

    with pytest.raises(PluginError, match=r"the host 127\.0\.0\.1 is not allowed") as caught:
        unpacked(address, tmp_path / "mirror", hosts=hosts)

    assert "secret" not in str(caught.value)
    assert (server.asked, left(tmp_path)) == ([], [])


def test_a_host_may_be_allowed_for_one_port(tmp_path: Path, server: Server) -> None:
    server.answers["/mirror.zip"] = lambda wire: wire.say("200 OK", plugin_zip())

    assert unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=[f"127.0.0.1:{server.port}"])


def test_it_may_lie_elsewhere_on_the_same_host(tmp_path: Path, server: Server) -> None:
    server.answers["/latest.zip"] = lambda wire: wire.say("302 Found", Location="/v1/mirror.zip")
    server.answers["/v1/mirror.zip"] = lambda wire: wire.say("200 OK", plugin_zip())

    assert unpacked(server.address("/latest.zip"), tmp_path / "mirror", hosts=HOSTS)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("http://localhost:{port}/mirror.zip", "leads to another host: http://localhost"),
        ("http://169.254.169.254/latest", "leads to another host"),
        ("//evil.example/mirror.zip", "leads to another host"),
        ("file:///etc/passwd", "cannot fetch file:/"),
        ("http://[::1", "Invalid URL in location header"),
        ("/mirror.zip", "leads from one address to the next"),
        ("", "leads from one address to the next"),
    ],
)
def test_it_is_not_followed_anywhere_else(tmp_path: Path, server: Server, location: str, message: str) -> None:
    there = location.format(port=server.port)
    server.answers["/mirror.zip"] = lambda wire: wire.say("302 Found", Location=there)

    with pytest.raises(PluginError, match=message) as caught:
        unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=[*HOSTS, "localhost"])

    assert caught.value.hint
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error", "204 No Content"])
def test_what_the_server_refuses_is_said(tmp_path: Path, server: Server, status: str) -> None:
    server.answers["/mirror.zip"] = lambda wire: wire.say(status)

    with pytest.raises(PluginError, match=f"answers {status}"):
        unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=HOSTS)

    assert left(tmp_path) == []


@pytest.mark.parametrize("data", [b"GARBAGE\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"])
def test_what_is_no_answer_is_said(tmp_path: Path, server: Server, data: bytes) -> None:
    server.answers["/mirror.zip"] = lambda wire: wire.wfile.write(data)

    with pytest.raises(PluginError, match=r"cannot fetch http://127\.0\.0\.1"):
        unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=HOSTS)

    assert left(tmp_path) == []


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with Server() as gone:
        address = gone.address("/mirror.zip")

    with pytest.raises(PluginError, match="cannot fetch"):
        unpacked(address, tmp_path / "mirror", hosts=HOSTS)


def test_a_page_is_no_zip(tmp_path: Path, server: Server) -> None:
    server.answers["/mirror.zip"] = lambda wire: wire.say("200 OK", b"<html>Sign in</html>")

    with pytest.raises(PluginError, match=r"mirror\.zip is no zip"):
        unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=HOSTS)


def test_an_endless_answer_is_broken_off(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)

    def endless(wire: Wire) -> None:
        wire.say("200 OK")
        wire.trickle(b"x" * 65536)

    server.answers["/mirror.zip"] = endless

    with pytest.raises(PluginError, match="is too large"):
        unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=HOSTS)

    assert server.hung_up.wait(10)
    assert left(tmp_path) == []


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Never: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_the_deadline_holds_however_slowly_something_comes(tmp_path: Path, server: Server, start: bytes) -> None:
    def slow(wire: Wire) -> None:
        wire.wfile.write(start)
        if start:
            wire.trickle(b"x")
        else:
            server.over.wait(10)

    server.answers["/mirror.zip"] = slow
    before = time.monotonic()

    with pytest.raises(PluginError, match=r"did not arrive within 0\.3 s"):
        unpacked(server.address("/mirror.zip"), tmp_path / "mirror", hosts=HOSTS, seconds=0.3)

    assert time.monotonic() - before < 5
    assert left(tmp_path) == []
