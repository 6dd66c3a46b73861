"""Completion and Shift-Tab as a front end asks for them: by messages to a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

DEFINITIONS = '''
%load_ext kuiper_nb
import kuiper_nb as kuiper

@kuiper.function
def fahrenheit(c: float) -> float:
    """Celsius as Fahrenheit."""
    return c * 9 / 5 + 32

kuiper.session().sql('CREATE STREAM demo (temperature FLOAT) WITH (TYPE="memory", DATASOURCE="demo")')
'''


@contextmanager
def started() -> Iterator[BlockingKernelClient]:
    """A kernel in which nothing has happened yet."""
    manager = KernelManager(kernel_name="python3", transport="ipc")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    """A kernel with a stream and a function."""
    with started() as client:
        printed(client, DEFINITIONS)
        yield client


def printed(kernel: BlockingKernelClient, cell: str) -> str:
    """What a cell prints."""
    texts: list[str] = []
    reply: Any = kernel.execute_interactive(
        cell, timeout=60, output_hook=lambda message: texts.append(message["content"].get("text", ""))
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(texts).strip()


def completed(kernel: BlockingKernelClient, cell: str) -> dict[str, Any]:
    reply: Any = kernel.complete(cell.replace("┃", ""), cell.index("┃"), reply=True, timeout=60)
    content: dict[str, Any] = reply["content"]
    return content


def inspected(kernel: BlockingKernelClient, cell: str) -> str:
    """What Shift-Tab shows at the ┃; "" for nothing."""
    reply: Any = kernel.inspect(cell.replace("┃", ""), cell.index("┃"), reply=True, timeout=60)
    content = reply["content"]
    return str(content["data"]["text/plain"]) if content["found"] else ""


def test_a_complete_request_answers_matches_with_what_each_is(kernel: BlockingKernelClient) -> None:
    content = completed(kernel, "%%kuiper hot\nSELECT fah┃ FROM demo")

    assert (content["matches"], content["cursor_start"], content["cursor_end"]) == (["fahrenheit"], 20, 23)
    (told,) = content["metadata"]["_jupyter_types_experimental"]
    assert told["type"].replace("\u00a0", " ") == "your function (c): Celsius as Fahrenheit."


def test_a_complete_request_knows_the_columns(kernel: BlockingKernelClient) -> None:
    assert completed(kernel, "%%kuiper\nSELECT te┃ FROM demo")["matches"] == ["temperature"]


def test_shift_tab_in_a_cell_says_what_a_name_means_in_sql_when_python_has_the_name_too(
    kernel: BlockingKernelClient,
) -> None:
    assert "In SQL: SELECT fahrenheit(c)" in inspected(kernel, "%%kuiper\nSELECT fahrenheit┃(temperature) FROM demo")
    assert "absolute value; keeps integers" in inspected(kernel, "%%kuiper\nSELECT ab┃s(temperature) FROM demo").lower()


def test_shift_tab_elsewhere_is_pythons(kernel: BlockingKernelClient) -> None:
    assert "Return the absolute value" in inspected(kernel, "ab┃s(-1)")


def test_shift_tab_does_not_reach_what_python_has_no_name_for(kernel: BlockingKernelClient) -> None:
    """The kernel hands IPython the bare name, and IPython looks it up in Python: nothing of ours is asked."""
    assert inspected(kernel, "%%kuiper\nSELECT coal┃esce(temperature) FROM demo") == ""


LOOK = "import sys, threading\n%load_ext kuiper_nb\nthreads = threading.enumerate()"
REHEARSED = "from kuiper_nb.notebook.rehearsal import REHEARSAL\nprint(REHEARSAL.over)"
KNOWN = "print(len(sys.modules), threading.enumerate() == threads)"


def test_the_first_completion_finds_everything_imported_while_the_kernel_had_nothing_to_do() -> None:
    with started() as kernel:
        printed(kernel, LOOK)
        tries = sum(1 for _ in takewhile(lambda shown: shown == "False", (printed(kernel, REHEARSED) for _ in count())))
        before = printed(kernel, KNOWN)

        matches = completed(kernel, "%%kuiper\nSELECT ab┃")["matches"]

        assert tries > 1  # the cell that loads, and those behind it, did not wait for it
        assert matches == ["abs"]
        assert printed(kernel, KNOWN) == before
        assert before.endswith("True")
