"""``python -m bench.profile DIRECTORY``: where processor time goes under load, for the documentation.

DIRECTORY is what a run of the API part left behind (``python -m bench api --directory DIRECTORY``, subfolder
``api``). perf looks at the whole machine while wrk sends what the benchmark measures; py-spy looks into the
ingest processes under the same load. Needs Debian's ``linux-perf`` and the rights of root.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from bench import command
from bench.api import data as api_data
from bench.api import kept
from bench.api.requests import Client, requests
from bench.environment import Environment, running
from bench.figures import Sample
from bench.ingest import peers
from bench.parts import ingest
from bench.parts.api import Api
from stack import runtime
from stack.paths import CHECKOUT
from stack.process import ServerError

FOLDER = CHECKOUT / "docs" / "performance" / "profile"
RATE = 499
"""Samples a second: not in step with anything."""
SECONDS = 5
LISTED = 30
"""Functions of a program that are listed."""
LEAST = 0.05
"""Share of the busy time from which on a program's functions are listed."""
IDLE = "swapper"
KERNEL = "[kernel.kallsyms]"
SAMPLE = re.compile(r"^\s*(\S.*?)\s+[0-9a-f]+ (.+) \(([^()]*)\)$")
FRAME = re.compile(r"^(.+) \(([^()]+?)(?::\d+)?\)$")
PACKAGES = ("asyncio", "aiohttp", "redis", "psycopg", "psycopg_pool", "uvloop", "numpy")
"""Libraries of which only the name is shown beside a function; everything else shows its file."""


class Profiler:
    """Watches what the benchmark measures."""

    def __init__(self, environment: Environment, scratch: Path) -> None:
        self._environment = environment
        self._scratch = scratch

    def perf(self, measure: Callable[[], Sample]) -> tuple[Sample, list[tuple[str, str, str]]]:
        """What the load found, and program, function and file of every sample of the machine meanwhile."""
        data = self._scratch / "perf.data"
        record = ["perf", "record", "--quiet", "--all-cpus", "--event", "cpu-clock", "--freq", str(RATE)]
        found = self._watched(measure, [[*record, "--output", str(data)]])
        # while the servers run: their files are found through them
        script = ["perf", "script", "--input", str(data), "--fields", "comm,ip,sym,dso"]
        return found, samples_of(subprocess.run(script, capture_output=True, text=True, check=True).stdout)

    def spy(self, measure: Callable[[], Sample], pids: Mapping[str, int]) -> tuple[Sample, Counter[str]]:
        """What the load found, and how often each stack (outermost first, ``;`` between) was seen."""
        files = {pid: self._scratch / f"{pid}.stacks" for pid in pids.values()}
        record = [str(Path(sys.executable).with_name("py-spy")), "record", "--nonblocking", "--function"]
        record += ["--format", "raw", "--rate", str(RATE), "--duration", "600"]
        commands = [[*record, "--pid", str(pid), "--output", str(file)] for pid, file in files.items()]
        found = self._watched(measure, commands)
        stacks: Counter[str] = Counter()
        for file in files.values():
            stacks += stacks_of(file.read_text(encoding="utf-8"))
        return found, stacks

    def _watched(self, measure: Callable[[], Sample], commands: list[list[str]]) -> Sample:
        @contextmanager
        def watch() -> Iterator[None]:
            said = self._scratch / "watchers.log"
            with said.open("wb") as log:
                watchers = [subprocess.Popen(each, stdout=log, stderr=log) for each in commands]
            time.sleep(0.5)  # until they look; there is nothing to wait on
            try:
                if any(watcher.poll() is not None for watcher in watchers):
                    raise ServerError(f"{commands[0][0]} ended: {said.read_text(encoding='utf-8').strip()}")
                yield
            finally:
                for watcher in watchers:
                    watcher.send_signal(signal.SIGINT)
                for watcher in watchers:
                    watcher.wait(60)

        self._environment.settle()
        self._environment.watch = watch
        try:
            return measure()
        finally:
            self._environment.watch = nullcontext


def samples_of(text: str) -> list[tuple[str, str, str]]:
    """Program, function and file of every sample that perf tells of; a program's threads count as it."""
    matches = [match for line in text.splitlines() if (match := SAMPLE.match(line))]
    return [(re.split("[/:]", match[1])[0], match[2], Path(match[3]).name) for match in matches]


def stacks_of(text: str) -> Counter[str]:
    """How often py-spy saw each stack."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        found[stack] += int(count)
    return found


def table(counts: Counter[str], whole: int, least: int = 1) -> Iterator[str]:
    """The most frequent, in per cent of the whole."""
    for name, count in counts.most_common(LISTED):
        if count >= least:
            yield f"{100 * count / whole:7.1f} %  {name}"


def by_program(samples: list[tuple[str, str, str]]) -> Iterator[str]:
    """Programs of the machine, then the functions of each large one."""
    if not samples:
        raise ServerError("perf saw nothing")
    busy = [sample for sample in samples if sample[0] != IDLE]
    share = 100 * len(busy) / len(samples)
    yield f"{len(samples):,} samples; the processors were busy in {share:.0f} % of them."
    yield ""
    yield "Of the busy ones, by program (in brackets: of which in the kernel)"
    programs = Counter(name for name, _, _ in busy)
    kernel = Counter(name for name, _, file in busy if file == KERNEL)
    for name, count in programs.most_common():
        if count >= 0.005 * len(busy):
            yield f"{100 * count / len(busy):7.1f} %  {name} ({100 * kernel[name] / len(busy):.1f})"
    for name, count in programs.most_common():
        if count < LEAST * len(busy) or name == "wrk":
            continue
        yield from ("", f"{name}: its time by file, then by function itself")
        yield from table(Counter(file for program_, _, file in busy if program_ == name), count, count // 100)
        yield ""
        functions = Counter(f"{what}  ({file})" for program_, what, file in busy if program_ == name)
        yield from table(functions, count, count // 200)


def by_function(stacks: Counter[str]) -> Iterator[str]:
    """Functions by the time spent in them alone, then with all that they call."""
    whole = sum(stacks.values())
    if not whole:
        raise ServerError("py-spy saw nothing")
    alone: Counter[str] = Counter()
    altogether: Counter[str] = Counter()
    for stack, count in stacks.items():
        frames = [shown(frame) for frame in stack.split(";")]
        alone[frames[-1]] += count
        for frame in set(frames):
            altogether[frame] += count
    yield f"{whole:,} samples while a process was not idle."
    yield from ("", "Time in a function alone (what it calls in C counts as its own)")
    yield from table(alone, whole, whole // 200)
    yield from ("", "Time in a function of SEGS with all that it calls")
    yield from table(Counter({f: n for f, n in altogether.items() if "workers/" in f}), whole, whole // 200)


def shown(frame: str) -> str:
    match = FRAME.match(frame)
    if match is None:
        return frame
    package = match[2].split("/")[0]
    return f"{match[1]}  ({package if package in PACKAGES else match[2]})"


def keep(name: str, title: str, found: Sample, lines: Iterator[str]) -> None:
    path = FOLDER / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.txt"
    rate = f"{found['requests_s']:,.0f} requests a second while watched, p95 {found['p95.ms']:.1f} ms."
    path.write_text("\n".join([title, rate, *lines, ""]), encoding="utf-8")
    print(path.relative_to(CHECKOUT))


def profile_ingest(environment: Environment, scratch: Path) -> None:
    loads = ingest.Ingest(environment, ingest.FULL)
    environment.start_redis()
    two = peers.start_segs(environment, "ingest of 2", 2)
    profiler = Profiler(environment, scratch)
    pids = {name: pid for name, pid in environment.pids().items() if name.startswith("ingest")}
    for size, connections in ingest.CONNECTIONS.items():
        title = f"Ingest, {size} a request, two processes, {connections} connections"
        load = partial(loads.load, two, size)
        load()  # nothing that is profiled is done for the first time
        found, samples = profiler.perf(load)
        keep(f"ingest-{size}", f"{title}: perf, whole machine.", found, by_program(samples))
        found, stacks = profiler.spy(load, pids)
        keep(f"ingest-{size}-python", f"{title}: py-spy, both processes.", found, by_function(stacks))


def profile_api(environment: Environment, scratch: Path) -> None:
    grid = api_data.load(environment, 10_000, 5_000)
    asked = requests(grid)
    floor = kept.keep(environment, Client(environment, grid), asked[0])
    environment.start_postgrest()
    environment.start_nginx()
    api = Api(environment, grid, SECONDS)
    profiler = Profiler(environment, scratch)
    for request in (*asked, floor):
        found, samples = profiler.perf(partial(api.rest, request, 16))
        title = f"{request.name} ({request.role}), 16 connections through nginx: perf, whole machine."
        keep(request.name, title, found, by_program(samples))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    if shutil.which("perf") is None:
        parser.error("there is no perf: apt-get install linux-perf")
    return command.run("bench.profile", lambda: write(directory))


def write(directory: Path) -> None:
    """Every load's profile, a file each."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    programs = runtime.ensure(also=("wrk",))
    with tempfile.TemporaryDirectory(prefix="segs-profile-") as name:
        scratch = Path(name)
        # on a new database: readings of an old one would be repeats
        with running(scratch / "ingest", programs) as environment:
            profile_ingest(environment, scratch)
        with running(directory, programs) as environment:
            profile_api(environment, scratch)


if __name__ == "__main__":
    sys.exit(main())
