"""The meters: their codes, and the readings they send at an instant, ready to be put on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from simulator.faults import FaultModel
from simulator.measurement import MWH_PER_KWH, Measurement, Source


@dataclass(frozen=True)
class Delivery:
    """Readings to send now, each a JSON object."""

    readings: list[str]
    held: int = 0
    late: int = 0
    repeats: int = 0


def meter_code(meter: int) -> str:
    """The public name of a simulated meter; the first is SIM-00001."""
    return f"SIM-{meter + 1:05d}"


def iso(instant: int) -> str:
    """An instant as ISO 8601, UTC."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Fleet:
    """`meters` simulated meters that read a source, with faults."""

    def __init__(self, source: Source, faults: FaultModel, *, meters: int, regions: tuple[str, ...]) -> None:
        self._source, self._faults = source, faults
        self.codes = [meter_code(meter) for meter in range(meters)]
        self.everyone = np.arange(meters, dtype=np.int64)
        self._regions = regions

    @property
    def delays(self) -> dict[str, int]:
        """Seconds by which held-back readings are late, by kind of fault."""
        return self._faults.delays()

    def region(self, meter: int) -> str:
        """Meters are dealt to the regions in turn."""
        return self._regions[meter % len(self._regions)]

    def readings(self, tick: int, meters: NDArray[np.int64]) -> Measurement:
        """The readings of `tick` as measured (faults of the value included), however they travel."""
        return self._faults.distort(tick, self._source.measure(tick, meters))

    def due(self, tick: int, meters: NDArray[np.int64], *, origin: int) -> Delivery:
        """What the meters send once the interval that begins at `tick` is over: its readings, and older ones
        that were held back until now.

        `origin` is the first tick of the run: nothing older is sent.
        """
        fresh = self.readings(tick, meters)
        held = self._faults.held_back(tick, fresh.meters)
        now = fresh.only(~held)
        delivery = [self.encode(tick, now)]
        counts = {"late": 0, "duplicate": 0}
        for kind, delay in self._faults.delays().items():
            if tick - delay >= origin:
                older = self._chosen(kind, tick - delay, meters)
                counts[kind] = len(older)
                delivery.append(self.encode(tick - delay, older))
        readings = [reading for part in delivery for reading in part]
        return Delivery(readings, int(held.sum()), counts["late"], counts["duplicate"])

    def overdue(self, after: int, tick: int, *, origin: int) -> Delivery:
        """Held-back readings of `tick` whose turn would come only after the run ended, at `after`."""
        delay = self._faults.delays().get("late", 0)
        if not delay or tick < origin or tick + delay <= after:
            return Delivery([])
        late = self._chosen("late", tick, self.everyone)
        return Delivery(self.encode(tick, late), late=len(late))

    def _chosen(self, kind: str, tick: int, meters: NDArray[np.int64]) -> Measurement:
        choose = self._faults.held_back if kind == "late" else self._faults.repeated
        return self.readings(tick, meters[choose(tick, meters)])

    def encode(self, tick: int, measured: Measurement) -> list[str]:
        """Each reading as JSON.

        Numbers are written shortest-exact, so the energy arrives to the milliwatt-hour.
        """
        head = f'","timestamp":"{iso(tick)}","kwh":'
        codes = self.codes
        return [
            f'{{"meter_id":"{codes[meter]}{head}{energy!r},"voltage":{voltage!r},"current":{current!r}}}'
            for meter, energy, voltage, current in zip(
                measured.meters.tolist(),
                (measured.energy / MWH_PER_KWH).tolist(),
                measured.voltage.tolist(),
                measured.current.tolist(),
                strict=True,
            )
        ]
