"""Folders of plugins, as a person would lay them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCRIPT = "import kuiper_nb\n"


def plugin(root: Path, name: str = "pysam", /, files: dict[str, str] | None = None, **keys: Any) -> Path:
    """The folder of plugin *name* below *root*; *keys* are added to its manifest, or taken out with None."""
    folder = root / name
    manifest = {"version": "v1.0.0", "language": "python", "executable": f"{name}.py", "functions": ["revert"], **keys}
    said = {key: value for key, value in manifest.items() if value is not None}
    for path, text in {f"{name}.json": json.dumps(said), f"{name}.py": SCRIPT, **(files or {})}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder
