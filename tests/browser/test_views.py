"""What somebody sees of rules that run, in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import Desk, Lab, Opening, opening

LOAD = "%load_ext kuiper_nb\nimport kuiper_nb as kuiper"
MACHINE = '%%kuiper\nCREATE STREAM machine () WITH (TYPE="system", INTERVAL="200")'
BUSY = "%%kuiper busy\nSELECT ts, cpu, memory, net_sent FROM machine"
STATUS = "%kuiper status"
DEVICES = """
import threading, time
kuiper.session().sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")', replace=True)
def feed():
    for n in range(10_000):
        try:
            kuiper.push("demo", [{"device": "ab"[n % 2], "t": 20 + n % 7, "n": n, "bad": n % 5 == 0}])
        except Exception:
            return
        time.sleep(0.05)
threading.Thread(target=feed, daemon=True).start()
@kuiper.function
def careful(t: float, bad: bool) -> float:
    \"\"\"Fails now and then.\"\"\"
    if bad:
        raise ValueError("too hot")
    return t * 9 / 5 + 32
"""
HOT = "%%kuiper hot\nSELECT device, careful(t, bad) AS f, n FROM demo"
PATIENT = 20_000
ROWS_IN = ".kn-status tbody tr.kn-kind-rule td:nth-child(4)"


def moves(desk: Desk, what: str = ".kn-result .kn-facts") -> None:
    """Wait until the text changes."""
    place = desk.page.locator(what).first
    place.wait_for(timeout=PATIENT)
    before = place.inner_text()
    desk.page.wait_for_function(
        "([what, text]) => document.querySelector(what).innerText !== text", arg=[what, before], timeout=PATIENT
    )


def row(desk: Desk, name: str) -> Any:
    return desk.page.locator(".kn-status tbody tr.kn-kind-rule", has_text=name)


@pytest.fixture(scope="module")
def hot(lab: Lab, chromium: Any) -> Iterator[Desk]:
    """A notebook in which the rule hot runs, with the status below; what a test chooses there, it takes back."""
    with opening(lab, chromium, "hot") as open_one:
        notebook = open_one([LOAD, DEVICES, HOT, STATUS])
        notebook.run()
        moves(notebook)
        yield notebook


def test_a_live_rule_is_followed_while_no_cell_runs(hot: Desk) -> None:
    moves(hot)
    moves(hot, ROWS_IN)

    assert hot.idle()
    expect(hot.page.locator(".kn-result .kn-state").first).to_contain_text("running")
    assert hot.page.locator(".kn-result tbody tr").count() > 0
    hot.shot("live")


def test_columns_that_are_picked_are_drawn(hot: Desk) -> None:
    hot.page.locator(".kn-result [data-chart=line]").click()
    hot.page.locator(".kn-result .kn-chip", has_text="n").last.click()
    hot.page.locator(".kn-result label", has_text="by").locator("select").select_option("device")

    expect(hot.page.locator(".kn-result path.kn-line")).to_have_count(4, timeout=PATIENT)
    before = hot.page.locator(".kn-result path.kn-line").first.get_attribute("d")
    hot.page.wait_for_function(
        "d => document.querySelector('.kn-result path.kn-line').getAttribute('d') !== d", arg=before, timeout=PATIENT
    )
    assert "newest" in (hot.page.locator(".kn-result svg[role=img]").first.get_attribute("aria-label") or "")
    hot.shot("chart")
    hot.page.locator(".kn-result [data-chart=bar]").click()
    expect(hot.page.locator(".kn-result rect.kn-bar").first).to_be_visible(timeout=PATIENT)
    hot.shot("bars")
    hot.page.locator(".kn-result [data-chart=bar]").click()
    expect(hot.page.locator(".kn-result .kn-drawing")).to_be_hidden(timeout=PATIENT)


def test_update_marks_what_changed_and_single_shows_one_row(hot: Desk) -> None:
    hot.page.locator(".kn-result [data-mode=update]").click()
    hot.page.locator(".kn-result label", has_text="key").locator("select").select_option("device")

    expect(hot.page.locator(".kn-result tbody tr")).to_have_count(2, timeout=PATIENT)
    expect(hot.page.locator(".kn-result td.kn-changed").first).to_be_visible(timeout=PATIENT)
    hot.shot("update")
    hot.page.locator(".kn-result [data-mode=single]").click()
    expect(hot.page.locator(".kn-result .kn-figure")).to_have_count(3, timeout=PATIENT)
    hot.shot("single")
    hot.page.locator(".kn-result [data-mode=append]").click()
    expect(hot.page.locator(".kn-result tbody tr")).to_have_count(20, timeout=PATIENT)


def test_failures_open_into_their_table(hot: Desk) -> None:
    hot.page.locator(".kn-result [data-panel=errors]").click(timeout=PATIENT)

    expect(hot.page.locator(".kn-result .kn-panel td", has_text="too hot").first).to_be_visible(timeout=PATIENT)
    expect(hot.page.locator(".kn-result .kn-panel td", has_text="cell [2], line").first).to_be_visible()
    hot.shot("errors")
    hot.page.locator(".kn-result [data-panel=errors]").click()
    expect(hot.page.locator(".kn-result .kn-panel")).to_be_hidden(timeout=PATIENT)


def test_frozen_rows_stay_and_pages_turn(hot: Desk) -> None:
    hot.page.wait_for_function(
        "() => Number((document.querySelector('.kn-where')?.innerText.match(/of ([0-9]+)/) || [0, 0])[1]) > 45",
        timeout=PATIENT,
    )
    cell = hot.page.locator(".kn-result tbody tr td:nth-child(3)").first

    hot.page.get_by_role("button", name="Freeze").click()
    hot.page.get_by_role("button", name="Frozen").wait_for(timeout=PATIENT)
    held = cell.inner_text()
    moves(hot)
    assert cell.inner_text() == held

    hot.page.get_by_role("button", name="oldest rows").click()
    expect(hot.page.locator(".kn-where")).to_contain_text("1–20 of", timeout=PATIENT)
    hot.page.get_by_role("button", name="newer rows", exact=True).click()
    expect(hot.page.locator(".kn-where")).to_contain_text("21–40 of", timeout=PATIENT)
    hot.page.get_by_role("button", name="Frozen").click()
    hot.page.get_by_role("button", name="newest rows").click()
    hot.page.get_by_role("button", name="Freeze").wait_for(timeout=PATIENT)


def test_a_button_that_moves_while_it_is_pressed_is_the_one_that_is_meant(hot: Desk) -> None:
    mouse, view = hot.page.mouse, hot.page.locator(".kn-result").first

    def press(name: str) -> None:
        button = hot.page.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        mouse.down()

    press("Freeze")
    view.evaluate("e => { e.style.marginTop = '40px'; }")  # as a table above does that grows
    mouse.up()
    hot.page.get_by_role("button", name="Frozen", exact=True).wait_for(timeout=PATIENT)
    view.evaluate("e => { e.style.marginTop = ''; }")

    press("Frozen")
    mouse.move(5, 5)  # somebody has thought better of it
    mouse.up()
    expect(hot.page.get_by_role("button", name="Frozen", exact=True)).to_be_visible()
    press("Frozen")
    mouse.up()
    hot.page.get_by_role("button", name="Freeze", exact=True).wait_for(timeout=PATIENT)


def test_both_views_are_dark_where_the_page_is(hot: Desk) -> None:
    hot.theme("JupyterLab Dark")
    hot.page.locator(".kn-result [data-chart=line]").click()
    moves(hot)
    moves(hot, ROWS_IN)
    hot.shot("dark")

    for view in (".kn-result", ".kn-status"):
        back, front = hot.page.locator(view).first.evaluate(
            "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color].map("
            "c => c.match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3)"
        )
        assert (back < 60, front > 180) == (True, True)
    hot.theme("JupyterLab Light")


def test_a_rule_stops_from_its_row_and_leaves_its_last_state_in_the_saved_notebook(desk: Opening) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, BUSY.replace("busy", "second"), STATUS])
    notebook.run()
    moves(notebook)
    moves(notebook, ROWS_IN)
    notebook.shot("status")

    row(notebook, "busy").get_by_role("button", name="stop rule busy", exact=True).click()

    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("stopped", timeout=PATIENT)
    expect(notebook.page.locator(".kn-result")).to_have_count(1, timeout=PATIENT)
    (output,) = notebook.saved().cells[2].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"].startswith("Rule busy is stopped: ")
    assert "<table>" in output.data["text/html"]
    notebook.shot("stopped")

    row(notebook, "busy").get_by_role("button", name="start rule busy", exact=True).click()
    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("running", timeout=PATIENT)
    expect(notebook.page.locator(".kn-result")).to_have_count(2, timeout=PATIENT)
    button = row(notebook, "busy").get_by_role("button", name="stop rule busy", exact=True)
    expect(button).to_be_enabled(timeout=PATIENT)
    button.focus()
    notebook.page.keyboard.press("ArrowDown")
    expect(notebook.page.locator(":focus")).to_have_attribute("aria-label", "stop rule second")
    notebook.page.keyboard.press("Enter")

    expect(row(notebook, "second").locator(".kn-state")).to_have_text("stopped", timeout=PATIENT)
    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("running")


def test_dropping_is_asked_for_twice(desk: Opening) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook, ROWS_IN)
    button = row(notebook, "busy").get_by_role("button", name="drop rule busy")

    button.click()
    expect(button).to_have_text("drop?")
    assert row(notebook, "busy").count() == 1
    button.click()

    expect(row(notebook, "busy")).to_have_count(0, timeout=PATIENT)


def test_a_page_that_is_loaded_anew_goes_on_until_the_kernel_is_restarted(desk: Opening) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)
    notebook.saved()

    notebook.open()

    moves(notebook)
    moves(notebook, ROWS_IN)
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    for view in (".kn-result", ".kn-status"):
        expect(notebook.page.locator(f"{view} .kn-alert").first).to_contain_text("was restarted", timeout=PATIENT)
    notebook.shot("restarted")


def test_a_kernel_that_says_nothing_is_told_and_so_is_its_return_and_its_end(desk: Opening) -> None:
    stop = (
        "import os, signal, subprocess, sys\n"
        "code = f'import os, signal, time; time.sleep(1); os.kill({os.getpid()}, signal.SIGSTOP); time.sleep(9);'"
        " f'os.kill({os.getpid()}, signal.SIGCONT)'\n"
        "_ = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)"
    )
    notebook = desk([LOAD, MACHINE, BUSY, STATUS, stop])
    notebook.run()
    alert = notebook.page.locator(".kn-result .kn-alert").first

    expect(alert).to_contain_text("No data for", timeout=PATIENT)
    notebook.shot("silent")
    expect(alert).to_be_hidden(timeout=PATIENT)
    moves(notebook)

    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    status = notebook.page.locator(".kn-status .kn-alert")
    expect(status).to_contain_text("The kernel is gone", timeout=PATIENT)
    expect(notebook.page.locator(".kn-result")).to_have_count(0)  # it had the time to leave its last state
