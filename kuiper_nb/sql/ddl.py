"""What a CREATE means: a stream or table, its options checked; and how DESCRIBE shows one."""

from __future__ import annotations

import json
import re

from ..catalog import Field, Stream
from ..errors import PlanError, did_you_mean
from ..types import BYTEA
from .syntax import Create

OPTIONS: dict[str, str] = {
    "DATASOURCE": "what the connector reads: a topic, a path",
    "FORMAT": "json (default), delimited, binary, urlencoded, parquet",
    "KEY": "the key column; kept for eKuiper",
    "CONF_KEY": "the section of the connector's configuration",
    "SHARED": "one source for all rules in eKuiper; kept",
    "STRICT_VALIDATION": "values must have the declared types; nothing is converted",
    "TYPE": "the connector; mqtt for a stream and file for a table when left out",
    "TIMESTAMP": "the column that carries event time",
    "TIMESTAMP_FORMAT": "how that column writes time, when it is a text",
    "RETAIN_SIZE": "rows a table keeps; for eKuiper",
    "SCHEMAID": "the schema of a format that needs one; for eKuiper",
    "EXTRA": "properties of the connector, as a JSON object",
    "VERSION": "kept for eKuiper",
    "TEMP": "kept for eKuiper",
    "KIND": "scan or lookup, of a table",
    "DELIMITER": "between the values of a line, FORMAT delimited",
}
"""The keys of WITH, and what each is for."""

_NAME = re.compile(r"[A-Za-z0-9_\-]+")
_FLAGS = ("SHARED", "STRICT_VALIDATION", "TEMP")


def stream_of(create: Create, parameters: frozenset[str] = frozenset()) -> Stream:
    """The stream or table that *create* defines; *parameters* are further option keys its connector takes.

    Raises PlanError for an unknown option or a value that cannot be right.
    """
    if not _NAME.fullmatch(create.name):
        hint = "letters, digits, _ and -"
        raise _refused(create, f"{create.name} contains what no name of a {create.kind} may", hint)
    options = dict(create.options)  # of two values for a key, the last counts
    known = {*OPTIONS, *parameters}
    for key, value in options.items():
        if key not in known:
            hint = did_you_mean(key, known) or f"options: {', '.join((*sorted(parameters), *OPTIONS))}"
            raise _refused(create, f"unknown option {key}", hint, key)
        if key in _FLAGS and value.lower() not in ("true", "false"):
            raise _refused(create, f'option {key} is "true" or "false", not "{value}"', "", key)
    if "EXTRA" in options:
        _require_object(create, options["EXTRA"])
    if "RETAIN_SIZE" in options and not options["RETAIN_SIZE"].lstrip("-").isdigit():
        message = f'option RETAIN_SIZE is a whole number, not "{options["RETAIN_SIZE"]}"'
        raise _refused(create, message, "", "RETAIN_SIZE")
    fields = tuple(Field(c.name, c.type, c.default) for c in create.columns)
    if options.get("FORMAT", "").lower() == "binary":
        if create.kind == "table":
            raise _refused(create, "'binary' format is not supported for table")
        if len(fields) > 1 or any(f.type != BYTEA for f in fields):
            raise _refused(create, "'binary' format stream can have only one field, and that of type BYTEA")
    return Stream(create.name, fields, options, create.kind, create.text.strip())


def _require_object(create: Create, text: str) -> None:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _refused(create, f"option EXTRA is a JSON object: {error}", "", "EXTRA") from None
    if not isinstance(found, dict):
        raise _refused(create, "option EXTRA is a JSON object", "", "EXTRA")


def _refused(create: Create, message: str, hint: str = "", option: str = "") -> PlanError:
    """What is wrong with *create*, at the last mention of *option* if it is that."""
    places = {key: place for (key, _), place in zip(create.options, create.option_places, strict=False)}
    place = places.get(option, create.place)
    return PlanError(message, hint, line=place.line, column=place.column, statement=create.text or None)


def described(stream: Stream) -> str:
    """The text of DESCRIBE, laid out as eKuiper does."""
    lines = ["Fields", "-" * 80]
    for field in stream.fields:
        default = f"\tDEFAULT\t{json.dumps(field.default)}" if field.default is not None else ""
        lines.append(f"{field.name}\t{str(field.type).lower()}{default}")
    lines.append("")
    lines += [f"{key}: {value}" for key, value in stream.options.items()]
    return "\n".join(lines) + "\n"
