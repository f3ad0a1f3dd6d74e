"""What a source of readings gives for some meters at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

MWH_PER_KWH = 1_000_000


@dataclass(frozen=True)
class Measurement:
    """Columns of equal length, one row a meter.

    Energy is in milliwatt-hours, whole as the platform stores it.
    """

    meters: NDArray[np.int64]
    energy: NDArray[np.int64]
    voltage: NDArray[np.float64]
    current: NDArray[np.float64]

    def only(self, keep: NDArray[np.bool_]) -> Measurement:
        """The rows for which `keep` is true."""
        return Measurement(self.meters[keep], self.energy[keep], self.voltage[keep], self.current[keep])

    def __len__(self) -> int:
        return len(self.meters)


class Source(Protocol):
    """Where energy comes from: a load profile, or a record of measurements."""

    def measure(self, tick: int, meters: NDArray[np.int64]) -> Measurement:
        """The interval that begins at `tick` (seconds since 1970, UTC), without meters that have no value."""
        ...


class LocalTime:
    """UTC to the time of day where the meters stand."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offsets: dict[int, int] = {}

    def seconds(self, instant: int) -> int:
        """Seconds since 1970-01-01 00:00 of the local calendar; the offset only changes at quarter hours."""
        quarter = instant // 900
        if quarter not in self._offsets:
            if len(self._offsets) > 10_000:
                self._offsets.clear()
            offset = datetime.fromtimestamp(quarter * 900, UTC).astimezone(self._zone).utcoffset()
            self._offsets[quarter] = int(offset.total_seconds()) if offset is not None else 0
        return instant + self._offsets[quarter]
