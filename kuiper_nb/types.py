"""eKuiper's data types, and what they are in Arrow.

A type is a frozen value: `BIGINT`, `ArrayOf(STRING)`, `StructOf((("x", FLOAT),))`. Python values of a type are
int (64 bit), float, str, bool, bytes, datetime (UTC), list and dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Type:
    """A simple type, known by its name in DDL."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """ARRAY(item)."""

    item: AnyType

    def __str__(self) -> str:
        return f"ARRAY({self.item})"


@dataclass(frozen=True, slots=True)
class StructOf:
    """STRUCT(name type [DEFAULT literal], …); *defaults* are those of the members that have one."""

    fields: tuple[tuple[str, AnyType], ...]
    defaults: tuple[tuple[str, str | bool | int | float], ...] = ()

    def __str__(self) -> str:
        return f"STRUCT({', '.join(f'{name} {kind}' for name, kind in self.fields)})"


AnyType = Type | ArrayOf | StructOf

BIGINT = Type("BIGINT")
FLOAT = Type("FLOAT")
STRING = Type("STRING")
BYTEA = Type("BYTEA")
DATETIME = Type("DATETIME")
BOOLEAN = Type("BOOLEAN")
NULL = Type("NULL")  # a column that holds nothing but nulls

SIMPLE = {t.name: t for t in (BIGINT, FLOAT, STRING, BYTEA, DATETIME, BOOLEAN)}


def from_arrow(kind: pa.DataType) -> AnyType | None:
    """The type whose Python values are exactly those of an Arrow column; None where there is none (decimals, maps
    …)."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return from_arrow(kind.value_type)
    if pa.types.is_signed_integer(kind) or kind in (pa.uint8(), pa.uint16(), pa.uint32()):
        return BIGINT
    if pa.types.is_float64(kind) or pa.types.is_float32(kind):
        return FLOAT
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return STRING
    if pa.types.is_boolean(kind):
        return BOOLEAN
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return BYTEA
    if pa.types.is_timestamp(kind):
        return DATETIME
    if pa.types.is_null(kind):
        return NULL
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        item = from_arrow(kind.value_type)
        return ArrayOf(item) if item else None
    if pa.types.is_struct(kind):
        fields = [(kind.field(i).name, from_arrow(kind.field(i).type)) for i in range(kind.num_fields)]
        return None if any(t is None for _, t in fields) else StructOf(tuple((n, t) for n, t in fields if t))
    return None


def covers(kind: AnyType, wanted: AnyType) -> bool:
    """Whether values of *kind* are values of type *wanted*, but for members beside those that it names."""
    if isinstance(kind, StructOf) and isinstance(wanted, StructOf):
        members = dict(kind.fields)
        return all(name in members and covers(members[name], t) for name, t in wanted.fields)
    return kind == wanted


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column in a type whose Python values are ours; None when there is none, or none for one of its values."""
    import pyarrow as pa

    kind = column.type
    if not in_calendar(column):
        return None
    try:
        if pa.types.is_unsigned_integer(kind) or (pa.types.is_signed_integer(kind) and kind != pa.int64()):
            return column.cast(pa.int64())
        if pa.types.is_float16(kind) or pa.types.is_float32(kind) or pa.types.is_decimal(kind):
            return column.cast(pa.float64())
        if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and (kind.unit == "ns" or kind.tz != "UTC")):
            return _utc(column)
        if pa.types.is_large_string(kind) or kind == pa.string_view():
            return column.cast(pa.string())
        if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
            return plain(column.cast(kind.value_type))
    except pa.ArrowInvalid:
        return None
    return column


def _utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A moment in UTC, in microseconds, finer digits cut off; one without a zone is taken for UTC."""
    import pyarrow as pa

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    return column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.timestamp("us", tz="UTC"))


_DAY = 86_400
_FIRST, _BEYOND = -62_135_596_800, 253_402_300_800  # seconds from 1970 to the years 1 and 10000
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def in_calendar(column: pa.Array | pa.ChunkedArray) -> bool:
    """Whether all moments in the column, in objects and arrays too, are of the years 1 to 9999, as Python's are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not _dated(kind):
        return True
    if pa.types.is_struct(kind):
        return all(map(in_calendar, column.flatten()))
    if pa.types.is_dictionary(kind):
        return in_calendar(unencoded(column))
    if not pa.types.is_temporal(kind):
        return in_calendar(pc.list_flatten(column))
    if pa.types.is_date32(kind):
        unit, numbers = 1 / _DAY, column.cast(pa.int32())
    else:
        unit, numbers = _UNITS["ms" if pa.types.is_date64(kind) else kind.unit], column.cast(pa.int64())
    ends = pc.min_max(numbers).as_py()
    return ends["min"] is None or (_FIRST * unit <= ends["min"] and ends["max"] < _BEYOND * unit)


@cache
def _dated(kind: pa.DataType) -> bool:
    """Whether values of a type that `from_arrow` knows have moments in them."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(_dated(field.type) for field in kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_dictionary(kind):
        return bool(_dated(kind.value_type))
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def unencoded(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The column itself, or, where it is encoded as a dictionary, its values."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def unencoded_table(table: pa.Table) -> pa.Table:
    """The table with values in place of dictionaries, which take far longer to become Python values."""
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(number, field.name, unencoded(table.column(number)))
    return table


def table_of(columns: Sequence[pa.Array | pa.ChunkedArray], schema: pa.Schema) -> pa.Table:
    """The columns as a table of *schema*, except that text encoded as dictionaries stays so."""
    import pyarrow as pa

    for number, column in enumerate(columns):
        if pa.types.is_dictionary(column.type):
            schema = schema.set(number, schema.field(number).with_type(column.type))
    return pa.Table.from_arrays(list(columns), schema=schema)


def to_arrow(kind: AnyType) -> pa.DataType:
    """The Arrow type that holds the values of a declared type."""
    import pyarrow as pa

    if isinstance(kind, ArrayOf):
        return pa.list_(to_arrow(kind.item))
    if isinstance(kind, StructOf):
        return pa.struct([(name, to_arrow(t)) for name, t in kind.fields])
    return {
        BIGINT: pa.int64(),
        FLOAT: pa.float64(),
        STRING: pa.string(),
        BYTEA: pa.binary(),
        DATETIME: pa.timestamp("ms", tz="UTC"),
        BOOLEAN: pa.bool_(),
        NULL: pa.null(),
    }[kind]
