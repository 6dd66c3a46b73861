"""Rows as a table, in text and in plain html; absent, null, nested and binary values each look like what they are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

_WIDEST = 60
_ABSENT = object()


def shown(value: Any) -> str:
    """One value in a table: at most 60 characters, on one line."""
    if value is _ABSENT:
        text = ""
    elif value is None:
        text = "null"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = _float(value)
    elif isinstance(value, datetime):
        text = value.isoformat(sep=" ")
    elif isinstance(value, (bytes, bytearray)):
        text = f"0x{bytes(value).hex()}"
    elif isinstance(value, (dict, list, tuple)):
        text = json.dumps(value, default=str, ensure_ascii=False)
    else:
        text = str(value)
    text = text.replace("\r", "␍").replace("\n", "⏎").replace("\t", " ")
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _float(value: float) -> str:
    if math.isfinite(value) and value and not 1e-3 <= abs(value) < 1e16:
        return f"{value:.6g}"
    return repr(round(value, 4))


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of ragged rows in the order they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """An aligned table; numbers to the right. '' for no rows."""
    names = columns(rows)
    if not names:
        return ""
    cells = [[shown(row.get(name, _ABSENT)) for name in names] for row in rows]
    right = [any(_numeric(row.get(name)) for row in rows) for name in names]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]

    def line(texts: Sequence[str]) -> str:
        padded = (t.rjust(w) if r else t.ljust(w) for t, w, r in zip(texts, widths, right, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join([line(names), "  ".join("─" * w for w in widths), *(line(texts) for texts in cells)])


def html_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same in html. '' for no rows."""
    names = columns(rows)
    if not names:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(shown(row.get(name, _ABSENT)))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_text(text: str) -> str:
    """Lines of text in html; '' for ''."""
    return f"<pre>{escape(text)}</pre>" if text else ""


def xml_text(text: str) -> str:
    """*text* as it stands in a picture, or in an attribute of one."""
    return escape(printable(text))


def printable(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _numeric(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
