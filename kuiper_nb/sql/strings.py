"""String literals, numbers and back-quoted names as eKuiper reads them (Go's strconv.Unquote)."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{3}|.)", re.S)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_LEAST, _MOST = -(2**63), 2**63 - 1


def unquote(literal: str) -> str:
    """The text between the quotes of *literal*, escapes resolved.

    Raises ValueError for an escape Go does not know; the other kind of quote needs none, so `"\\'"` is refused.
    """
    quote = literal[0]

    def resolve(match: re.Match[str]) -> str:
        body = match[1]
        if body in _SIMPLE:
            return _SIMPLE[body]
        if body == quote:
            return quote
        if body[0] in "xuU" and len(body) > 1:
            return _character(int(body[1:], 16), body, literal)
        if len(body) == 3 and body.isdigit() and int(body, 8) < 256:
            return chr(int(body, 8))
        raise ValueError(f"unknown escape \\{body} in {literal}")

    return _ESCAPE.sub(resolve, literal[1:-1])


def _character(code: int, body: str, literal: str) -> str:
    if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        raise ValueError(f"\\{body} is no character in {literal}")
    return chr(code)


def parts(dotted: str) -> tuple[str, ...]:
    """The names in `a.b`, back-quotes taken off: `` `a.b`.c `` has two."""
    return tuple(found.strip("`") for found in re.findall(r"`[^`]+`|[^.`]+", dotted))


def clamped(digits: str) -> int:
    """An integer literal; beyond int64 it silently becomes the nearest int64, as in eKuiper."""
    return max(_LEAST, min(_MOST, int(digits)))


_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|\{\{.*?\}\}|--[^\n]*|/\*.*?\*/|(;)", re.S)


def first_statement(text: str) -> str:
    """The text up to the first ';' that is not in a string, name, comment or {{…}}: all that eKuiper reads of a
    rule."""
    found = statements(text)
    return next((statement for statement in found if statement.strip()), found[-1])


def statements(text: str) -> list[str]:
    """The text, cut at every ';' that is not in a string, name, comment or {{…}}; at least one piece."""
    ends = [match.start() for match in _TOKEN.finditer(text) if match[1]]
    return [text[start:end] for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)]
