"""Counts readings, which Locust does not: a request holds many. Of all processes of a run together."""

from __future__ import annotations

from collections import Counter
from typing import Any

_here: Counter[str] = Counter()
_told: Counter[str] = Counter()
_elsewhere: Counter[str] = Counter()


def add(**numbers: int) -> None:
    """Count what became of a batch."""
    _here.update(numbers)


def news() -> dict[str, int]:
    """What a worker has not told its master yet."""
    news = dict(_here - _told)
    _told.update(news)
    return news


def heard(data: dict[str, Any]) -> None:
    """A worker told."""
    _elsewhere.update(data.get("readings", {}))


def text() -> str:
    """All of it in words; empty if there was nothing."""
    return ", ".join(f"{what} {number:,}" for what, number in (_here + _elsewhere).items())
