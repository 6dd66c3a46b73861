"""LIKE as eKuiper does it: the pattern becomes a regular expression of RE2, whose signs keep their meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import RowFault

_SIGNS = re.compile(r"[.+*?()|\[\]{}^$]")


@lru_cache(maxsize=512)
def like_pattern(pattern: str) -> str:
    """A LIKE pattern as the regular expression eKuiper makes of it.

    `%` is any run of characters but newlines, `_` any one; of everything else only the backslash is taken literally,
    and the anchors bind as in any regular expression, so `a|b` is not anchored as a whole.
    """
    return "^" + pattern.replace("\\", "\\\\").replace("%", ".*").replace("_", ".") + "$"


@lru_cache(maxsize=512)
def like_matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a text matches. Raises RowFault when the pattern is no regular expression."""
    source = like_pattern(pattern)
    if not _SIGNS.search(pattern):  # Python's expressions mean the same then, and are faster one by one
        search = re.compile(source[:-1] + r"\Z").search
        return lambda value: search(value) is not None
    try:
        pc.match_substring_regex("", pattern=source)
    except pa.ArrowInvalid as error:
        cause = str(error).removeprefix("Invalid regular expression: ")
        raise RowFault(f"invalid LIKE pattern: error parsing regexp: {cause}: `{source}`") from None
    return lambda value: bool(pc.match_substring_regex(value, pattern=source).as_py())
