"""What happens to what runs when Python ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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


STUCK = """
import sys, threading, time
from kuiper_nb import Session

entered = threading.Event()

def endless(a):
    entered.set()
    while True:
        pass

def nap(a):
    entered.set()
    time.sleep(1000)

session = Session()
session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
session.function({"endless": endless, "nap": nap}[sys.argv[1]], name="f")
session.rule("SELECT f(a) AS b FROM demo WHERE a = 2", actions=[{"file": {"path": sys.argv[2]}}])
other = session.rule("SELECT a FROM demo WHERE a = 1", actions=[{"file": {"path": sys.argv[3]}}])
session.push("demo", [{"a": 1}, {"a": 2}])
entered.wait()
other.wait(emits=1)
"""


@pytest.mark.parametrize("code", ["endless", "nap"])
def test_a_script_ends_well_although_user_code_does_not(tmp_path: Path, code: str) -> None:
    stuck, other = tmp_path / "stuck.json", tmp_path / "other.json"

    done = subprocess.run(
        [sys.executable, "-c", STUCK, code, str(stuck), str(other)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert other.read_text() == '[{"a":1}]\n'
