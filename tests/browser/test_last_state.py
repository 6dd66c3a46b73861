"""A view under a cell, from its rule's start to its end and back: in the page, in the file, after the page was loaded
anew."""

from __future__ import annotations

from typing import Any

import nbformat
from playwright.sync_api import expect

from .conftest import Desk, Opening
from .test_views import BUSY, DEVICES, HOT, LOAD, MACHINE, PATIENT, STATUS, moves, row

STOPPED = "Rule busy is stopped: "


def the_only_output(desk: Desk, cell: int) -> Any:
    """What the saved notebook holds under a cell."""
    (output,) = desk.saved().cells[cell].outputs
    return output


def press(desk: Desk, action: str, rule: str) -> None:
    row(desk, rule).get_by_role("button", name=f"{action} rule {rule}", exact=True).click(timeout=PATIENT)


def is_left(desk: Desk, cell: int, text: str = STOPPED) -> Any:
    """The last state of the rule of a cell, once it is all that the page shows; as it is in the file."""
    place = desk.page.locator(".jp-Notebook .jp-Cell").nth(cell)
    expect(place.locator(".jp-OutputArea")).to_contain_text(text, timeout=PATIENT)
    expect(place.locator(".kn-result")).to_have_count(0)
    output = the_only_output(desk, cell)
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"].startswith(text)
    assert "<table>" in output.data["text/html"]
    return output


def test_a_rule_that_stops_while_no_page_is_open_has_left_its_last_state_in_the_next(desk: Opening) -> None:
    soon = "import threading\n_ = threading.Timer(2, kuiper.rules['busy'].stop).start()"
    notebook = desk([LOAD, MACHINE, BUSY, soon])
    notebook.run(0)
    notebook.run(1)
    notebook.run(2)
    moves(notebook)
    notebook.saved()
    notebook.run(3)
    notebook.page.goto("about:blank")
    notebook.page.wait_for_timeout(4000)

    notebook.open()

    is_left(notebook, 2)


def test_a_rule_that_is_started_again_is_followed_where_it_was_also_in_a_page_that_was_loaded_anew(
    desk: Opening,
) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)
    press(notebook, "stop", "busy")
    is_left(notebook, 2)

    press(notebook, "start", "busy")

    moves(notebook)
    expect(notebook.page.locator(".kn-result .kn-state").first).to_contain_text("running")
    press(notebook, "stop", "busy")
    is_left(notebook, 2)
    notebook.open()

    press(notebook, "start", "busy")

    moves(notebook)
    press(notebook, "stop", "busy")
    is_left(notebook, 2)


def test_a_chart_that_was_picked_stays_beside_the_table(desk: Opening) -> None:
    notebook = desk([LOAD, DEVICES, HOT, STATUS])
    notebook.run()
    moves(notebook)
    notebook.page.locator(".kn-result [data-chart=line]").click()
    notebook.page.locator(".kn-result .kn-chip", has_text="n").last.click()
    notebook.page.locator(".kn-result label", has_text="by").locator("select").select_option("device")
    expect(notebook.page.locator(".kn-result path.kn-line")).to_have_count(4, timeout=PATIENT)

    press(notebook, "stop", "hot")

    output = is_left(notebook, 2, "Rule hot is stopped: ")
    notebook.page.locator(".jp-Cell").nth(2).scroll_into_view_if_needed()
    notebook.shot("stopped with a chart")
    drawn = notebook.page.locator(".jp-Cell").nth(2).locator(".jp-OutputArea svg[role=img]")
    assert drawn.get_attribute("role") == "img"
    assert drawn.locator("path[data-series]").count() == 4
    assert drawn.locator("text", has_text="a · f").count() == 1
    table = notebook.page.locator(".jp-Cell").nth(2).locator(".jp-OutputArea table").bounding_box()
    chart = drawn.bounding_box()
    assert table is not None
    assert chart is not None
    assert chart["x"] > table["x"] + table["width"]
    assert "http" not in output.data["text/html"].replace("http://www.w3.org/2000/svg", "")
    notebook.theme("JupyterLab Dark")
    notebook.shot("stopped with a chart, dark")
    notebook.theme("JupyterLab Light")


def test_a_rule_that_stops_in_a_page_that_was_loaded_anew_leaves_its_last_state_and_html_shows_it(
    desk: Opening, chromium: Any, tmp_path: Any
) -> None:
    from nbconvert import HTMLExporter

    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)
    notebook.page.locator(".kn-result [data-chart=line]").click()
    notebook.saved()
    notebook.open()
    moves(notebook)
    press(notebook, "stop", "busy")
    is_left(notebook, 2)
    notebook.shot("stopped after a reload")

    only_html = tmp_path / "busy.html"
    exported, _ = HTMLExporter(embed_images=True).from_notebook_node(nbformat.read(notebook.path, as_version=4))
    only_html.write_text(exported, encoding="utf-8")
    page = chromium.new_page(java_script_enabled=False)
    page.goto(only_html.as_uri())

    left = page.locator(".jp-Cell").nth(2)
    expect(left.locator("table")).to_be_visible()
    expect(left.get_by_text(STOPPED)).to_be_visible()
    expect(left.locator("svg:has(path[data-series])")).to_be_visible()  # a line that is level has no height of its own
    page.close()
