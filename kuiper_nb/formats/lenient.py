"""JSON as eKuiper's reader takes it, for payloads the standard library refuses or reads differently.

It takes more than JSON (`01`, `.5`, `1.`, raw control characters, unknown escapes, lone surrogates, NaN) and words
what it refuses as eKuiper does. It is slow and exact: every number keeps its text.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import RowFault

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"[0-9.eE+-]+")
_NOT_FINITE = re.compile(r"[+-]?(?:inf|nan)", re.IGNORECASE)
_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL
)
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
DEPTH = 300
"""How many levels of brackets a value may have."""
_TAIL = 80


class Literal(float):
    """A number together with the text it was written as."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Literal:
        number = super().__new__(cls, text)
        number.text = text
        return number


class Doubled(dict[str, Any]):
    """An object in which a key came twice: its value is the last one, *shadowed* the (key, value) pairs before it."""

    shadowed: list[tuple[str, Any]]


class _Refused(Exception):
    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.message = message
        self.place = place

    def within(self, what: str) -> _Refused:
        return _Refused(f"{what}: {self.message}", self.place)


def loads(text: str) -> Any:
    """The value of a JSON text, its numbers as `Literal`, objects with a repeated key as `Doubled`.

    Raises RowFault with eKuiper's words.
    """
    start = _skip(text, 0)
    try:
        value, end = _value(text, start, 0)
    except _Refused as refused:
        tail = _quoted(_shortened(text[refused.place :]))
        raise RowFault(f"cannot parse JSON: {refused.message}; unparsed tail: {tail}") from None
    except RecursionError:
        raise RowFault(f"cannot parse JSON: too big depth for the nested JSON; it exceeds {DEPTH}") from None
    end = _skip(text, end)
    if end < len(text):
        raise RowFault(f"unexpected tail: {_quoted(_shortened(text[end:]))}")
    return value


def may_be_deep(text: bytes) -> bool:
    """Whether brackets, those in texts among them, are nested beyond what `loads` takes; the standard library would
    take more, and what recurses over such a value later would not.
    """
    if text.count(b"[") + text.count(b"{") <= DEPTH:
        return False
    letters = np.frombuffer(text, np.uint8) | 0x20  # `[` and `{`, and `]` and `}`, differ in that bit
    steps = (letters == ord("{")).astype(np.int8) - (letters == ord("}")).astype(np.int8)
    return bool(steps.cumsum(dtype=np.int32).max() > DEPTH)


def row_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its pairs, as `Doubled` when a key repeats."""
    row = dict(pairs)
    if len(row) == len(pairs):
        return row
    doubled = Doubled(row)
    last = {key: at for at, (key, _) in enumerate(pairs)}
    doubled.shadowed = [pair for at, pair in enumerate(pairs) if last[pair[0]] != at]
    return doubled


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    if at >= len(text):
        raise _Refused("cannot parse empty string", at)
    if depth >= DEPTH:
        raise _Refused(f"too big depth for the nested JSON; it exceeds {DEPTH}", at)
    first = text[at]
    if first == "{":
        return _inside("cannot parse object", _object, text, at + 1, depth + 1)
    if first == "[":
        return _inside("cannot parse array", _array, text, at + 1, depth + 1)
    if first == '"':
        return _inside("cannot parse string", _string, text, at, depth)
    for word, value in (("true", True), ("false", False), ("null", None)):
        if first == word[0]:
            if text.startswith(word, at):
                return value, at + len(word)
            if first != "n" or text[at : at + 3].lower() != "nan":
                raise _Refused(f"unexpected value found: {_quoted(text[at:])}", at)
    return _number(text, at)


def _inside(what: str, part: Any, text: str, at: int, depth: int) -> tuple[Any, int]:
    try:
        answer: tuple[Any, int] = part(text, at, depth)
    except _Refused as refused:
        raise refused.within(what) from None
    return answer


def _number(text: str, at: int) -> tuple[Literal, int]:
    found = _NOT_FINITE.match(text, at) or _NUMBER.match(text, at)
    if found is None:
        raise _Refused(f"cannot parse number: unexpected char: {_quoted(text[at])}", at)
    try:
        return Literal(found.group()), found.end()
    except ValueError:
        raise _Refused(f"cannot parse float64 from {_quoted(found.group())}", at) from None


def _string(text: str, at: int, _depth: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if found is None:
        raise _Refused("missing closing '\"'", at + 1)
    raw = found.group(1)
    return (_ESCAPE.sub(_unescaped, raw) if "\\" in raw else raw), found.end()


def _unescaped(found: re.Match[str]) -> str:
    high, low, code, simple = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    if code:
        character = chr(int(code, 16))
        return found.group() if 0xD800 <= ord(character) <= 0xDFFF else character
    return _SIMPLE.get(simple, found.group())


def _array(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    at = _skip(text, at)
    if at >= len(text):
        raise _Refused("missing ']'", at)
    if text[at] == "]":
        return items, at + 1
    while True:
        try:
            item, at = _value(text, _skip(text, at), depth)
        except _Refused as refused:
            raise refused.within("cannot parse array value") from None
        items.append(item)
        at = _skip(text, at)
        if at >= len(text):
            raise _Refused("unexpected end of array", at)
        if text[at] == "]":
            return items, at + 1
        if text[at] != ",":
            raise _Refused("missing ',' after array value", at)
        at += 1


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    pairs: list[tuple[str, Any]] = []
    at = _skip(text, at)
    if at >= len(text):
        raise _Refused("missing '}'", at)
    if text[at] == "}":
        return {}, at + 1
    while True:
        key, at = _key(text, _skip(text, at))
        try:
            value, at = _value(text, at, depth)
        except _Refused as refused:
            raise refused.within("cannot parse object value") from None
        pairs.append((key, value))
        at = _skip(text, at)
        if at >= len(text):
            raise _Refused("unexpected end of object", at)
        if text[at] == "}":
            return row_object(pairs), at + 1
        if text[at] != ",":
            raise _Refused("missing ',' after object value", at)
        at += 1


def _key(text: str, at: int) -> tuple[str, int]:
    """An object's key and the place of its value."""
    if not text.startswith('"', at):
        raise _Refused('cannot find opening \'"" for object key', at)
    try:
        key, at = _string(text, at, 0)
    except _Refused as refused:
        raise refused.within("cannot parse object key") from None
    at = _skip(text, at)
    if not text.startswith(":", at):
        raise _Refused("missing ':' after object key", at)
    return key, _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _shortened(text: str) -> str:
    if len(text) <= _TAIL:
        return text
    return f"{text[: _TAIL // 2]}...{text[-_TAIL // 2 :]}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
