"""A failure of the exact arm as an error of its row."""

from __future__ import annotations

from ..errors import RowFault
from ..sql.evaluate import Frame
from .emits import RowError


def row_error(fault: RowFault, frame: Frame | None, at: int) -> RowError:
    """The fault as an error of its row; *where* is the place in the user's code, if it came from there."""
    where = ""
    cause: BaseException | None = fault
    while cause is not None and not where:
        where = getattr(cause, "where", "")
        cause = cause.__cause__
    return RowError(fault.message, frame.row if frame is not None else None, at, where)
