"""Digests of a value's text, in hexadecimal."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from ...types import STRING
from ..lowered import Lowered, call
from ..values import printed, utf8
from .entry import Builtin


def _digest(name: str) -> Callable[[Any], str]:
    return lambda value: hashlib.new(name, utf8(printed(value)), usedforsecurity=False).hexdigest()


def _lowered(name: str) -> Callable[[Sequence[Lowered]], Lowered | None]:
    """DuckDB's function of the same name, for texts."""

    def lower(arguments: Sequence[Lowered]) -> Lowered | None:
        (value,) = arguments
        if value.type != STRING:
            return None
        return Lowered(call(name, exp.paren(value.sql)), STRING, value.guard, value.null)

    return lower


def _crc32(value: Any) -> str:
    """Without leading zeros."""
    return f"{zlib.crc32(utf8(printed(value))):x}"


def _builtin(name: str, lowered: bool = False) -> Builtin:
    lower = _lowered(name) if lowered else None
    return Builtin(name, _digest(name), (1, 1), f"the {name.upper()} of a text", ("string",), lower=lower)


BUILTINS: tuple[Builtin, ...] = (
    _builtin("md5", lowered=True),
    _builtin("sha1", lowered=True),
    _builtin("sha256", lowered=True),
    _builtin("sha384"),
    _builtin("sha512"),
    Builtin("crc32", _crc32, (1, 1), "the CRC-32 of a text, without leading zeros", ("string",)),
)
