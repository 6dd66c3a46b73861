"""Faults of services, many times over, with real servers: what is promised of them, and what was seen.

python -m tests.benchmarks.servicefaults [--only drips,half,down,edits,restarts,tokens] [--share 0.1]
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import message_factory

from kuiper_nb import Session
from kuiper_nb.contracts import Call
from kuiper_nb.services.schema import compiled

from ..services.servers import Answered, Asked, Grpc, as_json, http

PROTO = 'syntax = "proto3"; package b; service S { rpc twice(N) returns (N); } message N { double n = 1; }'


def interface(url: str, options: str = "{}") -> str:
    """A service that asks anything."""
    return f"interfaces:\n  ask: {{address: '{url}', protocol: rest, schemaless: true, options: {options}}}\n"


def paths(rows: int) -> Call:
    """So many different calls."""
    return Call((["get"] * rows, [f"/{n}" for n in range(rows)]), rows)


def drips(share: float) -> dict[str, Any]:
    """An answer that never ends, byte by byte: how long it takes beyond a deadline of 500 ms."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)

    times = []
    with http(lambda asked: Answered(raw=drip)) as server, Session() as session:
        service = session.services.add(interface(server.url, "{deadline: 500ms, retry: {attempts: 1}}"), "s")
        for n in range(round(100 * share)):
            service._now._bound[0].caller.host.succeeded()  # else it is left alone
            began = time.perf_counter()
            service.answer("ask", Call((["get"], [f"/{n}"]), 1))
            times.append(time.perf_counter() - began)
    late = sum(seconds > 0.55 for seconds in times)
    return {"times": len(times), "worst_s": max(times), "late": late, "goal": "0.55 s in all", "met": late == 0}


def half(share: float) -> dict[str, Any]:
    """10,000 calls of which half fail: requests at the server for each call."""
    counted = Counter[str]()
    lock = threading.Lock()

    def answer(asked: Asked) -> Answered:
        with lock:
            counted["asked"] += 1
            return Answered(503, b"") if counted["asked"] % 2 else as_json(1)

    rows = round(10_000 * share)
    with http(answer) as server, Session() as session:
        session.services.add(interface(server.url, "{idempotent: true, retry: {first: 1ms}}"), "s").answer(
            "ask", paths(rows)
        )
    ratio = counted["asked"] / rows
    return {"calls": rows, "requests_per_call": ratio, "goal": "1.5", "met": ratio <= 1.5}


def down(share: float) -> dict[str, Any]:
    """10,000 calls of a host that always fails."""
    counted = Counter[str]()

    def answer(asked: Asked) -> Answered:
        counted["asked"] += 1
        return Answered(503, b"")

    rows = round(10_000 * share)
    with http(answer) as server, Session() as session:
        session.services.add(interface(server.url, "{idempotent: true, retry: {first: 1ms}}"), "s").answer(
            "ask", paths(rows)
        )
    ratio = counted["asked"] / rows
    return {"calls": rows, "requests_per_call": ratio, "goal": "1.1", "met": ratio <= 1.1}


def edits(share: float) -> dict[str, Any]:
    """The file is edited under load: calls to the old address after the first to the new one."""
    stale = failed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        http(lambda asked: as_json("a")) as one,
        http(lambda asked: as_json("b")) as two,
        Session() as session,
    ):
        file = Path(folder) / "s.yaml"
        file.write_text(interface(one.url), encoding="utf-8")
        service = session.services.add(file)
        times = round(100 * share)
        for n in range(times):
            new, word = ((two, "b"), (one, "a"))[n % 2]
            stamp = file.stat().st_mtime_ns + 1_000_000
            file.write_text(interface(new.url), encoding="utf-8")
            os.utime(file, ns=(stamp, stamp))
            for _ in range(3):
                answer = service.answer("ask", paths(20))
                failed += len(answer.failures)
                stale += sum(value != word for value in answer.values)
    return {"times": times, "stale": stale, "failed": failed, "goal": "0", "met": stale == 0 and failed == 0}


def restarts(share: float) -> dict[str, Any]:
    """A gRPC server is killed and started again under load: calls that are stuck beyond their deadline."""
    schema = compiled("", PROTO, ())
    kind = message_factory.GetMessageClass(schema.rpcs[0].output)
    answers = {"twice": lambda asked, context: kind(n=2 * asked.n)}
    server = Grpc(schema, answers)
    longest, wrong, failed, calls = 0.0, 0, 0, 0
    over = threading.Event()
    with Session() as session:
        text = f"address: 'tcp://127.0.0.1:{server.port}', protocol: grpc, options: {{idempotent: true, deadline: 2s}}"
        service = session.services.add(f"interfaces:\n  s: {{{text}, schema: '{PROTO}'}}\n", "s")

        def load() -> None:
            nonlocal longest, wrong, failed, calls
            while not over.is_set():
                began = time.perf_counter()
                answer = service.answer("twice", Call(([float(n) for n in range(50)],), 50))
                longest = max(longest, time.perf_counter() - began)
                calls, failed = calls + 50, failed + len(answer.failures)
                wrong += sum(v is not None and v["n"] != 2.0 * n for n, v in enumerate(answer.values))

        loading = threading.Thread(target=load)
        loading.start()
        times = round(100 * share)
        for _ in range(times):
            time.sleep(0.05)
            server.close()
            server = Grpc(schema, answers, port=server.port)
        over.set()
        loading.join()
    server.close()
    met = longest <= 2.2 and wrong == 0
    found = {"times": times, "calls": calls, "failed": failed, "wrong": wrong, "longest_s": longest}
    return {**found, "goal": "deadline 2 s, 0 wrong", "met": met}


def tokens(share: float) -> dict[str, Any]:
    """200 calls at a time when the token has just expired: tokens that are fetched."""
    fetched, good = Counter[str](), ["Bearer token-0"]

    def token(asked: Asked) -> Answered:
        fetched["all"] += 1
        good[0] = f"Bearer token-{fetched['all']}"
        return as_json({"access_token": good[0].removeprefix("Bearer "), "expires_in": 3600})

    def answer(asked: Asked) -> Answered:
        return as_json("in") if asked.headers["authorization"] == good[0] else Answered(401, b"expired")

    failed, times = 0, round(20 * share)
    with http(token) as tokens_, http(answer) as server, Session() as session:
        oauth2 = f"{{oauth2: {{tokenUrl: '{tokens_.url}/', clientId: a, clientSecret: b}}}}"
        service = session.services.add(interface(server.url, f"{{auth: {oauth2}, concurrency: 200}}"), "s")
        service.answer("ask", paths(1))
        for _ in range(times):
            good[0] = "Bearer expired"
            failed += len(service.answer("ask", paths(200)).failures)
    extra = fetched["all"] - 1 - times
    return {
        "times": times,
        "fetched_beyond_one_each": extra,
        "failed": failed,
        "goal": "0",
        "met": extra == failed == 0,
    }


FAULTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "drips": drips,
    "half": half,
    "down": down,
    "edits": edits,
    "restarts": restarts,
    "tokens": tokens,
}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.servicefaults", description=__doc__)
    parser.add_argument("--only", default=",".join(FAULTS))
    parser.add_argument("--share", type=float, default=1.0, help="of the repetitions")
    options = parser.parse_args()
    for name in options.only.split(","):
        found = {"fault": name, **FAULTS[name](options.share)}
        shown = {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
