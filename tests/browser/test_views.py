"""What somebody sees of rules that run, in JupyterLab."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

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


def facts(desk: Any) -> Any:
    return desk.page.locator(".kn-result .kn-facts").first


def moves(desk: Any, what: str = ".kn-result .kn-facts") -> None:
    """Wait until the text changes."""
    place = desk.page.locator(what).first
    place.wait_for(timeout=PATIENT)
    before = place.inner_text()
    desk.page.wait_for_function(
        "([what, text]) => document.querySelector(what).innerText !== text", arg=[what, before], timeout=PATIENT
    )


def row(desk: Any, name: str) -> Any:
    return desk.page.locator(".kn-status tbody tr.kn-kind-rule", has_text=name)


def test_a_live_rule_is_followed_while_no_cell_runs(desk: Any) -> None:
    notebook = desk([LOAD, MACHINE, BUSY])
    notebook.run()

    moves(notebook)

    assert notebook.idle()
    expect(notebook.page.locator(".kn-result .kn-state").first).to_contain_text("running")
    assert notebook.page.locator(".kn-result tbody tr").count() > 0
    notebook.page.wait_for_timeout(1500)
    notebook.shot("live")


def test_a_rule_stops_from_its_row_and_leaves_its_last_state_in_the_saved_notebook(desk: Any) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)
    moves(notebook, ".kn-status tbody tr.kn-kind-rule td:nth-child(4)")
    notebook.page.wait_for_timeout(1500)
    notebook.shot("status")

    row(notebook, "busy").get_by_role("button", name="stop rule busy", exact=True).click()

    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("stopped", timeout=PATIENT)
    expect(notebook.page.locator(".kn-result")).to_have_count(0, timeout=PATIENT)
    (output,) = notebook.saved().cells[2].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"].startswith("Rule busy is stopped: ")
    assert "<table>" in output.data["text/html"]
    notebook.shot("stopped")


def test_a_page_that_is_loaded_anew_goes_on(desk: Any) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)
    notebook.saved()

    notebook.open()

    moves(notebook)
    moves(notebook, ".kn-status tbody tr.kn-kind-rule td:nth-child(4)")


def test_a_kernel_that_was_restarted_is_told(desk: Any) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)

    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")

    for view in (".kn-result", ".kn-status"):
        expect(notebook.page.locator(f"{view} .kn-alert").first).to_contain_text("was restarted", timeout=PATIENT)
    notebook.shot("restarted")


def test_a_kernel_that_says_nothing_is_told_and_so_is_its_return(desk: Any) -> None:
    stop = (
        "import os, signal, subprocess, sys\n"
        "code = f'import os, signal, time; time.sleep(1); os.kill({os.getpid()}, signal.SIGSTOP); time.sleep(9);'"
        " f'os.kill({os.getpid()}, signal.SIGCONT)'\n"
        "_ = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)"
    )
    notebook = desk([LOAD, MACHINE, BUSY, stop])
    notebook.run()
    alert = notebook.page.locator(".kn-result .kn-alert").first

    expect(alert).to_contain_text("No data for", timeout=PATIENT)
    notebook.shot("silent")

    expect(alert).to_be_hidden(timeout=PATIENT)
    moves(notebook)


def test_columns_that_are_picked_are_drawn(desk: Any) -> None:
    notebook = desk([LOAD, DEVICES, HOT])
    notebook.run()
    moves(notebook)

    notebook.page.locator(".kn-result [data-chart=line]").click()
    notebook.page.locator(".kn-result .kn-chip", has_text="n").last.click()
    notebook.page.locator(".kn-result label", has_text="by").locator("select").select_option("device")

    expect(notebook.page.locator(".kn-result path.kn-line")).to_have_count(4, timeout=PATIENT)
    before = notebook.page.locator(".kn-result path.kn-line").first.get_attribute("d")
    notebook.page.wait_for_function(
        "d => document.querySelector('.kn-result path.kn-line').getAttribute('d') !== d", arg=before, timeout=PATIENT
    )
    assert "newest" in (notebook.page.locator(".kn-result svg[role=img]").get_attribute("aria-label") or "")
    notebook.page.wait_for_timeout(3000)
    notebook.shot("chart")
    notebook.page.locator(".kn-result [data-chart=bar]").click()
    expect(notebook.page.locator(".kn-result rect.kn-bar").first).to_be_visible(timeout=PATIENT)
    notebook.page.wait_for_timeout(500)
    notebook.shot("bars")


def test_update_marks_what_changed_and_single_shows_one_row(desk: Any) -> None:
    notebook = desk([LOAD, DEVICES, HOT])
    notebook.run()
    moves(notebook)

    notebook.page.locator(".kn-result [data-mode=update]").click()
    notebook.page.locator(".kn-result label", has_text="key").locator("select").select_option("device")

    expect(notebook.page.locator(".kn-result tbody tr")).to_have_count(2, timeout=PATIENT)
    expect(notebook.page.locator(".kn-result td.kn-changed").first).to_be_visible(timeout=PATIENT)
    notebook.shot("update")
    notebook.page.locator(".kn-result [data-mode=single]").click()
    expect(notebook.page.locator(".kn-result .kn-figure")).to_have_count(3, timeout=PATIENT)
    notebook.shot("single")


def test_failures_open_into_their_table(desk: Any) -> None:
    notebook = desk([LOAD, DEVICES, HOT])
    notebook.run()
    moves(notebook)

    notebook.page.locator(".kn-result [data-panel=errors]").click(timeout=PATIENT)

    expect(notebook.page.locator(".kn-result .kn-panel td", has_text="too hot").first).to_be_visible(timeout=PATIENT)
    expect(notebook.page.locator(".kn-result .kn-panel td", has_text="cell [2], line").first).to_be_visible()
    notebook.shot("errors")


def test_frozen_rows_stay_and_pages_turn(desk: Any) -> None:
    notebook = desk([LOAD, DEVICES, HOT])
    notebook.run()
    notebook.page.wait_for_function(
        "() => Number((document.querySelector('.kn-where')?.innerText.match(/of ([0-9]+)/) || [0, 0])[1]) > 45",
        timeout=PATIENT,
    )
    cell = notebook.page.locator(".kn-result tbody tr td:nth-child(3)").first

    notebook.page.get_by_role("button", name="Freeze").click()
    notebook.page.get_by_role("button", name="Frozen").wait_for(timeout=PATIENT)
    held = cell.inner_text()
    moves(notebook)
    assert cell.inner_text() == held

    notebook.page.get_by_role("button", name="oldest rows").click()
    expect(notebook.page.locator(".kn-where")).to_contain_text("1–20 of", timeout=PATIENT)
    notebook.page.get_by_role("button", name="newer rows", exact=True).click()
    expect(notebook.page.locator(".kn-where")).to_contain_text("21–40 of", timeout=PATIENT)


def test_rows_are_reached_and_asked_by_the_keyboard(desk: Any) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, BUSY.replace("busy", "second"), STATUS])
    notebook.run()
    moves(notebook, ".kn-status tbody tr.kn-kind-rule td:nth-child(4)")
    button = row(notebook, "busy").get_by_role("button", name="stop rule busy", exact=True)

    button.focus()
    notebook.page.keyboard.press("ArrowDown")
    expect(notebook.page.locator(":focus")).to_have_attribute("aria-label", "stop rule second")
    notebook.page.keyboard.press("Enter")

    expect(row(notebook, "second").locator(".kn-state")).to_have_text("stopped", timeout=PATIENT)
    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("running")


def test_both_views_are_dark_where_the_page_is(desk: Any) -> None:
    notebook = desk([LOAD, DEVICES, HOT, STATUS])
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached", timeout=PATIENT)
    notebook.run()
    moves(notebook)
    moves(notebook, ".kn-status tbody tr.kn-kind-rule td:nth-child(4)")
    notebook.page.locator(".kn-result [data-chart=line]").click()
    notebook.page.wait_for_timeout(2500)
    notebook.shot("dark")

    for view in (".kn-result", ".kn-status"):
        back, front = notebook.page.locator(view).first.evaluate(
            "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color].map("
            "c => c.match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3)"
        )
        assert (back < 60, front > 180) == (True, True)
