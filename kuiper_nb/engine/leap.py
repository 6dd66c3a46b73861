"""Time that leaps over many windows at once: a gap in the data, a clock at 0, seconds read as milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import KuiperError
from ..windowing.windows import Windows

_FEW = 10_000
_MOST = 2_000_000


@dataclass(frozen=True, slots=True)
class Leap:
    """From the end of the next window to a watermark far beyond it (ms), over *count* windows."""

    start: int
    end: int
    count: int

    @classmethod
    def to(cls, windows: Windows, mark: int | None, step: int) -> Leap | None:
        """The leap of *windows*, whose ends lie *step* ms apart, to *mark*, None: to their end.

        None where there is none, or where it is so short that looking for empty windows costs more than they do.
        """
        due, end = windows.due(), windows.finishing() if mark is None else mark
        if due is None or end is None or not step or (end - due) // step < _FEW:
            return None
        return cls(due, end, (end - due) // step)

    @property
    def endless(self) -> bool:
        """Whether it is so far that sending every window, empty as most are, would not end."""
        return self.count > _MOST

    def refusal(self, timestamp: str) -> KuiperError:
        """The error of a rule that has to send all of them; *timestamp* is the column that says the time."""
        hint = f"is {timestamp or 'the clock'} in milliseconds? HAVING count(*) > 0 leaves empty windows out"
        return KuiperError(f"time leapt over {self.count:,} windows at once, from {self.start} to {self.end}", hint)
