"""The second lesson as a person sees it: live, with a slider that drives a rule, and a stop that leaves something."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from .conftest import Desk, Opening
from .test_views import PATIENT, moves, row

LESSON = Path(__file__).parents[2] / "notebooks" / "02_live_rules.ipynb"
PULSE = 'section[aria-label="rule pulse"] .kn-facts'


@pytest.fixture
def lesson(desk: Opening) -> Desk:
    """The lesson, its first part run up to the status; without what plays the recording."""
    cells = [
        c for c in nbformat.read(LESSON, as_version=4).cells if "recordings/" not in c.source or c.cell_type != "code"
    ]
    last = next(n for n, c in enumerate(cells) if c.source == "%kuiper status")
    opened = desk(cells[: last + 1])
    opened.run_to_the_end()
    return opened


def view_of(lesson: Desk, rule: str) -> Locator:
    return lesson.page.get_by_role("region", name=f"rule {rule}", exact=True)


def counts(view: Locator) -> tuple[int, int]:
    """How many rows its rule has taken in and sent."""
    found = re.match(r"([\d,]+) in.* · ([\d,]+) out", view.locator(".kn-facts").inner_text())
    assert found is not None
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def after_four_rows(lesson: Desk, view: Locator) -> int:
    """How many rows the rule sends while it takes four in, or some more."""
    came, went = counts(view)
    lesson.page.wait_for_function(
        """([name, came]) => Number(document.querySelector(`section[aria-label="rule ${name}"] .kn-facts`)
            .innerText.replaceAll(',', '').match(/^[0-9]+/)[0]) >= came + 4""",
        arg=["hot", came],
        timeout=PATIENT,
    )
    return counts(view)[1] - went


def test_the_slider_decides_what_comes_out(lesson: Desk) -> None:
    hot = view_of(lesson, "hot")
    hot.scroll_into_view_if_needed()
    handle = lesson.page.locator(".widget-slider [role=slider]")
    readout = lesson.page.locator(".widget-readout")

    handle.press("End")
    expect(readout).to_have_text("100.00", timeout=PATIENT)
    after_four_rows(lesson, hot)  # those that were under way
    assert after_four_rows(lesson, hot) == 0

    handle.press("Home")
    expect(readout).to_have_text("0.00", timeout=PATIENT)
    after_four_rows(lesson, hot)
    assert after_four_rows(lesson, hot) >= 3
    lesson.shot("slider")


def test_what_it_says_of_stop_and_start_is_so(lesson: Desk) -> None:
    view_of(lesson, "pulse").scroll_into_view_if_needed()  # what is far away is not laid out, and has no text
    moves(lesson, PULSE)
    view_of(lesson, "pulse").get_by_role("button", name="Line").click()
    drawn: Any = view_of(lesson, "pulse").locator(".kn-chip[aria-pressed=true]")
    expect(drawn).to_have_text("cpu", timeout=PATIENT)

    row(lesson, "pulse").get_by_role("button", name="stop rule pulse", exact=True).click()
    left = lesson.page.locator(".jp-Cell", has_text="%%kuiper pulse").locator(".jp-OutputArea")
    expect(left).to_contain_text("Rule pulse is stopped", timeout=PATIENT)
    expect(left.locator("svg[role=img] path[data-series=cpu]")).to_have_count(1)
    row(lesson, "pulse").get_by_role("button", name="start rule pulse", exact=True).click()

    expect(view_of(lesson, "pulse")).to_have_count(1, timeout=PATIENT)
    view_of(lesson, "pulse").scroll_into_view_if_needed()
    moves(lesson, PULSE)
