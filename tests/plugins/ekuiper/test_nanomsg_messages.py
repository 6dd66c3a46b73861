"""What is said, as bytes: commands and requests as eKuiper writes them, answers as its SDKs do, and what is neither."""

from __future__ import annotations

import json

import pytest

from kuiper_nb.contracts import Call, Failure
from kuiper_nb.errors import RowFault
from kuiper_nb.plugins.nanomsg_messages import (
    Complaint,
    Garbled,
    acknowledged,
    answer,
    command,
    complaint,
    received,
    refusal,
    rows_of,
    start_function,
)
from kuiper_nb.plugins.peer import Control


def test_a_command_has_its_control_as_a_text() -> None:
    control = Control("pyjson", "source", "r1", "source_pyjson", 0, "topic", {"interval": 5})

    told = json.loads(command("start", control))

    assert (told["cmd"], type(told["arg"])) == ("start", str)
    assert json.loads(told["arg"]) == {
        "symbolName": "pyjson",
        "meta": {"ruleId": "r1", "opId": "source_pyjson", "instanceId": 0},
        "pluginType": "source",
        "dataSource": "topic",
        "datasource": "topic",
        "config": {"interval": 5, "datasource": "topic"},
    }


def test_a_function_is_started_for_all_rules() -> None:
    assert json.loads(json.loads(start_function("f"))["arg"]) == {
        "symbolName": "f",
        "meta": {"ruleId": "", "opId": "", "instanceId": 0},
        "pluginType": "func",
    }


def test_a_request_is_a_row_and_its_context_as_a_text() -> None:
    context = {"ruleId": "r1", "opId": "op_2_project", "instanceId": 0, "funcId": 3, "more": "of ours"}

    requests = list(rows_of(Call(([1, float("nan")], ["x", "y"]), 2, context)))

    assert isinstance(requests[0], bytes)
    told = json.loads(requests[0])
    assert (told["func"], told["arg"][:2]) == ("Exec", [1, "x"])
    assert json.loads(told["arg"][2]) == {"ruleId": "r1", "opId": "op_2_project", "instanceId": 0, "funcId": 3}
    assert requests[1] == Failure("json: unsupported value: NaN")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"state":true,"result":12345678901234567890}', (True, 12345678901234567890.0)),
        (b'{"result":null,"state":false}', (False, None)),
        (b'{"state":true}', (True, None)),
        (b'{"state":true,"result":{"a":[1]},"more":2}', (True, {"a": [1.0]})),
    ],
)
def test_an_answer_has_a_state_and_a_result(data: bytes, said: object) -> None:
    assert answer(data) == said


@pytest.mark.parametrize("data", [b"", b"ok", b"\xff\xfe", b"[]", b"{}", b'{"state":1}', b"[" * 100_000, b"handshake"])
def test_what_is_no_answer_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        answer(data)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" + "0" * 400])
def test_a_number_that_json_cannot_hold_is_a_fault_of_its_row(number: str) -> None:
    with pytest.raises(RowFault):
        answer(b'{"state":true,"result":[{"a":%s}]}' % number.encode())


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("bad", Complaint("bad")),
        (None, Complaint("it failed, and did not say why")),
        ({}, Complaint("it failed, and did not say why")),
        (3.0, Complaint("3")),
    ],
)
def test_what_a_refusal_says(result: object, said: Complaint) -> None:
    assert refusal(result) == said


def test_of_a_traceback_the_last_line_and_the_authors_own_place_are_told() -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "/lib/ekuiper/runtime/function.py", line 62, in do_run\n    r = self.s.exec(args[:-1], fctx)\n'
        '  File "/home/me/model.py", line 7, in exec\n    return predict(args[0])\n'
        "ValueError: no model\n"
    )

    assert complaint(text) == Complaint("ValueError: no model", "/home/me/model.py:7")
    assert complaint("configuration refused") == Complaint("configuration refused")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"error":"gone"}', "gone"),
        (b'"{\\"error\\":\\"it said \\"no\\"\\"}"', 'it said "no"'),
        (b"[1]", "Invalid data format, cannot decode [1] to json format"),
        (b'{"message":null}', 'Invalid data format, cannot decode {"message":null} to json format'),
        (b'{"message":{},"meta":1}', 'Invalid data format, cannot decode {"message":{},"meta":1} to json format'),
        (b'{"message":[]}', 'Invalid data format, cannot decode {"message":[]} to json format'),
    ],
)
def test_what_is_no_row_is_a_complaint(data: bytes, said: str) -> None:
    assert received(data) == [Complaint(said)]


def test_an_acknowledgement_is_empty_or_an_error() -> None:
    assert acknowledged(b"{}") is None
    assert acknowledged(b'{"error":"full"}') == Complaint("full")
    with pytest.raises(Garbled):
        acknowledged(b"ok")
