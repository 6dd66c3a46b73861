"""`python -m tests.benchmarks [--rows 10000000] [--only W1,W2] [--rounds 3] [--by wall|cpu] [--folder DIR]`"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import dirty, kernels, measure, plugins, pushes, report, services, starts, visible
from .events import Data, generated

OTHERS = ("W5", "batch", "dirty", "latency", "answer", "visible", "plugins", "start", "services")
JSON_SHARE = 10  # JSON lines are slower to read: a tenth of the rows is enough


def main() -> None:
    """Measure, and print a line a case as soon as it is there, then all of them as a table."""
    options = _options()
    wanted = set(options.only.split(",")) if options.only else {*measure.CASES, *OTHERS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for line in _lines(wanted, folder, options):
            print(line.json(), flush=True)
            lines.append(line)
    print(f"\nratios of {'CPU' if options.by == 'cpu' else 'wall'} time, best of {options.rounds}\n{report.HEAD}")
    for line in lines:
        print(line.text())


def _lines(wanted: set[str], folder: Path, options: argparse.Namespace) -> Iterator[report.Line]:
    for case in measure.CASES:
        if wanted & {case, case[:2]}:
            rows = options.rows // JSON_SHARE if case == "JSON" else options.rows
            yield report.streamed(measure.measured(case, Data(folder, rows), options.rounds), options.by)
    if "W5" in wanted:
        yield report.started(measure.first_row(generated(folder, options.rows), options.rounds))
    if "batch" in wanted:
        for found in pushes.measured(options.rounds):
            yield from report.pushed(found)
    if "dirty" in wanted:
        for found in dirty.measured(options.rounds):
            yield report.mixed(found)
    if "plugins" in wanted:
        yield from map(report.asked, plugins.calls(options.rounds))
        yield report.apart(plugins.rules(generated(folder, options.rows), options.rounds))
    if "start" in wanted:
        yield from map(report.begun, starts.measured())
    if "services" in wanted:
        yield from map(report.served, services.measured(options.rounds))
    yield from _waited_for(wanted, options.rounds)


def _waited_for(wanted: set[str], rounds: int) -> Iterator[report.Line]:
    """What somebody at a notebook waits for."""
    if "latency" in wanted:
        yield from map(report.emitted, kernels.emits(rounds))
    if "answer" in wanted:
        yield report.answered(kernels.answers(rounds))
        yield report.completed(kernels.completions(rounds))
    if "visible" in wanted and (found := visible.rows()) is not None:
        yield report.seen(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--only", default="", help="W1,W2,W3,W4,JSON," + ",".join(OTHERS))
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--by", choices=("wall", "cpu"), default="wall", help="ratios of wall or of CPU time")
    parser.add_argument("--folder", default="", help="where the data is kept for the next time; else it is temporary")
    return parser.parse_args()


if __name__ == "__main__":
    main()
