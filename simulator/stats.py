"""What happened: counters that add up, and latencies."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LATENCIES_KEPT = 10_000


def percentile(seconds: Iterable[float], share: float) -> float:
    """What `share` of the batches took at most, from the first attempt to the answer; 0 if there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass
class Answer:
    """What the platform said about one batch."""

    accepted: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    queued: int = 0

    def __add__(self, other: Answer) -> Answer:
        return Answer(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
            self.queued + other.queued,
        )


@dataclass
class Statistics:
    """Counters of a run. Once every batch is answered, sent = accepted + duplicates + rejected + queued."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    queued: int = 0
    batches: int = 0
    retries: int = 0
    cycles: int = 0
    held: int = 0
    late: int = 0
    repeats: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    retry_reasons: Counter[str] = field(default_factory=Counter)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    waiting: str | None = None

    @property
    def answered(self) -> int:
        """Readings the platform has taken responsibility for, or refused."""
        return self.accepted + self.duplicates + self.queued + self.rejected.total()

    def record(self, answer: Answer, seconds: float) -> None:
        """Count one answered batch. Called exactly once a batch, however often it had to be sent."""
        self.batches += 1
        self.accepted += answer.accepted
        self.duplicates += answer.duplicates
        self.queued += answer.queued
        self.rejected.update(answer.rejected)
        self.latencies.append(seconds)
        self.recent.append(seconds)
        self.waiting = None

    def retried(self, reason: str) -> None:
        """Count one attempt that has to be made again. What stands after a colon may differ each time."""
        self.retries += 1
        self.retry_reasons[reason.partition(":")[0]] += 1
        self.waiting = reason

    def summary(self, seconds: float) -> dict[str, Any]:
        """The whole run, as it is printed with --json."""
        return {
            "seconds": round(seconds, 3),
            "cycles": self.cycles,
            "batches": self.batches,
            "sent": self.sent,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "queued": self.queued,
            "rejected": dict(self.rejected),
            "unanswered": self.sent - self.answered,
            "retries": self.retries,
            "retry_reasons": dict(self.retry_reasons),
            "faults": {"held_back": self.held, "sent_late": self.late, "sent_twice": self.repeats},
            "readings_per_second": round(self.answered / seconds) if seconds > 0 else 0,
            "latency_ms": {
                "p50": round(percentile(self.latencies, 0.5) * 1000, 1),
                "p99": round(percentile(self.latencies, 0.99) * 1000, 1),
            },
        }
