"""``python -m bench`` (``make bench``): every figure in one run on this machine, in several rounds.

A round measures everything of a part once; rounds rather than repeats, so that a drift of the machine shows
as spread in every figure instead of as a difference between two. Nothing here is a test: no figure passes or
fails.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import command
from bench.environment import running
from bench.figures import Figures
from bench.part import Part, discover
from bench.report import print_part, save
from stack import runtime
from stack.paths import CHECKOUT
from stack.progress import step

PACKAGES = ("wrk",)


def arguments(parts: dict[str, Part]) -> argparse.Namespace:
    listed = "\n".join(f"  {part.name:<10} {part.about}" for part in parts.values())
    title = __doc__.splitlines()[0].replace("`", "")
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{title}\n\nparts (all of them if none is named):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="part", help="see above")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="few rows: only to see that everything works")
    parser.add_argument(
        "--only", default="", help="only measures whose name holds this, or one of several: copy|insert"
    )
    parser.add_argument(
        "--directory", type=Path, help="where the servers keep their data (default: a temporary folder)"
    )
    parser.add_argument("--output", type=Path, help="where the figures go (default: bench/results/)")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in parts]:
        parser.error(f"no such part: {', '.join(unknown)} (there are {', '.join(parts)})")
    return options


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


def run_part(
    part: Part, options: argparse.Namespace, programs: runtime.Runtime, directory: Path
) -> dict[str, object]:
    """Every round of one part, on servers of its own."""
    figures = Figures()
    with running(directory, programs) as environment:
        with step(f"preparing {part.name}"):
            measures = part.prepare(environment, options.quick)
        wanted = options.only.split("|")
        chosen = {name: measure for name, measure in measures.items() if any(text in name for text in wanted)}
        settings = environment.settings()
        loads = []
        for number in range(1, options.rounds + 1):
            loads.append(round(os.getloadavg()[0], 2))
            for name, measure in chosen.items():
                print(f"round {number}/{options.rounds}: {name}", end=" ... ", file=sys.stderr, flush=True)
                environment.settle()
                before = time.monotonic()
                figures.add(name, measure())
                print(f"{time.monotonic() - before:.1f} s", file=sys.stderr, flush=True)
    return print_part(part, figures, {"settings": settings, "load_before_rounds": loads})


def run(chosen: Sequence[Part], options: argparse.Namespace) -> None:
    facts = about() | {"rounds": options.rounds, "quick": options.quick}
    packages = sorted({*PACKAGES, *(name for part in chosen for name in part.packages)})
    programs = runtime.ensure(also=packages)
    print(
        f"{facts['processors']} x {facts['processor']}, {facts['memory_mib']:,} MiB; commit"
        f" {facts['commit']}\nServers and load generators share the processors."
    )
    found: dict[str, object] = {}
    base = options.directory or Path(tempfile.mkdtemp(prefix="segs-bench-"))
    try:
        for part in chosen:
            directory = base / part.name
            directory.mkdir(parents=True, exist_ok=True)
            found[part.name] = run_part(part, options, programs, directory)
            if options.directory is None:
                shutil.rmtree(directory, ignore_errors=True)
    finally:
        if options.directory is None:
            shutil.rmtree(base, ignore_errors=True)
        if found:
            save(options.output, facts, found)


def main() -> int:
    parts = discover()
    options = arguments(parts)
    return command.run("bench", lambda: run([parts[name] for name in options.parts or parts], options))


if __name__ == "__main__":
    sys.exit(main())
