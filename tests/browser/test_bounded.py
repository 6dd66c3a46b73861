"""What is run and saved in JupyterLab in bounded mode is what nbval finds when it runs it again."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .conftest import Lab, Opening, opening

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = [NOTEBOOKS / "02_live_rules.ipynb", NOTEBOOKS / "04_portable_plugins.ipynb"]
"""Those that are most alive when a person runs them. nbval runs all of them as they are saved, in `notebooks/`."""


@pytest.fixture(scope="module")
def bounded_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab whose notebooks are bounded, with what the lessons need."""
    opened = Lab(tmp_path_factory.mktemp("bounded"), mode="bounded")
    for folder in ("data", "recordings"):
        shutil.copytree(NOTEBOOKS / folder, opened.root / folder)
    yield opened
    opened.close()


@pytest.fixture
def desk(bounded_lab: Lab, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Opening]:
    """Opens a notebook of the test's own there."""
    with opening(bounded_lab, chromium, re.sub(r"\W+", "_", request.node.name)) as open_one:
        yield open_one


def checked(notebook: Path) -> str:
    """What nbval says of it, by the command that a user would give."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", notebook.name]
    return subprocess.run(command, cwd=notebook.parent, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_that_was_run_and_saved_in_jupyterlab_passes_nbval_unchanged(desk: Opening, lesson: Path) -> None:
    cells = nbformat.read(lesson, as_version=4).cells
    notebook = desk(cells)

    notebook.run_to_the_end()
    saved = notebook.saved()

    code = [cell for cell in saved.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    said = checked(notebook.path)
    assert f"{len(code)} passed" in said, said
    assert "failed" not in said


def test_one_that_differs_does_not_pass(tmp_path: Path) -> None:
    shown = nbformat.v4.new_output("execute_result", {"text/plain": "'another process'"}, execution_count=2)
    cells = [
        nbformat.v4.new_code_cell("%load_ext kuiper_nb"),
        nbformat.v4.new_code_cell("import os\nos.getpid()", outputs=[shown]),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "differs.ipynb")

    assert "1 failed, 1 passed" in checked(tmp_path / "differs.ipynb")
