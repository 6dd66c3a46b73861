"""From an event to the row that a person sees: a real JupyterLab in a real Chromium, by the clock of the machine."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from ..browser.conftest import ALONE, CHROMIUM, Desk, Lab
from .kernels import Delays, quantiles

_EVENTS = 60
_PAUSE = 0.31  # seconds, no multiple of the time between two frames

_LOAD = """
%load_ext kuiper_nb
import kuiper_nb as kuiper
kuiper.session().sql('CREATE STREAM seen (name STRING) WITH (TYPE="memory", DATASOURCE="seen", FORMAT="json")')
"""
_VIEW = "%%kuiper seen\nSELECT name FROM seen"
_FEED = f"""
import json, threading, time
pushed = {{}}
def feed():
    for n in range({_EVENTS}):
        pushed[f"event {{n}}"] = time.time() * 1000
        kuiper.push("seen", {{"name": f"event {{n}}"}})
        time.sleep({_PAUSE})
feeding = threading.Thread(target=feed)
feeding.start()
"""
_TOLD = "print(json.dumps(pushed))"
_LOOK = """() => {
    window.seen = {};
    const look = () => {
        for (const cell of document.querySelectorAll('.kn-result td')) window.seen[cell.innerText] ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
_LAST = f"() => 'event {_EVENTS - 1}' in window.seen"


def rows() -> Delays | None:
    """In ms; None where there is no Chromium."""
    if CHROMIUM is None:
        return None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        try:
            lab.notebook("seen", [_LOAD, _VIEW, _FEED, _TOLD])
            desk = Desk(browser.new_page(viewport={"width": 1280, "height": 1000}), lab, "seen")
            desk.open()
            return _seen(desk)
        finally:
            browser.close()
            lab.close()


def _seen(desk: Desk) -> Delays:
    for cell in (0, 1):
        desk.run(cell)
    desk.page.locator(".kn-result").wait_for()
    desk.page.evaluate(_LOOK)
    desk.run(2)
    desk.page.wait_for_function(_LAST, timeout=1000 * _EVENTS)
    desk.run(3)
    pushed = json.loads(desk.page.locator(".jp-OutputArea-output pre", has_text='"event 0"').inner_text())
    seen = desk.page.evaluate("() => window.seen")
    return quantiles([seen[name] - at for name, at in pushed.items()])
