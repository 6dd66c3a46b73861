"""The zoo: one plugin made for eKuiper, in Python and in Go, and what it is started with here."""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kuiper_nb.contracts import Answer, Call, Payload
from kuiper_nb.plugins.hello import Served
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.nanomsg import EkuiperPeer
from kuiper_nb.plugins.nanomsg_places import Place
from kuiper_nb.plugins.peer import Control

HERE = Path(__file__).parent
FUNCTIONS = ("echo", "kinds", "pair", "total", "whose", "picky", "deadly")
CONTEXT = {"ruleId": "r1", "opId": "op_2_project", "instanceId": 0, "funcId": 1}
SECONDS = 20.0

Start = Callable[..., EkuiperPeer]


class Heard:
    """An inlet that keeps what it is told."""

    def __init__(self) -> None:
        self.payloads: queue.Queue[Payload] = queue.Queue()
        self.over = threading.Event()
        self.failure: tuple[str, str] | None = None

    def rows(self, payload: Payload) -> None:
        self.payloads.put(payload)

    def ended(self) -> None:
        self.over.set()

    def failed(self, why: str, where: str) -> None:
        self.failure = why, where
        self.over.set()

    def all(self) -> list[Payload]:
        """Everything until its end."""
        assert self.over.wait(SECONDS)
        return [self.payloads.get_nowait() for _ in range(self.payloads.qsize())]


def called(peer: EkuiperPeer, symbol: str, *columns: list[Any], seconds: float = SECONDS, **context: Any) -> Answer:
    """The answer for columns of arguments, for a rule unless *context* says otherwise."""
    return peer.call(symbol, Call(columns, len(columns[0]), {**CONTEXT, **context}), seconds)


def source(symbol: str, rule: str = "r1", instance: int = 0, datasource: str = "", **config: Any) -> Control:
    """A source of the zoo."""
    return Control(symbol, "source", rule, f"source_{symbol}", instance, datasource, config)


def sink(path: Path, rule: str = "r1", instance: int = 0, **config: Any) -> Control:
    """The sink of the zoo, that writes lines to *path*."""
    return Control("keep", "sink", rule, "sink_keep", instance, "", {"path": str(path), **config})


def lines_of(path: Path, most: int) -> list[str]:
    """The first lines of a file that a plugin writes: a sink without acknowledgements says nothing of it."""
    tick = threading.Event()
    for _ in range(int(SECONDS * 100)):
        found = path.read_text().splitlines() if path.exists() else []
        if len(found) >= most:
            return found
        tick.wait(0.01)
    raise AssertionError(f"{path} has not {most} lines")


def command(language: str, go: Path | None = None) -> list[str]:
    """As eKuiper starts it."""
    options = '{"sendTimeout":1000}'
    return [str(go), options] if language == "go" else [sys.executable, "-u", str(HERE / "python/zoo.py"), options]


@pytest.fixture(scope="session")
def go_zoo(request: pytest.FixtureRequest) -> Path:
    """The zoo in Go, built once for each version of its source."""
    toolchain = shutil.which("go")
    if toolchain is None:
        if os.environ.get("CI"):
            pytest.fail("no Go toolchain")
        pytest.skip("no Go toolchain")
    folder = HERE / "go"
    texts = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    assert request.config.cache is not None
    built = Path(request.config.cache.mkdir("zoo")) / hashlib.sha256(texts).hexdigest()[:16]
    if not built.exists():
        own = built.with_suffix(f".{os.getpid()}")
        subprocess.run([toolchain, "build", "-o", str(own), "."], cwd=folder, check=True, capture_output=True)
        own.rename(built)
    return built


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts a zoo: `start("python")`, `start("go", ready=False)`; all of them are closed at the end."""
    peers: list[EkuiperPeer] = []

    def started(
        language: str = "python",
        *,
        ready: bool = True,
        place: Callable[..., Place] | None = None,
        name: str = "zoo",
        zoo: str = "",
        functions: tuple[str, ...] = FUNCTIONS,
        argv: list[str] | None = None,
        **options: Any,
    ) -> EkuiperPeer:
        go = request.getfixturevalue("go_zoo") if language == "go" else None
        symbols = [Served(each, "function") for each in functions]
        symbols += [Served("count", "source"), Served("endless", "source"), Served("keep", "sink")]
        peer = EkuiperPeer(
            name,
            argv or command(language, go),
            HERE,
            {"ZOO": zoo, "ZOO_NAME": name},
            symbols,
            options.pop("lines", Lines()),
            language=language,
            place=place,
            **options,
        )
        peers.append(peer)
        if ready:
            peer.ready(SECONDS)
        return peer

    yield started
    for peer in peers:
        peer.close()


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where private folders are made in this test: a folder of its own, with a short name."""
    folder = Path(tempfile.mkdtemp(prefix="zoo", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
