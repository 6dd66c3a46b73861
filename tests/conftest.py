"""What every test may ask for: a session on a virtual clock, and the rows of a rule."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kuiper_nb import Rule, Session, VirtualClock

from .generated import TIMES

START = 1_541_152_486_000
"""2018-11-02 09:54:46 UTC, where virtual clocks start."""

if sys.dont_write_bytecode:  # hundreds of processes would compile this package, each for itself
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=TIMES == 0,
    database=None,
)
settings.load_profile("house")


_LONG = ("test_law_of_batches.py", "test_two_arms.py", "test_lifetime.py", "test_kernel.py", "test_supervisor.py")
"""Files whose few tests take long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, then those with many tests, as workers share them out best; those of browsers,
    which wait more than they compute, stand one by one between the others, so that none is left over at the end."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path in files if path.parent.name == "browser"]
    others = (path for path in files if path not in waiting)
    ordered = sorted(others, key=lambda path: (path.name not in _LONG, -len(files[path])))
    apart = max(len(ordered) // (2 * len(waiting) + 1), 1)
    for place, path in enumerate(waiting):
        ordered.insert(place * (apart + 1), path)
    items[:] = [item for path in ordered for item in files[path]]


@pytest.fixture
def session() -> Iterator[Session]:
    """A session whose clock stands at START, with the schemaless stream demo on the memory topic demo."""
    with Session(clock=VirtualClock(START)) as opened:
        opened.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        yield opened


def rows(rule: Rule) -> list[dict[str, Any]]:
    """Everything the rule has emitted, as one list."""
    return [row for emit in rule.emits for row in emit.rows]
