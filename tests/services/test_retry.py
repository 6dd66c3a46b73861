"""When to ask again: by the options alone, and by how the host has done."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb.services.protocol import CallFailed
from kuiper_nb.services.retry import Host, Retry, is_of_host
from kuiper_nb.services.spec import Options

from ..generated import cases

SAFE, UNSAFE = True, False
REFUSED = CallFailed("refused", "no", sent=False)
BUSY = CallFailed("status", "no", status=503)


def options(**given: Any) -> Options:
    return Options.model_validate(given)


def test_waits_grow_and_are_cut_by_chance() -> None:
    retry = Retry.of(options(retry={"attempts": 6, "first": "100ms", "factor": 3.0, "longest": "1s"}))

    waits = [retry.wait(attempt, REFUSED, UNSAFE, 1.0) for attempt in range(1, 7)]

    assert [None if wait is None else round(wait, 3) for wait in waits] == [0.1, 0.3, 0.9, 1.0, 1.0, None]
    assert retry.wait(1, REFUSED, UNSAFE, 0.5) == 0.05


def test_ekuipers_interval_is_fixed() -> None:
    retry = Retry.of(options(retryCount=3, retryInterval="200ms"))

    assert [retry.wait(attempt, REFUSED, UNSAFE, 0.1) for attempt in (1, 2, 3)] == [0.2, 0.2, None]


@pytest.mark.parametrize(
    ("failed", "safe", "unsafe"),
    [
        (REFUSED, True, True),
        (BUSY, True, False),
        (CallFailed("broken", "no"), True, False),
        (CallFailed("status", "no", status=500), True, False),
        (CallFailed("status", "no", status=404), False, False),
        (CallFailed("garbage", "no"), False, False),
        (CallFailed("limit", "no"), False, False),
        (CallFailed("address", "no", sent=False), False, False),
        (CallFailed("tls", "no", sent=False), False, False),
        (CallFailed("status", "no", status=10, again=True), True, False),
    ],
)
def test_only_what_does_no_harm_is_asked_again(failed: CallFailed, safe: bool, unsafe: bool) -> None:
    retry = Retry.of(options())

    assert (retry.wait(1, failed, SAFE, 1.0) is not None, retry.wait(1, failed, UNSAFE, 1.0) is not None) == (
        safe,
        unsafe,
    )


def test_who_declares_it_knows_better_than_the_method() -> None:
    assert Retry.of(options(idempotent=True)).wait(1, BUSY, UNSAFE, 1.0) is not None
    assert Retry.of(options(idempotent=False)).wait(1, BUSY, SAFE, 1.0) is None


def test_a_host_that_has_only_failed_for_a_while_is_left_alone_and_probed() -> None:
    host = Host()
    for n in range(40):
        host.failed(n * 0.01)
    assert not host.open  # it may be a restart

    for n in range(40, 60):
        host.failed(n * 0.01)
    assert host.open
    probes = [n / 10 for n in range(6, 300) if host.may_ask(n / 10)]

    gaps = [round(b - a, 1) for a, b in pairwise(probes)]
    assert gaps[:3] == [1.0, 2.0, 4.0]
    assert set(gaps[3:]) == {5.0}
    host.succeeded()
    assert not host.open


@settings(max_examples=cases(200))
@given(st.lists(st.booleans(), max_size=400), st.integers(1, 64))
def test_second_attempts_are_a_small_part_whatever_happens(successes: list[bool], concurrency: int) -> None:
    """Each call is asked again at once while that may be; what is over a constant is a tenth of the successes."""
    host, calls, again = Host(concurrency), 0, 0
    for success in successes:
        calls += 1
        if success:
            host.succeeded()
            continue
        host.failed(0.0)
        if host.patient:
            again += 1

    assert again <= max(10, 2 * concurrency) / 2 + 0.1 * sum(successes) + 1


def test_refusals_of_a_question_say_nothing_of_the_host() -> None:
    assert is_of_host(REFUSED)
    assert is_of_host(BUSY)
    assert not is_of_host(CallFailed("status", "no", status=404))
    assert not is_of_host(CallFailed("garbage", "no"))
