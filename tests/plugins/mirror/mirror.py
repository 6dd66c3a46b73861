"""The plugin of the conformance suite, in Python: mirror.go serves the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from kuiper_nb.sdk import Context, Function, PluginConfig, Sink, Source, aggregate, function, plugin, sink, source

sent = 0
finished = False


@function
def echo(a: Any) -> Any:
    return a


@function
def second(a: Any, b: Any) -> Any:
    return b


@function
def add(a: float, b: float) -> float:
    return a + b


@function
def shout(s: str) -> str:
    return s.upper()


@function
def below(n: int) -> int:
    """Counts down."""
    if n > 3:
        raise ValueError(f"{n} is too much")
    return n - 1


@function
def crashing(n: int) -> int:
    return [1, 2, 3][n]


@function
def mixed(n: int) -> Any:
    return [n, float(n), str(n), n > 1, [n], {"n": n}, None, b"n"][n]


@function
def seven() -> int:
    return 7


@function
def how_many(*values: Any) -> int:
    return len(values)


@function
def long(n: int) -> str:
    return "x" * n


@aggregate
def spread(values: list[float]) -> float:
    return max(values) - min(values)


@function(vectorized=True)
def doubled(a: Any) -> Any:
    return a * 2


@function(vectorized=True)
def positive(a: Any) -> Any:
    if (a < 0).any():
        raise ValueError("a negative number")
    return a


class Counting(Function):
    def validate(self, args: list[Any]) -> str:
        return f"it takes no {args[0]}" if args else ""

    def exec(self, args: list[Any], ctx: Context) -> Any:
        ctx.state["calls"] = ctx.state.get("calls", 0) + 1
        return ctx.state["calls"]


class Whereabouts(Function):
    def exec(self, args: list[Any], ctx: Context) -> Any:
        return f"{ctx.get_rule_id()} {ctx.get_op_id()} {ctx.get_instance_id()} {ctx.get_func_id()}"


class Loud(Function):
    def exec(self, args: list[Any], ctx: Context) -> Any:
        print(f"printed {args[0]}", flush=True)
        ctx.get_logger().debug("not shown")
        ctx.get_logger().warning("logged %s", args[0])
        return args[0]


class Numbers(Source):
    def configure(self, datasource: str, conf: dict[str, Any]) -> None:
        if "most" not in conf:
            raise ValueError("how many?")
        self.first, self.most = int(datasource), int(conf["most"])

    def open(self, ctx: Context) -> None:
        for n in range(self.first, self.most):
            ctx.emit({"n": n}, {"parity": n % 2})


@source
def items() -> Iterator[Any]:
    yield {"a": 1.5, "b": None, "c": [1, "x"], "d": b"\x00\xff"}
    yield [{"n": 1}, {"n": 2}]
    yield b"raw"
    yield pa.table({"n": [1, None, 3]})


@source
def many(rows: int) -> Iterator[Any]:
    yield from ({"n": n} for n in range(int(rows)))


@source
def broken() -> Iterator[Any]:
    yield {"n": 1}
    raise OSError("the line is dead")


@source
def endless() -> Iterator[Any]:
    global sent, finished  # noqa: PLW0603
    try:
        while True:
            sent += 1
            yield [{"n": sent}]
    finally:
        finished = True


@function
def so_far() -> int:
    return sent


@function
def is_finished() -> bool:
    return finished


class Append(Sink):
    def configure(self, conf: dict[str, Any]) -> None:
        if "path" not in conf:
            raise ValueError("no path")
        self.path = Path(conf["path"])

    def collect(self, ctx: Context, data: Any) -> None:
        if b"bad" in data:
            raise ValueError("not this one")
        with self.path.open("ab") as file:
            file.write(data)

    def close(self, ctx: Context) -> None:
        with self.path.open("ab") as file:
            file.write(b"closed")


@sink
def counted(rows: list[dict[str, Any]], path: str) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{len(rows)} {rows[0]['n']};")


plugin.start(
    PluginConfig(
        "mirror",
        {"numbers": Numbers},
        {"append": Append},
        {"counting": Counting, "whereabouts": Whereabouts, "loud": Loud},
    )
)
