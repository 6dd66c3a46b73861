"""What the first query needs is there before the first row."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRESH = """
import sys
from kuiper_nb import Session
with Session() as session:
    session.sql('CREATE STREAM demo (a BIGINT) WITH (TYPE="memory", DATASOURCE="demo")')
    rule = session.rule("SELECT a + 1 AS b FROM demo WHERE a > 0", id="hot")
    before = set(sys.modules)
    session.push("demo", [{"a": 1}] * ROWS)
    assert session.settle(60)
    print(rule.status.arms, sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize(("rows", "arm"), [(1, "exact"), (100, "duckdb")])
def test_no_row_waits_until_something_is_imported(rows: int, arm: str) -> None:
    code = FRESH.replace("ROWS", str(rows))
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)

    assert done.stdout == f"{{'{arm}': {rows}}} []\n"
