"""`python -m tests.benchmarks NAME [--events N]`: a table, and as the last line JSON of the ratios.

Each contender runs in fresh processes, in turn; the median of their CPU seconds counts. What is
printed is kept beside the logs, under `.demo/`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil

from tests.benchmarks import log

# These draw their own data, and measure no time.
DRAWN = {"power", "error_rates", "metric_worlds", "impact_worlds"}


def main() -> None:
    given = _parser().parse_args()
    if given.name in DRAWN:
        importlib.import_module(f"tests.benchmarks.{given.name}").main()
        return
    folder = log(given.events)
    benchmark = importlib.import_module(f"tests.benchmarks.{given.name}")
    if given.contender:
        print(json.dumps(_measured(benchmark, given.contender, folder)))
        return
    lacking = [n for n, needs in getattr(benchmark, "NEEDS", {}).items() if not find_spec(needs)]
    measured = {name: [] for name in benchmark.CONTENDERS if name not in lacking}
    for _round in range(given.rounds):
        for name in measured:
            measured[name].append(_in_fresh_process(given, name))
    lines = [*_told(benchmark, measured, given.events)]
    lines[-1:-1] = [f"{name:24} is left out: its package is not installed" for name in lacking]
    print("\n".join(lines))
    folder.with_name(f"{given.name}-{given.events}.txt").write_text("\n".join(lines) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = [path.stem for path in Path(__file__).parent.glob("[a-z]*.py")]
    parser.add_argument("name", choices=sorted(names))
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    return parser


def _in_fresh_process(given: argparse.Namespace, name: str) -> dict:
    command = [sys.executable, "-m", "tests.benchmarks", given.name, "--contender", name]
    told = subprocess.run(
        [*command, "--events", str(given.events)], check=True, capture_output=True, text=True
    )
    return json.loads(told.stdout.splitlines()[-1])


def _measured(benchmark, name: str, folder: Path) -> dict:
    """CPU seconds of one contender, its set-up left out, its peak memory and its result.

    A server that it has started counts with it; of its memory, what it has at the end.
    """
    run = benchmark.CONTENDERS[name](folder)
    before = _cpu_seconds()
    result = run()
    seconds = _cpu_seconds() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak += sum(each.memory_info().rss for each in psutil.Process().children(recursive=True))
    return {"seconds": seconds, "peak_mb": peak >> 20, "result": result}


def _cpu_seconds() -> float:
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _told(benchmark, measured: dict[str, list[dict]], events: int) -> Iterator[str]:
    seconds = {n: statistics.median(m["seconds"] for m in ms) for n, ms in measured.items()}
    yield f"{benchmark.__doc__.splitlines()[0]} ({events:,} events)"
    for name, each in measured.items():
        peak = max(m["peak_mb"] for m in each)
        yield f"{name:24} {seconds[name]:8.2f} CPU s  {peak:6,} MB  {each[0]['result']}"
    ours, *others = seconds
    yield json.dumps({other: round(seconds[ours] / seconds[other], 2) for other in others})


if __name__ == "__main__":
    main()
