"""What somebody sees of rules that run, in JupyterLab."""

from __future__ import annotations

from typing import Any

LOAD = "%load_ext kuiper_nb\nimport kuiper_nb as kuiper"
MACHINE = '%%kuiper\nCREATE STREAM machine () WITH (TYPE="system", INTERVAL="200")'
BUSY = "%%kuiper busy\nSELECT ts, cpu, memory, net_sent FROM machine"


def test_a_live_rule_is_followed_while_no_cell_runs(desk: Any) -> None:
    open_one = desk([LOAD, MACHINE, BUSY])
    open_one.run()

    facts = open_one.page.locator(".kn-result .kn-facts")
    facts.wait_for(timeout=20_000)
    before = facts.inner_text()
    open_one.page.wait_for_function("t => document.querySelector('.kn-result .kn-facts').innerText !== t", arg=before)

    assert open_one.idle()
    open_one.page.wait_for_timeout(4000)
    open_one.shot("live")
