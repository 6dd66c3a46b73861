"""What views cost, and what they can while the kernel has other things to do."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Any

from playwright.sync_api import expect

from .conftest import Desk, Opening
from .test_views import BUSY, LOAD, MACHINE, PATIENT, ROWS_IN, STATUS, moves, row

FLOOD = """
import pyarrow as pa, threading, time
kuiper.session().sql('CREATE STREAM flood () WITH (TYPE="memory", DATASOURCE="flood")')
table = pa.table({"k": [f"key {n % 1000}" for n in range(10_000)], "v": [float(n) for n in range(10_000)]})
def feed():
    while True:
        began = time.monotonic()
        try:
            kuiper.push("flood", table)
        except Exception:
            return
        time.sleep(max(0.1 - (time.monotonic() - began), 0))
threading.Thread(target=feed, daemon=True).start()
"""
FLOODED = "%%kuiper flooded\nSELECT k, v, v * 2 AS w FROM flood WHERE v >= 0"


ASK = """async () => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const began = performance.now();
    await kernel.requestExecute({code: 'None', store_history: false}).done;
    return performance.now() - began;
}"""
"""Some 40 ms of the answer are no work of anybody's: Jupyter's server lets TCP gather small messages (Nagle), so the
message behind "busy" waits until the browser has acknowledged that."""


def straight_answers(notebook: Desk) -> list[float]:
    """How many ms a cell takes that does nothing, asked at the kernel itself."""
    found = []
    with notebook.kernel() as kernel:
        for _ in range(40):
            began = time.perf_counter()
            kernel.execute("None", store_history=False, reply=True, timeout=60)
            found.append((time.perf_counter() - began) * 1000)
    return found


def test_a_hundred_thousand_rows_a_second_cost_few_small_frames_and_leave_the_kernel_free(desk: Opening) -> None:
    notebook = desk([LOAD, FLOOD, FLOODED, "1"])
    frames: list[tuple[float, int]] = []

    def listen(socket: Any) -> None:
        def received(payload: Any) -> None:
            data = payload if isinstance(payload, bytes) else payload.encode()
            if b'"comm_msg"' in data and b'"number"' in data:
                frames.append((time.monotonic(), len(data)))

        socket.on("framereceived", received)

    notebook.page.on("websocket", listen)
    notebook.open()
    notebook.run()
    moves(notebook)
    frames.clear()
    began = time.monotonic()
    notebook.page.wait_for_timeout(5000)
    seconds = time.monotonic() - began
    sizes, number = [size for _, size in frames], len(frames)
    answers, straight = [notebook.page.evaluate(ASK) for _ in range(15)], straight_answers(notebook)
    rows = notebook.page.evaluate("() => document.querySelector('.kn-result .kn-facts').innerText")
    print(
        json.dumps({"frames": number, "largest": max(sizes), "answers": answers, "straight": straight, "facts": rows})
    )

    assert 3 <= number <= 4 * seconds + 1
    assert max(sizes) <= 64 * 1024 + 2048  # the envelope of the message around the frame
    assert median(answers) < 100
    assert median(straight) < 50


def test_views_go_on_and_rows_are_asked_while_a_cell_runs(desk: Opening) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS, "import time\ntime.sleep(12)"])
    for cell in range(4):
        notebook.run(cell)
    moves(notebook)
    moves(notebook, ROWS_IN)

    notebook.start(4)
    notebook.page.wait_for_timeout(1500)
    moves(notebook)
    moves(notebook)
    row(notebook, "busy").get_by_role("button", name="stop rule busy", exact=True).click()
    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("stopped", timeout=6000)

    assert not notebook.idle()


def test_views_stand_in_a_box_of_ipywidgets_and_follow_a_rule_that_is_replaced(desk: Opening) -> None:
    box = "import ipywidgets\nipywidgets.VBox([ipywidgets.IntSlider(), kuiper.view('busy'), kuiper.status()])"
    again = "%%kuiper busy --quiet\nSELECT cpu FROM machine"
    notebook = desk([LOAD, MACHINE, f"{BUSY}".replace("%%kuiper busy", "%%kuiper busy --quiet"), box, again])
    for cell in range(4):
        notebook.run(cell)
    moves(notebook)
    expect(notebook.page.locator(".kn-result th")).to_have_count(4)

    notebook.run(4)

    expect(notebook.page.locator(".kn-result th")).to_have_count(1, timeout=PATIENT)
    moves(notebook)
    notebook.shot("box")


STUCK = """
import threading
let_go = threading.Event()
@kuiper.function
def endless(n):
    let_go.wait()
    return n
"""


def test_stopping_a_rule_that_is_stuck_holds_up_no_other_view(desk: Opening) -> None:
    stuck = "%%kuiper stuck --quiet\nSELECT endless(ts) AS n FROM machine"
    notebook = desk([LOAD, MACHINE, STUCK, BUSY, stuck, STATUS])
    notebook.run()
    moves(notebook)
    moves(notebook, ROWS_IN)

    notebook.page.evaluate(
        """() => {
            const facts = document.querySelector('.kn-result .kn-facts');
            window.seen = 0;
            const watch = new MutationObserver(() => { window.seen += 1; });
            watch.observe(facts, {childList: true, characterData: true, subtree: true});
        }"""
    )
    row(notebook, "stuck").get_by_role("button", name="stop rule stuck", exact=True).click()
    notebook.shot("stuck")
    seen = notebook.page.wait_for_function(
        """() => [...document.querySelectorAll('.kn-status tr.kn-kind-rule')].some(
            row => row.innerText.includes('stuck') && row.innerText.includes('stopped')) && {count: window.seen}""",
        polling=20,
        timeout=PATIENT,
    ).json_value()

    assert seen["count"] >= 3
