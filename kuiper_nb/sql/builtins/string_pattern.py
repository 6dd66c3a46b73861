"""Regular expressions in strings. They are RE2's, as Go's are: no backtracking, no look-around, no back-references."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from ...errors import RowFault
from ...types import BOOLEAN, STRING
from ..lowered import Lowered, call
from ..values import printed
from .entry import Builtin
from .lowering import answer, surely, text_literal, textual

_TOKEN = re.compile(
    r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"
    r"|(?P<group>\((?:\?P?<(?P<name>\w+)>|(?!\?)))|.",
    re.S,
)
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.A)
_MOST_GROUPS = 9  # that a rewrite of RE2 can name


_GO_WORDING = {
    "no argument for repetition operator": "missing argument to repetition operator",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "invalid repetition size": "invalid repeat count",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
}


def _invalid(fault: pa.ArrowInvalid) -> RowFault:
    cause, _, place = str(fault).removeprefix("Invalid regular expression: ").partition(": ")
    return RowFault(f"error parsing regexp: {_GO_WORDING.get(cause, cause)}: `{place}`")


def _matches(value: object, pattern: object) -> bool:
    try:
        return bool(pc.match_substring_regex(printed(value), pattern=printed(pattern)).as_py())
    except pa.ArrowInvalid as fault:
        raise _invalid(fault) from None


def _replaced(value: object, pattern: object, template: object) -> str:
    subject, regexp = printed(value), printed(pattern)
    if not _matches(subject, regexp):
        return subject
    return str(pc.replace_substring_regex(subject, regexp, rewrite(regexp, printed(template))).as_py())


def _first(value: object, pattern: object) -> str:
    """The leftmost match; '' when there is none."""
    subject, regexp = printed(value), printed(pattern)
    if not _matches(subject, regexp):
        return ""
    whole = rf"\A(?s:.*?)({regexp})(?s:.*)\z"
    return str(pc.replace_substring_regex(subject, whole, r"\1").as_py())


@lru_cache(maxsize=256)
def rewrite(regexp: str, template: str) -> str:
    """Go's replacement template in RE2's form: `$1`, `${name}` become `\\1`; groups that do not exist become nothing.

    Raises RowFault for a group beyond the ninth.
    """
    groups = [match["name"] for match in _TOKEN.finditer(regexp) if match["group"]]

    def numbered(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        if name.isdecimal() and (name == "0" or not name.startswith("0")):
            index = int(name)
        else:
            index = groups.index(name) + 1 if name in groups else -1
        if not 0 <= index <= len(groups):
            return ""
        if index > _MOST_GROUPS:
            raise RowFault(f"regexp_replace knows the groups up to ${_MOST_GROUPS}, not ${name}")
        return f"\\{index}"

    return _VARIABLE.sub(numbered, template.replace("\\", "\\\\"))


def _valid(regexp: str | None) -> bool:
    """Whether DuckDB, whose expressions are RE2's as well, will take it: an invalid one would abort the query."""
    try:
        return regexp is not None and pc.match_substring_regex("", pattern=regexp) is not None
    except pa.ArrowInvalid:
        return False


def _lower_matches(arguments: Sequence[Lowered]) -> Lowered | None:
    subject, regexp = textual(arguments[0]), text_literal(arguments[1])
    if subject is None or regexp is None or not _valid(regexp):
        return None
    matched = surely(call("regexp_matches", subject, regexp))
    return answer(arguments, matched, BOOLEAN, null=False)


def _lower_first(arguments: Sequence[Lowered]) -> Lowered | None:
    subject, regexp = textual(arguments[0]), text_literal(arguments[1])
    if subject is None or regexp is None or not _valid(regexp):
        return None
    return answer(arguments[:1], call("regexp_extract", subject, regexp), STRING)


def _lower_replaced(arguments: Sequence[Lowered]) -> Lowered | None:
    subject, regexp, template = textual(arguments[0]), text_literal(arguments[1]), text_literal(arguments[2])
    if subject is None or regexp is None or template is None or not _valid(regexp):
        return None
    try:
        replacement = rewrite(regexp, template)
    except RowFault:
        return None
    replaced = call("regexp_replace", subject, regexp, replacement, exp.Literal.string("g"))
    return answer(arguments[:1], replaced, STRING)


PATTERNS: tuple[Builtin, ...] = (
    Builtin(
        "regexp_matches",
        _matches,
        (2, 2),
        "whether a text contains a match of a regular expression",
        ("string",),
        "false",
        lower=_lower_matches,
    ),
    Builtin(
        "regexp_replace",
        _replaced,
        (3, 3),
        "a text with every match replaced; $1 stands for a group",
        ("string",),
        lower=_lower_replaced,
    ),
    Builtin(
        "regexp_substr",
        _first,
        (2, 2),
        "the first match of a regular expression, '' when there is none",
        ("string",),
        lower=_lower_first,
    ),
)
