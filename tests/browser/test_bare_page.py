"""The views' modules in a bare page, as every front end for widgets loads them: from `_esm` and `_css`, with nothing
beside them, put into the page and taken out of it as often as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kuiper_nb import Session
from kuiper_nb.notebook.choices import Choices
from kuiper_nb.notebook.ruleframe import RuleFrames
from kuiper_nb.notebook.sessionframe import SessionFrames
from kuiper_nb.notebook.widgets import ResultView, StatusView

MODEL = """
window.Model = class {
  constructor(state) { this.state = state; this.said = []; this.heard = new Map(); }
  get(name) { return this.state[name]; }
  set(name, value) { this.state[name] = value; }
  save_changes() { throw new Error("nothing of a view is state of the kernel"); }
  on(event, act) { this.heard.set(event, [...(this.heard.get(event) || []), act]); }
  off(event, act) { this.heard.set(event, (this.heard.get(event) || []).filter((one) => one !== act)); }
  send(message) { this.said.push(message); }
  tell(message) { for (const act of this.heard.get("msg:custom") || []) act(message); }
  get listening() { return [...this.heard.values()].flat().length; }
};
"""
DARK = {
    "nothing at all": ("body { }", False),
    "light text": ("body { background: #181c1a; color: #eee }", True),
    "light text in colours of today": ("body { background: black; color: oklch(0.95 0.01 200) }", True),
    "a scheme like the system's": (":root { color-scheme: light dark }", True),
    "dark text": ("body { background: #fff; color: #222 }", False),
    "the theme of a dark VS Code": (
        ":root { --vscode-editor-foreground: #d4d4d4; --vscode-editor-background: #1e1e1e;"
        " --jp-content-font-color1: #000; --jp-layout-color1: #fff } .output { background: white }",
        True,
    ),
    "the theme of a light VS Code": (
        ":root { --vscode-editor-foreground: #333; --vscode-editor-background: #fff } body { color: #eee }",
        False,
    ),
}
"""What a page says of its colours, and whether the view is dark there; the system prefers dark."""


@pytest.fixture
def page(chromium: Any) -> Iterator[Page]:
    """An empty page on a system that prefers dark, with a model that stands for the kernel's."""
    opened = chromium.new_page(color_scheme="dark", viewport={"width": 900, "height": 700})
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.set_content("<body><div class='output'></div></body>")
    opened.add_script_tag(content=MODEL)
    yield opened
    opened.close()
    assert faults == []


def frames() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Of a rule with one row and then two, and of its session."""
    with Session() as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = session.rule("SELECT device, t FROM demo", id="hot")
        found = []
        for t in (20, 31):
            session.push("demo", {"device": "a", "t": t})
            session.settle()
            found.append(RuleFrames(rule, str).frame(Choices()))
        return found[0], found[1], SessionFrames().frame(session, ("rule", ""))


def loaded(page: Page, view: Any, last: dict[str, Any]) -> None:
    """Load the module of a kind of view, with a model that opens with the frame *last*."""
    page.add_style_tag(content=str(view._css))
    page.evaluate(
        """async ([code, last]) => {
            const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
            window.view = (await import(address)).default;
            window.model = new Model({ last });
            window.mount = (place) => window.view.render({ model: window.model, el: place });
            window.end = window.mount(document.querySelector(".output"));
        }""",
        [str(view._esm), last],
    )


def test_a_view_opens_with_what_there_was_when_it_was_made(page: Page) -> None:
    first, second, everything = frames()

    loaded(page, ResultView, first)
    expect(page.locator(".kn-result tbody tr")).to_have_count(1)
    page.evaluate("frame => window.model.tell({ number: 1, ...frame })", second)

    expect(page.locator(".kn-result tbody tr")).to_have_count(2)
    assert page.evaluate("() => window.model.said") == [{"hello": True, "standing": {}}, {"shown": 1}]
    page.evaluate("() => window.end()")
    loaded(page, StatusView, everything)
    expect(page.locator(".kn-status tr.kn-kind-rule")).to_contain_text("hot")


def test_a_view_that_was_scrolled_away_goes_on_where_it_was(page: Page) -> None:
    first, second, _ = frames()
    loaded(page, ResultView, first)
    page.evaluate("frame => window.model.tell({ number: 1, ...frame })", second)
    expect(page.locator(".kn-result tbody tr")).to_have_count(2)

    page.evaluate("() => window.end()")
    assert page.evaluate("() => [window.model.listening, document.querySelectorAll('.kn-page').length]") == [0, 0]
    page.evaluate("() => { window.end = window.mount(document.querySelector('.output')); }")

    expect(page.locator(".kn-result tbody tr")).to_have_count(2)
    assert page.evaluate("() => window.model.said.filter((message) => message.hello).length") == 2
    page.evaluate("frame => window.model.tell({ number: 2, ...frame })", first)
    expect(page.locator(".kn-result tbody tr")).to_have_count(1)


def test_a_view_may_stand_twice_and_in_a_shadow_tree(page: Page) -> None:
    first, second, _ = frames()
    loaded(page, ResultView, first)

    page.evaluate(
        """() => {
            const host = document.body.appendChild(document.createElement("div"));
            window.mount(host.attachShadow({ mode: "open" }));
        }"""
    )
    page.evaluate("frame => window.model.tell({ number: 1, ...frame })", second)

    expect(page.locator(".kn-result")).to_have_count(2)
    for number in range(2):
        expect(page.locator(".kn-result").nth(number).locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize("says", DARK)
def test_a_view_is_as_dark_as_the_page_that_it_stands_in(page: Page, says: str) -> None:
    style, dark = DARK[says]
    page.add_style_tag(content=style)

    loaded(page, StatusView, frames()[2])

    expect(page.locator(".kn-view.kn-dark")).to_have_count(int(dark))
    back, front = page.locator(".kn-view").evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color].map(c => Number(c.match(/[0-9]+/)[0]))"
    )
    assert (back < 60, front > 180) == (dark, dark)


def test_a_page_that_changes_its_theme_is_followed(page: Page) -> None:
    loaded(page, StatusView, frames()[2])
    expect(page.locator(".kn-view.kn-dark")).to_have_count(0)

    page.evaluate("() => { document.body.style.color = 'white'; }")

    expect(page.locator(".kn-view.kn-dark")).to_have_count(1)


def test_a_view_that_nothing_ever_reaches_says_how_to_refresh_it(page: Page) -> None:
    page.clock.install()
    loaded(page, ResultView, frames()[0])
    expect(page.locator(".kn-alert")).to_be_hidden()

    page.clock.run_for(8000)

    expect(page.locator(".kn-alert")).to_contain_text("Run it again to refresh")
    expect(page.locator(".kn-result tbody tr")).to_have_count(1)
