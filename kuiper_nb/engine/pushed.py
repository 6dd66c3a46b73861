"""Rows as they were pushed: looked at column by column, and made into rows of the stream only where one is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from ..catalog import Stream
from ..contracts import Row
from ..errors import RowFault
from ..formats.coerce import schemaless_rows
from ..types import BIGINT, BOOLEAN, FLOAT, STRING, AnyType

Mask = npt.NDArray[np.bool_]
Kinds = frozenset[type]
Decode = Callable[[Sequence[Row]], list[Row]]

_WHOLE: Kinds = frozenset({int})
_FIT: dict[AnyType, Kinds] = {
    BIGINT: _WHOLE,
    FLOAT: frozenset({int, float}),
    STRING: frozenset({str}),
    BOOLEAN: frozenset({bool}),
}
_NONE = type(None)
_LEAST, _MOST = -(2**63), 2**63 - 1


class Pushed(Sequence[Row]):
    """Rows whose decoding waits until they are read one by one.

    *misfits* are rows that only their decoder makes into rows of the stream: their values may change type on the way.
    In the
    others every value of a used column already is what it will be, but for integers that stand for floats: those of the
    columns *floats*, of every column when it is None.
    """

    def __init__(self, raw: Sequence[Row], decode: Decode, floats: frozenset[str] | None, misfits: Mask | None) -> None:
        self.raw = raw
        self.decode = decode
        self.floats = floats
        self.misfits = misfits
        self._columns: dict[str, list[Any]] = {}
        self._kinds: dict[str, Kinds] = {}

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return self.decode(self.raw[index])
        return self.decode((self.raw[index],))[0]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.decode(self.raw))

    def __len__(self) -> int:
        return len(self.raw)

    def values(self, name: str) -> list[Any]:
        """A column, undecoded; null where a row lacks it."""
        if name not in self._columns:
            self._columns[name] = list(map(dict.get, self.raw, repeat(name)))
        return self._columns[name]

    def kinds(self, name: str) -> Kinds:
        """The types of a column's values, that of null left out."""
        if name not in self._kinds:
            self._kinds[name] = frozenset(map(type, self.values(name))) - {_NONE}
        return self._kinds[name]

    def select(self, places: npt.NDArray[np.intp]) -> Pushed:
        """The rows at *places*."""
        misfits = self.misfits[places] if self.misfits is not None else None
        return Pushed(list(map(self.raw.__getitem__, places.tolist())), self.decode, self.floats, misfits)

    def widens(self, name: str) -> bool:
        """Whether integers of a column stand for floats."""
        return self.floats is None or name in self.floats


class Pushing:
    """Decides for one stream whether rows may wait, and finds those that may not.

    *used* are the columns the rule reads, None for all. A stream whose decoding does more than look at types
    (validation, renamed columns, whole numbers kept, nested columns) decodes every row at once: `lazy` is false.
    """

    def __init__(
        self, stream: Stream, used: frozenset[str] | None, properties: Mapping[str, Any], decode: Callable[[Row], Row]
    ) -> None:
        self._row = decode
        self._rows: Decode = _each(decode) if stream.typed else schemaless_rows(used)
        self._floats = frozenset(f.name for f in stream.fields if f.type == FLOAT) if stream.typed else None
        fields = [f for f in stream.fields if used is None or f.name in used]
        self._fits = {f.name: _FIT[f.type] for f in fields if f.type in _FIT}
        plain = (
            not stream.strict and not properties.get("colAliasMapping") and not properties.get("useInt64ForWholeNumber")
        )
        self.lazy = plain and len(self._fits) == len(fields)

    def rows(self, raw: list[Row], fault: Callable[[str, Row], None]) -> Pushed:
        """*raw*, less the rows that do not decode, which are reported to *fault*."""
        pushed = Pushed(raw, self._rows, self._floats, None)
        misfits = self._misfits(pushed)
        if misfits is None:
            return pushed
        bad = [place for place in np.flatnonzero(misfits).tolist() if not self._decodes(raw[place], fault)]
        if bad:
            kept = np.ones(len(raw), bool)
            kept[bad] = False
            raw = [row for row, keep in zip(raw, kept.tolist(), strict=True) if keep]
            misfits = misfits[kept]
        return Pushed(raw, self._rows, self._floats, misfits if misfits.any() else None)

    def _decodes(self, row: Row, fault: Callable[[str, Row], None]) -> bool:
        try:
            self._row(row)
        except RowFault as error:
            fault(error.message, row)
            return False
        return True

    def _misfits(self, pushed: Pushed) -> Mask | None:
        found: Mask | None = None
        for name, fit in self._fits.items():
            values, kinds = pushed.values(name), pushed.kinds(name)
            whole = fit == _WHOLE and int in kinds
            if kinds <= fit and not (whole and _out_of_range(values)):
                continue
            wrong = of_kinds(values, kinds - fit)
            if whole:
                wrong |= np.fromiter(map(_is_beyond, values), bool, len(values))
            found = wrong if found is None else found | wrong
        return found


def _each(decode: Callable[[Row], Row]) -> Decode:
    return lambda rows: [decode(row) for row in rows]


def of_kinds(values: Sequence[Any], kinds: Kinds) -> Mask:
    """Which values have one of these types."""
    return np.fromiter(map(kinds.__contains__, map(type, values)), bool, len(values))


def _out_of_range(values: Sequence[int | None]) -> bool:
    """Whether one of the integers has no room in 64 bits."""
    whole = [value for value in values if value is not None] if None in values else values
    return min(whole) < _LEAST or max(whole) > _MOST  # type: ignore[type-var,operator]


def _is_beyond(value: Any) -> bool:
    return type(value) is int and not _LEAST <= value <= _MOST
