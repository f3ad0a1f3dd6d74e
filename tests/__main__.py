"""``make test``: every check and test, in three lanes at once, because much of a test is waiting for servers.

A lane goes through its commands one after the other. Each pytest has servers, ports and databases of its own,
and runs its tests in the order they always have. What is printed is whole: a lane's failures come in one
piece, when it has ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LINT = ["make", "--no-print-directory", "--keep-going", "lint"]
PYTEST = [sys.executable, "-m", "pytest", "--durations=15", "--cov", "--cov-report="]
LANES = (("tests/unit", "tests/db"), ("tests/integration",), ("tests/faults", "tests/e2e"))
"""The folders of each lane. tests/db needs both editions for every test; the last lane mostly waits."""
NO_TESTS = 5
"""What pytest ends with when nothing in a lane is what was asked for: then the other lane has it."""
COVERAGE = [sys.executable, "-m", "coverage"]


@dataclass
class Lane:
    """Commands that run one after the other, each even if the one before has failed."""

    name: str
    commands: Sequence[Sequence[str]]
    failed: bool = False
    kept: list[str] = field(default_factory=list)
    """What a command printed after its progress: shown when it has ended."""
    running: subprocess.Popen[str] | None = None
    ended: bool = False

    @property
    def coverage(self) -> str:
        """Where its coverage is kept."""
        return f".coverage-{self.name}"

    def run(self) -> None:
        for command in self.commands:
            if self.ended:
                return
            self.running = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env={**os.environ, "COVERAGE_FILE": str(CHECKOUT / self.coverage)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C comes through us, once
            )
            assert self.running.stdout is not None
            for line in self.running.stdout:
                self._take(line)
            self.failed |= self.running.wait() not in (0, NO_TESTS)
            print("".join(self.kept), end="", flush=True)
            self.kept.clear()

    def end(self) -> None:
        """Let what runs clean up behind itself, and begin nothing else."""
        self.ended = self.failed = True
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(signal.SIGINT)

    def _take(self, line: str) -> None:
        if self.kept or (line.startswith("=====") and "test session starts" not in line):
            self.kept.append(line)
        else:
            print(f"{self.name:<12} {line}", end="", flush=True)


def run(lanes: Sequence[Lane]) -> bool:
    """Run the lanes at once; whether all went well. An interrupt ends them."""
    threads = [threading.Thread(target=lane.run, daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        for lane in lanes:
            lane.end()
        for thread in threads:
            thread.join(60)
    return not any(lane.failed for lane in lanes)


def hear_signals() -> None:
    """Be interrupted by either signal.

    A script's background job begins with SIGINT ignored, and so would all that it starts: what ends them.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def main() -> int:
    given = sys.argv[1:]
    hear_signals()
    begun = time.monotonic()
    one = Lane("one", [LINT, [*PYTEST, *given, *LANES[0]]])
    others = [
        Lane(name, [[*PYTEST, *given, *folders]])
        for name, folders in zip(("two", "three"), LANES[1:], strict=True)
    ]
    well = run([one, *others])
    found = [lane.coverage for lane in (one, *others) if (CHECKOUT / lane.coverage).exists()]
    if found:
        subprocess.run([*COVERAGE, "combine", "--quiet", *found], cwd=CHECKOUT, check=False)
        subprocess.run([*COVERAGE, "report", "--skip-covered"], cwd=CHECKOUT, check=False)
    print(
        f"{'every check and test passed' if well else 'FAILED: see above'}, {time.monotonic() - begun:.0f} s"
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
