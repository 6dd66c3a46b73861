"""Files as sinks: payloads as lines, rows as one JSON array or as CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.connectors import Site, sink, source, takes
from kuiper_nb.errors import ConnectorError, NotSupported
from kuiper_nb.types import FLOAT, STRING

from .draining import StandingClock, drained, rows

SITE = Site(StandingClock())
ROWS = [{"z": 1.0, "a": 'x,"y"'}, {"z": 2.5, "a": None}]


def written(path: Path, items: list[object], **properties: object) -> str:
    made = sink("file", {"path": str(path), **properties}, SITE)
    made.open()
    for item in items:
        made.write(item, 0)
    made.close()
    return path.read_text()


def test_a_payload_is_a_line_in_a_new_file_in_a_new_directory(tmp_path: Path):
    path = tmp_path / "new" / "out.ndjson"

    assert written(path, [b'[{"a":1}]', b"{}"]) == '[{"a":1}]\n{}\n'
    assert written(path, [b"again"]) == "again\n"


def test_rows_are_one_json_array(tmp_path: Path):
    text = written(tmp_path / "out.json", [ROWS, {"b": b"x"}], fileType="json")

    assert json.loads(text) == [*ROWS, {"b": "eA=="}]
    assert written(tmp_path / "out.json", [], fileType="json") == "[]\n"


def test_rows_are_csv_with_a_header_and_quotes(tmp_path: Path):
    path = tmp_path / "out.csv"

    assert written(path, [ROWS, {"more": 1, "z": [1.0]}], fileType="csv") == 'z,a\n1,"x,""y"""\n2.5,\n[1],\n'
    assert written(path, [ROWS[1:]], fileType="csv", hasHeader=False, delimiter=";") == "2.5;\n"


def test_what_is_written_as_csv_can_be_read_again(tmp_path: Path):
    path = tmp_path / "out.csv"
    written(path, [ROWS], fileType="csv")
    stream = Stream(
        "s", (Field("z", FLOAT), Field("a", STRING)), {"TYPE": "file", "FORMAT": "delimited", "DATASOURCE": str(path)}
    )

    assert rows(drained(source(stream, {}, SITE))) == [{"z": 1.0, "a": 'x,"y"'}, {"z": 2.5, "a": ""}]


def test_what_is_written_is_on_disk_before_the_file_is_closed(tmp_path: Path):
    made = sink("file", {"path": str(tmp_path / "out")}, SITE)
    made.open()

    made.write(b"one", 0)

    assert ((tmp_path / "out").read_text(), takes(made)) == ("one\n", "bytes")
    made.close()


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(ConnectorError, match=r"file sink: cannot write .*: Is a directory"):
        sink("file", {"path": str(tmp_path)}, SITE).open()


def test_bad_properties_are_refused():
    with pytest.raises(ConnectorError, match="property path is required"):
        sink("file", {}, SITE)
    with pytest.raises(NotSupported, match="fileType xml"):
        sink("file", {"path": "x", "fileType": "xml"}, SITE)
    with pytest.raises(NotSupported, match="rollingInterval"):
        sink("file", {"path": "x", "rollingInterval": 5}, SITE)
