"""What a user's code raised, as the error of its row; nothing but KeyboardInterrupt goes further."""

from __future__ import annotations

import traceback

from ..errors import RowFault


class UserFault(RowFault):
    """A user's function raised; *where* is the file (or cell) and line it happened at."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


def located(error: BaseException) -> str:
    """The last place of *error* in code that is not ours: `file:line`; '' when there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "kuiper_nb" not in frame.filename.replace("\\", "/").split("/")[-3:]:
            return f"{frame.filename}:{frame.lineno}"
    return ""


def told(error: BaseException) -> str:
    """`ValueError: what it says`; its `__str__` is the user's code too, and may raise."""
    try:
        said = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:
        said = ""
    return f"{type(error).__name__}{': ' + said if said else ''}"


def fault_of(name: str, error: BaseException) -> UserFault:
    """What function *name* raised, with its place."""
    if isinstance(error, UserFault):
        return error
    return UserFault(f"call func {name} error: {told(error)}", located(error))
