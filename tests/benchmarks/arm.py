"""One case, one way, in a process of its own: `python -m tests.benchmarks.arm CASE WAY FOLDER ROWS [check]`.

Runs it over a few rows first, so that imports are no part of it. Prints one JSON line: seconds, CPU seconds, the peak
of its memory in MB, and the tally.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

from .events import WARM_UP, Data
from .tally import Tally


def main(case: str, way: str, folder: str, rows: str, *more: str) -> None:
    """Run *case* as *way* (ours, plain, byhand) does it."""
    data = Data(Path(folder), int(rows))
    module = import_module(f"{__package__}.{way}")
    if case == "W5":
        print(json.dumps({"first": repr(module.first_row(data))}), flush=True)
        return
    module.CASES[case](Data(data.folder, WARM_UP), Tally(False))
    tally = Tally("check" in more)
    began, cpu = time.perf_counter(), time.process_time()
    module.CASES[case](data, tally)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": round(peak), **tally.as_dict()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
