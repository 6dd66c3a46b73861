"""A manifest says what a plugin is; what is wrong with it is said in one short error, with what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.manifest import Manifest

from .folders import plugin


def test_ekuipers_manifest_is_read_as_it_is(tmp_path: Path) -> None:
    folder = plugin(tmp_path, sources=["pyjson"], sinks=["print"], virtualEnvType="conda", env="myenv")

    manifest = Manifest.read(folder)

    assert (manifest.name, manifest.version, manifest.language, manifest.executable) == (
        "pysam",
        "v1.0.0",
        "python",
        "pysam.py",
    )
    assert (manifest.sources, manifest.sinks, manifest.functions) == (("pyjson",), ("print",), ("revert",))
    assert (manifest.virtual_env_type, manifest.env) == ("conda", "myenv")
    assert (manifest.wire, manifest.timeout, manifest.limits, manifest.requirements) == (None, None, {}, None)
    assert (manifest.program, manifest.home) == (folder / "pysam.py", folder)


def test_our_keys_are_read_too(tmp_path: Path) -> None:
    folder = plugin(
        tmp_path,
        wire="kuiper_nb",
        timeout=2000,
        initTimeout=60_000,
        limits={"memory": "512MiB", "files": 64, "message": "1 MB"},
        requirements=["numpy>=2"],
        python="python3",
    )

    manifest = Manifest.read(folder)

    assert (manifest.wire, manifest.timeout, manifest.init_timeout) == ("kuiper_nb", 2000, 60_000)
    assert (manifest.limits, manifest.message) == ({"memory": 512 << 20, "files": 64}, 1_000_000)
    assert (manifest.requirements, manifest.python) == (("numpy>=2",), "python3")


def test_null_is_as_good_as_left_out(tmp_path: Path) -> None:
    folder = plugin(tmp_path, files={"pysam.json": '{"language": "python", "executable": "pysam.py", "sources": null,'
                                                   ' "functions": ["revert"]}'})  # fmt: skip

    assert Manifest.read(folder).sources == ()


def test_the_program_may_lie_deeper_and_runs_where_it_lies(tmp_path: Path) -> None:
    folder = plugin(tmp_path, files={"bin/run.py": ""}, executable="bin/run.py")

    assert Manifest.read(folder).home == folder / "bin"


def test_of_several_plugins_in_a_folder_one_is_named(tmp_path: Path) -> None:
    folder = plugin(tmp_path, "box", {"other.json": '{"language":"python","executable":"box.py","functions":["two"]}'})
    folder = folder.rename(tmp_path / "both")

    assert Manifest.read(folder, "other").functions == ("two",)
    with pytest.raises(PluginError, match="holds several plugins: box, other"):
        Manifest.read(folder)


def test_other_json_files_beside_it_do_not_matter(tmp_path: Path) -> None:
    folder = plugin(tmp_path, files={"data.json": "[1, 2]", "broken.json": "{"})

    assert Manifest.read(folder).name == "pysam"


def test_the_same_name_may_be_a_source_and_a_sink(tmp_path: Path) -> None:
    manifest = Manifest.read(plugin(tmp_path, sources=["a"], sinks=["a"]))

    assert (manifest.symbols("source"), manifest.symbols("sink")) == (("a",), ("a",))


@pytest.mark.parametrize(
    ("keys", "message", "hint"),
    [
        ({"language": None}, "invalid plugin, missing language", "python"),
        ({"language": ""}, "invalid plugin, missing language", "python"),
        ({"language": "pyton"}, "invalid plugin, language 'pyton' is not supported", "did you mean python?"),
        ({"language": "cobol"}, "invalid plugin, language 'cobol' is not supported", '"executable"'),
        ({"executable": None}, "invalid plugin, missing executable", '"executable": "pysam.py"'),
        ({"functions": None}, "invalid plugin, must define at lease one source, sink or function", '"functions"'),
        ({"functions": []}, "invalid plugin, must define at lease one source, sink or function", '"functions"'),
        ({"name": "other"}, "invalid plugin, expect name 'pysam' but got 'other'", "rename"),
        ({"funtions": ["f"]}, "unknown key funtions", "did you mean functions?"),
        ({"Language": "python"}, "unknown key Language", "did you mean language?"),
        ({"virtualEnvType": "poetry"}, "unsupported virtual type: poetry", "conda"),
        ({"virtualEnvType": "conda"}, "env is missing", '"env": "myenv"'),
        ({"executable": "gone.py"}, "cannot find executable `gone.py`", ""),
        ({"executable": "pysan.py"}, "cannot find executable `pysan.py`", "did you mean pysam.py?"),
        ({"executable": "../pysam.py"}, "not inside the plugin's folder", "downwards"),
        ({"executable": "a/../../b.py"}, "not inside the plugin's folder", "downwards"),
        ({"executable": "/bin/sh"}, "not inside the plugin's folder", "downwards"),
        ({"executable": "C:\\run.exe"}, "not inside the plugin's folder", "downwards"),
        ({"executable": "pysam.py\0"}, "must be text", ""),
        ({"executable": 5}, "executable must be text, not 5", ""),
        ({"functions": "revert"}, "functions must be a list of names", '"functions": ["function1"]'),
        ({"functions": ["a b"]}, "'a b' is no name of a function", "letters"),
        ({"functions": ["a-b"]}, "'a-b' is no name of a function", "letters"),
        ({"functions": ["f", "f"]}, "function f stands twice", "once"),
        ({"functions": ["abs"]}, "abs is a built-in function", "my_abs"),
        ({"functions": ["TumblingWindow"]}, "is a built-in function", "my_"),
        ({"sources": ["../x"]}, "'../x' is no name of a source", "letters"),
        ({"sources": ["a", "a"]}, "source a stands twice", "once"),
        ({"wire": "nanomsg"}, "unknown wire nanomsg", "ekuiper, kuiper_nb"),
        ({"timeout": "5s"}, "timeout must be a number of milliseconds", '"timeout": 5000'),
        ({"timeout": 0}, "timeout must be a number of milliseconds", ""),
        ({"initTimeout": True}, "initTimeout must be a number of milliseconds", ""),
        ({"limits": {"memori": 1}}, "unknown limit memori", "did you mean memory?"),
        ({"limits": {"memory": "much"}}, "the limit memory cannot be 'much'", "512MiB"),
        ({"limits": {"files": -1}}, "the limit files cannot be -1", "above 0"),
        ({"limits": 7}, "limits must be an object", ""),
        ({"requirements": 7}, "requirements must be a list", "requirements.txt"),
        ({"requirements": "gone.txt"}, "cannot find requirements `gone.txt`", ""),
        ({"requirements": "../r.txt"}, "not inside the plugin's folder", ""),
        ({"requirements": ["--pre"]}, "'--pre' is no requirement", "requirements.txt"),
        ({"language": "go", "requirements": []}, "requirements do not go with the language go", ""),
        ({"requirements": [], "virtualEnvType": "conda", "env": "e"}, "do not go with a conda environment", ""),
        ({"language": "go", "python": "python3"}, "python does not go with the language go", ""),
    ],
    ids=str,
)
def test_each_mistake_has_its_error(tmp_path: Path, keys: dict[str, Any], message: str, hint: str) -> None:
    folder = plugin(tmp_path, **keys)

    with pytest.raises(PluginError) as caught:
        Manifest.read(folder)

    assert message in caught.value.message
    assert caught.value.message.startswith("pysam.json: ")
    assert hint in caught.value.hint
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('{\n "language": "python",\n "executable" "x"}', "pysam.json is no JSON: Expecting ':' delimiter", 3),
        ('{"language": "go", "language": "python"}', "language stands twice", None),
        ("[" * 100_000, "nested too deeply", None),
        ("", "is no JSON", 1),
        ('{"timeout": NaN}', "NaN is no value of JSON", None),
        ("x" * (2 << 20), "longer than 1 MiB", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_damaged_manifest_is_shown_with_the_place(tmp_path: Path, text: str, message: str, line: int | None) -> None:
    folder = plugin(tmp_path, files={"pysam.json": text})

    with pytest.raises(PluginError, match=message) as caught:
        Manifest.read(folder)

    assert caught.value.line == line


@pytest.mark.parametrize("text", ["[]", "5", '"python"', "null"])
def test_a_manifest_that_is_no_object_is_none(tmp_path: Path, text: str) -> None:
    folder = plugin(tmp_path, files={"pysam.json": text})

    with pytest.raises(PluginError, match=r"pysam\.json is no manifest"):
        Manifest.read(folder, "pysam")


def test_a_manifest_in_bytes_that_are_no_text_is_refused(tmp_path: Path) -> None:
    folder = plugin(tmp_path)
    (folder / "pysam.json").write_bytes(b'{"language": "\xff"}')

    with pytest.raises(PluginError, match=r"pysam\.json is no JSON"):
        Manifest.read(folder)


def test_a_plugin_is_called_by_the_name_of_its_file(tmp_path: Path) -> None:
    folder = plugin(tmp_path)

    with pytest.raises(PluginError, match=r"missing or invalid json file mirror\.json, found 2 files") as caught:
        Manifest.read(folder, "mirror")

    assert "add it as pysam" in caught.value.hint


@pytest.mark.parametrize("name", ["../pysam", "a b", "", "-x", "ä", "x" * 65])
def test_a_name_is_a_word(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(PluginError, match=r"is no name of a plugin|has no manifest"):
        Manifest.read(tmp_path / "empty", name)


def test_a_folder_without_a_manifest_or_none_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="has no manifest"):
        Manifest.read(tmp_path)
    with pytest.raises(PluginError, match="there is no folder"):
        Manifest.read(tmp_path / "gone")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_program_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("")
    folder = plugin(tmp_path, executable="linked.py")
    (folder / "linked.py").symlink_to(tmp_path / "elsewhere.py")

    with pytest.raises(PluginError, match=r"linked\.py is a link out of the plugin's folder"):
        Manifest.read(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_program_that_is_a_link_to_itself_is_none(tmp_path: Path) -> None:
    folder = plugin(tmp_path, executable="round")
    (folder / "round").symlink_to("round")

    with pytest.raises(PluginError, match="cannot find executable `round`"):
        Manifest.read(folder)


def test_a_program_that_is_a_folder_is_none(tmp_path: Path) -> None:
    folder = plugin(tmp_path, files={"inner/x.py": ""}, executable="inner")

    with pytest.raises(PluginError, match="cannot find executable `inner`"):
        Manifest.read(folder)


def test_sections_beside_a_source_are_its_configuration(tmp_path: Path) -> None:
    yaml = "default:\n  interval: 1000\n  on: yes\nfast:\n  interval: 10\nempty:\n"
    folder = plugin(tmp_path, files={"sources/pyjson.yaml": yaml}, sources=["pyjson", "plain"])

    manifest = Manifest.read(folder)

    assert manifest.configuration("pyjson") == {
        "default": {"interval": 1000, "on": "yes"},
        "fast": {"interval": 10},
        "empty": {},
    }
    assert manifest.configuration("plain") == {}


@pytest.mark.parametrize("text", ["", "default:", "default: {}\n", "# nothing\n", "\ufeffdefault:\n"])
def test_a_configuration_may_be_as_good_as_empty(tmp_path: Path, text: str) -> None:
    folder = plugin(tmp_path, files={"sources/pyjson.yaml": text}, sources=["pyjson"])

    assert not any(Manifest.read(folder).configuration("pyjson").values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default:\n  a: 1\n  a: 2\n", r"sources/pyjson\.yaml is no YAML: a stands twice"),
        ("default: [", r"sources/pyjson\.yaml is no YAML"),
        ("- 1\n", "holds no sections"),
        ("interval: 5\n", "section interval is no mapping but 5"),
        ("default: !!python/object/apply:os.getcwd []", "is not read"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    folder = plugin(tmp_path, files={"sources/pyjson.yaml": text}, sources=["pyjson"])

    with pytest.raises(PluginError, match=message):
        Manifest.read(folder)


def test_what_a_symbol_is_for_is_read_from_its_json(tmp_path: Path) -> None:
    described = '{"about": {"description": {"zh_CN": "源", "en_US": "Sends json."}}}'
    function = (
        '{"about": {"description": {"en_US": "A plugin"}},'
        ' "functions": [{"name": "revert", "example": "revert(col1)", "hint": {"en_US": "Revert it"}}]}'
    )
    files = {"sources/pyjson.json": described, "functions/revert.json": function, "sinks/print.json": "{broken"}
    manifest = Manifest.read(plugin(tmp_path, files=files, sources=["pyjson"], sinks=["print"]))

    assert manifest.about("source", "pyjson") == "Sends json."
    assert manifest.about("function", "revert") == "revert(col1): Revert it"
    assert manifest.about("sink", "print") == ""
    assert manifest.about("sink", "absent") == ""


@pytest.mark.parametrize("text", ["[]", '{"about": 5}', '{"functions": [5]}', '{"functions": {"a": 1}}', "{}"])
def test_a_description_of_another_shape_says_nothing(tmp_path: Path, text: str) -> None:
    manifest = Manifest.read(plugin(tmp_path, files={"functions/revert.json": text}))

    assert manifest.about("function", "revert") == ""
