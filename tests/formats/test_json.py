"""JSON payloads become rows as eKuiper reads them, and rows become JSON as eKuiper writes it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kuiper_nb.catalog import Field, Stream
from kuiper_nb.errors import RowFault
from kuiper_nb.formats import get
from kuiper_nb.formats.json import dumps
from kuiper_nb.types import BIGINT, BOOLEAN, BYTEA, DATETIME, FLOAT, STRING, ArrayOf, StructOf

SCHEMALESS = Stream("meter")


def decoded(payload: str, stream: Stream = SCHEMALESS, columns: frozenset[str] | None = None) -> object:
    try:
        return get("json").decoder(stream, columns)(payload.encode())
    except RowFault as fault:
        return fault.message


def of(kind: object, **options: str) -> Stream:
    return Stream("meter", (Field("v", kind),), dict(options))  # type: ignore[arg-type]


def test_numbers_without_a_schema_are_floats_all_the_way_down():
    rows = decoded('{"a": 3, "b": [1, {"c": 2}], "d": {"e": -7}, "f": true, "g": null}')

    assert rows == [{"a": 3.0, "b": [1.0, {"c": 2.0}], "d": {"e": -7.0}, "f": True, "g": None}]
    assert repr(rows[0]["b"]) == "[1.0, {'c': 2.0}]"  # type: ignore[index]


def test_an_array_payload_is_several_rows_and_fails_as_a_whole():
    assert decoded('[{"a": 1}, {"a": 2}]') == [{"a": 1.0}, {"a": 2.0}]
    assert decoded("[]") == []
    assert decoded('[{"a": 1}, 5]') == "value doesn't contain object; it contains number"
    assert decoded('[{"v": 1}, {"v": "x"}]', of(BIGINT)) == "v has wrong type:string, expect:bigint"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", 'cannot parse JSON: cannot parse empty string; unparsed tail: ""'),
        ("5", "only map[string]interface{} and []map[string]interface{} is supported"),
        ('{"a"', 'cannot parse JSON: cannot parse object: missing \':\' after object key; unparsed tail: ""'),
        ('{"a":tru}', 'cannot parse JSON: cannot parse object: cannot parse object value: '
                      'unexpected value found: "tru}"; unparsed tail: "tru}"'),
        ('{"a":1} x', 'unexpected tail: "x"'),
        ('{"a":[1,}', "cannot parse JSON: cannot parse object: cannot parse object value: cannot parse array: "
                      'cannot parse array value: cannot parse number: unexpected char: "}"; unparsed tail: "}"'),
        ('{"a":"b}', "cannot parse JSON: cannot parse object: cannot parse object value: cannot parse string: "
                     'missing closing \'"\'; unparsed tail: "b}"'),
        ('{"a":Infinity}', "cannot parse JSON: cannot parse object: missing ',' after object value; "
                           'unparsed tail: "inity}"'),
    ],
)  # fmt: skip
def test_what_is_no_json_fails_in_ekuipers_words(payload: str, message: str):
    assert decoded(payload) == message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("01", 1.0),
        (".5", 0.5),
        ("1.", 1.0),
        ('"a\x01\nb"', "a\x01\nb"),
        (r'"\q"', r"\q"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud800!"', r"\ud800!"),
        (r'"\u00e9\n"', "é\n"),
    ],
)
def test_more_is_accepted_than_json_allows(written: str, value: object):
    assert decoded(f'{{"a": {written}}}') == [{"a": value}]


def test_nesting_has_an_end():
    assert "too big depth" in str(decoded('{"a":' + "[" * 5000))


def test_bytes_that_are_no_utf8_are_replaced():
    assert get("json").decoder(SCHEMALESS)(b'{"a": "\xff"}') == [{"a": "\ufffd"}]


def test_of_two_equal_keys_the_last_wins():
    assert decoded('{"a": 1, "a": "x"}') == [{"a": "x"}]
    assert decoded('{"v": 1, "v": 2}', of(BIGINT)) == [{"v": 2}]


def test_a_wrong_value_fails_the_row_even_under_a_key_that_comes_again():
    assert decoded('{"v": "x", "v": 2}', of(BIGINT)) == "v has wrong type:string, expect:bigint"


def test_only_used_columns_are_decoded_and_checked():
    stream = Stream("meter", (Field("a", BIGINT), Field("b", BIGINT)))

    assert decoded('{"a": 1, "b": "x"}', stream, frozenset({"a"})) == [{"a": 1}]
    assert decoded('{"a": 1, "b": "x", "c": 3}', SCHEMALESS, frozenset({"a", "c"})) == [{"a": 1.0, "c": 3.0}]


def test_undeclared_columns_are_left_out_unless_they_are_null():
    assert decoded('{"v": 1, "w": 2, "z": null}', of(BIGINT)) == [{"v": 1, "z": None}]


def test_absent_is_not_null():
    assert decoded('{"v": null}', of(BIGINT)) == [{"v": None}]
    assert decoded("{}", of(BIGINT)) == [{}]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-0", 0),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", 'strconv.ParseInt: parsing "9223372036854775808": value out of range'),
        ("3.0", 'unparsed tail left after parsing int64 form "3.0": ".0"'),
        ("-2.70", 'unparsed tail left after parsing int64 form "-2.70": ".70"'),
        ("1e3", 'unparsed tail left after parsing int64 form "1e3": "e3"'),
        ('"5"', "v has wrong type:string, expect:bigint"),
        ("true", "v has wrong type:true, expect:bigint"),
        ("[1]", "v has wrong type:array, expect:bigint"),
        ("{}", "v has wrong type:object, expect:bigint"),
    ],
)
def test_bigint_takes_whole_numbers_written_as_such(written: str, value: object):
    expected = value if isinstance(value, str) else [{"v": value}]

    assert decoded(f'{{"v": {written}}}', of(BIGINT)) == expected


def test_string_takes_numbers_as_go_prints_them():
    texts = [decoded(f'{{"v": {n}}}', of(STRING)) for n in ("5", "-0", "2.0", "1234567", "1e21", "1e400", '"x"')]

    assert texts == [[{"v": t}] for t in ("5", "-0", "2", "1.234567e+06", "1e+21", "+Inf", "x")]
    assert decoded('{"v": true}', of(STRING)) == "v has wrong type:true, expect:string"


def test_boolean_takes_numbers_and_texts_of_truth():
    assert [decoded(f'{{"v": {v}}}', of(BOOLEAN)) for v in ("true", "0", "2.5", '"T"', '"false"')] == [
        [{"v": v}] for v in (True, False, True, True, False)
    ]
    assert decoded('{"v": "yes"}', of(BOOLEAN)) == 'strconv.ParseBool: parsing "yes": invalid syntax'


def test_float_takes_numbers_only():
    assert repr(decoded('{"v": 3}', of(FLOAT))) == "[{'v': 3.0}]"
    assert decoded('{"v": "3"}', of(FLOAT)) == "v has wrong type:string, expect:float"


def test_datetime_stays_what_it_is_until_validation():
    assert decoded('{"v": "junk"}', of(DATETIME)) == [{"v": "junk"}]
    assert decoded('{"v": 1700000000123}', of(DATETIME)) == [{"v": 1700000000123.0}]


def test_bytea_is_base64_or_else_the_text_itself():
    assert [decoded(f'{{"v": "{v}"}}', of(BYTEA)) for v in ("aGVsbG8=", "no base64!", "")] == [
        [{"v": v}] for v in (b"hello", b"no base64!", b"")
    ]


def test_arrays_and_structs_are_cast_inside():
    kind = StructOf((("w", BIGINT), ("xs", ArrayOf(ArrayOf(FLOAT)))))

    assert decoded('{"v": {"w": 1, "xs": [[1, null], null], "u": 2, "n": null}}', of(kind)) == [
        {"v": {"w": 1, "xs": [[1.0, None], None], "n": None}}
    ]
    assert decoded('{"v": {"xs": [1]}}', of(kind)) == "array has wrong type:number, expect:array"
    assert decoded('{"v": [1]}', of(kind)) == "v has wrong type:array, expect:struct"
    assert decoded('{"v": {"w": "x"}}', of(kind)) == "w has wrong type:string, expect:bigint"


def test_whole_numbers_stay_whole_where_the_source_says_so():
    stream = Stream("meter", (), {"EXTRA": '{"useInt64ForWholeNumber": true}'})

    assert repr(decoded('{"a": 5, "b": 2.0, "c": [1]}', stream)) == "[{'a': 5, 'b': 2.0, 'c': [1]}]"
    assert decoded('{"a": 1e3}', stream) == 'unparsed tail left after parsing int64 form "1e3": "e3"'
    assert decoded('{"a": 1.5e3}', stream) == [{"a": 1500.0}]


def test_columns_can_be_renamed_by_the_source():
    stream = Stream("meter", (), {"EXTRA": '{"colAliasMapping": {"a": "alpha"}}'})

    assert decoded('{"a": 1, "b": 2}', stream) == [{"alpha": 1.0, "b": 2.0}]
    assert decoded('{"a": 1, "b": 2}', stream, frozenset({"alpha"})) == [{"alpha": 1.0}]


def test_rows_are_written_with_sorted_keys_and_short_numbers():
    row = {"b": 1e21, "a": 1e20, "c": 1e-7, "d": 0.000001, "e": 2.5, "f": 4.0, "g": 123456789.125, "h": 7}

    assert dumps(row) == (
        '{"a":100000000000000000000,"b":1e+21,"c":1e-7,"d":0.000001,"e":2.5,"f":4,"g":123456789.125,"h":7}'
    )


def test_every_type_has_its_json():
    at = datetime(2023, 11, 14, 22, 13, 20, 500000, tzinfo=UTC)

    written = get("json").encoder({})([{"b": b"hello", "n": None, "s": '<é&">', "t": at, "x": [True, {}]}])

    assert written.decode() == '[{"b":"aGVsbG8=","n":null,"s":"<é&\\">","t":"2023-11-14T22:13:20.5Z","x":[true,{}]}]'


@pytest.mark.parametrize(("value", "word"), [(float("nan"), "NaN"), (float("inf"), "+Inf"), (float("-inf"), "-Inf")])
def test_what_is_not_finite_has_no_json(value: float, word: str):
    with pytest.raises(RowFault, match=rf"json: unsupported value: \{word}" if word != "NaN" else "value: NaN"):
        dumps({"a": [value]})


@pytest.mark.parametrize("levels", [400, 900, 100_000])
def test_a_payload_that_is_nested_too_deep_is_refused(levels: int):
    assert "it exceeds 300" in str(decoded('{"a": ' + "[" * levels + "]" * levels + "}"))
    assert "it exceeds 300" in str(decoded('{"a": ' * levels + "1" + "}" * levels))


def test_many_objects_beside_each_other_are_not_deep():
    assert decoded("[" + ",".join(['{"a": 1}'] * 400) + "]") == [{"a": 1.0}] * 400
