"""The same views in Notebook 7."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import Lab, Opening, opening
from .test_views import BUSY, LOAD, MACHINE, PATIENT, ROWS_IN, STATUS, moves, row


@pytest.fixture
def desk(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opening]:
    """Opens notebooks in a Notebook."""
    started = Lab(tmp_path_factory.mktemp("notebook7"), product="notebook")
    try:
        with opening(started, chromium, "here") as open_one:
            yield open_one
    finally:
        started.close()


def test_a_rule_is_followed_stopped_from_its_row_and_saved_as_it_was_last(desk: Opening) -> None:
    notebook = desk([LOAD, MACHINE, BUSY, STATUS])
    notebook.run()
    moves(notebook)
    moves(notebook, ROWS_IN)
    notebook.shot("notebook7")

    row(notebook, "busy").get_by_role("button", name="stop rule busy", exact=True).click()

    expect(row(notebook, "busy").locator(".kn-state")).to_have_text("stopped", timeout=PATIENT)
    expect(notebook.page.locator(".kn-result")).to_have_count(0, timeout=PATIENT)
    (output,) = notebook.saved().cells[2].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/plain"].startswith("Rule busy is stopped: ")
