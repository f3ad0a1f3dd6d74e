from __future__ import annotations

import pytest

from workers.ingest import rate
from workers.ingest.rate import RateLimiter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("workers.ingest.rate.time.monotonic", lambda: now[0])
    return now


def test_a_burst_passes_then_the_rate(clock: list[float]) -> None:
    limiter = RateLimiter(10, 5)
    assert [limiter.delay("a") for _ in range(5)] == [0.0] * 5
    assert limiter.delay("a") == pytest.approx(0.1)
    clock[0] += 0.1
    assert limiter.delay("a") == 0.0
    assert limiter.delay("a") > 0


def test_devices_do_not_share(clock: list[float]) -> None:
    limiter = RateLimiter(1, 1)
    assert limiter.delay("a") == 0.0
    assert limiter.delay("b") == 0.0
    assert limiter.delay("a") == pytest.approx(1.0)


def test_a_refused_request_costs_nothing(clock: list[float]) -> None:
    limiter = RateLimiter(1, 1)
    limiter.delay("a")
    delays = [limiter.delay("a") for _ in range(10)]
    assert delays == [pytest.approx(1.0)] * 10


def test_zero_is_unlimited(clock: list[float]) -> None:
    limiter = RateLimiter(0, 1)
    assert not any(limiter.delay("a") for _ in range(100))


def test_memory_is_bounded(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MAX_BUCKETS", 10)
    limiter = RateLimiter(1, 2)
    for number in range(1000):
        limiter.delay(number)
    assert len(limiter._full_at) <= 10
