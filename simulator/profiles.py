"""Load shapes: the BDEW standard load profiles of 2025, varied per meter.

`demandlib` gives a year in quarter hours, with weekday, Saturday, Sunday and season, as the power in kW
of a consumer who uses 1,000,000 kWh a year. A meter is that shape times its own yearly use, moved by its own
habits (up to half an hour), times noise of mean 1, so that sums over many meters keep the shape.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from simulator import noise
from simulator.measurement import MWH_PER_KWH, LocalTime, Measurement

QUARTER = 900
PROFILE_YEAR_KWH = 1_000_000
KINDS = ("h25", "g25")
# Median yearly use in kWh, and how far meters spread around it (sigma of the logarithm).
YEARLY_USE = {"h25": (3_200.0, 0.45), "g25": (18_000.0, 0.8)}
COMMERCE_SHARE = {"households": 0.0, "commerce": 1.0, "mix": 0.15}
SLOW_NOISE, FAST_NOISE = 0.55, 0.3


def year_profile(kind: str, year: int) -> NDArray[np.float64]:
    """Power, in kW, in every quarter hour of a local year, for 1,000,000 kWh a year."""
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from demandlib import bdew  # type: ignore[import-untyped, unused-ignore]

    shape = {"h25": bdew.H25, "g25": bdew.G25}[kind]
    quarters = pd.date_range(f"{year}-01-01 00:00", f"{year}-12-31 23:45", freq="15min")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # demandlib's use of pandas, not ours
        return np.asarray(shape(quarters), dtype=np.float64)


class Profiles:
    """A `Source` of readings shaped by the standard load profiles."""

    def __init__(self, *, seed: int, meters: int, interval: int, mix: str, zone: str) -> None:
        everyone = np.arange(meters, dtype=np.int64)
        self._seed, self._interval, self._local = seed, interval, LocalTime(zone)
        self._commerce = noise.uniform(seed, "kind", everyone) < COMMERCE_SHARE[mix]
        self._use = np.zeros(meters)
        for kind, chosen in (("h25", ~self._commerce), ("g25", self._commerce)):
            median, spread = YEARLY_USE[kind]
            self._use[chosen] = median * np.exp(spread * noise.normal(seed, "use", everyone[chosen]))
        self._shift = np.rint((noise.uniform(seed, "shift", everyone) - 0.5) * 3600).astype(np.int64)
        self._years: dict[tuple[str, int], NDArray[np.float64]] = {}

    def yearly_use(self, meters: NDArray[np.int64]) -> NDArray[np.float64]:
        """The kWh that the meters use in a year, before noise."""
        return self._use[meters]

    def measure(self, tick: int, meters: NDArray[np.int64]) -> Measurement:
        """Energy of the interval that begins at `tick`."""
        parts = max(1, self._interval // QUARTER)
        power = np.zeros(len(meters))
        for part in range(parts):
            middle = tick + (2 * part + 1) * self._interval // (2 * parts)
            power += self._power(middle, meters) / parts
        power *= noise.around_one(self._seed, "fast", meters, tick, FAST_NOISE)
        energy = np.rint(power * (self._interval / 3600.0) * MWH_PER_KWH).astype(np.int64)
        voltage = (
            231.0 + 1.6 * noise.normal(self._seed, "voltage", meters, tick) - 0.6 * np.minimum(power, 10)
        )
        current = power * 1000.0 / voltage
        return Measurement(meters, energy, np.round(voltage, 1), np.round(current, 2))

    def _power(self, instant: int, meters: NDArray[np.int64]) -> NDArray[np.float64]:
        local = self._local.seconds(instant)
        year = datetime.fromtimestamp(local, UTC).year
        start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        where = (local - start + self._shift[meters]) // QUARTER
        household, trade = self._year("h25", year), self._year("g25", year)
        where %= len(household)
        shape = np.where(self._commerce[meters], trade[where], household[where])
        power: NDArray[np.float64] = shape * (self._use[meters] / PROFILE_YEAR_KWH)
        return power * noise.around_one(self._seed, "slow", meters, instant // QUARTER, SLOW_NOISE)

    def _year(self, kind: str, year: int) -> NDArray[np.float64]:
        if (kind, year) not in self._years:
            self._years[kind, year] = year_profile(kind, year)
        return self._years[kind, year]
