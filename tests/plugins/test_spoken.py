"""Which wire a plugin speaks is seen by the SDK it is written on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kuiper_nb.plugins.manifest import Manifest, wire_of

from .folders import plugin


@pytest.mark.parametrize(
    ("script", "wire"),
    [
        ("from ekuiper import plugin, PluginConfig\n", "ekuiper"),
        ("import ekuiper.runtime\n", "ekuiper"),
        ("import kuiper_nb as kuiper\n", "kuiper_nb"),
        ("from kuiper_nb.sdk import Source\n", "kuiper_nb"),
        ("def f():\n    import kuiper_nb\n", "kuiper_nb"),
        ("try:\n    import kuiper_nb\nexcept ImportError:\n    import ekuiper\n", "kuiper_nb"),
        ("# import kuiper_nb\nx = 'import kuiper_nb'\n", "ekuiper"),
        ("import json\n", "ekuiper"),
        ("print 'old'\nfrom ekuiper import Source\n", "ekuiper"),
        ("import kuiper_nb\nif True print('new')\n", "kuiper_nb"),
    ],
)
def test_a_python_program_shows_it_by_its_imports(tmp_path: Path, script: str, wire: str) -> None:
    assert wire_of(Manifest.read(plugin(tmp_path, files={"pysam.py": script}))) == wire


def test_what_it_imports_from_its_folder_counts_too(tmp_path: Path) -> None:
    files = {
        "pysam.py": "from parts import revert\nimport gone\n",
        "parts/__init__.py": "",
        "parts/revert.py": "from . import base\n",
        "parts/base.py": "import pysam\nfrom kuiper_nb.sdk import Function\n",
        "unused.py": "import ekuiper\n",
    }

    assert wire_of(Manifest.read(plugin(tmp_path, files=files))) == "kuiper_nb"


def test_an_sdk_that_is_brought_along_need_not_be_read(tmp_path: Path) -> None:
    files = {"pysam.py": "import ekuiper\n", "ekuiper/__init__.py": "import kuiper_nb\n"}

    assert wire_of(Manifest.read(plugin(tmp_path, files=files))) == "ekuiper"


def test_the_manifest_goes_before_what_is_seen(tmp_path: Path) -> None:
    folder = plugin(tmp_path, files={"pysam.py": "import ekuiper\n"}, wire="kuiper_nb")

    assert wire_of(Manifest.read(folder)) == "kuiper_nb"


def built(folder: Path, module: str) -> None:
    """A real Go binary of a program that uses a package of *module*, without what debuggers need."""
    (folder / "sdk").mkdir(parents=True)
    (folder / "go.mod").write_text(f"module {module}\n\ngo 1.21\n")
    (folder / "sdk" / "sdk.go").write_text('package sdk\n\nfunc Start() { println("ready") }\n')
    (folder / "main.go").write_text(f'package main\n\nimport "{module}/sdk"\n\nfunc main() {{ sdk.Start() }}\n')
    subprocess.run(
        ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "mirror", "."], cwd=folder, check=True, capture_output=True
    )


@pytest.mark.parametrize(
    ("module", "wire"),
    [("github.com/lf-edge/ekuiper", "ekuiper"), ("example.com/kuiper_nb/plugins/sdk/go", "kuiper_nb")],
)
def test_a_go_binary_names_the_module_of_its_sdk(tmp_path: Path, module: str, wire: str) -> None:
    folder = plugin(tmp_path, "mirror", language="go", executable="mirror", files={"mirror": ""})
    (folder / "mirror").unlink()
    built(folder, module)

    assert wire_of(Manifest.read(folder)) == wire


def test_what_shows_nothing_speaks_ours_only_where_ekuiper_has_no_sdk(tmp_path: Path) -> None:
    go = plugin(tmp_path, "mirror", language="go", executable="mirror", files={"mirror": "?"})
    other = plugin(tmp_path, "rusty", language="executable", executable="rusty", files={"rusty": "?"})

    assert (wire_of(Manifest.read(go)), wire_of(Manifest.read(other))) == ("ekuiper", "kuiper_nb")


def test_a_name_across_two_pieces_of_a_large_binary_is_found(tmp_path: Path) -> None:
    folder = plugin(tmp_path, "mirror", language="go", executable="mirror", files={"mirror": "?"})
    (folder / "mirror").write_bytes(b"\0" * ((1 << 20) - 10) + b"kuiper_nb/plugins/sdk/go" + b"\0" * 100)

    assert wire_of(Manifest.read(folder)) == "kuiper_nb"
