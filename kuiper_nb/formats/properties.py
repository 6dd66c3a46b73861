"""The common sink properties of an action: which they are, their types, and which are not here yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConnectorError, NotSupported
from ..sql.values import go_type, text

_BOOL, _INT, _STRING, _LIST = "bool", "int", "string", "[]string"
_TYPES = {
    "sendSingle": _BOOL,
    "omitIfEmpty": _BOOL,
    "hasHeader": _BOOL,
    "runAsync": _BOOL,
    "enableCache": _BOOL,
    "concurrency": _INT,
    "bufferLength": _INT,
    "batchSize": _INT,
    "format": _STRING,
    "schemaId": _STRING,
    "delimiter": _STRING,
    "dataField": _STRING,
    "tableDataField": _STRING,
    "dataTemplate": _STRING,
    "compression": _STRING,
    "encryption": _STRING,
    "fields": _LIST,
    "excludeFields": _LIST,
}
_LATER = ("dataTemplate", "lingerInterval", "compression", "encryption", "enableCache", "resendInterval")
_IGNORED = (
    "memoryCacheThreshold",
    "maxDiskCache",
    "bufferPageSize",
    "cleanCacheAtStop",
    "resendAlterQueue",
    "resendPriority",
    "resendIndicatorField",
    "resendDestination",
    "encProps",
    "resourceId",
    "connectionSelector",
)
COMMON = (*_TYPES, *_LATER, *_IGNORED)
"""The names of all properties that every sink knows."""


@dataclass(frozen=True, slots=True)
class SinkProperties:
    """The common properties, read and checked."""

    send_single: bool = False
    omit_if_empty: bool = False
    fields: tuple[str, ...] = ()
    exclude_fields: tuple[str, ...] = ()
    data_field: str = ""
    format: str = "json"
    delimiter: str = ","
    has_header: bool = False
    batch_size: int = 0


def parse(properties: Mapping[str, Any]) -> SinkProperties:
    """Reads and checks the common properties.

    Raises ConnectorError for a wrong type or an impossible pair, NotSupported for what is not here yet.
    """
    _check_types(properties)
    _check_numbers(properties)
    _check_supported(properties)
    given = {name: value for name, value in properties.items() if value is not None}
    parsed = SinkProperties(
        send_single=given.get("sendSingle", False),
        omit_if_empty=given.get("omitIfEmpty", False),
        fields=tuple(given.get("fields", ())),
        exclude_fields=tuple(given.get("excludeFields", ())),
        data_field=given.get("dataField") or given.get("tableDataField") or "",
        format=(given.get("format") or "json").lower(),
        delimiter=given.get("delimiter") or ",",
        has_header=given.get("hasHeader", False),
        batch_size=int(given.get("batchSize", 0)),
    )
    if parsed.fields and parsed.exclude_fields:
        raise ConnectorError("fields and excludeFields cannot both be set", "keep one of them")
    return parsed


def own(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that are not common: those of the connector itself."""
    return {name: value for name, value in properties.items() if name not in COMMON}


def _check_types(properties: Mapping[str, Any]) -> None:
    wrong = []
    for name, kind in _TYPES.items():
        value = properties.get(name)
        if value is not None and (complaint := _CHECKS[kind](name, value)):
            wrong.append(f"* {complaint}")
    if wrong:
        read = f"read properties {text(dict(properties))} fail with error: {len(wrong)} error(s) decoding:"
        raise ConnectorError(f"fail to parse sink configuration: {read}\n\n" + "\n".join(sorted(wrong)))


def _check_numbers(properties: Mapping[str, Any]) -> None:
    for name, kind in _TYPES.items():
        value = properties.get(name)
        if kind == _INT and value is not None and not 0 <= value < 2**31:
            raise ConnectorError(f"invalid {name} {text(value)}", f"{name} is a whole number from 0 on")


def _check_supported(properties: Mapping[str, Any]) -> None:
    for name in _LATER:
        if properties.get(name):
            raise NotSupported(f"the sink property {name} is not here yet")
    for name, value in properties.items():
        if isinstance(value, str) and "{{" in value:
            raise NotSupported(f"templates in sink properties ({name}) are not here yet")


def _bool(name: str, value: Any) -> str:
    return "" if isinstance(value, bool) else _unconvertible(name, _BOOL, value)


def _int(name: str, value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "" if number else _unconvertible(name, _INT, value)


def _string(name: str, value: Any) -> str:
    return "" if isinstance(value, str) else _unconvertible(name, _STRING, value)


def _list(name: str, value: Any) -> str:
    if not isinstance(value, (list, tuple)):
        return f"'{name}': source data must be an array or slice, got {_go_kind(value)}"
    return next((c for i, item in enumerate(value) if (c := _string(f"{name}[{i}]", item))), "")


_CHECKS: dict[str, Callable[[str, Any], str]] = {_BOOL: _bool, _INT: _int, _STRING: _string, _LIST: _list}


def _unconvertible(name: str, wanted: str, value: Any) -> str:
    return f"'{name}' expected type '{wanted}', got unconvertible type '{_go_type(value)}', value: '{text(value)}'"


def _go_type(value: Any) -> str:
    return "float64" if isinstance(value, int) and not isinstance(value, bool) else go_type(value)


def _go_kind(value: Any) -> str:
    return "map" if isinstance(value, dict) else _go_type(value)
