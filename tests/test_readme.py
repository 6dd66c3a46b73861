"""What the README shows is true: its commands, its script, its names of files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent.parent
README = (HOME / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)


def test_two_commands_come_first() -> None:
    (first, second, *_) = BLOCKS

    assert (first[0], second[0]) == ("sh", "sh")
    assert first[1].strip().endswith("jupyter lab notebooks/01_first_stream.ipynb")
    assert second[1].strip().endswith("&& .venv/bin/python -m pytest")
    assert len([language for language, _ in BLOCKS if language == "sh"]) == 2


def test_the_script_prints_what_it_says(tmp_path: Path) -> None:
    (script,) = [text for language, text in BLOCKS if language == "python"]
    promised = re.findall(r"# (\[.*\])$", script, re.M)
    file = tmp_path / "example.py"
    file.write_text(script, encoding="utf-8")

    answer = subprocess.run(
        [sys.executable, "-W", "error", str(file)], capture_output=True, text=True, check=True, cwd=HOME
    )

    assert answer.stdout.splitlines() == promised


def test_every_file_it_names_is_there() -> None:
    package, tests = HOME / "kuiper_nb", HOME / "tests"
    named = re.findall(r"`([\w./-]+(?:\.py|\.lark|\.ipynb|/|LICENSE))`", README)

    missing = [name for name in named if not any((p / name).exists() for p in (HOME, package, tests, tests / "engine"))]

    assert missing == []
