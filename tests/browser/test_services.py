"""Services in the status of a real JupyterLab: what it shows, buttons that work while no cell runs, and no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from ..services.servers import Answered, Asked, Http, as_json, http
from .conftest import SHOTS, Desk, Opening
from .test_hostile import PAYLOADS
from .test_views import LOAD, PATIENT

RULE = """%%kuiper asking --quiet
CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo");
SELECT ask("get", a) AS f FROM demo"""
PUSH = """for path in ("/a", "/b", "/bad"):
    kuiper.push("demo", {"a": path})
kuiper.session().settle()"""


@pytest.fixture
def server() -> Iterator[Http]:
    """One whose refusals would like to be scripts."""

    def answer(asked: Asked) -> Answered:
        hostile = " ".join(PAYLOADS[:10]).encode()
        return Answered(404, hostile) if "bad" in asked.path else as_json({"path": asked.path})

    with http(answer) as started:
        yield started


def test_a_service_is_a_row_of_the_status_with_buttons(desk: Opening, server: Http) -> None:
    cell = (
        f"%%kuiper service weather\ninterfaces:\n  ask: {{address: '{server.url}', protocol: rest, schemaless: true}}"
    )
    notebook: Desk = desk([LOAD, cell, RULE, "%kuiper status", PUSH, "%kuiper drop rule asking"])
    for number in range(5):
        notebook.run(number)
    page = notebook.page
    row = page.locator("tr.kn-kind-service").first
    row.wait_for(timeout=PATIENT)

    expect(row).to_contain_text("weather", timeout=PATIENT)
    expect(row).to_contain_text("functions ask", timeout=PATIENT)
    expect(row).to_contain_text("3 calls, 1 status", timeout=PATIENT)
    expect(page.locator("tr.kn-below", has_text="ask('get', '/bad')")).to_be_visible(timeout=PATIENT)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/services.png")
    assert page.evaluate("() => window.hacked === undefined")

    row.get_by_role("button", name="reload service weather").click()
    expect(row.locator("td").nth(10)).to_have_text("2", timeout=PATIENT)

    drop = row.get_by_role("button", name="drop service weather")
    drop.click()
    drop.click()
    expect(page.locator("tr.kn-below", has_text="is used by rule asking")).to_be_visible(timeout=PATIENT)
    notebook.run(5)
    expect(drop).not_to_have_class(re.compile("kn-sure"), timeout=PATIENT)
    drop.click()
    drop.click()
    expect(page.locator("tr.kn-kind-service")).to_have_count(0, timeout=PATIENT)
