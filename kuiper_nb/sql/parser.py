"""Text in, syntax out; a wrong sentence is a ParseError with a caret and what would have worked."""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from ..errors import KuiperError, ParseError
from .builder import Bind, Builder
from .depth import deep
from .placeholders import first_statement, masked
from .syntax import Select, Statement


@cache
def grammar() -> Lark:
    """The grammar, ready to parse; made when it is first asked for."""
    text = (files(__package__) / "ekuiper.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=False)


@deep()
def parse(text: str, bind: Bind | None = None) -> tuple[Statement, ...]:
    """Every statement of *text*; *bind* answers the values of `{{…}}`. Raises ParseError."""
    _require_text(text)
    try:
        tree = grammar().parse(masked(text))
        statements: tuple[Statement, ...] = Builder(text, bind).transform(tree)
        return statements
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    except VisitError as error:
        if isinstance(error.orig_exc, KuiperError):
            raise error.orig_exc from None
        raise error.orig_exc from error


def parse_rule(text: str, bind: Bind | None = None) -> Select:
    """The SELECT of a rule; what follows its ';' is not read, as in eKuiper. Raises ParseError."""
    _require_text(text)
    (statement, *_) = parse(first_statement(text), bind)
    if not isinstance(statement, Select):
        raise ParseError(f"SQL {text.strip()} is not a select statement.", "a rule starts with SELECT", statement=text)
    return statement


def _require_text(text: Any) -> None:
    if not isinstance(text, str):
        raise ParseError(f"{text!r} is no statement", "a statement is a text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        line, column = text.count("\n", 0, error.start) + 1, error.start - text.rfind("\n", 0, error.start)
        shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
        raise ParseError("half a surrogate pair is no character", line=line, column=column, statement=shown) from None


_WORDS = {
    "COLUMN": "a name",
    "SOURCE": "a stream name",
    "NAME": "a name",
    "STRING": "a text",
    "INT": "a number",
    "FLOAT": "a number",
    "MINUS": "-",
    "COMPARE": "a comparison",
    "SIMPLE_TYPE": "a type (BIGINT | FLOAT | STRING | DATETIME | BOOLEAN | BYTEA | ARRAY | STRUCT)",
    "KIND": "STREAM or TABLE",
    "KINDS": "STREAMS or TABLES",
    "JOIN_KIND": "INNER, LEFT, RIGHT, FULL or CROSS JOIN",
    "WINDOW": "a window",
    "UNIT": "DD, HH, MI, SS or MS",
    "$END": "the end",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "SEMICOLON": ";",
    "EQUAL": "=",
    "BANG": "=",
    "LSQB": "[",
    "RSQB": "]",
    "COLON": ":",
    "STAR": "*",
    "STREAM_STAR": "stream.*",
    "PLACEHOLDER": "a value",
    "PARAMETER": "a value",
    "SUM_OP": "an operator",
    "TERM_OP": "an operator",
    "DOT": "an operator",
}
# Where any value fits, or any operator, one word says more than the list of its kinds.
_VALUES = {"STRING", "INT", "FLOAT", "MINUS", "TRUE", "FALSE", "UNIT"}
_OPERATORS = {"COMPARE", "MINUS", "STAR", "AND", "OR", "NOT", "LIKE", "_IN", "_BETWEEN"}


def _named(expected: set[str]) -> list[str]:
    """What users call the terminals of the grammar."""
    names = {name for name in expected if "ANON" not in name}
    if "PLACEHOLDER" in names:
        names -= _VALUES
    if "SUM_OP" in names:
        names -= _OPERATORS
    if "SIMPLE_TYPE" in names:
        names -= {"_ARRAY", "_STRUCT"}
    words = {_WORDS.get(name, name.lstrip("_")) for name in names}
    if "PLACEHOLDER" in names and "COLUMN" in names:
        words = {"a column" if word == "a name" else word for word in words}
    return sorted(words)


_SLIPS = (
    (r"<>", "write != for “not equal”"),
    (r"\bIS\s+(NOT\s+)?NULL\b", "there is no IS NULL; write isnull(x) = TRUE, or isnull(x) = FALSE"),
    (r"\bDISTINCT\b", "there is no DISTINCT; deduplicate(column, true) keeps the first row of every value"),
    (r"==", "write = for “equal”"),
    (r"\|\|", "write concat(a, b)"),
    (r"&&", "write AND"),
    (r"\bOUTER\b", "write LEFT JOIN, RIGHT JOIN or FULL JOIN"),
    (r"\bOFFSET\b", "there is no OFFSET"),
    (r"\bNOT\s*\(", "there is no NOT before a condition; only NOT IN, NOT BETWEEN, NOT LIKE"),
)


def _explained(error: UnexpectedInput, text: str) -> ParseError:
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        expected = error.accepts or error.expected
        found = "the end" if error.token.type == "$END" else text[token.start_pos : token.end_pos]
    elif isinstance(error, UnexpectedCharacters):
        expected = error.allowed or set()
        rest = text[error.pos_in_stream :]
        word = re.match(r"[A-Za-z0-9_]+|\"[^\"]*\"?|'[^']*'?|\S", rest)
        found = word[0] if word else "the end"
    else:
        found = "the end"
    line, column = error.line, error.column
    if not isinstance(line, int) or line < 1 or found == "the end":
        lines = text.rstrip().splitlines() or [""]
        line, column = len(lines), len(lines[-1]) + 1
    hint = _hint(text, line, column, found, expected)
    message = f'found "{found}", which does not fit here'
    if found == "the end":
        message = "the statement ends too early" if text.strip(" \t\r\n;") else "there is no statement"
    return ParseError(message, hint, line=line, column=column, statement=text)


def _hint(text: str, line: int, column: int, found: str, expected: set[str]) -> str:
    lines = text.splitlines() or [""]
    around = " ".join(lines[max(0, line - 1) : line + 1])
    near = around[max(0, column - 12) : column + 20]
    for pattern, hint in _SLIPS:
        if re.search(pattern, near, re.I):
            return hint
    if found[:1] in "\"'":
        return "a text stands between quotes and cannot name a column or alias; back-quote odd names: `my name`"
    slip = _keyword(found, expected) or ("SIMPLE_TYPE" in expected and _type(found))
    if slip:
        return f"did you mean {slip}?"
    if "_AS" in expected and re.fullmatch(r"[A-Za-z]\w*", found):
        if "SOURCE" not in expected and "_FROM" not in expected:
            return f"an alias needs AS: AS {found}"
        return f"an alias needs AS (AS {found}), and fields are followed by FROM"
    if found.upper() in RESERVED and expected & {"COLUMN", "SOURCE"}:
        return f"{found.upper()} is a reserved word; back-quote it to use it as a name: `{found}`"
    words = _named(expected)
    return f"expected {', '.join(words[:8])}" if words else ""


def _keyword(found: str, expected: set[str]) -> str:
    """The keyword that *found* is a slip of, if it would fit here."""
    fitting = [name.lstrip("_") for name in expected if len(name.lstrip("_")) > 3 and name.lstrip("_") in RESERVED]
    close = difflib.get_close_matches(found.upper(), fitting, n=1, cutoff=0.7)
    return close[0] if close else ""


_TYPES = {"BIGINT", "FLOAT", "STRING", "BOOLEAN", "DATETIME", "BYTEA", "ARRAY", "STRUCT"}
# What other dialects call them.
_ELSEWHERE = {
    **dict.fromkeys(("INT", "INTEGER", "SMALLINT", "TINYINT", "LONG", "INT64", "NUMBER"), "BIGINT"),
    **dict.fromkeys(("DOUBLE", "REAL", "DECIMAL", "NUMERIC", "FLOAT64"), "FLOAT"),
    **dict.fromkeys(("VARCHAR", "TEXT", "CHAR", "STR"), "STRING"),
    **dict.fromkeys(("TIMESTAMP", "DATE", "TIME"), "DATETIME"),
    **dict.fromkeys(("BLOB", "BYTES", "BINARY"), "BYTEA"),
    **dict.fromkeys(("LIST",), "ARRAY"),
    **dict.fromkeys(("OBJECT", "MAP", "RECORD"), "STRUCT"),
}


def _type(found: str) -> str:
    """The type that *found* stands for elsewhere, or is a slip of."""
    word = found.upper()
    close = difflib.get_close_matches(word, _TYPES, n=1, cutoff=0.6)
    return _ELSEWHERE.get(word) or (close[0] if close else "")


RESERVED = {
    "SELECT",
    "AS",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "GROUP",
    "HAVING",
    "ORDER",
    "BY",
    "DESC",
    "ASC",
    "FILTER",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "JOIN",
    "ON",
    "CASE",
    "WHEN",
    "THEN",
    "DEFAULT",
    "ELSE",
    "END",
    "IN",
    "NOT",
    "BETWEEN",
    "LIKE",
    "OVER",
    "PARTITION",
    "REPLACE",
    "EXCEPT",
    "INVISIBLE",
    "TRUE",
    "FALSE",
    "DD",
    "HH",
    "MI",
    "SS",
    "MS",
    "LIMIT",
}
"""Words that are no names unless they are back-quoted."""
