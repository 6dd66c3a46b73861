"""Files as sources: fast where all fits, and row for row what the payload's format would have made of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.connectors import Site, source
from kuiper_nb.contracts import Payload, Source
from kuiper_nb.errors import ConnectorError, NotSupported, RowFault
from kuiper_nb.formats import get
from kuiper_nb.formats.coerce import coercion
from kuiper_nb.types import BIGINT, BOOLEAN, DATETIME, FLOAT, STRING, ArrayOf

from .draining import StandingClock, drained, kinds, rows

FIELDS = (Field("n", BIGINT), Field("x", FLOAT), Field("s", STRING), Field("b", BOOLEAN))


def made(
    path: Path,
    *fields: Field,
    columns: frozenset[str] | None = None,
    properties: dict[str, object] | None = None,
    **options: str,
) -> Source:
    stream = Stream("rides", fields, {"TYPE": "file", "DATASOURCE": str(path), **options})
    return source(stream, properties or {}, Site(StandingClock(), columns=columns))


def written(directory: Path, *lines: str, name: str = "data.json") -> Path:
    path = directory / name
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_typed_lines_become_arrow(tmp_path: Path):
    path = written(
        tmp_path, '{"n": 1, "x": 2, "s": "a", "b": true, "more": 1}', '{"n": 2, "x": 0.5, "s": "", "b": null}'
    )

    payloads = drained(made(path, *FIELDS))

    assert (kinds(payloads), payloads[0].typed, payloads[0].meta) == (["Table"], True, {"file": str(path)})
    assert payloads[0].data.schema == pa.schema(
        [("n", pa.int64()), ("x", pa.float64()), ("s", pa.string()), ("b", pa.bool_())]
    )
    assert repr(rows(payloads)) == repr([
        {"n": 1, "x": 2.0, "s": "a", "b": True}, {"n": 2, "x": 0.5, "s": "", "b": None},
    ])  # fmt: skip


def test_only_used_columns_are_read(tmp_path: Path):
    path = written(tmp_path, '{"n": 1, "x": "wrong"}')

    assert rows(drained(made(path, *FIELDS, columns=frozenset({"n"})))) == [{"n": 1}]


def test_rows_that_do_not_fit_stay_json_in_their_place(tmp_path: Path):
    path = written(tmp_path, '{"n": 1}', "{oops", '{"n": 2.0}', '{"n": 3}')

    payloads = drained(made(path, Field("n", BIGINT)))

    assert rows(payloads) == [{"n": 1}, b"{oops", {"n": 2.0}, {"n": 3}]
    assert not any(p.typed for p in payloads)


def test_one_bad_line_slows_only_its_surroundings(tmp_path: Path):
    lines = [f'{{"n": {i}, "s": "some text to make it longer"}}' for i in range(20_000)]
    lines[12_345] = "{oops"
    path = written(tmp_path, *lines)

    payloads = drained(made(path, Field("n", BIGINT)))

    slow = sum(len(p.data) for p in payloads if isinstance(p.data, list))
    assert [r if isinstance(r, bytes) else r["n"] for r in rows(payloads)] == [
        b"{oops" if i == 12_345 else i for i in range(20_000)
    ]
    assert slow < 1000


def test_an_absent_key_is_not_made_a_null(tmp_path: Path):
    path = written(tmp_path, '{"n": 1, "s": "a"}', '{"n": 2}', '{"n": null, "s": null}')

    assert rows(drained(made(path, *FIELDS[::2]))) == [{"n": 1, "s": "a"}, {"n": 2}, {"n": None, "s": None}]


def test_nulls_that_are_written_are_no_reason_to_be_slow(tmp_path: Path):
    path = written(tmp_path, '{"n": 1, "s": "null"}', '{"n" : null, "s": "\\"n\\":null"}')

    payloads = drained(made(path, *FIELDS[::2]))

    assert (kinds(payloads), rows(payloads)) == (["Table"], [{"n": 1, "s": "null"}, {"n": None, "s": '"n":null'}])


def test_numbers_without_a_schema_are_floats(tmp_path: Path):
    path = written(tmp_path, '{"a": 1, "d": "2020-01-01", "v": [1, 2.5]}', '{"a": 2, "d": "x", "v": []}')

    payloads = drained(made(path))

    assert kinds(payloads) == ["Table"]
    assert repr(rows(payloads)) == "[{'a': 1.0, 'd': '2020-01-01', 'v': [1.0, 2.5]}, {'a': 2.0, 'd': 'x', 'v': []}]"


def test_columns_that_appear_late_are_not_lost(tmp_path: Path):
    lines = [f'{{"a": {i}, "fill": "{"x" * 80}"}}' for i in range(5000)]
    path = written(tmp_path, *lines, '{"a": 7, "late": 1}')

    assert rows(drained(made(path)))[-1] == {"a": 7, "late": 1}
    assert rows(drained(made(path, columns=frozenset({"a", "late"}))))[-1] == {"a": 7, "late": 1}


def test_a_column_of_several_types_stays_json(tmp_path: Path):
    path = written(tmp_path, '{"a": 1, "o": {"p": 1}}', '{"a": "x"}')

    assert rows(drained(made(path))) == [{"a": 1, "o": {"p": 1}}, {"a": "x"}]


@pytest.mark.parametrize("text", ['[{"n": 1},\n {"n": 2}]', '[\n{"n": 1}, {"n": 2}\n]\n', '[{"n": 1}, {"n": 2}]'])
def test_a_file_may_be_one_array(tmp_path: Path, text: str):
    path = tmp_path / "data.json"
    path.write_text(text)

    assert rows(drained(made(path, Field("n", BIGINT)))) == [{"n": 1}, {"n": 2}]


def test_a_file_may_be_one_object_over_several_lines(tmp_path: Path):
    assert rows(drained(made(written(tmp_path, "{", '  "n": 1', "}")))) == [{"n": 1}]


def test_lines_may_be_arrays_too(tmp_path: Path):
    path = written(tmp_path, '[{"n": 1}]', '[{"n": 2}, {"n": 3}]')

    assert rows(drained(made(path, Field("n", BIGINT)))) == [b'[{"n": 1}]', b'[{"n": 2}, {"n": 3}]']


def test_empty_lines_marks_and_missing_line_ends_do_not_matter(tmp_path: Path):
    path = tmp_path / "data.json"
    path.write_bytes(b'\xef\xbb\xbf{"n": 1}\r\n\r\n{"n": 2}')

    assert rows(drained(made(path, Field("n", BIGINT)))) == [{"n": 1}, {"n": 2}]


def test_an_empty_file_ends_at_once(tmp_path: Path):
    assert drained(made(written(tmp_path))) == []


def test_files_may_be_gzipped(tmp_path: Path):
    path = tmp_path / "data.json.gz"
    path.write_bytes(gzip.compress(b'{"n": 1}\n'))

    assert rows(drained(made(path, Field("n", BIGINT)))) == [{"n": 1}]


def test_a_directory_is_its_files_in_order(tmp_path: Path):
    written(tmp_path, '{"n": 2}', name="b.json")
    written(tmp_path, '{"n": 1}', name="a.json")

    assert rows(drained(made(tmp_path, Field("n", BIGINT)))) == [{"n": 1}, {"n": 2}]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "1", "true", "é", '"', "null", "{"]),
    st.lists(st.integers(-3, 3), max_size=2),
    st.just({"k": 1}),
)
LINES = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from(["n", "x", "s", "b", "z"]), VALUES, max_size=5).map(json.dumps),
        st.sampled_from(
            ["{", "", "  ", "5", "[]", '{"n":01}', '{"n":1}{"n":2}', '{"n":1,"n":2}', '{"x":NaN}', '{"x":-0}']
        ),
        st.sampled_from(['{"x":Infinity}', '{"s":"\\ud800"}', '{"s":"\t"}', '{"n":1,"s":"a"}', '{"n":2,"s":"b"}']),
    ),
    max_size=8,
)


@given(lines=LINES, typed=st.booleans(), columns=st.sampled_from([None, frozenset({"n"}), frozenset({"x", "z"})]))
def test_a_file_means_what_its_lines_mean_one_by_one(tmp_path_factory, lines: list[str], typed: bool, columns):
    hold_together(tmp_path_factory.mktemp("file") / "data.json", lines, typed, columns)


def hold_together(path: Path, lines: list[str], typed: bool, columns: frozenset[str] | None) -> None:
    """A file of *lines* reads as its lines do one by one."""
    path.write_text("".join(line + "\n" for line in lines), newline="")
    stream = Stream("s", FIELDS if typed else (), {"TYPE": "file", "DATASOURCE": str(path)})
    expected = [d for line in lines if line.strip() for d in decoded(stream, columns, Payload(line.encode()))]

    payloads = drained(source(stream, {"fileType": "lines"}, Site(StandingClock(), columns=columns)))

    found = [d for payload in payloads for d in decoded(stream, columns, payload)]
    read = columns or frozenset({"n", "x", "s", "b", "z"})
    if typed:
        read -= {"z"}  # an undeclared null passes where rows are JSON; Arrow has no such column
    assert [shown(d, read) for d in found] == [shown(d, read) for d in expected]


def decoded(stream: Stream, columns: frozenset[str] | None, payload: Payload) -> list[object]:
    """Rows, and a RowFault for each that fails."""
    if isinstance(payload.data, bytes):
        return attempted(lambda: get("json").decoder(stream, columns)(payload.data))
    if isinstance(payload.data, pa.Table):
        return payload.data.to_pylist()
    each = coercion(stream, columns)
    return [d for row in payload.data for d in attempted(lambda row=row: [each(row)])]


def attempted(read) -> list[object]:
    try:
        return read()
    except RowFault:
        return [RowFault]


def shown(row: object, columns: frozenset[str]) -> str:
    if not isinstance(row, dict):
        return "failed"
    return repr({k: (0.0 if v == 0 and isinstance(v, float) else v) for k, v in sorted(row.items()) if k in columns})


def test_csv_has_a_header_and_quotes(tmp_path: Path):
    path = written(tmp_path, "s,n,extra,x,b", '"a,""b"",\nc",1,e,1.5,true', ",,,,")

    payloads = drained(made(path, *FIELDS, FORMAT="delimited"))

    assert kinds(payloads) == ["Table"]
    assert rows(payloads) == [
        {"s": 'a,"b",\nc', "n": 1, "x": 1.5, "b": True},
        {"s": "", "n": None, "x": None, "b": None},
    ]


def test_csv_without_a_schema_holds_texts(tmp_path: Path):
    path = written(tmp_path, "a,b", "1,x", "2,")

    assert rows(drained(made(path, FORMAT="delimited"))) == [{"a": "1", "b": "x"}, {"a": "2", "b": ""}]


def test_csv_columns_may_be_chosen(tmp_path: Path):
    path = written(tmp_path, "n;s", "1;x")

    assert rows(drained(made(path, *FIELDS, columns=frozenset({"s"}), FORMAT="delimited", DELIMITER=";"))) == [
        {"s": "x"}
    ]


def test_csv_may_lack_a_header(tmp_path: Path):
    path = written(tmp_path, "1,2.5")
    headless: dict[str, object] = {"hasHeader": False}

    assert rows(drained(made(path, *FIELDS, FORMAT="delimited", properties=headless))) == [{"n": 1, "x": 2.5}]
    assert rows(drained(made(path, FORMAT="delimited", properties=headless))) == [{"col0": "1", "col1": "2.5"}]


def test_a_first_line_that_names_no_column_of_a_csv_file_is_no_header(tmp_path: Path):
    path = written(tmp_path, "1,2.5", "2,3.5")

    assert rows(drained(made(path, *FIELDS, FORMAT="delimited"))) == [{"n": 1, "x": 2.5}, {"n": 2, "x": 3.5}]
    named: dict[str, object] = {"columns": ["a", "b"]}
    assert rows(drained(made(path, FORMAT="delimited", properties=named))) == [
        {"a": "1", "b": "2.5"},
        {"a": "2", "b": "3.5"},
    ]


def test_a_header_may_differ_in_case_and_name_further_columns(tmp_path: Path):
    path = written(tmp_path, "N,other", "1,x")

    assert rows(drained(made(path, *FIELDS, FORMAT="delimited"))) == [{"N": "1", "other": "x"}]


def test_lines_of_any_format_are_payloads_of_their_own(tmp_path: Path):
    path = written(tmp_path, "hello", "world")
    lines: dict[str, object] = {"fileType": "lines"}

    assert [payload.data for payload in drained(made(path, FORMAT="binary", properties=lines))] == [b"hello", b"world"]


@pytest.mark.parametrize("value", ["x", "1.5", "0x1F", "1_0"])
def test_a_csv_value_that_does_not_fit_stays_a_text_so_that_its_row_fails(tmp_path: Path, value: str):
    path = written(tmp_path, "n,s", "1,a", f"{value},b", "3,c")

    found = rows(drained(made(path, *FIELDS[::2], FORMAT="delimited")))

    assert found == [{"n": 1, "s": "a"}, {"n": value, "s": "b"}, {"n": 3, "s": "c"}]


def test_a_csv_row_with_too_few_fields_lacks_the_last(tmp_path: Path):
    path = written(tmp_path, "n,s", "1", "2,a,more")

    assert rows(drained(made(path, *FIELDS[::2], FORMAT="delimited"))) == [{"n": 1}, {"n": 2, "s": "a"}]


def test_the_delimiter_of_a_file_may_be_long(tmp_path: Path):
    path = written(tmp_path, "n::s", "1::x")

    assert rows(drained(made(path, *FIELDS[::2], FORMAT="delimited", DELIMITER="::"))) == [{"n": 1, "s": "x"}]


def test_columns_that_arrow_reads_otherwise_are_read_one_by_one(tmp_path: Path):
    path = written(tmp_path, "t,v", '2024-01-01,"[1, 2]"')

    found = rows(drained(made(path, Field("t", DATETIME), Field("v", ArrayOf(BIGINT)), FORMAT="delimited")))

    assert found == [{"t": "2024-01-01", "v": [1, 2]}]


def test_parquet_keeps_its_types(tmp_path: Path):
    path = tmp_path / "data.parquet"
    table = pa.table({"n": [1, None], "s": ["a", "b"]})
    parquet.write_table(table, path)

    assert rows(drained(made(path, FORMAT="parquet"))) == table.to_pylist()
    assert rows(drained(made(path, *FIELDS, columns=frozenset({"s", "x"}), FORMAT="parquet"))) == [
        {"s": "a"},
        {"s": "b"},
    ]


def test_what_is_no_parquet_is_named(tmp_path: Path):
    with pytest.raises(ConnectorError, match="is no Parquet file"):
        drained(made(written(tmp_path, "hello"), FORMAT="parquet"))


def test_other_formats_take_a_line_or_the_file(tmp_path: Path):
    path = written(tmp_path, "a=1", "a=2")

    assert rows(drained(made(path, FORMAT="urlencoded"))) == [b"a=1", b"a=2"]
    assert rows(drained(made(path, FORMAT="binary"))) == [b"a=1\na=2\n"]


def test_a_missing_file_is_named_when_the_rule_opens_it(tmp_path: Path):
    missing = made(tmp_path / "nope.json")

    with pytest.raises(ConnectorError, match=r"stream rides: cannot read .*nope\.json: No such file or directory"):
        missing.open()


def test_paths_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written(tmp_path, '{"n": 1}')
    monkeypatch.chdir(tmp_path)

    assert rows(drained(made(Path("data.json")))) == [{"n": 1}]


def test_bad_properties_are_refused(tmp_path: Path):
    with pytest.raises(NotSupported, match="interval"):
        made(tmp_path, properties={"interval": 5})
    with pytest.raises(ConnectorError, match=r"(?s)unknown fileType jsn.*did you mean json\?"):
        made(tmp_path, properties={"fileType": "jsn"})
    with pytest.raises(ConnectorError, match="file needs a DATASOURCE"):
        source(Stream("s", (), {"TYPE": "file"}), {}, Site(StandingClock()))
