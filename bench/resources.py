"""What a server and all its children cost: processor time and memory, as the kernel counts them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psutil

MIB = 1024 * 1024


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def cpu_seconds(pid: int) -> float:
    """Processor time of a process tree so far, of children that have ended too."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_mib(pid: int) -> float:
    """Proportional set size of a process tree: shared memory is counted once."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += process.memory_full_info().pss
    return total / MIB


@dataclass
class Cost:
    """What a block of work cost each server."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    """Processor seconds by server."""

    def merged(self) -> Cost:
        """The same, the processes of one service taken together: "ingest of 2 1" counts as "ingest"."""
        cpu: dict[str, float] = {}
        for name, spent in self.cpu.items():
            service = name.split(" of ")[0]
            cpu[service] = cpu.get(service, 0.0) + spent
        return Cost(self.seconds, cpu)

    def each(self, count: float) -> dict[str, float]:
        """Processor microseconds for each of ``count`` things, by server, and together."""
        found = {f"{name} cpu.us": spent / count * 1e6 for name, spent in self.cpu.items()}
        return {**found, "all servers cpu.us": sum(self.cpu.values()) / count * 1e6}


@contextlib.contextmanager
def cost_of(pids: Mapping[str, int]) -> Iterator[Cost]:
    """Measure what the block costs the servers with these process ids, by name."""
    cost = Cost()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    begun = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - begun
        cost.cpu = {name: max(0.0, cpu_seconds(pid) - before[name]) for name, pid in pids.items()}
