"""`{{expression}}` in SQL: where it ends, which only Python can say, and the text without what stands inside."""

from __future__ import annotations

import re
import warnings

_TOKEN = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`|--[^\n]*|/\*.*?\*/|(?P<open>\{\{)|(?P<stop>;)", re.S
)


def end_of(text: str) -> int:
    """Where the }} stands that ends a placeholder whose inside *text* begins with; -1 when none does.

    It is the first after a complete expression, else the first of all: what is wrong with that one will be said.
    """
    first = end = text.find("}}")
    while end >= 0:
        if not text[:end].strip() or _complete(text[:end].strip()):
            return end
        end = text.find("}}", end + 1)
    return first


def masked(text: str) -> str:
    """*text*, as long as it is, with `_` for everything inside placeholders but the ends of lines; those in string
    literals, back-quoted names and comments are none."""
    done, at = "", 0
    while match := _TOKEN.search(text, at):
        length = end_of(text[match.end() :]) if match["open"] else -1
        if length >= 0:
            inside = re.sub(r"[^\n]", "_", text[match.end() : match.end() + length])
            done += text[at : match.end()] + inside + "}}"
            at = match.end() + length + 2
        else:
            done += text[at : match.end()]
            at = match.end()
    return done + text[at:]


def first_statement(text: str) -> str:
    """The text up to the first ';' that is not in a string, name, comment or {{…}}: all that eKuiper reads of a
    rule."""
    started = 0
    for match in _TOKEN.finditer(masked(text)):
        if match["stop"]:
            if text[started : match.start()].strip():
                return text[started : match.start()]
            started = match.end()
    return text[started:]


def _complete(expression: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once, when it is evaluated
        try:
            compile(expression, "<{{…}}>", "eval")
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
            return False
    return True
