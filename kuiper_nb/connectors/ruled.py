"""JSON lines that are all written like the first: the same keys in the same order, with the same spaces between.

Most files are, since a program wrote them. Then every quote has its number in its line, so that it is known where the
values stand, and nothing needs to be parsed but the numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Places = npt.NDArray[np.intp]
Letters = npt.NDArray[np.uint8]

_MEMBER = re.compile(rb'([ \t]*"([^"\\]+)"[ \t]*:[ \t]*)(?:"([^"\\]*)"|-?[0-9][0-9.eE+-]*)')
_BETWEEN = re.compile(rb"[ \t]*([,}])")
_NEWLINE, _QUOTE, _MINUS, _ZERO = b'\n"-0'
_WORD = 8
_LONGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Slot:
    """A value of a line: its key, whether it is a text, and all that stands between it and the value before."""

    key: str
    text: bool
    before: bytes


@dataclass(frozen=True, slots=True)
class Ruled:
    """What lines look like that are written like one line: places for values, and what comes after the last."""

    slots: tuple[_Slot, ...]
    after: bytes

    @staticmethod
    def of(line: bytes) -> Ruled | None:
        """By a line of UTF-8 without its end; None when it is no object of texts and numbers, or holds a key twice."""
        slots: list[_Slot] = []
        before, at, closed = b"{", 1, not line.startswith(b"{")
        while not closed:
            member = _MEMBER.match(line, at)
            between = _BETWEEN.match(line, member.end()) if member is not None else None
            if member is None or between is None:
                return None
            quote = b"" if member[3] is None else b'"'
            slots.append(_Slot(member[2].decode(), bool(quote), before + member[1] + quote))
            before, at, closed = quote + between.group(), between.end(), between[1] == b"}"
        if not slots or line[at:].strip(b" \t\r") or len({slot.key for slot in slots}) < len(slots):
            return None
        return Ruled(tuple(slots), before + line[at:])

    @property
    def keys(self) -> frozenset[str]:
        """The keys that every line has."""
        return frozenset(slot.key for slot in self.slots)

    def fits(self, schema: pa.Schema, others: bool) -> bool:
        """Whether such lines have the columns of *schema*, in types that it takes, and with *others* maybe more."""
        import pyarrow as pa

        kinds = {slot.key: (pa.string(),) if slot.text else (pa.int64(), pa.float64()) for slot in self.slots}
        wanted = all(field.type in kinds.get(field.name, ()) for field in schema)
        return wanted and (others or len(kinds) == len(schema))

    def table(self, block: bytes, schema: pa.Schema) -> pa.Table | None:
        """*block*, whole lines of UTF-8, as a table of *schema*; None when a line is written in another way, or
        holds what its column does not take."""
        import pyarrow as pa

        letters = np.frombuffer(block, np.uint8)
        borders = None if b"\\" in block or len(block) > _LONGEST else self._borders(block, letters)
        if borders is None:
            return None
        step = len(borders)
        places = np.empty((len(borders[0]), step), np.int32)
        for number, border in enumerate(borders):
            places[:, number] = border
        offsets = np.append(places, np.int32(len(block)))
        pieces = pa.StringArray.from_buffers(places.size, pa.py_buffer(offsets), pa.py_buffer(block))
        columns = {}
        for number, slot in enumerate(self.slots):
            wanted = slot.key in schema.names
            if slot.text and not wanted:
                continue
            values = pieces.take(pa.array(np.arange(2 * number, places.size, step)))
            if not slot.text:
                begins, ends = borders[2 * number], borders[2 * number + 1]
                kind = schema.field(slot.key).type if wanted else pa.float64()
                values = _numbers(values, kind, letters, begins, ends)
                if values is None:
                    return None
            columns[slot.key] = values
        return pa.table([columns[name] for name in schema.names], schema=schema)

    def _borders(self, block: bytes, letters: Letters) -> list[Places] | None:
        """Where the values of each line begin and end, in turn; None when a line is written in another way."""
        ends = np.flatnonzero(letters == _NEWLINE)
        starts = np.concatenate([np.zeros(1, np.intp), ends[:-1] + 1])
        of_line = sum(slot.before.count(b'"') for slot in self.slots) + self.after.count(b'"')
        found = np.flatnonzero(letters == _QUOTE)
        if len(found) != len(ends) * of_line:
            return None
        quotes = found.reshape(len(ends), of_line).T
        if (quotes[0] < starts).any() or (quotes[-1] > ends).any():
            return None
        words = np.ndarray((len(block),), "<u8", block + bytes(_WORD), strides=(1,))
        borders: list[Places] = []
        passed = 0  # quotes
        for slot in self.slots:
            place = quotes[passed] - slot.before.index(b'"') if borders else starts
            borders += [place, place + len(slot.before)]
            passed += slot.before.count(b'"')
            if not _stands(slot.before, words, place):
                return None
        last = ends - len(self.after)
        borders = [*borders[1:], last]
        if not _stands(self.after, words, last) or (self.slots[-1].text and (quotes[passed] != last).any()):
            return None
        return borders if all((borders[n] <= borders[n + 1]).all() for n in range(0, len(borders), 2)) else None


def _stands(written: bytes, words: npt.NDArray[np.uint64], places: Places) -> bool:
    """Whether *written* stands at all *places*; *words* are the eight letters from each place on."""
    if not written:
        return True
    size = min(len(written), _WORD)
    for at in [*range(0, len(written) - size, _WORD), len(written) - size]:
        found = words[places + at]
        if size < _WORD:
            found &= np.uint64(256**size - 1)
        if (found != np.uint64(int.from_bytes(written[at : at + size], "little"))).any():
            return False
    return True


def _numbers(
    texts: pa.StringArray, kind: pa.DataType, letters: Letters, begins: Places, ends: Places
) -> pa.Array | None:
    """The numbers that *texts* are, between *begins* and *ends*; None when one is none, or too large.

    Arrow would take `0x1F`, `nan` and what becomes infinite.
    """
    import pyarrow as pa

    try:
        values = texts.cast(kind)
    except pa.ArrowInvalid:
        return None
    if kind == pa.float64():
        return values if np.isfinite(values.to_numpy()).all() else None
    digits = begins + (letters[begins] == _MINUS)
    return None if ((letters[digits] == _ZERO) & (ends - digits > 1)).any() else values
