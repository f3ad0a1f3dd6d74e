"""The options of a run, checked once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simulator.faults import Faults

DAY = 86_400
REGIONS = ("north", "south", "east", "west", "central")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}


def duration(text: str) -> int:
    """Seconds of `90s`, `30m`, `6h`, `1d`, or `1d12h`."""
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise ValueError(f"{text!r} is not a duration; write 30m, 6h, 1d or 1d12h")
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))


@dataclass(frozen=True)
class Options:
    """A whole run. Times are in seconds."""

    meters: int = 100
    interval: int = 60
    mode: str = "http"
    target: str = "http://127.0.0.1:8080"
    tenant: str = "demo"
    database_url: str | None = None
    regions: tuple[str, ...] = REGIONS
    iterations: int | None = None
    speed: float | None = None
    history: int = 0
    seed: int = 1
    profile: str = "households"
    replay: str | None = None
    zone: str = "Europe/Berlin"
    batch: int = 500
    concurrency: int = 8
    timeout: float = 30.0
    token: str | None = field(default=None, repr=False)
    operator_token: str | None = field(default=None, repr=False)
    faults: Faults = field(default_factory=Faults)
    json: bool = False
