"""Only the address that the file names is contacted; what leads to metadata of clouds is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kuiper_nb import Session
from kuiper_nb.errors import ServiceError
from kuiper_nb.services.address import Address
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


def test_a_name_that_leads_to_metadata_is_refused_when_it_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve() -> str:
        loop = asyncio.get_running_loop()

        async def told(*_: object, **__: object) -> list[object]:
            return [(2, 1, 6, "", ("169.254.169.254", 80))]

        monkeypatch.setattr(loop, "getaddrinfo", told)
        with pytest.raises(CallFailed) as failed:
            await Address.of("http://innocent.example").resolve()
        return f"{failed.value.kind}: {failed.value.message}"

    assert asyncio.run(resolve()).startswith("address: innocent.example is 169.254.169.254, a link-local address") or (
        "metadata" in asyncio.run(resolve())
    )


def test_an_address_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [[(2, 1, 6, "", ("10.0.0.1", 80))], [(2, 1, 6, "", ("10.0.0.2", 80))]]

    async def resolve() -> list[list[str]]:
        async def told(*_: object, **__: object) -> list[object]:
            return list(answers.pop(0))

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", told)
        address = Address.of("http://rebinding.example")
        return [list(await address.resolve()) for _ in range(3)]

    assert asyncio.run(resolve()) == [["10.0.0.1"]] * 3


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
