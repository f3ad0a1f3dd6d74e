"""How much a run does: enough for steady figures, or just enough to see that everything works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Counts of one round."""

    write_rows: int = 100_000
    single_rows: int = 2_000
    http_requests_large: int = 400
    http_requests_small: int = 5_000
    close_meters: int = 100_000
    clients: int = 100
    events: int = 200
    events_per_second: float = 20


FULL = Scale()
QUICK = Scale(
    write_rows=5_000,
    single_rows=100,
    http_requests_large=20,
    http_requests_small=200,
    close_meters=5_000,
    clients=10,
    events=20,
)
