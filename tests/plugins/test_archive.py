"""A plugin is unpacked whole or not at all, and nothing of it leads anywhere else."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kuiper_nb import zipped
from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.archive import install_note, unpacked
from kuiper_nb.plugins.manifest import Manifest

from .folders import plugin

MANIFEST = '{"language": "go", "executable": "run", "functions": ["revert"]}'


def packed(root: Path, *members: tuple[str | zipfile.ZipInfo, str | bytes], name: str = "mirror.zip") -> Path:
    """A zip of these files, as they come."""
    file = root / name
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for member, data in members:
            opened.writestr(member, data)
    return file


def entry(name: str, mode: int = stat.S_IFREG | 0o600) -> zipfile.ZipInfo:
    """A member with the mode of a file on Unix."""
    found = zipfile.ZipInfo(name)
    found.create_system = 3
    found.external_attr = mode << 16
    return found


def named(name: str) -> zipfile.ZipInfo:
    """A member whose name is written as it is, whatever zipfile thinks of it."""
    found = zipfile.ZipInfo("x")
    found.filename = name
    return found


def left(into: Path) -> list[str]:
    """What is in the folder beside which *into* would be."""
    return sorted(path.name for path in into.parent.iterdir())


def test_a_folder_is_copied(tmp_path: Path) -> None:
    origin = plugin(tmp_path, files={"sources/pyjson.yaml": "default:", ".git/config": "", "__pycache__/a.pyc": ""})

    folder = unpacked(origin, tmp_path / "plugins" / "pysam")

    assert folder == tmp_path / "plugins" / "pysam"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "pysam.json",
        "pysam.py",
        "sources/pyjson.yaml",
    ]
    assert left(folder) == ["pysam"]
    assert Manifest.read(folder).name == "pysam"


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    file = packed(
        tmp_path, ("mirror.json", MANIFEST), ("run", "#!/bin/sh\n"), ("sources/", ""), ("sources/a.yaml", "x:")
    )

    folder = unpacked(file, tmp_path / "into" / "mirror")

    assert (folder / "mirror.json").read_text() == MANIFEST
    assert (folder / "sources" / "a.yaml").read_text() == "x:"
    assert left(folder) == ["mirror"]


def test_a_zip_may_have_everything_in_one_folder(tmp_path: Path) -> None:
    junk = [("__MACOSX/._mirror.json", "?"), (".DS_Store", "?")]
    file = packed(tmp_path, ("box/mirror.json", MANIFEST), ("box/run", "#!/bin/sh\n"), *junk)

    folder = unpacked(str(file), tmp_path / "into")

    assert sorted(path.name for path in folder.iterdir()) == ["mirror.json", "run"]


def test_an_empty_folder_that_waits_is_taken(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()

    assert (unpacked(plugin(tmp_path), tmp_path / "into") / "pysam.py").is_file()


def test_a_folder_with_something_in_it_is_not(tmp_path: Path) -> None:
    into = plugin(tmp_path, "there")

    with pytest.raises(PluginError, match="is there already"):
        unpacked(plugin(tmp_path), into)

    assert (into / "there.py").is_file()


@pytest.mark.skipif(os.name == "nt", reason="no run bits on Windows")
@pytest.mark.parametrize("as_zip", [True, False])
def test_a_program_without_its_run_bit_runs_all_the_same(tmp_path: Path, as_zip: bool) -> None:
    origin = plugin(tmp_path, "mirror", language="go", executable="bin/run", files={"bin/run": "#!/bin/sh\necho ran\n"})
    if as_zip:
        origin = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", origin))

    folder = unpacked(origin, tmp_path / "into")

    assert subprocess.run([folder / "bin" / "run"], capture_output=True, text=True, check=True).stdout == "ran\n"


@pytest.mark.skipif(os.name == "nt", reason="no run bits on Windows")
def test_other_files_keep_the_run_bit_they_have(tmp_path: Path) -> None:
    members = (
        (entry("a", stat.S_IFREG | 0o755), "x"),
        (entry("b", stat.S_IFREG | 0o4644), "x"),
        ("mirror.json", MANIFEST),
    )

    folder = unpacked(packed(tmp_path, *members), tmp_path / "into")

    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in "ab"] == [0o700, 0o600]


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (named("../evil"), r"\.\./evil leads out of it"),
        (named("a/../../evil"), "leads out of it"),
        (named("a/./evil"), "leads out of it"),
        (named("/evil"), "leads out of it"),
        (named("//evil"), "leads out of it"),
        (named("..\\evil"), "leads out of it"),
        (named("C:evil"), "leads out of it"),
        (named("a//evil"), "is no name of a file"),
        (named("evil\x00.txt"), "is no name of a file"),
        (named("evil\n"), "is no name of a file"),
        (named("evil\u202etxt.exe"), "is no name of a file"),
        (named("x" * 300), "is no name of a file"),
        (named("evil. "), "is no name of a file"),
        (named("evil/" * 33), "lies too deep"),
        (entry("link", stat.S_IFLNK | 0o777), "link is a symbolic link"),
        (entry("device", stat.S_IFCHR | 0o600), "device is neither a file nor a folder"),
        (entry("pipe", stat.S_IFIFO | 0o600), "pipe is neither a file nor a folder"),
        (entry("RUN"), "run and RUN are one name"),
        (entry("Sub/a"), "sub and Sub are one name"),
        (entry("run/inner"), "run is a file and a folder"),
        (entry("u\u0308"), "are one name"),
    ],
    ids=lambda value: ascii(getattr(value, "filename", value))[:24],
)
def test_names_that_lead_elsewhere_are_refused_and_nothing_is_left(
    tmp_path: Path, member: zipfile.ZipInfo, message: str
) -> None:
    good = ("mirror.json", MANIFEST), ("run", "x"), ("sub/b", "x"), ("\u00fc", "x")
    file = packed(tmp_path, *good, (member, "/etc/passwd"))
    into = tmp_path / "deep" / "down" / "mirror"

    with pytest.raises(PluginError, match=message) as caught:
        unpacked(file, into)

    assert caught.value.hint
    assert str(file) in caught.value.message
    assert left(into) == []
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = packed(tmp_path, ("mirror.json", MANIFEST), ("run", "shown"), ("run", "hidden"))

    with pytest.raises(PluginError, match="run is in it twice"):
        unpacked(file, tmp_path / "into")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    file = packed(tmp_path, ("mirror.json", MANIFEST), ("run", b"\0" * (8 << 20)))

    with pytest.raises(PluginError, match="times larger than itself"):
        unpacked(file, tmp_path / "into")


def test_a_bomb_that_says_it_is_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "MOST_BYTES", 1 << 20)
    file = packed(tmp_path, ("run", b"\0" * (4 << 20)))
    data = bytearray(file.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 100)
    file.write_bytes(data)

    with pytest.raises(PluginError, match=r"is damaged|larger than they say"):
        unpacked(file, tmp_path / "into")

    assert left(tmp_path / "into") == ["mirror.zip"]


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    file = packed(tmp_path, *((f"f{i}", "x") for i in range(zipped.MOST_FILES + 1)))

    with pytest.raises(PluginError, match="holds 2,001 files"):
        unpacked(file, tmp_path / "into")


def test_too_many_entries_are_not_even_listed(tmp_path: Path) -> None:
    file = packed(tmp_path, *((f"{'x' * 200}{i}/", "") for i in range(9000)))

    with pytest.raises(PluginError, match="it is too large"):
        unpacked(file, tmp_path / "into")


def test_too_large_a_folder_is_refused(tmp_path: Path) -> None:
    origin = plugin(tmp_path)
    with (origin / "sparse").open("wb") as file:
        file.truncate(zipped.MOST_BYTES)

    with pytest.raises(PluginError, match="is too large for a plugin"):
        unpacked(origin, tmp_path / "into")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    file = packed(tmp_path, ("run", "x"))
    data = bytearray(file.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    file.write_bytes(data)

    with pytest.raises(PluginError, match="run is encrypted"):
        unpacked(file, tmp_path / "into")


def damaged_content(data: bytes) -> bytes:
    at = data.index(b"hello")
    return data[:at] + b"jello" + data[at + 5 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged_content, "is damaged: Bad CRC"),
        (lambda data: data[:-10], "is no zip"),
        (lambda data: b"", "is no zip"),
        (lambda data: b"\x1f\x8b" + data[:10], "is no zip"),
        (lambda data: data[: data.rindex(b"PK\x05\x06")][:20] + data[data.rindex(b"PK\x05\x06") :], "is damaged"),
        (lambda data: data.replace(b"PK\x01\x02", b"PK\x01\x09"), "is damaged"),
    ],
    ids=["content", "end", "nothing", "gzip", "middle", "list"],
)
def test_a_damaged_zip_leaves_nothing(tmp_path: Path, damage: Callable[[bytes], bytes], message: str) -> None:
    file = tmp_path / "mirror.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("a.json", "{}")
        opened.writestr("run", "hello, world")
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(PluginError, match=message):
        unpacked(file, tmp_path / "into")

    assert left(tmp_path / "into") == ["mirror.zip"]


def test_an_empty_zip_is_no_plugin(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="it is empty"):
        unpacked(packed(tmp_path), tmp_path / "into")


def test_random_damage_is_only_ever_our_error(tmp_path: Path) -> None:
    good = packed(tmp_path, ("mirror.json", MANIFEST), ("run", "#!/bin/sh\n" * 20), ("sources/a.yaml", "default:\n"))
    data = good.read_bytes()
    bad = tmp_path / "bad.zip"
    refused = 0
    for at in range(0, len(data), 3):
        bad.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            shutil.rmtree(unpacked(bad, tmp_path / "in" / "to"))
        except PluginError:
            refused += 1
        assert left(tmp_path / "in" / "to") == []

    assert refused > len(data) / 9
    assert not (tmp_path.parent / "mirror.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_in_a_folder_are_refused(tmp_path: Path) -> None:
    origin = plugin(tmp_path)
    (origin / "sub").mkdir()
    (origin / "sub" / "secret").symlink_to("/etc/passwd")

    with pytest.raises(PluginError, match="sub/secret is a symbolic link"):
        unpacked(origin, tmp_path / "into")

    assert left(tmp_path / "into") == ["pysam"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_pipes_and_sockets_in_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = plugin(tmp_path)
    os.mkfifo(origin / "pipe")

    with pytest.raises(PluginError, match="pipe is neither a file nor a folder"):
        unpacked(origin, tmp_path / "into")

    (origin / "pipe").unlink()
    monkeypatch.chdir(origin)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("door")
        with pytest.raises(PluginError, match="door is neither a file nor a folder"):
            unpacked(origin, tmp_path / "into")


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ("nowhere", "there is no nowhere"),
        ("file:///nowhere/mirror.zip", "there is no /nowhere/mirror.zip"),
        ("file://server/mirror.zip", "is on another machine"),
        ("ftp://host/mirror.zip", "cannot fetch ftp://host/mirror.zip"),
        ("https:///mirror.zip", "cannot fetch"),
        ("http://[::1/mirror.zip", "is no address"),
        ("/dev/null", "is neither a folder nor a file"),
        (sys.executable, "is no zip"),
    ],
)
def test_what_is_no_plugin_is_said(tmp_path: Path, origin: str, message: str) -> None:
    with pytest.raises(PluginError, match=message) as caught:
        unpacked(origin, tmp_path / "in" / "to")

    assert caught.value.hint
    assert left(tmp_path / "in" / "to") == []


def test_the_address_of_a_file_is_its_path(tmp_path: Path) -> None:
    file = packed(tmp_path, ("mirror.json", MANIFEST), ("run", "x"), name="my mirror.zip")

    assert (unpacked(file.as_uri(), tmp_path / "into") / "run").is_file()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    origin = plugin(tmp_path)
    (origin / "pysam.py").chmod(0)

    with pytest.raises(PluginError, match=r"cannot copy pysam\.py: Permission denied"):
        unpacked(origin, tmp_path / "into")


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PluginError, match="cannot write"):
        unpacked(plugin(tmp_path), tmp_path / "file" / "into")


def test_the_install_script_is_shown_and_never_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    files = {"install.sh": f"#!/bin/sh\n\x1b[31mtouch {ran}\npip install -r $cur/requirements.txt\n"}
    folder = unpacked(plugin(tmp_path, files={**files, "requirements.txt": "numpy\n"}), tmp_path / "into")

    note = install_note(folder)

    assert not ran.exists()
    assert note.startswith("install.sh has not been run.")
    assert f"touch {ran}" in note
    assert '"requirements": "requirements.txt"' in note
    assert "\x1b" not in note


def test_a_long_install_script_is_cut(tmp_path: Path) -> None:
    folder = plugin(tmp_path, files={"install.sh": "echo\n" * 100})

    assert "… 80 lines more" in install_note(folder)


def test_without_an_install_script_there_is_nothing_to_know(tmp_path: Path) -> None:
    assert install_note(plugin(tmp_path)) == ""
