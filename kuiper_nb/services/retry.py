"""Whether to ask again, and when: only what does no harm, after waits that grow and differ, and not on a host that is
down. Without clock or network.

The throttle is gRPC's (A6): each failure takes a token, each success gives a tenth of one; below half there are no
second attempts. The breaker opens after so many failures in a row, over a while, and lets a call through now and then.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .protocol import CallFailed
from .spec import Options

_AGAIN = frozenset({408, 429, 502, 503, 504})
"""HTTP: the server has not done it."""

_AGAIN_IF_SAFE = frozenset({500, *_AGAIN})
_TOKENS = 10.0
_GIVEN = 0.1
_FAILURES = 20
_LASTING = 0.5
"""Seconds in which a host must have done nothing but fail: less may be a restart."""

_FIRST_PROBE, _LAST_PROBE = 0.5, 5.0
_HOST_KINDS = frozenset({"refused", "broken", "deadline", "tls"})


def is_of_host(failed: CallFailed) -> bool:
    """Whether a failure says that the host is not well, and not that the question was wrong."""
    return failed.kind in _HOST_KINDS or failed.status >= 500 or failed.status in (408, 429) or failed.again


@dataclass(frozen=True)
class Retry:
    """What the options say: how many attempts, and how long to wait before each."""

    attempts: int
    first: float
    factor: float
    longest: float
    fixed: bool = False
    idempotent: bool | None = None

    @classmethod
    def of(cls, options: Options) -> Retry:
        """eKuiper's retryCount and retryInterval go before ours: so many attempts, so far apart."""
        if options.retry_count is not None:
            interval = options.retry_interval or 0.0
            return cls(max(options.retry_count, 1), interval, 1.0, interval, True, options.idempotent)
        retry = options.retry
        return cls(retry.attempts, retry.first, retry.factor, retry.longest, False, options.idempotent)

    def repeats(self, safe: bool) -> bool:
        """Whether what is *safe* to the protocol, or not, may be asked twice: what the file says goes before."""
        return safe if self.idempotent is None else self.idempotent

    def wait(self, attempt: int, failed: CallFailed, safe: bool, chance: float) -> float | None:
        """Seconds before the next attempt, after the one of this number (from 1); None for no other."""
        if attempt >= self.attempts or not self._may(failed, self.repeats(safe)):
            return None
        if failed.after is not None:
            return failed.after
        most = min(self.first * self.factor ** (attempt - 1), self.longest)
        return most if self.fixed else most * chance

    def _may(self, failed: CallFailed, safe: bool) -> bool:
        if failed.kind in ("address", "auth", "breaker", "garbage", "limit", "offline", "tls"):
            return False
        if not failed.sent:
            return True
        return safe and (failed.kind in ("broken", "refused") or failed.status in _AGAIN_IF_SAFE or failed.again)


@dataclass
class Host:
    """How a host has done of late, with so many calls under way at a time."""

    concurrency: int = 1
    failures: int = 0
    _tokens: float = field(init=False)
    _since: float = 0.0
    _probe_at: float = 0.0
    _wait: float = _FIRST_PROBE

    def __post_init__(self) -> None:
        self._most = max(_TOKENS, 2.0 * self.concurrency)  # calls under way together fail together, once
        self._tokens = self._most

    @property
    def open(self) -> bool:
        """Whether it is left alone, but for a call now and then."""
        return self._probe_at > 0

    @property
    def patient(self) -> bool:
        """Whether it may be asked a second time."""
        return self._tokens > self._most / 2

    def may_ask(self, now: float) -> bool:
        """Whether to ask at all; where it is left alone, a call now and then finds out whether it is back."""
        if not self.open:
            return True
        if now < self._probe_at:
            return False
        self._wait = min(2 * self._wait, _LAST_PROBE)
        self._probe_at = now + self._wait
        return True

    def failed(self, now: float) -> None:
        """It was not well."""
        self._tokens = max(self._tokens - 1, 0.0)
        self._since = self._since if self.failures else now
        self.failures += 1
        if not self.open and self.failures >= _FAILURES and now - self._since >= _LASTING:
            self._wait = _FIRST_PROBE
            self._probe_at = now + self._wait

    def succeeded(self) -> None:
        """It was."""
        self._tokens = min(self._tokens + _GIVEN, self._most)
        self.failures = 0
        self._probe_at = 0.0


def chance() -> float:
    """Between 0 and 1: waits that are alike would end at the same moment."""
    return random.random()
