"""Pages that drop what comes while no cell runs, as Google Colab's do. Colab itself cannot be run here, so JupyterLab
stands in for it, with a line that drops, and with what Colab's kernels and pages call each other by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from .conftest import IDLE, Desk, Lab, opening
from .test_views import LOAD, MACHINE, PATIENT, moves

BUSY = "%%kuiper busy\nSELECT ts, cpu FROM machine"
SLEEP = "import time\ntime.sleep(6)"
AWAY = ("comm_msg", "comm_open", "display_data", "update_display_data")

KERNEL = """
import sys, types
google, colab, output = (types.ModuleType(name) for name in ("google", "google.colab", "google.colab.output"))
called = {}
output.register_callback = called.__setitem__
google.colab, colab.output = colab, output
sys.modules.update({module.__name__: module for module in (google, colab, output)})
"""
PAGE = """
window.google = { colab: { kernel: { async invokeFunction(name, given, named) {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const asked = kernel.requestExecute({ code: "", user_expressions: {
    answer: `called[${JSON.stringify(name)}](*${JSON.stringify(given)})` }, store_history: false });
  return { data: (await asked.done).content.user_expressions.answer.data };
} } } };
"""


class Line:
    """What the kernel says to the page; while no cell runs, widgets and displays are lost."""

    def __init__(self) -> None:
        self.cells: set[str] = set()
        self.hellos = 0
        self.lost = 0
        self.closed = 0  # widgets that the kernel has given up

    def routed(self, page_end: WebSocketRoute) -> None:
        kernel_end = page_end.connect_to_server()
        page_end.on_message(lambda message: kernel_end.send(self.noted(message)))
        kernel_end.on_message(lambda message: page_end.send(message) if self.passes(message) else None)

    def noted(self, message: Any) -> Any:
        header, _, content = _parts(message)
        self.hellos += header.get("msg_type") == "comm_msg" and "hello" in content["data"].get("content", {})
        return message

    def passes(self, message: Any) -> bool:
        header, parent, content = _parts(message)
        if header.get("msg_type") == "status" and parent.get("msg_type") == "execute_request":
            busy = content["execution_state"] == "busy"
            (self.cells.add if busy else self.cells.discard)(parent["msg_id"])
        self.closed += header.get("msg_type") == "comm_close"
        drops = header.get("msg_type") in AWAY and not self.cells
        self.lost += drops
        return not drops


def _parts(message: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Header, header of the parent and content: offsets first, then the parts, as Jupyter's protocol v1 has it."""
    if isinstance(message, str):
        whole = json.loads(message)
        return whole["header"], whole["parent_header"], whole["content"]
    count = int.from_bytes(message[:8], "little")
    ends = [int.from_bytes(message[8 * n : 8 * n + 8], "little") for n in range(1, count + 1)]
    header, parent, _, content = (json.loads(message[ends[n] : ends[n + 1]]) for n in range(1, 5))
    return header, parent, content


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def desk(lab: Lab, chromium: Any, line: Line, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens a notebook whose line drops."""

    def dropping(page: Page) -> None:
        page.route_web_socket(lambda url: "/channels" in url, line.routed)

    with opening(lab, chromium, request.node.name, before=dropping) as open_one:
        yield open_one


def figures(notebook: Desk) -> str:
    return str(notebook.page.locator(".jp-OutputArea-output", has_text="Rule busy is running").first.inner_text())


def test_a_widget_that_nothing_reaches_becomes_html_that_is_updated_while_a_cell_runs(desk: Any, line: Line) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, SLEEP, "%kuiper stop busy"])
    for cell in range(3):
        notebook.run(cell)
    page = notebook.page
    silent = re.compile("Run it again to refresh|No data for")  # by whether the first frame came before the cell ended
    expect(page.locator(".kn-result .kn-alert")).to_contain_text(silent, timeout=PATIENT)
    for _ in range(600):
        if line.closed:
            break
        page.wait_for_timeout(100)
    assert line.hellos >= 2
    assert line.lost

    notebook.start(3)
    html = page.locator(".jp-OutputArea-output", has_text="Rule busy is running").first
    expect(html).to_contain_text("only while a cell runs; run this one again", timeout=PATIENT)
    expect(page.locator(".kn-result")).to_have_count(0)
    before = figures(notebook)
    expect(html).not_to_have_text(before, timeout=PATIENT)
    notebook.shot("dropping")


def test_in_colab_a_rule_is_html_with_a_button_that_refreshes_it(desk: Any, line: Line) -> None:
    notebook = desk([KERNEL, LOAD, MACHINE, BUSY, SLEEP, "kuiper.view('busy')", "%kuiper status"])
    for cell in range(4):
        notebook.run(cell)
    page = notebook.page
    page.evaluate(PAGE)
    assert page.locator(".kn-view").count() == 0

    before = figures(notebook)
    notebook.start(4)
    moves(notebook, ".jp-OutputArea-output table")
    page.wait_for_function(IDLE, timeout=PATIENT)
    assert figures(notebook) != before
    for cell in (5, 6):
        notebook.run(cell)
    notebook.shot("colab")

    shown = page.locator(".jp-OutputArea-output", has=page.locator("button", has_text="Refresh"))
    expect(shown).to_have_count(3)
    for number in range(3):
        old = shown.nth(number).inner_text()
        shown.nth(number).locator("button").click()
        expect(shown.nth(number)).not_to_have_text(old, timeout=PATIENT)
