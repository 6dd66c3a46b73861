"""Servers that are down, slow, rude, or tell too much: one deadline, no harmful repetition, the failing rows alone."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
import trustme

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.errors import ServiceError

from .conftest import house, plain
from .servers import Answered, Asked, Http, as_json

Start = Callable[..., Http]


def closed_port() -> int:
    """One on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_nobody_there_is_told_for_each_row_and_tried_again(session: Session) -> None:
    service = plain(session, f"http://127.0.0.1:{closed_port()}", "{deadline: 2s}")

    answer = service.answer("ask", Call((["get"] * 3, ["/a", "/b", "/a"]), 3))

    assert len(answer.failures) == 3
    assert "no connection to 127.0.0.1" in answer.failures[0].message
    assert 4 <= service.status.errors["refused"] <= 6  # two different calls, three attempts each, if there is hope
    assert service.status.status == "error"


def test_a_name_that_nobody_knows_is_told(session: Session) -> None:
    with pytest.raises(ServiceError, match=r"nowhere\.invalid is not known"):
        plain(session, "http://nowhere.invalid", "{retry: {attempts: 1}}").call("ask", "get", "/")


DRIP = 0.02


def dripping(connection: socket.socket) -> None:
    """An answer that never ends, byte by byte."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(DRIP)


@pytest.mark.parametrize("http2", ["false", "true"])
def test_a_drip_is_over_at_the_deadline(session: Session, http: Start, http2: str) -> None:
    server = http(lambda asked: Answered(raw=dripping))
    options = f"{{deadline: 200ms, http2: {http2}}}" if http2 == "false" else "{deadline: 200ms}"
    service = plain(session, server.url, options)

    began = time.monotonic()
    with pytest.raises(ServiceError, match="no whole answer within"):
        service.call("ask", "get", "/")

    assert time.monotonic() - began < 2
    assert service.status.errors == {"deadline": 1}


def silent(connection: socket.socket) -> None:
    """Nothing, until the other side has gone."""
    connection.recv(1)


def test_a_batch_waits_for_one_deadline_not_for_one_a_row(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(raw=silent))
    service = plain(session, server.url, "{deadline: 300ms}")

    began = time.monotonic()
    answer = service.answer("ask", Call((["get"] * 50, [f"/{n}" for n in range(50)]), 50))

    assert len(answer.failures) == 50
    assert time.monotonic() - began < 3


REPEATED = {408, 429, 502, 503, 504}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 501, 502, 503, 504])
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_what_does_no_harm_is_repeated(session: Session, http: Start, status: int, method: str) -> None:
    server = http(lambda asked: Answered(status, b"no"))
    idempotent = "true" if method == "get" else "false"
    service = plain(session, server.url, f"{{retry: {{attempts: 3, first: 1ms}}, idempotent: {idempotent}}}")

    with pytest.raises(ServiceError, match=str(status)):
        service.call("ask", method, "/")

    again = method == "get" and (status in REPEATED or status == 500)
    assert len(server.asked) == (3 if again else 1)


def test_a_server_that_asks_to_wait_is_waited_for(session: Session, http: Start) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    answers = [Answered(503, b"", {"Retry-After": "0"}), as_json({"n": 1}), Answered(503, b"", {"Retry-After": later})]
    server = http(lambda asked: answers[min(len(server.asked) - 1, 2)])
    service = plain(session, server.url, "{idempotent: true}")

    assert service.call("ask", "get", "/") == {"n": 1}
    with pytest.raises(ServiceError, match="503"):  # an hour is beyond the deadline
        service.call("ask", "get", "/")
    assert len(server.asked) == 3


def test_ekuipers_retries_count_attempts(session: Session) -> None:
    service = plain(session, f"http://127.0.0.1:{closed_port()}", "{retryCount: 4, retryInterval: 1ms}")

    with pytest.raises(ServiceError):
        service.call("ask", "post", "/")
    assert service.status.errors == {"refused": 4}


def test_half_of_the_answers_failing_is_no_reason_to_ask_twice_as_often(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(503, b"") if len(server.asked) % 2 else as_json({}))
    service = plain(session, server.url, "{idempotent: true, retry: {first: 1ms}}")

    service.answer("ask", Call((["get"] * 600, [f"/{n}" for n in range(600)]), 600))

    assert len(server.asked) <= 1.5 * 600


def test_a_host_that_is_down_is_left_alone(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(503, b""))
    service = plain(session, server.url, "{idempotent: true, concurrency: 4, retry: {first: 1ms}}")
    many = Call((["get"] * 3000, [f"/{n}" for n in range(3000)]), 3000)

    while not service.status.interfaces[0].breaker:
        service.answer("ask", many)
    asked = len(server.asked)
    answer = service.answer("ask", many)

    told = Counter(failure.message.split(": ", 1)[1][:9] for failure in answer.failures.values())
    assert told["not asked"] >= 2999
    assert len(server.asked) <= asked + 1


def test_a_host_that_was_down_for_a_moment_is_asked_at_once(session: Session, http: Start) -> None:
    def once_down(asked: Asked) -> Answered:
        again = sum(one.path == asked.path for one in server.asked) > 1
        return as_json("back") if again else Answered(503, b"")

    server = http(once_down)
    service = plain(session, server.url, "{idempotent: true, retry: {first: 1ms}}")

    answer = service.answer("ask", Call((["get"] * 64, [f"/{n}" for n in range(64)]), 64))

    assert len(answer.failures) <= 1  # sixty-four failures are as many as sixty-four calls at a time may cost
    assert answer.values.count("back") >= 63


def bomb(size: int) -> bytes:
    """So many zeros, packed."""
    return gzip.compress(bytes(size), 9)


def test_a_little_that_stands_for_much_is_refused(session: Session, http: Start) -> None:
    packed = bomb(100 << 20)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    server = http(lambda asked: Answered(200, packed, headers))
    service = plain(session, server.url)
    before = psutil.Process().memory_info().rss

    with pytest.raises(ServiceError, match="longer than maxResponse, 8,388,608 bytes"):
        service.call("ask", "get", "/")
    assert psutil.Process().memory_info().rss - before < 32 << 20


def test_an_answer_that_is_packed_is_read(session: Session, http: Start) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    server = http(lambda asked: Answered(200, gzip.compress(b'{"n": 1}'), headers))

    assert plain(session, server.url).call("ask", "get", "/") == {"n": 1}


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"]
)
def test_a_connection_that_breaks_is_told(session: Session, http: Start, raw: bytes) -> None:
    server = http(lambda asked: Answered(raw=lambda connection: connection.sendall(raw)))
    service = plain(session, server.url, "{idempotent: false}")

    with pytest.raises(ServiceError, match="broke"):
        service.call("ask", "post", "/")
    assert service.status.errors == {"broken": 1}


# ---- rows


def test_rows_that_fail_do_so_alone(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(404, b"none") if asked.path == "/2" else as_json(asked.path))
    plain(session, server.url)
    session.sql('CREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo", FORMAT="json")')
    rule = session.rule('SELECT ask("get", a) AS p FROM demo')

    session.push("demo", [{"a": f"/{n}"} for n in range(4)])

    assert [row["p"] for emit in rule.emits for row in emit.rows] == ["/0", "/1", "/3"]
    assert [error.row for error in rule.errors] == [{"a": "/2"}]
    assert "404" in rule.errors[0].message


def test_a_policy_may_answer_null_or_put_the_call_aside(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(404, b"none"))

    null = plain(session, server.url, "{onError: null}".replace("null", "'null'")).answer(
        "ask", Call((["get"], ["/"]), 1)
    )
    service = plain(session, server.url, "{onError: deadLetter}")
    aside = service.answer("ask", Call((["get"], ["/x"]), 1))

    assert (null.values, null.failures) == ([None], {})
    assert list(aside.failures) == [0]
    letter = service.dead_letters()[0]
    assert (letter["function"], letter["arguments"]) == ("ask", ["get", "/x"])
    assert "404" in letter["error"]


def test_answers_come_back_in_the_order_of_the_rows(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json(asked.path))
    service = plain(session, server.url)
    paths = [f"/{n * 37 % 100}" for n in range(300)]

    answer = service.answer("ask", Call((["get"] * 300, paths), 300))

    assert answer.values == paths
    assert len(server.asked) == 100


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["/a", None, "/b"]),
        pa.chunked_array([["/a", None], ["/b"]]),
        pa.array(["/a", None, "/b"]).dictionary_encode(),
        pa.chunked_array([["/a", None], ["/b"]]).dictionary_encode(),
    ],
)
def test_arguments_may_be_any_column(session: Session, http: Start, column: object) -> None:
    server = http(lambda asked: as_json(asked.path))

    answer = plain(session, server.url).answer("ask", Call((pa.array(["get"] * 3), column), 3))

    assert answer.values == ["/a", None, "/b"]
    assert list(answer.failures) == [1]


def test_an_answer_may_serve_again_for_a_while(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json(len(server.asked)))
    service = plain(session, server.url, "{cache: {ttl: 10s}}")

    assert [service.answer("ask", Call((["get"], ["/"]), 1)).values[0] for _ in range(3)] == [1.0, 1.0, 1.0]
    session.advance(session.clock.now() + 10_001)
    assert service.answer("ask", Call((["get"], ["/"]), 1)).values[0] == 2.0
    assert service.status.interfaces[0].hits == 2


def test_a_batch_may_be_one_request(session: Session, http: Start) -> None:
    def answer(asked: Asked) -> Answered:
        return as_json([{"text": f"hi {each['firstName']}"} for each in asked.json])

    server = http(answer)
    service = house(session, "rest", server.url, "{batch: {path: /batch, size: 100}}")

    found = service.answer("Hello", Call(([f"g{n % 250}" for n in range(500)], [1] * 500, [[]] * 500), 500))

    assert [value["text"] for value in found.values] == [f"hi g{n % 250}" for n in range(500)]
    assert [asked.path for asked in server.asked] == ["/batch"] * 3


def test_a_batch_asks_only_for_what_its_cache_does_not_have(session: Session, http: Start) -> None:
    asked: list[list[str]] = []

    def answer(one: Asked) -> Answered:
        asked.append([each["firstName"] for each in one.json])
        return as_json([{"text": f"hi {name}"} if name != "bad" else {"text": 1} for name in asked[-1]])

    service = house(session, "rest", http(answer).url, "{batch: {path: /batch}, cache: {ttl: 1m}}")

    def texts(*names: str) -> list[str | None]:
        found = service.answer("Hello", Call((list(names), [1] * len(names), [[]] * len(names)), len(names)))
        return [None if value is None else value["text"] for value in found.values]

    assert texts("a", "bad", "b") == ["hi a", None, "hi b"]
    assert texts("b", "bad", "c", "a") == ["hi b", None, "hi c", "hi a"]
    assert asked == [["a", "bad", "b"], ["bad", "c"]]


def test_of_a_batch_the_rows_with_garbage_fail_alone(session: Session, http: Start) -> None:
    garbage = [
        b"{",
        b"[1]",
        b'{"text": 1}',
        b"\xff",
        b'{"guest": {"marks": ["x"]}}',
        b"[" * 50_000,
        b'{"long_number": 1e9999}',
    ]

    def answer(asked: Asked) -> Answered:
        number = int(asked.json["firstName"])
        return Answered(200, garbage[number % 7]) if number % 3 == 0 else as_json({"text": str(number)})

    service = house(session, "rest", http(answer).url)
    found = service.answer("Hello", Call(([str(n) for n in range(210)], [1] * 210, [[]] * 210), 210))

    assert sorted(found.failures) == list(range(0, 210, 3))
    assert [value["text"] for value in found.values if value is not None] == [str(n) for n in range(210) if n % 3]


@pytest.mark.parametrize("told", [b"{}", b"[]", b"[", b'[{"text": 1}, {"text": "b"}]'])
def test_a_batch_whose_answer_is_none_fails_its_rows(session: Session, http: Start, told: bytes) -> None:
    server = http(lambda asked: Answered(200, told))
    service = house(session, "rest", server.url, "{batch: {path: /batch}, retry: {attempts: 1}}")

    found = service.answer("Hello", Call((["a", "b"], [1, 2], [[], []]), 2))

    assert len(found.failures) == (1 if b"text" in told else 2)


def test_a_rate_is_kept(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json(1))
    service = plain(session, server.url, "{rate: 50/s}")

    began = time.monotonic()
    service.answer("ask", Call((["get"] * 11, [f"/{n}" for n in range(11)]), 11))

    assert time.monotonic() - began >= 0.19


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, *names: str, expired: bool = False) -> ssl.SSLContext:
    """The context of a server with a certificate."""
    more = {"not_after": datetime(2020, 1, 1, tzinfo=UTC)} if expired else {}
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names, **more).configure_cert(context)
    return context


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def test_a_private_authority_is_believed(session: Session, http: Start, authority: trustme.CA, ca: Path) -> None:
    server = http(lambda asked: as_json({"n": 1}), serving(authority, "127.0.0.1"))

    assert plain(session, server.url, f"{{tls: {{ca: '{ca}'}}}}").call("ask", "get", "/") == {"n": 1}


def test_http2_is_spoken_where_it_is_asked_for(session: Session, http: Start, authority: trustme.CA, ca: Path) -> None:
    server = http(lambda asked: as_json({"n": 1}), serving(authority, "127.0.0.1"))

    service = plain(session, server.url, f"{{http2: true, tls: {{ca: '{ca}'}}}}")  # a server that has it not: 1.1
    assert service.call("ask", "get", "/") == {"n": 1}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("unknown authority", "self-signed certificate in certificate chain|unable to get local issuer"),
        ("another host", "IP address mismatch|Hostname mismatch|not valid for"),
        ("expired", "certificate has expired"),
        ("no certificate of ours", "certificate required|handshake|broke|alert"),
        ("no TLS", "there is no secure connection|broke"),
    ],
)
def test_a_bad_certificate_is_refused_in_words(
    session: Session, http: Start, authority: trustme.CA, ca: Path, fault: str, why: str
) -> None:
    believed = f"{{tls: {{ca: '{ca}'}}, retry: {{attempts: 1}}}}"
    context: ssl.SSLContext | None = serving(authority, "127.0.0.1")
    match fault:
        case "unknown authority":
            context = serving(trustme.CA(), "127.0.0.1")
        case "another host":
            context = serving(authority, "elsewhere.example")
        case "expired":
            context = serving(authority, "127.0.0.1", expired=True)
        case "no certificate of ours":
            assert context is not None
            context.verify_mode = ssl.CERT_REQUIRED
            authority.configure_trust(context)
        case "no TLS":
            context = None
    server = http(lambda asked: as_json({"n": 1}), context)

    with pytest.raises(ServiceError, match=why):
        plain(session, server.url.replace("http:", "https:"), believed).call("ask", "get", "/")
    assert server.asked == []


def test_a_certificate_of_ours_is_shown(
    session: Session, http: Start, authority: trustme.CA, ca: Path, tmp_path: Path
) -> None:
    context = serving(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    mine = authority.issue_cert("me@house.example")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "me.pem")
    server = http(lambda asked: as_json({"n": 1}), context)

    options = f"{{tls: {{ca: '{ca}', cert: '{tmp_path / 'me.pem'}'}}}}"
    assert plain(session, server.url, options).call("ask", "get", "/") == {"n": 1}


def test_verification_may_be_skipped_by_those_who_say_so(session: Session, http: Start) -> None:
    server = http(lambda asked: as_json({"n": 1}), serving(trustme.CA(), "elsewhere.example"))

    service = plain(session, server.url, "{insecureSkipVerify: true}")
    assert service.call("ask", "get", "/") == {"n": 1}
    assert service.status.notes == ("ask: nobody verifies who answers there (insecureSkipVerify)",)


# ---- tokens


def tokens(http: Start, lasts: float = 3600) -> Http:
    server: Http = http(
        lambda asked: as_json({"access_token": f"token-number-{len(server.asked)}", "expires_in": lasts})
    )
    return server


def test_a_token_is_fetched_once_for_all(session: Session, http: Start) -> None:
    tokens_ = tokens(http)
    server = http(lambda asked: as_json(asked.headers["authorization"]))
    oauth2 = f"{{oauth2: {{tokenUrl: '{tokens_.url}/token', clientId: me, clientSecret: mine}}}}"
    service = plain(session, server.url, f"{{auth: {oauth2}, concurrency: 200}}")

    answer = service.answer("ask", Call((["get"] * 200, [f"/{n}" for n in range(200)]), 200))

    assert set(answer.values) == {"Bearer token-number-1"}
    assert [asked.body for asked in tokens_.asked] == [b"grant_type=client_credentials&client_id=me&client_secret=mine"]


def test_a_token_that_is_refused_is_renewed_once_for_all(session: Session, http: Start) -> None:
    tokens_ = tokens(http)
    good = ["Bearer token-number-1"]

    def answer(asked: Asked) -> Answered:
        return as_json("in") if asked.headers["authorization"] in good else Answered(401, b"expired")

    server = http(answer)
    oauth2 = f"{{oauth2: {{tokenUrl: '{tokens_.url}/token', clientId: me, clientSecret: mine}}}}"
    service = plain(session, server.url, f"{{auth: {oauth2}, concurrency: 100}}")
    assert service.call("ask", "get", "/") == "in"

    good[0] = "Bearer token-number-2"
    answer_ = service.answer("ask", Call((["post"] * 100, [f"/{n}" for n in range(100)]), 100))

    assert set(answer_.values) == {"in"}
    assert len(tokens_.asked) == 2


def test_a_refusal_that_nothing_helps_is_told(session: Session, http: Start) -> None:
    server = http(lambda asked: Answered(401, b"no"))

    with pytest.raises(ServiceError, match="401"):
        plain(session, server.url, "{auth: {bearer: x}}").call("ask", "get", "/")
    assert len(server.asked) == 1
