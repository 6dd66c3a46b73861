"""The search for the rows of a batch on which a process dies: they fail, the others are answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..contracts import Answer, Call, Failure
from .peer import Lost

_TRIES = 8
"""Times the logarithm of the rows: so many deaths the search may take, then all that is left fails."""


def halved(call: Call, once: Callable[[Call], Answer], message: str) -> Answer:
    """The answers of a batch on which the process has died; *once* asks it for a part and raises Lost when it dies.

    A row that does it on its own has *message*, and what became of the process, as its failure.
    """
    left = [_TRIES * (call.rows.bit_length() + 1)]
    values: list[Any] = []
    failures: dict[int, Failure] = {}

    def search(first: int, last: int) -> None:
        half = first + max((last - first) // 2, 1)
        for begin, end in ((first, half), (half, last)):
            if begin == end:
                continue
            part = Call(tuple(column[begin:end] for column in call.arguments), end - begin, call.context)
            try:
                answer = once(part) if end - begin > 1 else _twice(once, part)
            except Lost as why:
                left[0] -= 1
                if end - begin > 1 and left[0] > 0:
                    search(begin, end)
                    continue
                answer = failed(end - begin, f"{message} {why.why}")
            values.extend(answer.values if isinstance(answer.values, list) else answer.values.to_pylist())
            failures.update({begin + row: failure for row, failure in answer.failures.items()})

    search(0, call.rows)
    return Answer(values, failures)


def _twice(once: Callable[[Call], Answer], row: Call) -> Answer:
    """A single row is asked once more before it is blamed: somebody else may have killed the process. One that hangs
    has had its time.
    """
    try:
        return once(row)
    except Lost as why:
        if why.hung:
            raise
        return once(row)


def failed(rows: int, message: str, where: str = "") -> Answer:
    """No answer for any of *rows*."""
    return Answer([None] * rows, {row: Failure(message, where) for row in range(rows)})
