"""Plugins in the views of a real JupyterLab: what they show, and buttons that work while no cell runs."""

from __future__ import annotations

import json

from .conftest import Desk, Opening
from .test_hostile import PAYLOADS
from .test_views import LOAD, PATIENT

MIRROR = """%%kuiper plugin mirror
import time
@kuiper.function
def backwards(text: str) -> str:
    "Turns a text round."
    print("turned", text)
    return text[::-1]
@kuiper.function
def naps(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
@kuiper.source
def ticks(every: float = 0.1):
    n = 0
    while True:
        time.sleep(every)
        n += 1
        yield {"n": n}
@kuiper.sink
def out(rows): print("out", rows)
"""
RULE = """%%kuiper hot --quiet --sink out
CREATE STREAM ticks () WITH (TYPE="ticks");
SELECT n, backwards(cast(n, "string")) AS b FROM ticks"""
KILL = "import os\nos.kill(kuiper.plugins['mirror'].status.pid, 9)"

THREE_DEATHS = """
import os, time
mirror = kuiper.plugins["mirror"]
while not mirror.status.quarantined:
    pid = mirror.status.pid
    if pid is not None and mirror.status.status == "running":
        os.kill(pid, 9)
        while mirror.status.pid == pid:
            time.sleep(0.01)
    time.sleep(0.01)
"""
NAP = """%%kuiper sleepy --quiet
CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo");
SELECT naps(s) AS s FROM demo"""


def state(notebook: Desk, view: str, word: str) -> None:
    """Wait until a view says that state."""
    notebook.page.locator(f"{view} .kn-state", has_text=word).first.wait_for(timeout=PATIENT)


def test_a_plugin_is_a_row_of_the_status_with_buttons(desk: Opening) -> None:
    notebook = desk([LOAD, MIRROR, RULE, "%kuiper status", KILL])
    for number in range(4):
        notebook.run(number)
    row = notebook.page.locator(".kn-status tr.kn-kind-plugin")
    row.wait_for(timeout=PATIENT)
    assert "functions backwards(text), naps(seconds); source ticks(every); sink out" in row.inner_text()
    notebook.page.locator(".kn-status tr.kn-kind-plugin", has_text="pid").wait_for(timeout=PATIENT)

    row.get_by_role("button", name="logs plugin mirror").click()
    notebook.page.locator(".kn-status .kn-log", has_text="turned 1").wait_for(timeout=PATIENT)
    notebook.shot("plugin_status")
    notebook.run(4)
    notebook.page.locator("tr.kn-kind-plugin", has_text="1 restart").wait_for(timeout=PATIENT)
    row.get_by_role("button", name="stop plugin mirror").click()
    state(notebook, "tr.kn-kind-plugin", "stop")
    assert notebook.idle()
    notebook.shot("plugin_status_stopped")
    row.get_by_role("button", name="start plugin mirror", exact=True).click()
    state(notebook, "tr.kn-kind-plugin", "running")
    row.get_by_role("button", name="drop plugin mirror").click()
    row.get_by_role("button", name="drop plugin mirror").click()
    notebook.page.locator(".kn-status tr.kn-below", has_text="is used by rule hot").first.wait_for(timeout=PATIENT)
    notebook.theme("JupyterLab Dark")
    notebook.shot("plugin_status_dark")


def test_the_card_of_a_plugin_follows_it_and_restarts_it(desk: Opening) -> None:
    notebook = desk(
        [LOAD, MIRROR, RULE, "%kuiper plugin show mirror", KILL, "%kuiper drop hot\n%kuiper drop plugin mirror"]
    )
    for number in range(4):
        notebook.run(number)
    card, page = notebook.page.locator(".kn-plugin"), notebook.page
    state(notebook, ".kn-plugin", "running")
    page.locator(".kn-plugin [data-fact=calls]", has_not_text="0").wait_for(timeout=PATIENT)
    page.locator(".kn-plugin .kn-log", has_text="turned 1").wait_for(timeout=PATIENT)
    assert "backwards(text)" in card.inner_text()
    notebook.shot("plugin_card")

    before = page.locator(".kn-plugin [data-fact=pid]").inner_text()
    card.get_by_role("button", name="restart plugin").click()
    page.wait_for_function(
        "before => ![before, ''].includes(document.querySelector('.kn-plugin [data-fact=pid]').textContent)", arg=before
    )
    state(notebook, ".kn-plugin", "running")
    notebook.run(4)
    page.locator(".kn-plugin [data-fact=restarts]", has_text="2").wait_for(timeout=PATIENT)
    card.get_by_role("button", name="stop plugin").click()
    state(notebook, ".kn-plugin", "stop")
    assert notebook.idle()
    notebook.shot("plugin_card_stopped")
    card.get_by_role("button", name="start plugin", exact=True).click()
    state(notebook, ".kn-plugin", "running")
    card.get_by_role("button", name="logs").click()
    assert not page.locator(".kn-plugin .kn-log").is_visible()
    notebook.theme("JupyterLab Dark")
    notebook.shot("plugin_card_dark")
    notebook.run(5)
    state(notebook, ".kn-plugin", "dropped")


def test_quarantine_is_said_in_words_and_restart_ends_it(desk: Opening) -> None:
    notebook = desk([LOAD, MIRROR, "%kuiper plugin show mirror", THREE_DEATHS])
    for number in range(4):
        notebook.run(number)

    state(notebook, ".kn-plugin", "quarantined")
    notebook.page.locator(".kn-plugin .kn-note", has_text="3 crashes within 300 s").wait_for(timeout=PATIENT)
    notebook.shot("plugin_quarantined")
    notebook.page.locator(".kn-plugin").get_by_role("button", name="restart plugin").click()
    state(notebook, ".kn-plugin", "running")


def test_stopping_a_plugin_that_hangs_does_not_hold_up_the_page(desk: Opening) -> None:
    notebook = desk([LOAD, MIRROR, NAP, "%kuiper plugin show mirror", "kuiper.push('demo', {'s': 6.0})", "1 + 1"])
    for number in range(5):
        notebook.run(number)
    state(notebook, ".kn-plugin", "running")

    notebook.page.locator(".kn-plugin").get_by_role("button", name="stop plugin").click()
    notebook.run(5)

    assert notebook.page.locator(".jp-OutputArea-output", has_text="2").count() > 0
    state(notebook, ".kn-plugin", "stop")


def test_hostile_names_helps_and_lines_are_text(desk: Opening) -> None:
    cell = (
        "payloads = "
        + json.dumps(PAYLOADS)
        + """
code = ["import kuiper_nb as kuiper"]
for number, text in enumerate(payloads):
    code.append(f"print({text!r})")
    code.append(f"def f{number}(a): return a")
    code.append(f"f{number}.__doc__ = {text!r}")
    code.append(f"kuiper.function(f{number})")
    code.append(f"def s{number}(rows): raise ValueError({text!r})")
    code.append(f"kuiper.sink(s{number}, name={text!r})")
plugin = kuiper.plugins.define("hostile", "\\n".join(code))
plugin.name, plugin._error = payloads[1], payloads[0]  # as one that is attached may call itself
kuiper.plugins._plugins = {plugin.name: plugin}
"""
    )
    notebook = desk(
        [
            LOAD,
            cell,
            "%kuiper status",
            "from kuiper_nb.notebook import live\nlive.plugin(kuiper.session(), plugin)",
            "plugin",
        ]
    )
    notebook.run()
    page = notebook.page
    page.locator(".kn-plugin .kn-log").wait_for(timeout=PATIENT)
    page.locator("tr.kn-kind-plugin").get_by_role("button", name="logs plugin").click()
    page.locator(".kn-status .kn-log").wait_for(timeout=PATIENT)
    page.wait_for_timeout(1000)
    notebook.shot("plugin_hostile")

    assert page.evaluate("() => window.hacked") is None
    strangers = "script, img, iframe, video, audio, object, embed, link, style, form, marquee, math, details, template"
    assert page.locator(".kn-view").locator(strangers).count() == 0
