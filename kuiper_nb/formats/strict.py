"""STRICT_VALIDATION: every used column must be there and of its type; DEFAULT stands in for an absent one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..catalog import Field
from ..contracts import Row
from ..errors import RowFault
from ..sql.arrays import NIL_ARRAY
from ..sql.values import described, text, to_bool, to_datetime
from ..types import BIGINT, BOOLEAN, BYTEA, DATETIME, FLOAT, STRING, AnyType, ArrayOf, StructOf, Type

Check = Callable[[Any], Any]
_GO_NAME = {BIGINT: "int64", FLOAT: "float64", STRING: "string", BOOLEAN: "bool", BYTEA: "[]byte"}
_PREFIX = "error in preprocessor: "


def validation(fields: tuple[Field, ...], pattern: str | None) -> Callable[[Row], Row]:
    """What completes and checks a decoded row in place; RowFault where it does not hold to its declaration.

    *pattern* reads the texts of DATETIME columns.
    """
    checks = {f.name: _check(f.type, pattern) for f in fields}

    def validate(row: Row) -> Row:
        for field in fields:
            if field.name in row:
                row[field.name] = _checked(field.name, row[field.name], checks[field.name], _PREFIX)
            elif field.default is None:
                raise RowFault(f"{_PREFIX}field {field.name} is not found")
            else:
                row[field.name] = _default(field.name, field.type, field.default, _PREFIX)
        return row

    return validate


def _default(name: str, kind: AnyType, value: Any, prefix: str = "") -> Any:
    """The value of a DEFAULT, cast to its type; RowFault when that is impossible."""
    try:
        if kind == BIGINT:
            return int(value, 0) if isinstance(value, str) else int(value or 0)
        if kind == FLOAT:
            return float(value or 0)
        if kind == BOOLEAN:
            return to_bool(value, "all")
    except (ValueError, RowFault):
        cause = f"cannot convert {described(value)} to {kind}"
        raise RowFault(f"{prefix}field {name} type mismatch: {cause}") from None
    return text(value) if kind == STRING and not isinstance(value, str) else value


def _checked(name: str, value: Any, check: Check, prefix: str = "") -> Any:
    try:
        return check(value)
    except RowFault as fault:
        raise RowFault(f"{prefix}field {name} type mismatch: {fault.message}") from None


def _check(kind: AnyType, pattern: str | None) -> Check:
    if isinstance(kind, ArrayOf):
        return _array(kind, pattern)
    if isinstance(kind, StructOf):
        return _struct(kind, pattern)
    if kind == DATETIME:
        return lambda value: _moment(value, pattern)
    return lambda value: _simple(value, kind)


def _moment(value: Any, pattern: str | None) -> datetime:
    if not isinstance(value, str):
        return to_datetime(value)
    from ..sql.timeformat import parse

    return parse(value, pattern)


def _simple(value: Any, kind: Type) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == BIGINT and number:
        return int(value)
    if kind == FLOAT and number:
        return float(value)
    if kind == STRING and isinstance(value, (str, bytes)):
        return value if isinstance(value, str) else value.decode("utf-8", "replace")
    if (kind == BOOLEAN and isinstance(value, bool)) or (kind == BYTEA and isinstance(value, bytes)):
        return value
    raise RowFault(f"cannot convert {described(value)} to {_GO_NAME[kind]}")


def _array(kind: ArrayOf, pattern: str | None) -> Check:
    item = _check(kind.item, pattern)

    def check(value: Any) -> Any:
        if value is None:
            return NIL_ARRAY  # null in the row that goes out, even under an alias
        if not isinstance(value, list):
            raise RowFault(f"expect array but got {described(value)}")
        try:
            return [item(i) for i in value]
        except RowFault as fault:
            raise RowFault(f"array element type mismatch: {fault.message}") from None

    return check


def _struct(kind: StructOf, pattern: str | None) -> Check:
    used = dict(kind.fields)
    checks = {name: _check(t, pattern) for name, t in used.items()}
    defaults = dict(kind.defaults)

    def check(value: Any) -> Any:
        value = _parsed(value)
        if value is None:
            return None
        for name, part in checks.items():
            if name in value:
                value[name] = _checked(name, value[name], part)
            elif name in defaults:
                value[name] = _default(name, used[name], defaults[name])
            else:
                raise RowFault(f"field {name} is not found")
        return value

    return check


def _parsed(value: Any) -> dict[str, Any] | None:
    """A struct given as a JSON text, which formats without types do."""
    if value is None or isinstance(value, dict):
        return value
    try:
        parsed = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise RowFault(f"expect map but got {described(value)}")
    return parsed
