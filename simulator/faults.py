"""What goes wrong in a real fleet, in chosen shares.

Everything is drawn from (seed, meter, time), so a held-back reading needs no memory: the late readings that
are due at an instant are those of the instant `late_minutes` earlier that the draw names. A restart forgets
none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator import noise
from simulator.measurement import MWH_PER_KWH, Measurement

WINDOW = 900
SPIKE_KWH_A_WINDOW = 150
SILENCE = 7200


@dataclass(frozen=True)
class Faults:
    """Shares between 0 and 1.

    Of readings (duplicate, late), of meters and windows (negative, zero, spike), of meters (silent).
    """

    duplicate: float = 0.0
    late: float = 0.0
    negative: float = 0.0
    zero: float = 0.0
    spike: float = 0.0
    silent: float = 0.0
    duplicate_minutes: int = 5
    late_minutes: int = 20

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read `none`, `default`, or `name=share,...`."""
        if text in ("", "none"):
            return cls()
        if text == "default":
            return cls(duplicate=0.02, late=0.01, negative=0.001, zero=0.002, spike=0.002, silent=0.01)
        values: dict[str, float | int] = {}
        known = [field.name for field in fields(cls)]
        for item in text.split(","):
            name, equals, value = item.strip().partition("=")
            if name not in known or not equals:
                raise ValueError(f"unknown fault {item!r}; known are {', '.join(known)}, each as name=value")
            values[name] = _minutes(name, value) if name.endswith("_minutes") else _share(name, value)
        return cls(**values)  # type: ignore[arg-type]

    def delays(self) -> dict[str, int]:
        """Seconds after which readings of a kind are sent (again), for the kinds that occur."""
        delays = {"late": self.late_minutes * 60 if self.late else 0}
        delays["duplicate"] = self.duplicate_minutes * 60 if self.duplicate else 0
        return {kind: seconds for kind, seconds in delays.items() if seconds}


def _share(name: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"fault {name}={value}: a share is a number from 0 to 1")
    return share


def _minutes(name: str, value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 1440:
        raise ValueError(f"fault {name}={value}: from 1 to 1440 whole minutes")
    return int(value)


class FaultModel:
    """Applies the shares to measurements."""

    def __init__(self, faults: Faults, *, seed: int, interval: int) -> None:
        self.faults, self._seed, self._interval = faults, seed, interval

    def delays(self) -> dict[str, int]:
        """As `Faults.delays`, in whole intervals: what is held back goes with a later cycle."""
        step = self._interval
        return {kind: -(-delay // step) * step for kind, delay in self.faults.delays().items()}

    def distort(self, tick: int, measured: Measurement) -> Measurement:
        """Silent meters are left out; negative, zero and spiking ones are changed for a whole window."""
        faults = self.faults
        if faults.silent:
            heard = noise.uniform(self._seed, "silent", measured.meters, tick // SILENCE) >= faults.silent
            measured = measured.only(heard)
        if not (faults.spike or faults.negative or faults.zero):
            return measured
        draw = noise.uniform(self._seed, "fault", measured.meters, tick // WINDOW)
        spike = draw < faults.spike
        negative = ~spike & (draw < faults.spike + faults.negative)
        zero = ~spike & ~negative & (draw < faults.spike + faults.negative + faults.zero)
        energy = measured.energy.copy()
        energy[spike] += SPIKE_KWH_A_WINDOW * MWH_PER_KWH * self._interval // WINDOW
        energy[negative] = -np.maximum(energy[negative], 1)
        energy[zero] = 0
        return Measurement(measured.meters, energy, measured.voltage, measured.current)

    def held_back(self, tick: int, meters: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whose reading of `tick` is sent late."""
        return noise.uniform(self._seed, "late", meters, tick) < self.faults.late

    def repeated(self, tick: int, meters: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whose reading of `tick` is sent a second time later (one that was sent in time the first time)."""
        again = noise.uniform(self._seed, "duplicate", meters, tick) < self.faults.duplicate
        return again & ~self.held_back(tick, meters)
