"""From JSON to rows: the shape of a reading, and what it may claim.

The rules and their words are those of ingest.judge() too: tests/vectors/readings.json holds both to them.

The shape is written down twice. :class:`Reading` is decoded from a whole body at once, and refuses the whole;
:func:`fault` checks one value after the other, and says what is wrong. What one accepts the other does.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct
from msgspec.json import encode

from workers.ingest.rows import pack_row, pack_rows

MWH_PER_KWH = 1_000_000
MICROSECONDS = 1_000_000
MAX_KWH = 1e9  # far beyond any limit, and within what a double counts exactly in mWh
NEAR_TIE = 0.499
MANY = 16
"""Readings in a batch from which it is packed by columns."""

METER_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# RFC 3339, seconds and colon of the zone optional; more than microseconds is cut off.
TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
    r"([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)",
    re.ASCII,
)
FIELDS = frozenset({"meter_id", "timestamp", "kwh", "voltage", "current"})
REQUIRED = ("meter_id", "timestamp", "kwh")
BOUNDS = {"voltage": (0, 1_000_000), "current": (-100_000, 100_000)}

FOREVER = np.iinfo(np.int64).max
METER_NUMBERS = 7
_PACK_METER = struct.Struct(f"={METER_NUMBERS}q").pack

INVALID_READING = "invalid_reading"
UNKNOWN_METER = "unknown_meter"
TIME_IN_FUTURE = "time_in_future"
TIME_TOO_OLD = "time_too_old"
ENERGY_OUT_OF_RANGE = "energy_out_of_range"
NEGATIVE_ENERGY = "negative_energy"
ENERGY_ABOVE_CONNECTION = "energy_above_connection"
CONFLICT = "conflict"
TOO_CLOSE = "too_close"


class Malformed:
    """Stands for a line that is not JSON: a value that no reading can be."""


MALFORMED = Malformed()


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter's internal key, and what its readings may claim (ingest.meter_rules)."""

    key: int
    highest: int
    """mWh of one reading."""
    feeds_in: bool
    """Whether readings may be negative."""
    interval: int
    """Microseconds."""
    end: bool
    """Whether its readings are stamped with the end of their interval, where the device says nothing."""
    until: int = FOREVER
    """When it retired (Unix time in microseconds)."""
    past: tuple[tuple[int, bool], ...] = ()
    """Until when it fed in or did not, in order; from the last one on, as ``feeds_in`` says."""

    past_intervals: tuple[tuple[int, int], ...] = ()
    """Until when readings had another interval, in order."""
    packed: bytes = field(init=False, repr=False)
    """The numbers, for many meters to become one array; the last says whether there is a past."""

    def __post_init__(self) -> None:
        changed = bool(self.past or self.past_intervals)
        numbers = (self.key, self.highest, self.feeds_in, self.interval, self.end, self.until, changed)
        object.__setattr__(self, "packed", _PACK_METER(*numbers))

    def start(self, stamp: int, end: bool | None) -> int:
        """The start of an interval, by a timestamp."""
        if not (self.end if end is None else end):
            return stamp
        lengths = (length for until, length in self.past_intervals if stamp - length < until)
        return stamp - next(lengths, self.interval)

    def may_be_negative(self, ts: int) -> bool:
        """Whether it feeds in at a time."""
        return next((feeds_in for until, feeds_in in self.past if ts < until), self.feeds_in)


class Reading(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One reading of the right shape: ``kwh`` in kWh, ``voltage`` in V, ``current`` in A."""

    meter_id: Annotated[str, Meta(min_length=1, max_length=64)]
    timestamp: Annotated[str, Meta(min_length=1, max_length=40)]
    kwh: float
    voltage: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    current: Annotated[float, Meta(ge=-100_000, le=100_000)] | None = None


@dataclass(frozen=True)
class Limits:
    """What a reading may claim: the row of ingest.limits."""

    max_ahead: timedelta
    max_age: timedelta
    max_energy: int
    min_spacing: timedelta = timedelta(seconds=1)

    @cached_property
    def spacing(self) -> int:
        """Microseconds that two readings of a meter are apart at least."""
        return self.min_spacing // timedelta(microseconds=1)

    @cached_property
    def messages(self) -> dict[str, str]:
        """The words of each rejection, with the numbers of the limits."""
        kwh = _number(Decimal(self.max_energy) / MWH_PER_KWH)
        return {
            UNKNOWN_METER: "no such meter",
            TIME_IN_FUTURE: f"timestamp is more than {duration(self.max_ahead)} ahead",
            TIME_TOO_OLD: f"timestamp is older than the accepted age of {duration(self.max_age)}",
            ENERGY_OUT_OF_RANGE: f"kwh is outside -{kwh} to {kwh}",
            NEGATIVE_ENERGY: "kwh is negative, and the meter feeds nothing in",
            CONFLICT: "another value is stored for this meter and time",
            TOO_CLOSE: f"another reading of the meter is less than {duration(self.min_spacing)} away",
            ENERGY_ABOVE_CONNECTION: "kwh is more than the meter's connection carries in an interval",
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reading refused, and why. ``reading`` is what was sent if its shape is good (for quarantine)."""

    index: int
    code: str
    message: str
    reading: dict[str, Any] | None = None


@dataclass
class Screened:
    """A batch after screening: the good readings, packed (see :mod:`workers.ingest.rows`), and the rest."""

    readings: Sequence[Reading | None]
    """All of the batch."""
    packed: bytes = b""
    count: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    def index(self, place: int) -> int:
        """Where in the batch a good reading is, by its place among the good ones."""
        return self._indexes[place]

    def accepted_as_sent(self, place: int) -> str:
        """A good reading as JSON, by its place among the good ones."""
        return encode(self.readings[self.index(place)]).decode()

    @cached_property
    def _indexes(self) -> Sequence[int]:
        if not self.rejections:
            return range(len(self.readings))
        rejected = {item.index for item in self.rejections}
        return [index for index in range(len(self.readings)) if index not in rejected]


def shape(items: list[Any]) -> list[Reading | None]:
    """Each item as a reading, or None if it is none (see :func:`fault`)."""
    return [None if fault(item) else _reading(item) for item in items]


def meter_codes(readings: Sequence[Reading | None]) -> list[str]:
    """The meters that a batch names, each as often as it does."""
    return [reading.meter_id for reading in readings if reading is not None]


def well_formed(codes: Iterable[str]) -> set[str]:
    """Those that can be meter codes."""
    return {code for code in codes if METER_CODE.fullmatch(code)}


def screen(
    sent: Callable[[], list[Any]],
    readings: Sequence[Reading | None],
    meters: Mapping[str, Meter],
    limits: Limits,
    at: float,
    end: bool | None = None,
) -> Screened:
    """Sort the readings into good ones and rejections; ``at`` is now (Unix time).

    ``sent`` says what was sent, item by item; it is asked if something is rejected. ``end``: whether the
    device stamps readings with the end of their interval; None: as the tenant says.
    """
    latest = round((at + limits.max_ahead.total_seconds()) * MICROSECONDS)
    oldest = round((at - limits.max_age.total_seconds()) * MICROSECONDS)
    if len(readings) >= MANY:
        packed = _pack_good(readings, meters, oldest, latest, limits.max_energy, end)
        if packed is not None:
            return Screened(readings, packed, len(readings))
    return _screen_each(sent, readings, meters, limits, oldest, latest, end)


def _pack_good(
    readings: Sequence[Reading | None],
    meters: Mapping[str, Meter],
    oldest: int,
    latest: int,
    max_energy: int,
    end: bool | None,
) -> bytes | None:
    """The batch, packed column by column, if every reading in it is good; else None.

    It does what :func:`_screen_each` does one by one, at a quarter of the cost.
    """
    good = [reading for reading in readings if reading is not None]
    rules = [meters.get(reading.meter_id) for reading in good]
    texts = [reading.timestamp for reading in good]
    times = {text: microseconds(text) for text in set(texts)}
    if len(good) < len(readings) or None in rules or None in times.values():
        return None
    packed = b"".join([meter.packed for meter in rules if meter])
    numbers = np.frombuffer(packed, dtype=np.int64).reshape(-1, METER_NUMBERS).T
    keys, highest, feeds_in, interval, meters_end, until, changed = numbers
    if changed.any():
        return None
    ts = np.array([times[text] for text in texts], dtype=np.int64)
    energy = milliwatt_hours_of([reading.kwh for reading in good])
    if energy is None or ts.max() > latest or np.abs(energy).max() > max_energy:
        return None
    ts -= interval * (meters_end if end is None else end)
    if (
        ts.min() < oldest
        or (ts >= until).any()
        or (energy < -highest * feeds_in).any()
        or (energy > highest).any()
    ):
        return None
    # None becomes NaN
    voltage = np.array([reading.voltage for reading in good], dtype=np.float64)
    current = np.array([reading.current for reading in good], dtype=np.float64)
    return pack_rows(np.array(keys, dtype=np.int32), ts, energy, voltage, current)


def _screen_each(
    sent: Callable[[], list[Any]],
    readings: Sequence[Reading | None],
    meters: Mapping[str, Meter],
    limits: Limits,
    oldest: int,
    latest: int,
    end: bool | None,
) -> Screened:
    result = Screened(readings)
    words = limits.messages
    rows = []
    times: dict[str, int | None] = {}
    for index, reading in enumerate(readings):
        if reading is None:
            result.rejections.append(_invalid(index, sent()[index]))
            continue
        text = reading.timestamp
        sent_ts = times[text] if text in times else times.setdefault(text, microseconds(text))
        if sent_ts is None or not METER_CODE.fullmatch(reading.meter_id):
            result.rejections.append(_invalid(index, sent()[index]))
            continue
        meter = meters.get(reading.meter_id)
        energy = milliwatt_hours(reading.kwh)
        ts = sent_ts if meter is None else meter.start(sent_ts, end)
        code = _refusal(meter, sent_ts, ts, energy, oldest, latest, limits.max_energy)
        if meter is None or code:
            code = code or UNKNOWN_METER
            result.rejections.append(Rejection(index, code, words[code], sent()[index]))
        else:
            rows.append(pack_row(meter.key, ts, energy, reading.voltage, reading.current))
    result.packed, result.count = b"".join(rows), len(rows)
    return result


def microseconds(text: str) -> int | None:
    """Unix time of an RFC 3339 timestamp in microseconds, or None if it is none or has no zone."""
    if not TIMESTAMP.fullmatch(text):
        return None
    try:
        return round(datetime.fromisoformat(text.upper()).timestamp() * MICROSECONDS)
    except (ValueError, OverflowError):
        return None


def milliwatt_hours(kwh: float) -> int:
    """Energy in whole mWh, half to even; exact for every number of up to 15 significant digits."""
    if abs(kwh) > MAX_KWH:
        return int(kwh) * MWH_PER_KWH
    product = kwh * MWH_PER_KWH
    whole = round(product)
    if abs(product - whole) < NEAR_TIE:
        return whole
    # Too near a tie for binary arithmetic to say which way.
    return int((Decimal(repr(kwh)) * MWH_PER_KWH).quantize(Decimal(1), ROUND_HALF_EVEN))


def milliwatt_hours_of(kwh: list[float]) -> npt.NDArray[np.int64] | None:
    """As :func:`milliwatt_hours`, for many; None if one of them is beyond all limits."""
    values = np.array(kwh, dtype=np.float64)
    if np.abs(values).max() > MAX_KWH:
        return None
    products = values * MWH_PER_KWH
    whole = np.rint(products)
    energy = whole.astype(np.int64)
    for index in np.flatnonzero(np.abs(products - whole) >= NEAR_TIE):
        energy[index] = milliwatt_hours(kwh[index])
    return energy


def fault(item: Any) -> str | None:
    """Why ``item`` is not a reading, in words for its sender; None if it is one."""
    if not isinstance(item, dict):
        return "the line is not JSON" if item is MALFORMED else "a reading must be an object"
    if not item.keys() <= FIELDS:
        return _printable(f"{min(item.keys() - FIELDS)[:100]}: no such field")
    for name in REQUIRED:
        if name not in item:
            return f"{name}: field required"
    return _wrong_value(item)


def _wrong_value(item: dict[str, Any]) -> str | None:
    """Which field of a reading is not of its type, if one is."""
    if not (isinstance(code := item["meter_id"], str) and METER_CODE.fullmatch(code)):
        return "meter_id: must be a meter code"
    if not (isinstance(stamp := item["timestamp"], str) and microseconds(stamp) is not None):
        return "timestamp: must be an RFC 3339 date and time with a time zone"
    if _double(item["kwh"]) is None:
        return "kwh: must be a number"
    for name, (low, high) in BOUNDS.items():
        if (sent := item.get(name)) is not None:
            value = _double(sent)
            if value is None or not low <= value <= high:
                return f"{name}: must be a number from {low} to {high}"
    return None


def _reading(item: dict[str, Any]) -> Reading:
    """A reading of the right shape."""
    voltage, current = (_double(item.get(name)) for name in BOUNDS)
    return Reading(item["meter_id"], item["timestamp"], float(item["kwh"]), voltage, current)


def _double(value: Any) -> float | None:
    """A JSON number as the nearest double; None if it is none, or beyond all doubles."""
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def duration(value: timedelta) -> str:
    """``5 minutes``, ``35 days``: in the largest unit that gives a whole number."""
    seconds = value.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{_number(Decimal(str(seconds)))} second{'' if seconds == 1 else 's'}"


def _refusal(
    meter: Meter | None, sent: int, ts: int, energy: int, oldest: int, latest: int, max_energy: int
) -> str | None:
    """The code of what a well-formed reading may not claim; None if it may."""
    if meter is None or ts >= meter.until:
        return UNKNOWN_METER
    if sent > latest:
        return TIME_IN_FUTURE
    if ts < oldest:
        return TIME_TOO_OLD
    if abs(energy) > max_energy:
        return ENERGY_OUT_OF_RANGE
    if energy < 0 and not meter.may_be_negative(ts):
        return NEGATIVE_ENERGY
    return None if abs(energy) <= meter.highest else ENERGY_ABOVE_CONNECTION


def _invalid(index: int, item: Any) -> Rejection:
    return Rejection(index, INVALID_READING, fault(item) or "not a valid reading")


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _printable(text: str) -> str:
    return text[:200].encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")
