"""A whole rule that asks a service for its rows, beside a plain loop that asks for one row after the other.

The loop is what eKuiper does, by the same libraries: one connection of httpx, one request after the other; one blocking
rpc after the other. The REST server is a Go program in a process of its own (`server/`), the gRPC server Python in
another; they answer at once, or after 5 ms. Loop and rule ask the same server in turn.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pyarrow as pa
from google.protobuf import message_factory

from kuiper_nb import Session
from kuiper_nb.plugins import gobuild
from kuiper_nb.services.schema import compiled

SERVER = Path(__file__).parent / "server"
PROTO = 'syntax = "proto3"; package b; service S { rpc twice(N) returns (N); } message N { double n = 1; }'
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows a second of the rule and of the loop; how many rows, how many of them different, and the goals."""

    case: str
    rows: int
    different: int
    ours: float
    loop: float
    least: float
    least_ratio: float


def measured(rounds: int) -> Iterator[Asked]:
    """A line a case."""
    with tempfile.TemporaryDirectory() as folder:
        program = _built(Path(folder))
        with _running([str(program), "0"]) as quick, _running([str(program), "5"]) as slow:
            yield _best(rounds, "REST, at once", 4000, 4000, lambda n: _rest(quick, n), quick, _get, 1800, 1.5)
            yield _best(rounds, "REST, 5 ms", 2000, 2000, lambda n: _rest(slow, n), slow, _get, 0, 8)
            yield _best(
                rounds, "REST, 5 ms, 1,000 of 10,000 differ", 10_000, 1000, lambda n: _rest(slow, n), slow, _get, 0, 80
            )
            batched = "{batch: {path: /batch}}"
            yield _best(
                rounds,
                "REST, 5 ms, batch endpoint",
                10_000,
                10_000,
                lambda n: _rest(slow, n, batched),
                slow,
                _get,
                0,
                500,
            )
        for delay, least, ratio in ((0, 2700, 1.5), (5, 0, 8)):
            with _running([sys.executable, "-m", "tests.benchmarks.services", str(delay)]) as port:
                case = f"gRPC, {'at once' if delay == 0 else '5 ms'}"
                yield _best(rounds, case, 4000, 4000, lambda n, port=port: _grpc(port, n), port, _rpc, least, ratio)


def _best(
    rounds: int,
    case: str,
    rows: int,
    different: int,
    rule: Callable[[list[float]], float],
    port: int,
    loop: Callable[[int, int], float],
    least: float,
    ratio: float,
) -> Asked:
    values = [float(n % different) for n in range(rows)]
    ours = theirs = 0.0
    for _ in range(rounds):
        ours = max(ours, rows / rule(values))
        theirs = max(theirs, loop(port, 400))
    return Asked(case, rows, different, ours, theirs, least, ratio)


# ---- the rule


def _rest(port: int, values: list[float], options: str = "{}") -> float:
    return _ruled(f"address: 'http://127.0.0.1:{port}', protocol: rest, options: {options}", values)


def _grpc(port: int, values: list[float]) -> float:
    return _ruled(f"address: 'tcp://127.0.0.1:{port}', protocol: grpc", values)


def _ruled(interface: str, values: list[float]) -> float:
    """Seconds of a rule over these rows, of a second run of it."""
    with Session() as session:
        session.services.add(f"interfaces:\n  s: {{{interface}, schema: '{PROTO}'}}\n", "bench")
        session.sql('CREATE STREAM asked (n FLOAT) WITH (TYPE="memory", DATASOURCE="asked", FORMAT="json")')
        rule = session.rule("SELECT twice(n)->n AS m FROM asked")
        session.push("asked", pa.table({"n": values[:64]}))
        session.settle(SECONDS)
        began = time.perf_counter()
        session.push("asked", pa.table({"n": values}))
        session.settle(SECONDS)
        took = time.perf_counter() - began
        found = [row["m"] for emit in rule.emits for row in emit.rows][64:]
        if found != [2 * value for value in values]:
            raise AssertionError(f"{len(rule.errors)} errors, {rule.errors[:1]}")
        return took


# ---- the loop


def _get(port: int, rows: int) -> float:
    """Rows a second."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        client.post("/twice", json={"n": 1})
        began = time.perf_counter()
        for n in range(rows):
            client.post("/twice", json={"n": n}).json()
        return rows / (time.perf_counter() - began)


def _rpc(port: int, rows: int) -> float:
    """Rows a second."""
    kind = _message()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/b.S/twice", lambda m: m.SerializeToString(), kind.FromString)
        call(kind(n=1))
        began = time.perf_counter()
        for n in range(rows):
            call(kind(n=n))
        return rows / (time.perf_counter() - began)


# ---- the servers


def _message() -> Any:
    return message_factory.GetMessageClass(compiled("", PROTO, ()).rpcs[0].input)


def _built(folder: Path) -> Path:
    go, program = gobuild.toolchain("the benchmark"), folder / "server"
    subprocess.run([str(go), "build", "-o", str(program), "."], cwd=SERVER, check=True)
    return program


@contextmanager
def _running(command: list[str]) -> Iterator[int]:
    """A server, and its port."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


async def _serve(delay: float) -> None:
    kind = _message()

    async def twice(asked: Any, context: Any) -> Any:
        if delay:
            await asyncio.sleep(delay)
        return kind(n=2 * asked.n)

    handler = grpc.unary_unary_rpc_method_handler(twice, kind.FromString, lambda m: m.SerializeToString())
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("b.S", {"twice": handler}),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) / 1000))
