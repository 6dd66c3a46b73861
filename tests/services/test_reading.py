"""Service files: YAML and eKuiper's JSON, folders and zips, and all that must be refused."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest

from kuiper_nb.errors import ServiceError
from kuiper_nb.services.reading import found, read, schema_file

from .conftest import written

YAML = "interfaces:\n  ask: {address: 'http://localhost:1', protocol: rest, schemaless: true}\n"
EKUIPER = """{
\t"about": {"author": {"name": "x", "email": "a@b"}, "helpUrl": {"en_US": "u"}, "description": {"en_US": "d"}},
\t"interfaces": {
\t\t"tsrpc": {"address": "tcp://localhost:50051", "protocol": "grpc", "schemaType": "protobuf",
\t\t\t"schemaFile": "hw.proto",
\t\t\t"functions": [{"name": "hello", "serviceName": "SayHello"}]},
\t\t"tsrest": {"address": "http://localhost:51234", "protocol": "rest", "schemaless": true, "unheard": 1,
\t\t\t"options": {"insecureSkipVerify": true, "headers": {"Accept-Charset": "utf-8"}, "retryCount": 3,
\t\t\t\t"retryInterval": "100ms"}}
\t}
}"""


def test_a_file_of_ekuiper_is_read_as_it_is() -> None:
    spec, notes = read(EKUIPER, as_json=True)

    rpc, rest = spec.interfaces["tsrpc"], spec.interfaces["tsrest"]
    assert (rpc.protocol, rpc.schema_file, rpc.functions[0].service_name) == ("grpc", "hw.proto", "SayHello")
    assert (rest.options.retry_count, rest.options.retry_interval) == (3, 0.1)
    assert notes == ("interfaces.tsrest.unheard means nothing here",)


def test_yaml_says_the_same_and_more() -> None:
    spec, notes = read(f"{YAML}    # a comment\n")

    options = spec.interfaces["ask"].options
    assert (options.deadline, options.concurrency, options.on_error, notes) == (5.0, 64, "error", ())


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("interfaces:\n  ask: {addres: x, protocol: rest}\n", "interfaces.ask.address is missing", 2),
        ("interfaces:\n  ask:\n    address: x\n    protocol: rest\n    shemaless: true\n", "shemaless is not known", 5),
        ("interfaces:\n  ask: {address: x, protocol: soap}\n", "interfaces.ask.protocol: input should be 'rest'", 2),
        (f"{YAML}  ask: {{}}\n", "ask stands twice", 3),
        (YAML.replace("true}", "true, options: {deadline: fast}}"), "is to be a duration, such as 250ms or 5s", 2),
        (YAML.replace("true}", "true, options: {rate: 5}, x: 1}"), "x is not known", 2),
        (YAML.replace("true}", "true, options: {concurrency: 0}}"), "greater than or equal to 1", 2),
        (YAML.replace("true}", "yes}"), "schemaless: input should be a valid boolean", 2),
        ("interfaces: {}\n", "interfaces: dictionary should have at least 1 item", 1),
        ("a: &a [*a, *a]\n", "", None),
        ("!!python/object/apply:os.system ['true']\n", "the tag", 1),
        ("interfaces: !ruby/object {}\n", "the tag", 1),
        ("- a\n- b\n", "a service file is a mapping", None),
        ("interfaces: [\n", "", 2),
        ("a: b: c\n", "mapping values are not allowed", 1),
        ("\tinterfaces: {}\n", "", 1),
        ("interfaces:\n  ask: {address: [1], protocol: rest}\n", "address: input should be a valid string", 2),
        ("interfaces: {? [a] : 1}\n", "a key is a word", 1),
        ("a: 1\n--- \nb: 2\n", "", None),
        ("interfaces: 5\n", "interfaces: input should be a valid dictionary", 1),
        ("x" * (1 << 20) + "\n", "longer than 1 MiB", None),
        ("[" * 200 + "\n", "", None),
        ("a: &a x\nb: [" + "*a," * 12_000 + "]\n", "it holds more than 10,000 values", None),
        ("a: \x00\n", "", None),
        (YAML.replace("true}", "true, options: {auth: {bearer: [1]}}}"), "bearer: input should be a valid string", 2),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, why: str, line: int | None) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceError) as error:
        read(text)

    assert why in error.value.message.lower() or why in error.value.message
    assert line is None or error.value.line == line
    assert time.monotonic() - began < 5


def test_a_bomb_of_aliases_is_refused() -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))

    with pytest.raises(ServiceError, match="more than 10,000 values"):
        read(bomb)


def test_a_slip_is_answered_with_what_was_meant() -> None:
    with pytest.raises(ServiceError, match="did you mean schemaless"):
        read("interfaces:\n  ask: {address: x, protocol: rest, shemaless: true}\n")
    with pytest.raises(ServiceError, match="did you mean concurrency"):
        read(YAML.replace("true}", "true, options: {concurency: 5}}"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"interfaces": {"a": 1}, "interfaces": {}}', "interfaces stands twice"),
        ('{"interfaces": ', "Expecting value"),
        ("{" * 5 + '"a"', ""),
        ('{"interfaces": {"ask": {"address": 1, "protocol": "rest"}}}', "address: input should be a valid string"),
    ],
)
def test_json_that_is_wrong_is_refused(text: str, why: str) -> None:
    with pytest.raises(ServiceError) as error:
        read(text, as_json=True)
    assert why in error.value.message


def test_a_folder_holds_the_file_and_its_schemas(tmp_path: Path) -> None:
    written(tmp_path, "sample.json", EKUIPER)
    proto = written(tmp_path, "schemas/hw.proto", "syntax = 'proto3';")

    described = found(tmp_path, "sample")

    assert (described.name, described.file) == ("sample", tmp_path / "sample.json")
    assert schema_file("hw.proto", described.folders) == proto


@pytest.mark.parametrize("name", ["../hw.proto", "/etc/passwd", "a\0b", "missing.proto"])
def test_a_schema_is_only_looked_for_in_its_folder(tmp_path: Path, name: str) -> None:
    written(tmp_path, "hw.proto", "")
    written(tmp_path, "in/sample.json", EKUIPER)

    with pytest.raises(ServiceError):
        schema_file(name, found(tmp_path / "in" / "sample.json").folders)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    secret = written(tmp_path, "secret.proto", "")
    written(tmp_path, "in/sample.json", EKUIPER)
    (tmp_path / "in" / "schemas").mkdir()
    (tmp_path / "in" / "schemas" / "hw.proto").symlink_to(secret)

    with pytest.raises(ServiceError, match="a link that leads out"):
        schema_file("hw.proto", found(tmp_path / "in" / "sample.json").folders)


def test_a_zip_in_ekuipers_layout_is_unpacked_and_cleaned_up(tmp_path: Path) -> None:
    path = tmp_path / "sample.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("Sample.json", EKUIPER)
        file.writestr("schemas/hw.proto", "syntax = 'proto3';")

    described = found(path)
    proto = schema_file("hw.proto", described.folders)
    described.close()

    assert described.name == "Sample"
    assert not proto.exists()


@pytest.mark.parametrize("name", ["../evil.json", "/evil.json", "a\\b.json"])
def test_a_zip_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "sample.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("sample.json", json.dumps({}))
        file.writestr(name, "{}")

    with pytest.raises(ServiceError, match="leads out of it"):
        found(path)


@pytest.mark.parametrize("name", ["missing.yaml", "sample.txt", "no.zip", "."])
def test_what_is_no_service_file_is_told(tmp_path: Path, name: str) -> None:
    for file in ("sample.txt", "no.zip"):
        written(tmp_path, file, "x")

    with pytest.raises(ServiceError):
        found(tmp_path / name)
