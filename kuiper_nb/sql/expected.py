"""What may come next: the words, names and values that the grammar accepts at a place of an unfinished text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lark import Token
from lark.exceptions import LarkError

from .parser import RESERVED, grammar
from .strings import parts

Slot = Literal["", "expression", "column", "source", "stream", "table", "option", "value"]
"""What kind of name fits: any expression, only a column, a stream to read, the stream or table of a DROP, the key of a
WITH option, or the value of one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What fits at a place.

    *typed* is what stands there already of the word, with an opening quote or back-quote; *qualifier* what stands
    before its last dot. *words* are the keywords, types and units that fit. *option* is the key whose value is wanted,
    *options* what the statement says so far. *sources* are the streams that the statement reads, by alias and by name;
    *declared* the columns that a CREATE declares.
    """

    slot: Slot = ""
    typed: str = ""
    qualifier: str = ""
    words: tuple[str, ...] = ()
    windows: bool = False
    option: str = ""
    options: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    declared: tuple[str, ...] = ()


_PIECES = re.compile(
    r"(?P<text>\"(?:\\.|[^\"\\\n])*(?:\"|(?P<open2>\Z))|'(?:\\.|[^'\\\n])*(?:'|(?P<open1>\Z)))"
    r"|(?P<name>`[^`\n]*(?:`|(?P<openname>\Z)))"
    r"|(?P<placeholder>\{\{.*?(?:\}\}|(?P<openbraces>\Z)))"
    r"|(?P<comment>--[^\n]*(?:\n|(?P<openline>\Z))|/\*.*?(?:\*/|(?P<opencomment>\Z)))"
    r"|(?P<end>;)",
    re.S,
)
_WORD = re.compile(r"((?:[A-Za-z][A-Za-z0-9_]*\.)*)([A-Za-z][A-Za-z0-9_]*)?\Z")
_DASHED = re.compile(r"\b(?:drop|describe|desc)\s+(?:stream|table)\s+([A-Za-z][A-Za-z0-9_\-]*)\Z", re.I)
_READS = re.compile(r"\b(?:from|join)\s+(`[^`]+`|[A-Za-z][A-Za-z0-9_/#+\-]*)(?:\s+as\s+(`[^`]+`|\w+))?", re.I)
_OPTION = re.compile(r"\b([A-Za-z_]+)\s*=\s*(?:\"((?:\\.|[^\"\\\n])*)\"|'((?:\\.|[^'\\\n])*)')")


def expected(text: str, offset: int) -> Expected | None:
    """What may come at *offset* of *text*. None where no SQL stands: in a comment, in `{{…}}`, in a text, in a number.

    What is wrong before the place, or missing behind it, does no harm. Never raises.
    """
    start, opened, kind = _opened(text[:offset])
    if kind == "nothing":
        return None
    before = text[start : offset if opened is None else opened]
    typed = "" if opened is None else text[opened:offset]
    qualifier = ""
    if opened is None:
        qualifier, typed = _word(before)
        before = before[: len(before) - len(qualifier) - len(typed)]
        if re.search(r"[A-Za-z0-9_]\Z", before):
            return None  # the rest of a number
    tokens, accepted = _read(before)
    statement = text[start:] if (end := _end(text, offset)) is None else text[start:end]
    fits = _slot(tokens, accepted, before)
    first = [token.type for token in tokens[-2:]] == ["WINDOW", "LPAR"]  # where alone a unit makes sense
    if kind == "text" and fits != "value":
        return None
    return Expected(
        slot=fits,
        typed=typed,
        qualifier=qualifier.rstrip("."),
        words=() if opened is not None or qualifier else _words(accepted & {"UNIT"} if first else accepted - {"UNIT"}),
        windows="WINDOW" in accepted and not qualifier,
        option=_key(tokens, before) if fits == "value" else "",
        options=tuple((key.upper(), one or other) for key, one, other in _OPTION.findall(statement)),
        sources=_sources(statement),
        declared=_declared(tokens),
    )


def spelled(name: str) -> str:
    """*name* as it is written in a statement: with back-quotes where it needs them."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and name.upper() not in RESERVED
    return name if plain else f"`{name}`"


def _opened(before: str) -> tuple[int, int | None, str]:
    """Where the last statement of *before* starts, and where a text or name that is not closed yet, and what it is."""
    start, opened, kind = 0, None, ""
    for piece in _PIECES.finditer(before):
        if piece["end"]:
            start = piece.end()
        elif piece["open1"] is not None or piece["open2"] is not None:
            opened, kind = piece.start(), "text"
        elif piece["openname"] is not None:
            opened, kind = piece.start(), "name"
        elif any(piece[name] is not None for name in ("openbraces", "openline", "opencomment")):
            kind = "nothing"
    return start, opened, kind


def _end(text: str, offset: int) -> int | None:
    """Where the statement that *offset* is in ends."""
    return next((piece.start() for piece in _PIECES.finditer(text) if piece["end"] and piece.start() >= offset), None)


def _word(before: str) -> tuple[str, str]:
    """The qualifier, with its dot, and the word at the end of *before*."""
    if dashed := _DASHED.search(before):
        return "", dashed[1]
    found = _WORD.search(before)
    return (found[1], found[2] or "") if found else ("", "")


def _read(before: str) -> tuple[list[Token], set[str]]:
    """The tokens of *before*, and the names of the tokens that may follow; none where it is wrong already."""
    parser = grammar().parse_interactive(before)
    tokens: list[Token] = []
    try:
        for token in parser.iter_parse():
            tokens.append(token)
        return tokens, set(parser.accepts())  # type: ignore[no-untyped-call]
    except LarkError:
        return tokens, set()


def _slot(tokens: list[Token], accepted: set[str], before: str) -> Slot:
    kinds = [token.type for token in tokens]
    last = kinds[-1] if kinds else ""
    if not accepted:
        return _guessed(before)
    if "SOURCE" in accepted:
        return "source"
    if "NAME" in accepted:
        return _named(tokens)
    if "_WITH" in kinds:
        return "option" if "COLUMN" in accepted else "value" if "STRING" in accepted else ""
    if kinds[-2:] == ["WINDOW", "LPAR"] and str(tokens[-2]).lower() not in ("countwindow", "statewindow"):
        return ""
    if "PLACEHOLDER" in accepted:
        return "expression"
    if "COLUMN" in accepted and kinds[0] == "_SELECT" and last not in ("_AS", "__ANON_0"):
        return "column"
    return ""


def _named(tokens: list[Token]) -> Slot:
    if tokens[0].type == "_CREATE":
        return ""
    return "table" if str(tokens[-1]).lower() == "table" else "stream"


def _guessed(before: str) -> Slot:
    """What fits behind a text that is no sentence: by the words that stand last."""
    if re.search(r"\b(?:from|join)\s+\Z", before, re.I):
        return "source"
    if re.search(r"\bwith\s*\(", before, re.I):
        return "value" if re.search(r"=\s*\Z", before) else "option"
    if re.match(r"\s*select\b", before, re.I) and not re.search(r"\bas\s+\Z|->\s*\Z", before, re.I):
        return "expression"
    return ""


def _key(tokens: list[Token], before: str) -> str:
    found = re.search(r"([A-Za-z_]+)\s*[=!]\s*\Z", before)
    return found[1].upper() if found else next((str(t).upper() for t in reversed(tokens) if t.type == "COLUMN"), "")


_SPELLED = {
    "_GROUP": ("GROUP BY",), "_ORDER": ("ORDER BY",), "_PARTITION": ("PARTITION BY",), "_OVER": ("OVER",),
    "KIND": ("STREAM", "TABLE"), "KINDS": ("STREAMS", "TABLES"), "UNIT": ("SS", "MS", "MI", "HH", "DD"),
    "JOIN_KIND": ("INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"),
    "SIMPLE_TYPE": ("BIGINT", "FLOAT", "STRING", "DATETIME", "BOOLEAN", "BYTEA"),
    "NOT": ("NOT IN", "NOT BETWEEN", "NOT LIKE"),
}  # fmt: skip


def _words(accepted: set[str]) -> tuple[str, ...]:
    """The keywords among *accepted*, as they are written."""
    found: list[str] = []
    for name in sorted(accepted, key=lambda name: name.lstrip("_")):
        if name in _SPELLED:
            found += _SPELLED[name]
        elif (plain := name.lstrip("_")) in RESERVED or plain in _OTHERS:
            found.append(plain)
    return tuple(dict.fromkeys(found))


_OTHERS = {"CREATE", "SHOW", "DESCRIBE", "DROP", "WITH", "ARRAY", "STRUCT"}


def _sources(statement: str) -> tuple[tuple[str, str], ...]:
    """The streams behind FROM and JOIN: under which name columns may stand, and their own."""
    found: list[tuple[str, str]] = []
    for name, alias in _READS.findall(_blanked(statement)):
        plain = name.strip("`")
        if plain.upper() not in RESERVED:
            found += [(alias.strip("`"), plain)] if alias else []
            found.append((plain, plain))
    return tuple(found)


def _blanked(statement: str) -> str:
    """*statement* without what its texts and comments say."""
    return _PIECES.sub(lambda piece: piece[0] if piece["name"] else " " * len(piece[0]), statement)


def _declared(tokens: list[Token]) -> tuple[str, ...]:
    """The columns of a CREATE: the names that a type follows."""
    types = ("SIMPLE_TYPE", "_ARRAY", "_STRUCT")
    if not tokens or tokens[0].type != "_CREATE":
        return ()
    return tuple(parts(str(name))[0] for name, kind in pairwise(tokens) if name.type == "COLUMN" and kind.type in types)
