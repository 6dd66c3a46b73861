"""The JSON files of a plugin: read as data, and what they say that a symbol is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_MOST_BYTES = 1 << 20
_LOCALE = "en_US"


class BadJson(Exception):
    """A file that is no JSON: why, and where in its *text*."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None, text: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.text = text


def read(file: Path) -> Any:
    """What the file holds. Raises BadJson."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadJson(error.strerror or str(error)) from None
    if len(data) > _MOST_BYTES:
        raise BadJson(f"it is longer than {_MOST_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise BadJson(error.msg, error.lineno, error.colno, text) from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None
    except ValueError as error:  # no UTF-8, a number of thousands of digits, or what the hooks refuse
        raise BadJson(str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} stands twice in one object")
        found[key] = value
    return found


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no value of JSON")


def about(file: Path, kind: str, symbol: str) -> str:
    """What *file*, in eKuiper's shape, says of *symbol*; '' when it says nothing or cannot be read."""
    try:
        found = read(file)
    except BadJson:
        return ""
    for function in _entry(found, "functions", []) if kind == "function" else []:
        if _entry(function, "name", "") == symbol and (text := _worded(_entry(function, "hint", ""))):
            example = _entry(function, "example", "")
            return f"{example}: {text}" if example else text
    return _worded(_entry(_entry(found, "about", {}), "description", ""))


def _entry(found: Any, key: str, default: Any) -> Any:
    """The value at *key*, if it is of the kind of *default* or a text or an object of texts by locale."""
    value = found.get(key, default) if isinstance(found, dict) else default
    return value if isinstance(value, (type(default), dict)) else default


def _worded(found: Any) -> str:
    """A text, or the one of English among those by locale."""
    if isinstance(found, dict):
        texts = [found.get(_LOCALE), *found.values()]
        return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")
    return found.strip() if isinstance(found, str) else ""
