"""``python -m bench`` (``make bench``): every figure in one run on this machine, in several rounds.

A round measures everything once; rounds rather than repeats, so that a drift of the machine shows as spread
in every figure instead of as a difference between two. Nothing here is a test: no figure passes or fails.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.environment import running
from bench.figures import Figures
from bench.measures import Measures
from bench.scale import FULL, QUICK
from stack.paths import CHECKOUT
from stack.process import ServerError
from stack.progress import SetupError

WORKERS = {"http": "ingest", "commit": "relay"}  # which measures need which
RATIOS = (
    ("http, 500 a request.rows_s", "copy, one commit.rows_s"),
    ("http, 500 a request.rows_s", "copy, 500 a commit, 1 connection.rows_s"),
    ("http, 500 a request.rows_s", "copy, 500 a commit, 2 connections.rows_s"),
    ("http, 500 a request.rows_s", "insert, 500 a commit, 1 connection.rows_s"),
    ("http, 500 a request.rows_s", "insert, 500 a commit, 2 connections.rows_s"),
    ("http, 1 a request.rows_s", "copy, 1 a commit, 1 connection.rows_s"),
    ("http, 500 a request.rows_s", "http, 1 a request.rows_s"),
    ("insert, 500 a commit, 1 connection.rows_s", "copy, 500 a commit, 1 connection.rows_s"),
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="few rows: only to see that everything works")
    parser.add_argument(
        "--only", default="", help="only measures whose name begins with this, e.g. copy or http"
    )
    parser.add_argument(
        "--directory", type=Path, help="where the servers keep their data (default: a temporary folder)"
    )
    return parser.parse_args()


def about() -> dict[str, object]:
    """What the figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "processor": model,
        "processors": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "python": platform.python_version(),
    }


def run(options: argparse.Namespace, directory: Path) -> None:
    scale = QUICK if options.quick else FULL
    figures = Figures()
    facts = about()
    workers = [kind for measure, kind in WORKERS.items() if measure.startswith(options.only[: len(measure)])]
    with running(directory, workers) as environment:
        facts |= {"scale": vars(scale), "rounds": options.rounds, "settings": environment.settings()}
        measures = Measures(environment, scale).all()
        chosen = {name: measure for name, measure in measures.items() if name.startswith(options.only)}
        loads = []
        for number in range(1, options.rounds + 1):
            loads.append(round(os.getloadavg()[0], 2))
            for name, measure in chosen.items():
                print(f"round {number}/{options.rounds}: {name}", end=" ... ", file=sys.stderr, flush=True)
                before = time.monotonic()
                figures.add(name, measure())
                print(f"{time.monotonic() - before:.1f} s", file=sys.stderr, flush=True)
    facts["load_before_rounds"] = loads
    ratios = figures.ratios(RATIOS)
    settings = facts["settings"]
    print(
        f"\n{facts['processors']} x {facts['processor']}, {facts['memory_mib']:,} MiB;"
        f" commit {facts['commit']}"
    )
    print(f"load average before each round: {loads}; servers and load generators share the processors")
    print(f"{settings}\n{scale}\n")
    print("\n".join(figures.lines()))
    print("\nratios of the medians")
    for name, value in ratios.items():
        print(f"  {value:>8.3f}  {name}")
    path = CHECKOUT / "bench" / "results" / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    figures.save(path, facts, ratios)
    print(f"\nkept in {path.relative_to(CHECKOUT)}")


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped and data removed
    directory = options.directory or Path(tempfile.mkdtemp(prefix="segs-bench-"))
    try:
        run(options, directory)
    except (SetupError, ServerError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if options.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
