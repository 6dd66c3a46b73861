"""The same views in marimo: no IPython, no ipykernel, no magics, and cells that run in a thread."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import SHOTS

NOTEBOOK = '''
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    import kuiper_nb as kuiper
    from kuiper_nb import Session

    session = kuiper.session()
    session.sql("""CREATE STREAM machine () WITH (TYPE="system", INTERVAL="200")""", replace=True)

    @session.function
    def careful(cpu):
        raise ValueError("too hot")

    busy = session.rule("SELECT ts, cpu FROM machine", id="busy")
    session.rule("SELECT careful(cpu) AS c FROM machine", id="fails")
    return Session, busy, kuiper, mo


@app.cell
def _(busy, kuiper):
    kuiper.view(busy)
    return


@app.cell
def _(busy, kuiper, mo):
    wrapped = mo.ui.anywidget(kuiper.status())
    mo.vstack([mo.md("# Status"), wrapped, kuiper.view("fails")])
    return


@app.cell
def _(Session, kuiper):
    own = Session()
    own.sql("""CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")""")
    mine = own.rule("SELECT a FROM demo", id="mine")
    own.push("demo", [{"a": 1}, {"a": 2}])
    own.settle()
    kuiper.view(mine, own)
    return
'''
PATIENT = 30_000
_HERE = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")


@pytest.fixture
def page(chromium: Any, tmp_path: Path) -> Iterator[Page]:
    """The notebook as an app of marimo, opened; no request has gone to another machine."""
    (tmp_path / "rules.py").write_text(NOTEBOOK, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "MARIMO_SKIP_UPDATE_CHECK": "1"}
    command = [
        sys.executable, "-m", "marimo", "-y", "run", "rules.py", "--headless", "--no-token", "--host", "127.0.0.1",
        "--port", str(port),
    ]  # fmt: skip
    running = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **private}, stdout=subprocess.DEVNULL)
    opened = chromium.new_page(viewport={"width": 1000, "height": 1600}, color_scheme="dark")
    elsewhere: list[str] = []
    opened.on("request", lambda made: None if made.url.startswith(_HERE) else elsewhere.append(made.url))
    try:
        _answers(port)
        opened.goto(f"http://127.0.0.1:{port}", timeout=PATIENT)
        yield opened
        assert elsewhere == []
    finally:
        opened.close()
        running.terminate()
        running.wait(20)


def _answers(port: int) -> None:
    """Wait until somebody listens there."""
    ticking = threading.Event()
    for _ in range(PATIENT // 50):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        ticking.wait(0.05)
    raise AssertionError("marimo did not start")


def test_views_are_followed_chosen_from_and_stopped_in_an_app(page: Page) -> None:
    views, status = page.locator(".kn-result"), page.locator(".kn-status")
    busy, fails, mine = (views.filter(has_text=name).first for name in ("busy", "fails", "mine"))
    busy.locator("tbody tr").nth(2).wait_for(timeout=PATIENT)
    facts = busy.locator(".kn-facts").inner_text()
    expect(busy.locator(".kn-facts")).not_to_have_text(facts, timeout=PATIENT)
    expect(page.locator(".kn-view.kn-dark")).to_have_count(0)  # marimo is light although the system prefers dark

    busy.locator("[data-mode=update]").click()
    busy.locator("label", has_text="key").locator("select").select_option("cpu")
    busy.locator("[data-chart=line]").click()
    expect(busy.locator("path.kn-line")).to_have_count(1, timeout=PATIENT)

    fails.locator("[data-panel=errors]").click(timeout=PATIENT)
    expect(fails.locator(".kn-panel")).to_contain_text("too hot", timeout=PATIENT)
    expect(fails.locator(".kn-panel")).to_contain_text("rules.py, line")
    expect(mine.locator("tbody tr")).to_have_count(2, timeout=PATIENT)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/marimo.png", full_page=True)

    status.get_by_role("button", name="stop rule busy", exact=True).click()

    row = status.locator("tr.kn-kind-rule", has_text="busy")
    expect(row.locator(".kn-state")).to_have_text("stopped", timeout=PATIENT)
    expect(busy.locator(".kn-state").first).to_have_text("stopped", timeout=PATIENT)
