"""A plugin runs in this interpreter, another, a virtual environment, conda, or by itself: real ones, really run."""

from __future__ import annotations

import json
import os
import platform
import shutil
import stat
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import kuiper_nb
from kuiper_nb.contracts import Call
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins import environment as module
from kuiper_nb.plugins.connection import Connection, private_folder, removed
from kuiper_nb.plugins.environment import EKUIPER_ARGUMENT, Environment
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.manifest import Manifest
from kuiper_nb.plugins.process import Process
from kuiper_nb.plugins.virtual import Wanted

from .folders import plugin

TELLS = """
import importlib.util, json, os, sys
package = importlib.util.find_spec("kuiper_nb")
print(json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "executable": sys.executable, "path": sys.path,
                  "package": package and os.path.realpath(package.origin), "unbuffered": sys.stdout.write_through}))
"""
"""A program that tells what it runs in."""

BUNDLED = {"ekuiper/__init__.py": ""}
"""The package of eKuiper's wire, brought along by the plugin: it is not asked for."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that nobody else has."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def ekuipers(root: Path, script: str = TELLS, **keys: object) -> Manifest:
    """A plugin of eKuiper's wire with its package brought along."""
    files = {"pysam.py": f"import ekuiper\n{script}", **BUNDLED}
    return Manifest.read(plugin(root, files=files, **keys))


def told(environment: Environment, manifest: Manifest, argument: str = EKUIPER_ARGUMENT) -> dict[str, object]:
    """What the plugin's program tells, started as it would be."""
    done = subprocess.run(
        environment.command(manifest, argument),
        cwd=manifest.home,
        env={**os.environ, **environment.variables(manifest)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def others() -> Iterator[str]:
    """Interpreters of other versions that this machine has, the newest first."""
    for minor in range(20, 5, -1):
        if (3, minor) == sys.version_info[:2]:
            continue
        places = sorted(Path(sys.base_prefix).parent.glob(f"3.{minor}.*/bin/python3.{minor}"))
        for found in (*map(str, places), shutil.which(f"python3.{minor}")):
            if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
                yield found
                break


OTHERS = list(others())
NEWER = [python for python in OTHERS if int(python.rsplit(".", 1)[1]) >= 11]
OLDER = [python for python in OTHERS if int(python.rsplit(".", 1)[1]) < 11]


def test_this_interpreter_runs_a_plugin_of_ekuiper_as_ekuiper_would(tmp_path: Path) -> None:
    manifest = ekuipers(tmp_path)

    found = told(Environment.of(manifest), manifest)

    assert found["argv"] == [str(manifest.program), '{"sendTimeout":1000}']
    assert (found["executable"], found["cwd"]) == (sys.executable, str(manifest.home))
    assert found["unbuffered"]


def test_the_program_runs_in_its_own_folder(tmp_path: Path) -> None:
    files = {"inner/run.py": f"import ekuiper\n{TELLS}", "inner/ekuiper/__init__.py": ""}
    manifest = Manifest.read(plugin(tmp_path, files=files, executable="inner/run.py"))

    assert told(Environment.of(manifest), manifest)["cwd"] == str(manifest.folder / "inner")


def test_a_plugin_of_ours_is_run_by_our_sdk_from_this_very_package(tmp_path: Path) -> None:
    manifest = Manifest.read(plugin(tmp_path, files={"pysam.py": f"import kuiper_nb.sdk\n{TELLS}\nraise SystemExit"}))
    environment = Environment.of(manifest)

    found = told(environment, manifest, "/nowhere/connection.json")

    assert environment.command(manifest, "C")[1:] == [
        "-u",
        "-m",
        "kuiper_nb.plugins.sdk.run",
        "C",
        f"{manifest.program}",
    ]
    assert found["package"] == os.path.realpath(kuiper_nb.__file__)
    assert found["argv"] == [str(manifest.program)]


def test_a_plugin_of_ours_needs_no_package_but_those_it_is_given(tmp_path: Path) -> None:
    script = """
import os, sys
from kuiper_nb.sdk import function

@function
def revert(text: str) -> str:
    homes = {name.split(".")[0] for name, module in sys.modules.items() if "site-packages" in str(module)}
    return text[::-1] + " " + " ".join(sorted(homes - {"_distutils_hack", "_virtualenv"}))
"""
    manifest = Manifest.read(plugin(tmp_path, files={"pysam.py": script}))
    environment = Environment.of(manifest)
    private = private_folder()
    connection = Connection.made(private)
    connection.write(private / "connection.json")
    lines = Lines()
    kernel = Kernel(connection, lines)
    command = environment.command(manifest, str(private / "connection.json"))
    kernel.listen(Process(command, manifest.home, lines, environment=environment.variables(manifest)))
    try:
        hello = kernel.ready(30)
        answer = kernel.call("revert", Call((["abc"],), 1), 30)
    finally:
        kernel.close()
        removed(private)

    reversed_, *packages = answer.values[0].as_py().split()
    assert (hello.name, reversed_) == ("pysam", "cba")
    assert set(packages) <= set(module._IMPORTED["kuiper_nb"])


def test_the_folder_on_the_path_holds_this_package_and_nothing_else(tmp_path: Path) -> None:
    manifest = Manifest.read(plugin(tmp_path))

    path = Environment.of(manifest).variables(manifest)["PYTHONPATH"].split(os.pathsep)[0]

    assert os.listdir(path) == ["kuiper_nb"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700


def test_where_links_cannot_be_made_the_package_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("links need rights")

    monkeypatch.setattr(Path, "symlink_to", refused)
    manifest = Manifest.read(plugin(tmp_path))

    path = Path(Environment.of(manifest).variables(manifest)["PYTHONPATH"].split(os.pathsep)[0])

    assert [file.name for file in path.iterdir()] == ["kuiper_nb"]
    assert not (path / "kuiper_nb").is_symlink()
    assert (path / "kuiper_nb" / "sdk.py").read_bytes() == (module._PACKAGE / "sdk.py").read_bytes()


def test_many_at_once_find_the_package(tmp_path: Path) -> None:
    manifest = Manifest.read(plugin(tmp_path))
    environment = Environment.of(manifest)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(environment.variables(manifest)["PYTHONPATH"])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert os.listdir(found[0].split(os.pathsep)[0]) == ["kuiper_nb"]


@pytest.mark.skipif(not OTHERS, reason="only one Python here")
def test_another_interpreter_gets_nothing_of_the_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "of the host"))
    manifest = ekuipers(tmp_path, python=OTHERS[0])

    found = told(Environment.of(manifest), manifest)

    assert found["executable"] == OTHERS[0]
    assert not [path for path in found["path"] if str(tmp_path / "of the host") in path or sys.prefix in path]  # type: ignore[attr-defined]


def test_this_interpreter_keeps_the_path_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "of the host"))
    manifest = ekuipers(tmp_path)

    assert str(tmp_path / "of the host") in told(Environment.of(manifest), manifest)["path"]  # type: ignore[operator]


@pytest.mark.skipif(not OTHERS, reason="only one Python here")
def test_ekuipers_python_bin_is_for_those_that_name_none(tmp_path: Path) -> None:
    manifest = ekuipers(tmp_path)

    assert Environment.of(manifest, python=OTHERS[0]).prefix == (OTHERS[0], "-u")
    assert Environment.of(ekuipers(tmp_path, python=sys.executable), python=OTHERS[0]).own


@pytest.mark.skipif(not OLDER, reason="no Python older than 3.11 here")
def test_a_python_too_old_for_our_sdk_is_refused_before_it_starts(tmp_path: Path) -> None:
    for python in OLDER:
        manifest = Manifest.read(plugin(tmp_path, python=python))

        with pytest.raises(PluginError, match=r"plugin pysam needs Python 3\.11 or newer; .* is 3\.\d+\.\d+"):
            Environment.of(manifest)


@pytest.mark.skipif(not NEWER, reason="no other Python from 3.11 on here")
def test_an_interpreter_without_what_the_wire_needs_is_told_what_to_install(tmp_path: Path) -> None:
    ours = Manifest.read(plugin(tmp_path, python=NEWER[0]))
    theirs = Manifest.read(plugin(tmp_path, "other", files={"other.py": "import ekuiper"}, python=NEWER[0]))

    with pytest.raises(PluginError, match="needs pyzmq and pyarrow and numpy, not installed in") as caught:
        Environment.of(ours)
    with pytest.raises(PluginError, match="needs ekuiper, not installed in"):
        Environment.of(theirs)

    assert '"requirements": []' in caught.value.hint


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("python9.99", "there is no interpreter python9.99"),
        ("/nowhere/python", "there is no interpreter /nowhere/python"),
        ("venv/bin/python", "there is no interpreter venv/bin/python"),
        (shutil.which("true") or "true", "is no Python: it says nothing"),
        ("no", "there is no interpreter no"),
    ],
)
def test_an_interpreter_that_is_none_is_refused(tmp_path: Path, python: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Environment.of(ekuipers(tmp_path, python=python))


def test_an_interpreter_may_lie_in_the_folder_of_the_plugin(tmp_path: Path) -> None:
    manifest = ekuipers(tmp_path, python="bin/python")
    (manifest.folder / "bin").mkdir()
    (manifest.folder / "bin" / "python").symlink_to(sys.executable)

    assert Environment.of(manifest).prefix == (str(manifest.folder / "bin" / "python"), "-u")


@pytest.mark.parametrize("python", ["", *OTHERS[:1]])
def test_a_syntax_error_is_shown_with_its_place_before_anything_starts(tmp_path: Path, python: str) -> None:
    files = {"pysam.py": "import ekuiper\n\ndef broken(:\n    pass\n", **BUNDLED}
    manifest = Manifest.read(plugin(tmp_path, files=files, python=python or None))

    with pytest.raises(PluginError, match=r"plugin pysam: line 3 of pysam\.py is not Python 3\.\d+\.\d+: ") as caught:
        Environment.of(manifest)

    assert caught.value.caret().splitlines()[0] == "def broken(:"
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("text", ["x = '\0'", "# coding: klingon\n", "x = " + "(" * 500 + ")" * 500, "\xff"])
def test_what_no_python_can_read_is_refused_too(tmp_path: Path, text: str) -> None:
    manifest = ekuipers(tmp_path)
    manifest.program.write_bytes(text.encode("latin-1"))

    with pytest.raises(PluginError, match="is not Python 3"):
        Environment.of(manifest)


# ---- virtual environments


def wheel(folder: Path, name: str, body: str = "VALUE = 1\n") -> Path:
    """A wheel of one module, as pip takes it."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr(f"{name}.py", body)
        opened.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        opened.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        opened.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return file


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip asks nobody."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")


USES = "import greeting\n" + TELLS.replace('"argv"', '"greeting": greeting.VALUE, "argv"')


MAKES = """
import sys
from pathlib import Path
from kuiper_nb.plugins.environment import Environment
from kuiper_nb.plugins.manifest import Manifest
Environment.of(Manifest.read(Path(sys.argv[1])), told=lambda text: print(text, flush=True))
"""


@pytest.mark.usefixtures("offline")
def test_requirements_get_an_environment_that_is_made_once_even_if_its_first_maker_was_killed(
    tmp_path: Path, cache: Path
) -> None:
    manifest = ekuipers(tmp_path, USES, requirements=["./greeting-1.0-py3-none-any.whl"])
    wheel(manifest.folder, "greeting")
    with subprocess.Popen([sys.executable, "-c", MAKES, str(manifest.folder)], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert b"making a virtual environment" in first.stdout.readline()
        first.kill()
    heard: list[str] = []
    made: list[Environment] = []

    threads = [
        threading.Thread(target=lambda: made.append(Environment.of(manifest, told=heard.append))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = told(made[0], manifest)

    assert [len(made), len({environment.prefix for environment in made}), len(heard)] == [3, 1, 1]
    assert str(cache) in str(found["executable"])
    assert found["greeting"] == 1
    assert not made[0].own
    assert not [path for path in found["path"] if Path(path) == Path(sys.prefix, "lib")]  # type: ignore[attr-defined]


def test_other_requirements_or_other_files_are_another_environment(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("numpy\n")

    def digest(requirements: tuple[str, ...] | str, python: str = "python 3.12.1") -> str:
        return Wanted("p", tmp_path, requirements).digest(python)

    first = wheel(tmp_path, "greeting") and digest(("./greeting-1.0-py3-none-any.whl",))
    second = wheel(tmp_path, "greeting", "VALUE = 2\n") and digest(("./greeting-1.0-py3-none-any.whl",))
    third = digest("requirements.txt")
    (tmp_path / "more.txt").write_text("numpy<3\n")

    different = [first, second, third, digest("requirements.txt"), digest(("a",)), digest(("b",)), digest((), "other")]

    assert len(set(different)) == len(different)
    assert digest(("a",)) == digest(("a",))


@pytest.mark.usefixtures("offline")
def test_requirements_that_cannot_be_had_leave_nothing_behind(tmp_path: Path, cache: Path) -> None:
    folder = plugin(tmp_path, requirements="requirements.txt", files={"requirements.txt": "nowhere-to-be-found==1\n"})
    manifest = Manifest.read(folder)

    with pytest.raises(PluginError, match="pip cannot install the requirements of plugin pysam: No match") as caught:
        Environment.of(manifest)

    assert "pyzmq pyarrow numpy" in caught.value.hint
    assert [path.suffix for path in (cache / "kuiper_nb" / "environments").iterdir()] == [".lock"]


# ---- conda


def test_without_conda_a_plugin_for_it_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CONDA_EXE", raising=False)

    with pytest.raises(PluginError, match="runs in the conda environment myenv: no conda here") as caught:
        Environment.of(ekuipers(tmp_path, virtualEnvType="conda", env="myenv"))

    assert "requirements" in caught.value.hint


@pytest.fixture
def conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that takes conda's words, where there is no conda: its one environment, myenv, is this interpreter."""
    folder = tmp_path / "conda"
    folder.mkdir()
    script = folder / "conda"
    script.write_text(
        '#!/bin/sh\n[ "$1 $2 $3" = "run --no-capture-output -n" ] || exit 2\n'
        '[ "$4" = myenv ] || { echo "EnvironmentLocationNotFound: Not a conda environment: $4" >&2; exit 1; }\n'
        f'shift 5\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return script


def test_conda_runs_it_in_its_environment(tmp_path: Path, conda: Path) -> None:
    manifest = ekuipers(tmp_path, virtualEnvType="conda", env="myenv")
    environment = Environment.of(manifest)

    assert environment.prefix == (str(conda), "run", "--no-capture-output", "-n", "myenv", "python", "-u")
    assert told(environment, manifest)["argv"] == [str(manifest.program), EKUIPER_ARGUMENT]


@pytest.mark.usefixtures("conda")
def test_a_conda_environment_that_is_not_there_is_said_in_condas_words(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="conda environment other is no Python: EnvironmentLocationNotFound"):
        Environment.of(ekuipers(tmp_path, virtualEnvType="conda", env="other"))


# ---- programs in other languages


def program(root: Path, data: bytes, *, name: str = "run", mode: int = 0o700, language: str = "executable") -> Manifest:
    folder = plugin(root, language=language, executable=name, files={name: ""})
    (folder / name).write_bytes(data)
    (folder / name).chmod(mode)
    return Manifest.read(folder)


def elf(machine: int, loader: bytes = b"", *, kind: int = 2) -> bytes:
    """The head of a 64-bit program, with a loader if it needs one."""
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, 1
    )
    segment = struct.pack("<IIQQQQQQ", 3 if loader else 1, 4, 120, 0, 0, len(loader) + 1, len(loader) + 1, 1)
    return head.ljust(64, b"\0") + segment + loader + b"\0"


HERE = {"x86_64": 62, "aarch64": 183}.get(platform.machine(), 62)
"""This machine, in the head of an ELF file."""


def test_a_program_is_run_as_it_is(tmp_path: Path) -> None:
    manifest = program(tmp_path, b'#!/bin/sh\nprintf \'{"said": "%s"}\' "$1"\n')
    environment = Environment.of(manifest)

    assert environment.command(manifest, "a b") == [str(manifest.program), "a b"]
    assert (told(environment, manifest, "a b"), environment.variables(manifest)) == ({"said": "a b"}, {})


def test_a_real_binary_of_this_machine_is_taken(tmp_path: Path) -> None:
    assert Environment.of(program(tmp_path, Path(sys.executable).resolve().read_bytes())).prefix == ()


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (elf(22), "run is a program for s390x", "build it for this machine"),
        (elf(0x1234), "run is a program for another machine", "go build"),
        (elf(HERE, b"/lib/ld-musl-none.so.1"), "needs /lib/ld-musl-none.so.1 (musl), which is not here", "CGO"),
        (elf(62, kind=1), "is no program but a part of one", "link"),
        (b"\x7fELF\x02\x01", "is damaged", "anew"),
        (b"MZ\x90\0", "is a program for Windows", "build it for this machine"),
        (b"\xcf\xfa\xed\xfe\0", "is a program for macOS", "build it for this machine"),
        (b"", "is empty", ""),
        (b"hello", "is no program", ""),
        (b"#!/nowhere/sh\n", "needs /nowhere/sh, which is not here", ""),
        (b"#!/usr/bin/env nowhere-to-be-found\n", "needs nowhere-to-be-found, which is not here", ""),
        (b"#!/bin/sh\r\n", "line ends of Windows", ""),
        (b"#!\n", "names no interpreter", ""),
    ],
    ids=lambda value: repr(value)[:24],
)  # fmt: skip
def test_what_cannot_run_here_is_said_before_it_is_tried(tmp_path: Path, data: bytes, message: str, hint: str) -> None:
    with pytest.raises(PluginError) as caught:
        Environment.of(program(tmp_path, data))

    assert message in caught.value.message
    assert caught.value.message.startswith("plugin pysam: run ")
    assert hint in caught.value.hint


def test_source_code_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"main\.go is no program") as caught:
        Environment.of(program(tmp_path, b"package main\n", name="main.go", language="go"))

    assert "go build" in caught.value.hint


@pytest.mark.skipif(os.name == "nt", reason="no run bits on Windows")
def test_a_program_without_its_run_bit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="run may not be executed") as caught:
        Environment.of(program(tmp_path, b"#!/bin/sh\n", mode=0o600))

    assert "chmod +x" in caught.value.hint


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go here")
def test_a_go_binary_for_another_machine_is_named(tmp_path: Path) -> None:
    other = "arm64" if platform.machine() == "x86_64" else "amd64"
    folder = plugin(tmp_path, "mirror", language="go", executable="mirror", files={"mirror": ""})
    (folder / "go.mod").write_text("module mirror\n\ngo 1.21\n")
    (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    variables = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    variables |= {"GOARCH": other, "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", "mirror", "."], cwd=folder, env=variables, check=True, capture_output=True)

    with pytest.raises(PluginError, match=r"mirror is a program for (aarch64|x86_64)"):
        Environment.of(Manifest.read(folder))
