"""The lessons hold what they show; that they pass again and again is nbval's part, by the same pytest."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

LESSONS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_saved_as_it_was_run_from_top_to_bottom(path: Path) -> None:
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]

    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_an_error_in_a_lesson_is_there_on_purpose(path: Path) -> None:
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]

    failed = [c.id for c in cells if any(o.output_type == "error" for o in c.outputs)]

    assert failed == [c.id for c in cells if "raises-exception" in c.metadata.get("tags", [])]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_shows_no_path_of_the_machine_it_was_run_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"/(?:home|root|tmp|work)/|site-packages", text) == []
