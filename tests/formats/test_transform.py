"""The common sink properties: what a sink gets of the rows of an emit."""

from __future__ import annotations

import pytest

from kuiper_nb.errors import ConnectorError, NotSupported, RowFault
from kuiper_nb.formats.transform import transform

ROWS = [{"amp": 4.0, "tag": "kiln", "nil": None}, {"amp": 5.0}]
BOX = {"amp": 4.0, "box": {"w": 1.0, "h": 2.0}, "vec": [{"p": 1.0}, {"p": 2.0}], "xs": [1.0], "raw": b"bytes"}


def payloads(properties: dict[str, object], *emits: list[dict[str, object]]) -> list[str]:
    made = transform(properties)
    return [p.message if isinstance(p, RowFault) else p.decode() for rows in emits for p in made.payloads(rows)]


def test_an_emit_is_one_message_unless_rows_are_sent_single():
    assert payloads({}, ROWS, []) == ['[{"amp":4,"nil":null,"tag":"kiln"},{"amp":5}]', "[]"]
    assert payloads({"sendSingle": True}, ROWS, []) == ['{"amp":4,"nil":null,"tag":"kiln"}', '{"amp":5}']


def test_sinks_of_rows_get_the_same_without_the_encoding():
    assert transform({}).items(ROWS) == [ROWS]
    assert transform({"sendSingle": True, "fields": ["amp"]}).items(ROWS) == [{"amp": 4.0}, {"amp": 5.0}]


def test_empty_results_can_be_left_out():
    assert payloads({"omitIfEmpty": True}, [], [{}]) == ["[{}]"]
    assert payloads({"omitIfEmpty": True, "sendSingle": True}, [], [{}, {"a": 1}]) == ['{"a":1}']


def test_emptiness_is_looked_at_before_fields_are_chosen():
    assert payloads({"omitIfEmpty": True, "sendSingle": True, "excludeFields": ["a"]}, [{"a": 1}]) == ["{}"]


def test_fields_are_chosen_and_missing_ones_are_null():
    assert payloads({"fields": ["amp", "nope"]}, ROWS) == ['[{"amp":4,"nope":null},{"amp":5,"nope":null}]']
    assert payloads({"fields": []}, [{"a": 1}]) == ['[{"a":1}]']


def test_fields_are_left_out():
    assert payloads({"excludeFields": ["tag", "nil", "nope"], "sendSingle": True}, ROWS) == ['{"amp":4}', '{"amp":5}']


def test_a_field_can_stand_for_the_row():
    assert payloads({"dataField": "box"}, [BOX]) == ['{"h":2,"w":1}']
    assert payloads({"dataField": "vec", "fields": ["p"]}, [BOX]) == ['[{"p":1},{"p":2}]']
    assert payloads({"tableDataField": "raw", "sendSingle": True}, [BOX]) == ["bytes"]


def test_a_field_that_is_no_row_fails_the_message():
    assert payloads({"dataField": "amp"}, [BOX], [{}]) == [
        "invalid transform result type 4",
        "receive unsupported data <nil>",
    ]
    assert payloads({"dataField": "xs"}, [{"xs": [1.0]}]) == [
        "fail to TransItem data [map[xs:[1]]] for error unsupported type [1]"
    ]


def test_a_number_without_json_fails_its_message_only():
    emits = [{"a": float("nan")}, {"a": 1.0}]

    assert payloads({"sendSingle": True}, emits) == ["json: unsupported value: NaN", '{"a":1}']


def test_other_formats_take_the_place_of_json():
    assert payloads({"format": "delimited", "delimiter": ";", "hasHeader": True}, [{"b": 1.0, "a": "x"}]) == [
        "a;b\nx;1"
    ]
    assert payloads({"format": "urlencoded", "sendSingle": True}, [{"b": 1.0, "a": "x"}]) == ["a=x&b=1"]
    assert payloads({"format": "binary", "sendSingle": True}, [{"a": 1}]) == ["field self not exist"]


def test_a_batch_of_lists_is_a_list_of_lists():
    emits = [[{"a": n}] for n in range(5)]

    assert payloads({"batchSize": 2}, *emits) == ['[[{"a":0}],[{"a":1}]]', '[[{"a":2}],[{"a":3}]]']


def test_a_batch_of_single_rows_counts_emits():
    emits = [[{"a": 1}, {"a": 2}], [{"a": 3}, {"a": 4}], [{"a": 5}]]

    assert payloads({"batchSize": 2, "sendSingle": True}, *emits) == ['[{"a":1},{"a":2},{"a":3},{"a":4}]']


def test_a_batch_of_delimited_lines_has_one_header():
    emits = [[{"a": n, "b": n * 2}] for n in range(4)]
    lines = ["a,b\n0,0\n1,2", "a,b\n2,4\n3,6"]

    assert payloads({"batchSize": 2, "format": "delimited"}, *emits) == lines
    assert payloads({"batchSize": 2, "format": "delimited", "sendSingle": True, "hasHeader": True}, *emits) == lines


def test_a_batch_that_is_not_full_comes_out_at_the_end():
    made = transform({"batchSize": 3})
    made.payloads([{"a": 1}])

    assert (made.flush(), made.flush()) == ([b'[[{"a":1}]]'], [])


def test_properties_that_are_not_common_are_the_connectors_own():
    assert transform({"sendSingle": True, "topic": "x", "bufferLength": 5, "url": "u"}).own == {
        "topic": "x",
        "url": "u",
    }


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"sendSingle": "true"}, "'sendSingle' expected type 'bool', got unconvertible type 'string', value: 'true'"),
        ({"sendSingle": 1}, "'sendSingle' expected type 'bool', got unconvertible type 'float64', value: '1'"),
        ({"bufferLength": "x"}, "'bufferLength' expected type 'int', got unconvertible type 'string', value: 'x'"),
        ({"fields": "a"}, "'fields': source data must be an array or slice, got string"),
        ({"fields": ["a", 1]}, "'fields[1]' expected type 'string', got unconvertible type 'float64', value: '1'"),
        ({"dataField": {}}, "'dataField' expected type 'string', got unconvertible type "
                            "'map[string]interface {}', value: 'map[]'"),
    ],
)  # fmt: skip
def test_a_property_of_a_wrong_type_is_refused(properties: dict[str, object], complaint: str):
    with pytest.raises(ConnectorError) as refusal:
        transform(properties)

    assert refusal.value.message.startswith("fail to parse sink configuration: read properties map[")
    assert refusal.value.message.endswith(f"1 error(s) decoding:\n\n* {complaint}")


def test_all_wrong_properties_are_named_at_once():
    with pytest.raises(ConnectorError, match=r"(?s)2 error\(s\) decoding.*'format'.*'sendSingle'"):
        transform({"sendSingle": 1, "format": 2})


@pytest.mark.parametrize(
    "properties", [{"fields": ["a"], "excludeFields": ["b"]}, {"batchSize": -1}, {"format": "xml"}, {"format": "jsn"}]
)
def test_impossible_properties_are_refused(properties: dict[str, object]):
    with pytest.raises(ConnectorError):
        transform(properties)


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"dataTemplate": "{{.a}}"}, "dataTemplate"),
        ({"lingerInterval": 5}, "lingerInterval"),
        ({"compression": "gzip"}, "compression"),
        ({"enableCache": True}, "enableCache"),
        ({"topic": "x/{{.a}}"}, "templates"),
        ({"format": "protobuf"}, "protobuf"),
    ],
)
def test_what_is_not_here_yet_is_named(properties: dict[str, object], name: str):
    with pytest.raises(NotSupported, match=name):
        transform(properties)


def test_what_is_not_here_yet_may_be_switched_off():
    assert payloads({"dataTemplate": "", "enableCache": False, "lingerInterval": 0, "concurrency": 0}, []) == ["[]"]
