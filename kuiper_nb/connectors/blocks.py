"""Files in blocks of whole lines, and blocks as payloads: Arrow where all of a block fits, else row by row."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, cast

from ..contracts import Payload

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 64 * 1024
_FIRST, _MOST = 128 * 1024, 3 * 1024 * 1024
_SMALL = 32 * 1024
_HOPELESS = 8
_BOM = b"\xef\xbb\xbf"

Columnar = Callable[[bytes], "pa.Table | None"]
"""All of a block as a table, or None when some of it does not fit."""
Singly = Callable[[bytes], Iterator[Payload]]
"""A block row by row; what does not fit is a payload of its own."""


def opened(path: str, decompression: str = "") -> IO[bytes]:
    """A file for reading; gzip when *decompression* or its name says so. Raises OSError."""
    if decompression == "gzip" or path.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return open(path, "rb")


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The file in blocks that end where lines end; the first are small, so that the first rows are there soon."""
    size, rest = _FIRST, file.read(len(_BOM)).removeprefix(_BOM)
    while chunk := file.read(size):
        block = rest + chunk
        cut = block.rfind(b"\n") + 1
        if cut:
            yield block[:cut]
        rest = block[cut:]
        size = min(size * 2, _MOST)
    if rest:
        yield rest


class Pieces:
    """Turns blocks into payloads, in order.

    A block that is not columnar is halved until what does not fit is alone in a small piece. When most of a block did
    not fit, the next ones are not even tried. Without *lines* a row may hold line ends, and blocks are not halved.
    """

    def __init__(self, columnar: Columnar, singly: Singly, lines: bool = True) -> None:
        self._columnar = columnar
        self._singly = singly
        self._lines = lines
        self._skip = 0
        self._fitted = 0

    def payloads(self, block: bytes) -> Iterator[Payload]:
        """All of a block, as tables of at most 64k rows and as lists of rows."""
        if self._skip:
            self._skip -= 1
            yield from self._singly(block)
            return
        self._fitted = 0
        yield from self._halved(block)
        if self._fitted * 2 < len(block):
            self._skip = _HOPELESS

    def _halved(self, block: bytes) -> Iterator[Payload]:
        table = self._columnar(block)
        if table is not None:
            self._fitted += len(block)
            yield from slices(table)
            return
        cut = block.rfind(b"\n", 0, len(block) // 2) + 1
        if len(block) <= _SMALL or not cut or not self._lines:
            yield from self._singly(block)
            return
        yield from self._halved(block[:cut])
        yield from self._halved(block[cut:])


def slices(table: pa.Table) -> Iterator[Payload]:
    """A table as payloads of at most 64k rows, alike in size, whose values keep their types."""
    size = -(-table.num_rows // max(-(-table.num_rows // ROWS), 1))
    for start in range(0, table.num_rows, max(size, 1)):
        yield Payload(table.slice(start, size), typed=True)
