"""The ingest worker's metrics."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from workers.ingest.plan import Outcome, Plan
from workers.ingest.readings import CONFLICT

WRITE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
GROUP_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class IngestMetrics:
    """Counts requests by status and readings by outcome, and times writes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        readings = Counter(
            "segs_ingest_readings", "Readings answered, by outcome.", ["outcome"], registry=registry
        )
        self._accepted = readings.labels("accepted")
        self._duplicate = readings.labels("duplicate")
        self._conflict = readings.labels("conflict")
        self._rejected = readings.labels("rejected")
        self._requests = Counter(
            "segs_ingest_requests",
            "Requests to /telemetry/batch, by HTTP status.",
            ["status"],
            registry=registry,
        )
        self._by_status = {200: self._requests.labels("200")}
        self._seconds = Histogram(
            "segs_ingest_write_seconds",
            "Time of one write, commit included.",
            buckets=WRITE_BUCKETS,
            registry=registry,
        )
        self._group = Histogram(
            "segs_ingest_write_requests",
            "Requests that shared one write.",
            buckets=GROUP_BUCKETS,
            registry=registry,
        )
        self._mistaken = Counter(
            "segs_ingest_copy_conflicts",
            "Writes that met a duplicate nobody suspected, and were done again by INSERT.",
            registry=registry,
        )
        self._registry = registry

    def request(self, status: int) -> None:
        """Count an answer."""
        child = self._by_status.get(status)
        if child is None:
            child = self._by_status[status] = self._requests.labels(str(status))
        child.inc()

    def written(self, plan: Plan, outcomes: list[Outcome], seconds: float) -> None:
        """Count what a committed write answered."""
        duplicates = sum(outcome.duplicates for outcome in outcomes)
        refused = [code for outcome in outcomes for _, code in outcome.refused]
        conflicts = refused.count(CONFLICT)
        self._accepted.inc(sum(job.count for job in plan.jobs) - duplicates - len(refused))
        self._duplicate.inc(duplicates)
        self._conflict.inc(conflicts)
        self._rejected.inc(sum(job.rejected for job in plan.jobs) + len(refused) - conflicts)
        self._seconds.observe(seconds)
        self._group.observe(len(plan.jobs))

    def mistaken(self) -> None:
        """Count a write whose COPY met a duplicate."""
        self._mistaken.inc()

    def rejected(self, count: int) -> None:
        """Count rejections that needed no write."""
        self._rejected.inc(count)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is scraped."""
        Gauge(name, text, registry=self._registry).set_function(read)
