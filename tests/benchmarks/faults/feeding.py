"""A rule over a plugin that is fed batch after batch, and an oracle that sees every row it emits."""

from __future__ import annotations

import math
import tempfile
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from kuiper_nb import Session
from kuiper_nb.plugins.crashes import Policy
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.launch import python
from kuiper_nb.plugins.lines import Lines

PATIENCE = 30.0
ALWAYS = Policy(timeout=PATIENCE, crashes=1_000_000)
"""A campaign is no crash loop."""


class Feeding:
    """A session with a plugin that serves *twice*, and a rule over it. Every row is compared as it comes."""

    def __init__(self, code: str, options: Mapping[str, Any] | None = None, fat: str = "") -> None:
        self._fat = fat
        self._changed = threading.Condition()
        self._wrong = 0
        self.came = 0
        self.sent = 0
        self.session = Session()
        self.plugin = self.session.plugins.define("work", code)
        self.plugin.policy = ALWAYS
        self.session.sql(
            'CREATE STREAM fed (n BIGINT, fat STRING) WITH (TYPE="memory", DATASOURCE="fed", FORMAT="json")'
        )
        self.session.sink(self._compare, name="compare")  # type: ignore[attr-defined]
        self.rule = self.session.rule(
            "SELECT n, twice(n) AS t, length(fat) AS fat FROM fed", actions=[{"compare": {}}], options=options, keep=100
        )

    def push(self, rows: int) -> None:
        """One batch more."""
        table = pa.table({"n": range(self.sent, self.sent + rows), "fat": [self._fat] * rows})
        self.session.push("fed", table)
        self.sent += rows

    def passed(self) -> bool:
        """Wait until all that was pushed has come out."""
        with self._changed:
            return self._changed.wait_for(lambda: self.came >= self.sent, PATIENCE)

    def differences(self) -> int:
        """Rows that are lost, doubled, out of order or wrong."""
        self.passed()
        self.session.settle(PATIENCE)
        return self._wrong + abs(self.sent - self.came) + len(self.rule.errors)

    def close(self) -> None:
        """The end of it."""
        self.session.close()

    def _compare(self, rows: list[dict[str, Any]]) -> None:
        with self._changed:
            for row in rows:
                self._wrong += row != {"n": self.came, "t": 2 * self.came, "fat": len(self._fat)}
                self.came += 1
            self._changed.notify_all()


@contextmanager
def kernel(code: str) -> Iterator[Kernel]:
    """A process of a plugin with this text, that can be called."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plugin.py"
        file.write_text(f"from kuiper_nb.sdk import *\n{textwrap.dedent(code)}\n", encoding="utf-8")
        started = python(file)(Lines())
        try:
            started.ready(PATIENCE)
            started.await_calls()
            yield started
        finally:
            started.close()


def quantile(values: list[float], share: float) -> float:
    """Of a list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
