"""What is said on eKuiper's wire: commands, requests and their answers, rows of sources, acknowledgements. No socket.

host → plugin   {"cmd": "start", "arg": "<a Control as JSON text>"}      control channel; answered by `ok`, or why not
host → plugin   {"func": "Exec", "arg": [a1, …, "<a context as JSON text>"]}   one row; {"state": …, "result": …}
plugin → host   {"message": {…}, "meta": {…}}                            a row of a source; or {"error": "…"}
plugin → host   {}                                                       a sink has it; or {"error": "…"}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contracts import Call, Failure, Payload
from ..errors import RowFault
from ..formats.json import dumps
from ..types import unencoded
from .peer import Control

OK = b"ok"
HANDSHAKE = b"handshake"
END = TAKEN = b""
"""An empty message: a source is over; a sink's `collect` has returned. Only redirected plugins send them."""

_CONTEXT = {"ruleId": "kuiper_nb", "opId": "function", "instanceId": 0, "funcId": 0}
"""Of a call that belongs to no rule; Go's SDK takes none without names."""

_EXACT = 2**53
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_NOT_THE_AUTHORS = (
    "/ekuiper/runtime/",
    "/redirect/sitecustomize.py",
    "<frozen",
    "/json/encoder.py",
    "/json/__init__.py",
)


class Garbled(Exception):
    """An answer that is none."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a plugin says went wrong: the message, and where in its code, if that is known."""

    message: str
    where: str = ""


# ---- commands


def command(verb: str, control: Control) -> bytes:
    """Start or stop a source or a sink.

    What a stream reads goes under both names that the SDKs look for, and into the configuration, where eKuiper puts it.
    """
    config = dict(control.config)
    told: dict[str, Any] = {
        "symbolName": control.symbol,
        "meta": {"ruleId": control.rule, "opId": control.op, "instanceId": control.instance},
        "pluginType": control.kind,
    }
    if control.datasource:
        config.setdefault("datasource", control.datasource)
        told |= {"dataSource": control.datasource, "datasource": control.datasource}
    return _command(verb, {**told, "config": config})


def start_function(symbol: str) -> bytes:
    """Start a function: one instance of it serves all rules."""
    meta = {"ruleId": "", "opId": "", "instanceId": 0}
    return _command("start", {"symbolName": symbol, "meta": meta, "pluginType": "func"})


def _command(verb: str, control: Mapping[str, Any]) -> bytes:
    return json.dumps({"cmd": verb, "arg": dumps(control)}).encode()


# ---- functions


def rows_of(call: Call) -> Iterator[bytes | Failure]:
    """The request for each row of a batch; a Failure where an argument has no form in JSON."""
    columns = [_values(column) for column in call.arguments]
    about = {key: call.context.get(key) or default for key, default in _CONTEXT.items()}
    context = json.dumps(json.dumps(about, separators=(",", ":")))
    for row in range(call.rows):
        try:
            given = "".join(f"{dumps(column[row])}," for column in columns)
        except RowFault as error:
            yield Failure(error.message)
        else:
            yield f'{{"func":"Exec","arg":[{given}{context}]}}'.encode("utf-8", "replace")


def validation(arguments: Sequence[str]) -> bytes:
    """Ask what a function has against its arguments."""
    return json.dumps({"func": "Validate", "arg": list(arguments)}).encode()


IS_AGGREGATE = b'{"func":"IsAggregate","arg":null}'


def answer(data: bytes) -> tuple[bool, Any]:
    """The state and the result of an answer; numbers are floats, as in eKuiper. Raises Garbled, and RowFault for a
    result that is no JSON (`NaN`), although the answer is whole."""
    found = _read(data)
    if not isinstance(found, dict) or not isinstance(found.get("state"), bool):
        raise Garbled(f"an answer without a state: {_shown(data)}")
    if found["state"] and not _finite(found.get("result")):
        raise RowFault("the result has a number that JSON cannot hold (NaN, or infinite)")
    return found["state"], found.get("result")


def refusal(result: Any) -> Complaint:
    """What the result of an answer whose state is false says."""
    if isinstance(result, str) and result:
        return complaint(result)
    if result is None or result in ("", {}):  # Go's SDK sends what a Go error looks like in JSON: nothing
        return Complaint("it failed, and did not say why")
    return Complaint(dumps(result))


def complaint(text: str) -> Complaint:
    """A text of a plugin; of a traceback, the last line, and the innermost place in the author's own code."""
    if not text.startswith("Traceback (most recent call last):"):
        return Complaint(text.strip() or "it failed, and did not say why")
    where = ""
    for frame in _FRAME.finditer(text):
        if not any(part in frame["file"] for part in _NOT_THE_AUTHORS):
            where = f"{frame['file']}:{frame['line']}"
    lines = [line for line in text.splitlines() if line and not line.startswith(" ")]
    return Complaint(lines[-1] if len(lines) > 1 else "it raised an exception", where)


# ---- sources and sinks


def received(data: bytes) -> list[Payload | Complaint]:
    """What a message of a source holds: rows, each with its metadata, or what went wrong."""
    try:
        found = _read(data)
    except Garbled:
        return [Complaint(f"Invalid data format, cannot decode {_shown(data)} to json format")]
    if isinstance(found, str):  # Go's SDK encodes an error twice
        return [complaint(found.removeprefix('{"error":"').removesuffix('"}'))]
    items = found if isinstance(found, list) else [found]
    return [_item(item, data) for item in items]


def _item(item: Any, data: bytes) -> Payload | Complaint:
    if isinstance(item, dict):
        if item.get("error"):
            return complaint(str(item["error"]))
        message, meta = item.get("message"), item.get("meta")
        rows = message if isinstance(message, list) else [message]
        if rows and all(isinstance(row, dict) for row in rows) and isinstance(meta, dict | None):
            whole = [_whole(row) for row in rows]
            return Payload(whole if isinstance(message, list) else whole[0], meta=meta or {})
    return Complaint(f"Invalid data format, cannot decode {_shown(data)} to json format")


def acknowledged(data: bytes) -> Complaint | None:
    """None when a sink has taken an item, else what it has against it."""
    found = _read(data)
    error = found.get("error") if isinstance(found, dict) else found
    return complaint(str(error)) if error else None


# ---- JSON


def _read(data: bytes) -> Any:
    try:
        return json.loads(data, parse_int=float)
    except (ValueError, RecursionError):
        raise Garbled(f"no JSON: {_shown(data)}") from None


def _whole(value: Any) -> Any:
    """*value* with whole numbers where its floats are whole: a BIGINT column takes those alone. Columns without a type
    are floats again."""
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, dict) or all(map(_finite, value.values()))


def _shown(data: bytes) -> str:
    text = data[:80].decode("utf-8", "replace")
    return f"{text}…" if len(data) > 80 else text


def _values(column: Any) -> Sequence[Any]:
    if hasattr(column, "to_pylist"):
        values: list[Any] = unencoded(column).to_pylist()
        return values
    return column.tolist() if hasattr(column, "tolist") else column  # type: ignore[no-any-return]
