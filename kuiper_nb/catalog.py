"""What is defined: streams and tables, frozen, in a mapping by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .types import AnyType


@dataclass(frozen=True, slots=True)
class Field:
    """One declared column; *default* is used under STRICT_VALIDATION when the row lacks it."""

    name: str
    type: AnyType
    default: str | int | float | bool | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A named input as CREATE STREAM or CREATE TABLE declared it.

    *options* are the WITH options, keys in upper case, values as text ("TRUE" for a bare TRUE).
    No *fields* at all means schemaless. *statement* is the DDL as written.
    """

    name: str
    fields: tuple[Field, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    kind: Literal["stream", "table"] = "stream"
    statement: str = ""

    @property
    def typed(self) -> bool:
        """Whether columns were declared."""
        return bool(self.fields)

    @property
    def type(self) -> str:
        """The connector: TYPE in lower case for built-in ones, "mqtt" (streams) or "file" (tables) when not given."""
        return self.options.get("TYPE") or ("mqtt" if self.kind == "stream" else "file")

    @property
    def format(self) -> str:
        """FORMAT, lower case, json when not given."""
        return self.options.get("FORMAT", "json").lower() or "json"

    @property
    def datasource(self) -> str:
        """DATASOURCE: the topic, path or suffix its connector reads."""
        return self.options.get("DATASOURCE", "")

    @property
    def timestamp(self) -> str:
        """The column that carries event time; '' when there is none."""
        return self.options.get("TIMESTAMP", "")

    @property
    def strict(self) -> bool:
        """STRICT_VALIDATION."""
        return self.options.get("STRICT_VALIDATION", "").lower() == "true"

    def column(self, name: str) -> Field | None:
        """The declared column of that very name (names are case-sensitive)."""
        return next((f for f in self.fields if f.name == name), None)
