"""What happens to what runs when Python ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCRIPT = """
import sys
from kuiper_nb import Session

session = Session()
session.stream("events", sys.argv[1])
rule = session.rule("SELECT a * 1.5 AS b FROM events WHERE a > 2", actions=[{"file": {"path": sys.argv[2]}}])
rule.wait(emits=1)
"""


def test_a_script_that_ends_while_a_rule_is_computing_ends_well_and_its_sinks_are_closed(tmp_path: Path) -> None:
    source, sink = tmp_path / "events.parquet", tmp_path / "out.json"
    pq.write_table(pa.table({"a": list(range(500_000))}), source, row_group_size=10_000)

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(source), str(sink)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert sink.read_text().endswith("\n")
