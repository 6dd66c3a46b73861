"""A dialogue with the plugin of the conformance suite in which every kind of message is said.

    python -m tests.plugins.dialogue     writes down how it goes in each language, as recorded/wire1-LANGUAGE.jsonl

Do that when the version of the wire changes, and keep the logs of the versions before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from kuiper_nb.contracts import Call
from kuiper_nb.plugins.gobuild import build
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import Program, python
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.peer import Control, Declined
from kuiper_nb.plugins.wire import VERSION

from .conftest import PATIENCE, Collected

RECORDED = Path(__file__).parent / "recorded"
MIRROR = Path(__file__).parent / "mirror"
CONTEXT = {"ruleId": "r1", "opId": "op_2_project", "instanceId": 0, "funcId": 3}


def dialogue(kernel: Kernel) -> list[Any]:
    """What comes of it: the values of each step, as they are compared."""
    hello = kernel.ready(PATIENCE)
    found: list[Any] = [hello.name, sorted(f"{s.kind} {s.name} {s.arity}" for s in hello.served)]
    for symbol, columns in (
        ("echo", [[1, "a", None, {"b": [b"\x00", 1.5]}]]),
        ("add", [pa.array([1.5, 2.0]), pa.array([1.0, None])]),
        ("below", [[1, 4, 2]]),
        ("spread", [[[3.0, 9.0], [5.0]]]),
        ("doubled", [pa.array([1.5, 2.0])]),
        ("counting", []),
        ("whereabouts", []),
        ("loud", [[7]]),
    ):
        answer = kernel.call(symbol, Call(tuple(columns), len(columns[0]) if columns else 1, CONTEXT), PATIENCE)
        values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
        found.append([symbol, values, sorted(answer.failures)])
    found.append(["validate", kernel.validate("counting", ["a + 1"])])
    found.append(["missing", declined(lambda: kernel.call("missing", Call(([1],), 1), PATIENCE))])
    found += streamed(kernel)
    return found


def streamed(kernel: Kernel) -> list[Any]:
    """Of a source, one whose line is dead, and a sink."""
    items, broken = Collected(), Collected()
    control = Control("items", "source", "r1", "source_items")
    kernel.start(control, items, PATIENCE)
    items.wait(lambda: bool(items.end))
    kernel.taken(control, 4)
    kernel.stop(control, PATIENCE)
    kernel.start(Control("broken", "source", "r1", "source_broken"), broken, PATIENCE)
    broken.wait(lambda: bool(broken.end))
    came = [p.data.to_pydict() if isinstance(p.data, pa.Table) else p.data for p in items.payloads]
    found: list[Any] = [["items", came, items.end], ["broken", broken.items, "the line is dead" in broken.end]]

    sink = Control("append", "sink", "r1", "sink_append", 0, "", {"path": "/dev/null"})
    kernel.start(sink, None, PATIENCE)
    kernel.write(sink, b'{"a":1}', PATIENCE)
    found.append(["append", declined(lambda: kernel.write(sink, b'{"a":"bad"}', PATIENCE))])
    kernel.stop(sink, PATIENCE)
    return found


def declined(act: Callable[[], object]) -> str:
    """How it says no."""
    try:
        act()
    except Declined as no:
        return no.why.splitlines()[0]
    return "yes"


def programs() -> dict[str, Program]:
    """The plugin in each language."""
    built = build((MIRROR / "mirror.go").read_text(encoding="utf-8"), "mirror")
    go = Program(lambda connection: [str(built), str(connection)], built.parent)
    return {"python": python(MIRROR / "mirror.py"), "go": go}


if __name__ == "__main__":
    RECORDED.mkdir(exist_ok=True)
    for language, program in programs().items():
        log = RECORDED / f"wire{VERSION}-{language}.jsonl"
        kernel = replace(program, log=log)(Lines())
        for step in dialogue(kernel):
            print(language, step)
        kernel.close()
        text = log.read_text(encoding="utf-8").replace(f"{MIRROR}/", "").replace(f"{MIRROR.parents[2]}/", "")
        log.write_text(text, encoding="utf-8")  # which knows nothing of the machine
