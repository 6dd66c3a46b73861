"""What every test may ask for: a session on a virtual clock, and the rows of a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kuiper_nb import Rule, Session, VirtualClock

from .generated import TIMES

START = 1_541_152_486_000
"""2018-11-02 09:54:46 UTC, where virtual clocks start."""

settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=TIMES == 0,
    database=None,
)
settings.load_profile("house")


@pytest.fixture
def session() -> Iterator[Session]:
    """A session whose clock stands at START, with the schemaless stream demo on the memory topic demo."""
    with Session(clock=VirtualClock(START)) as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        yield opened


def rows(rule: Rule) -> list[dict[str, Any]]:
    """Everything the rule has emitted, as one list."""
    return [row for emit in rule.emits for row in emit.rows]
