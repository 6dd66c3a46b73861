"""Only the address that the file names is contacted; what leads to metadata of clouds is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from kuiper_nb import Session
from kuiper_nb.errors import ServiceError
from kuiper_nb.services.address import Address
from kuiper_nb.services.loop import Loop
from kuiper_nb.services.protocol import CallFailed

from .conftest import plain
from .servers import Answered, Asked, Http, as_json

Start = Callable[[Callable[[Asked], Answered]], Http]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://localhost:8080/base/", "http://localhost:8080/base"),
        ("HTTPS://Example.com", "https://example.com:443"),
        ("tcp://10.0.0.7:50051", "tcp://10.0.0.7:50051"),
        ("grpcs://house.local", "grpcs://house.local:443"),
        ("localhost:50051", "tcp://localhost:50051"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://192.168.1.1", "http://192.168.1.1:80"),
        ("http://127.1:80", "http://127.1:80"),
    ],
)
def test_plain_addresses_are_taken(text: str, shown: str) -> None:
    assert Address.of(text).shown == shown


TRICKS = [
    "http://169.254.169.254/latest/meta-data", "http://169.254.1.1", "http://2852039166/", "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/", "http://0251.0376.0251.0376/", "http://169.254.43518/", "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://168.63.129.16/",
    "http://0.0.0.0/", "http://[::]/", "http://224.0.0.1/", "http://[ff02::1]/", "file:///etc/passwd",
    "ftp://localhost/", "gopher://localhost/", "javascript:alert(1)", "http://", "http:///path", "//localhost:1",
    "http://good.example\\@evil.example/", "http://good.example\\.evil.example/", "http://a b/", "http://a\tb/",
    "http://a\nb/", "http://localhost:99999/", "http://localhost:http/", "http://localhost:-1/",
    "http://loc@lhost@evil/", "http://localhost/?a=1", "http://localhost/#x", "tcp://localhost", "http://[::1/",
    "http://ex%61mple.com/", "http://${env:HOME}/", "unix:///tmp/x", "http://*/", "http://a,b/",
]  # fmt: skip


@pytest.mark.parametrize("text", TRICKS)
def test_tricks_are_refused(text: str) -> None:
    with pytest.raises(ServiceError):
        Address.of(text)


def answered(names: list[list[str]]) -> Callable[..., Coroutine[Any, Any, list[Any]]]:
    """A resolver that answers one list of addresses after the other."""

    async def told(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (one, 80)) for one in names.pop(0)]

    return told


def resolved(text: str, times: int, names: list[list[str]]) -> list[list[str]]:
    """What the loop of services makes of *text*, so many times, while the resolver answers *names*."""

    async def resolve() -> list[list[str]]:
        asyncio.get_running_loop().getaddrinfo = answered(names)  # type: ignore[method-assign]
        address = Address.of(text)
        return [list(await address.resolve()) for _ in range(times)]

    with contextlib.closing(Loop()) as loop:
        return loop.run(resolve()).result(10)


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (["169.254.1.1"], "a link-local address"),
        (["10.0.0.1", "169.254.169.254"], "metadata"),
        (["100.100.100.200"], "metadata"),
    ],
)
def test_a_name_that_leads_to_metadata_is_refused_when_it_is_resolved(addresses: list[str], why: str) -> None:
    with pytest.raises(CallFailed, match=f"innocent.example is {addresses[-1]}, .*{why}") as failed:
        resolved("http://innocent.example", 1, [addresses])
    assert failed.value.kind == "address"


def test_an_address_is_resolved_once() -> None:
    assert resolved("http://rebinding.example", 3, [["10.0.0.1"], ["10.0.0.2"]]) == [["10.0.0.1"]] * 3


def test_a_redirect_is_not_followed(session: Session, http: Start) -> None:
    trap = http(lambda asked: as_json({"text": "trapped"}))
    server = http(lambda asked: Answered(302, b"", {"Location": f"{trap.url}/x"}))

    service = plain(session, server.url, "{retry: {attempts: 1}}")
    with pytest.raises(ServiceError, match="302"):
        service.call("ask", "get", "/")
    assert trap.asked == []


def test_a_proxy_of_the_environment_is_not_used(session: Session, http: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = http(lambda asked: as_json({"text": "trapped"}))
    monkeypatch.setenv("HTTP_PROXY", trap.url)
    monkeypatch.setenv("http_proxy", trap.url)
    server = http(lambda asked: as_json({"text": "here"}))

    assert plain(session, server.url).call("ask", "get", "/") == {"text": "here"}
    assert trap.asked == []


ALONE = ["unshare", "--user", "--map-root-user", "--net", "--mount"]


def of_its_own() -> bool:
    """Whether this system lets its user have a network of their own."""
    found = shutil.which("unshare") and subprocess.run([*ALONE, "true"], capture_output=True, check=False)
    return bool(found) and found.returncode == 0


@pytest.mark.skipif(not of_its_own(), reason="no network of one's own here")
def test_a_name_that_leads_elsewhere_the_second_time_is_not_followed(tmp_path: Path) -> None:
    command = [*ALONE, sys.executable, "-m", "tests.services.rebinding", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    assert [found[name]["told"] for name in ("trap", "metadata")] == [["ok"] * 3] * 2
    assert [found[name]["asked"] for name in ("trap", "metadata")] == [1, 1]
    assert all("no connection to" in told for name in ("trap", "metadata") for told in found[name]["gone"])
    assert all("where the metadata of a cloud is" in told for told in found["cloud"]["told"])
    assert [found[name]["trapped"] for name in found] == [0, 0, 0]
