"""Somebody who has read nothing but the README: five cells, and a rule with a function of their own is live."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Desk, Opening
from .test_views import PATIENT, moves

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = 45
"""Lines."""


def five_cells() -> list[str]:
    """The first cells of the README, which blank lines divide."""
    block = re.search(r"^```text\n(%load_ext.*?)^```", README, re.M | re.S)
    assert block is not None
    assert README[: block.end()].count("\n") <= FIRST_SCREEN
    return block[1].strip().split("\n\n")


def test_they_are_five_and_one_of_them_is_a_function() -> None:
    cells = five_cells()

    assert len(cells) == 5
    assert len([cell for cell in cells if cell.startswith("@kuiper.function\ndef ")]) == 1


@pytest.fixture
def newcomer(desk: Opening) -> Desk:
    """A notebook in which the cells of the README have been run, one by one."""
    opened = desk(five_cells())
    for cell in range(5):
        opened.run(cell)
    return opened


def test_they_reach_a_live_rule_with_a_function_of_their_own(newcomer: Desk) -> None:
    view = newcomer.page.locator(".kn-result").first
    moves(newcomer)
    moves(newcomer)
    expect(view.locator(".kn-state").first).to_contain_text("running")
    (definition,) = [cell for cell in five_cells() if cell.startswith("@kuiper.function")]
    name = re.findall(r"def (\w+)", definition)[0]
    (select,) = [cell for cell in five_cells() if f"{name}(" in cell and cell.startswith("%%kuiper")]
    argument, column = re.findall(rf"{name}\((\w+)\) AS (\w+)", select)[0]

    expect(view.locator("tbody tr").nth(3)).to_be_visible(timeout=PATIENT)
    heads = view.locator("thead th").all_inner_texts()
    rows = view.locator("tbody").evaluate("b => [...b.rows].map(r => [...r.cells].map(c => c.textContent))")
    newcomer.shot("newcomer")

    known = {"kuiper": type("kuiper", (), {"function": staticmethod(lambda f: f)})}
    exec(definition, known)
    given, answered = heads.index(argument), heads.index(column)
    assert [row[answered] for row in rows] == [known[name](float(row[given])) for row in rows]
    expect(newcomer.page.locator(".kn-status tr", has_text=name).first).to_contain_text("function")
    assert [output.output_type for cell in newcomer.saved().cells for output in cell.outputs].count("error") == 0
