"""The option restartStrategy of a rule: how often and how soon it starts again after an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PlanError, did_you_mean

_LONGEST = 2**53
"""ms, for a delay that multiplies itself beyond all measure."""


@dataclass(frozen=True, slots=True)
class RestartStrategy:
    """eKuiper's names, defaults and meaning: *attempts* restarts since the rule was started, the first *delay* ms after
    the error, each further one *multiplier* times later (0: always the same), *max_delay* ms at the most; every delay
    varies by *jitter_factor* (0.1: up to a tenth more or less)."""

    attempts: int = 0
    delay: int = 1000
    multiplier: float = 2.0
    max_delay: int = 30_000
    jitter_factor: float = 0.1

    @classmethod
    def of(cls, given: Any) -> RestartStrategy:
        """From eKuiper's JSON. Raises PlanError for what is no object, an unknown name and a value out of range."""
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            hint = '{"restartStrategy": {"attempts": 3, "delay": 1000}}'
            raise PlanError(f"option restartStrategy is an object, not {given!r}", hint)
        for name in given:
            if name not in _NAMES:
                raise PlanError(f"there is no option restartStrategy.{name}", did_you_mean(str(name), _NAMES))
        return cls(**{_NAMES[name]: _number(name, value) for name, value in given.items() if value is not None})

    def delay_before(self, restarts: int, jitter: float) -> int:
        """ms to wait when there were so many restarts before; *jitter* from -1 to 1."""
        try:
            delay = self.delay * self.multiplier**restarts if self.multiplier > 0 else float(self.delay)
        except OverflowError:
            delay = float(_LONGEST)
        return round(min(delay, self.max_delay) * (1 + self.jitter_factor * jitter))


_NAMES = {
    "attempts": "attempts",
    "delay": "delay",
    "multiplier": "multiplier",
    "maxDelay": "max_delay",
    "jitterFactor": "jitter_factor",
}
_WHOLE = ("attempts", "delay", "maxDelay")


def _number(name: str, value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in _WHOLE and number and 0 <= value <= _LONGEST and value == int(value):
        return int(value)
    if name == "multiplier" and number and 0 <= value < float("inf"):
        return float(value)
    if name == "jitterFactor" and number and 0 <= value <= 1:
        return float(value)
    wanted, example = _WANTED[name]
    raise PlanError(f"option restartStrategy.{name} is {wanted}, not {value!r}", example)


_WANTED = {
    "attempts": ("a whole number from 0 on", "3 restarts at the most"),
    "delay": ("a whole number of ms from 0 on", "1000 is a second"),
    "multiplier": ("a number from 0 on", "2 doubles the delay every time, 1 leaves it"),
    "maxDelay": ("a whole number of ms from 0 on", "30000 is half a minute"),
    "jitterFactor": ("a number from 0 to 1", "0.1 is a tenth more or less"),
}
