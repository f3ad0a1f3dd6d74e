"""From JSON to rows: the shape of a reading, and what it may claim.

The rules and their words are those of ingest.drain_queue() too; change both together.

The shape is written down twice. :class:`Reading` is decoded from a whole body at once, and refuses the whole;
:class:`Fields` checks one value after the other, and says what is wrong. Both accept the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, NotRequired

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct
from pydantic import ConfigDict, Field, FiniteFloat, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from workers.ingest.rows import pack_row, pack_rows

MWH_PER_KWH = 1_000_000
MICROSECONDS = 1_000_000
MAX_KWH = 1e9  # far beyond any limit, and within what a double counts exactly in mWh
NEAR_TIE = 0.499
MANY = 16
"""Readings in a batch from which it is packed by columns."""

METER_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# RFC 3339, seconds and colon of the zone optional; more than microseconds is cut off.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d(:?\d\d)?)", re.ASCII)

INVALID_READING = "invalid_reading"
UNKNOWN_METER = "unknown_meter"
TIME_IN_FUTURE = "time_in_future"
TIME_TOO_OLD = "time_too_old"
ENERGY_OUT_OF_RANGE = "energy_out_of_range"


class _NoneOnError:
    """Makes a value that does not validate None, so that one bad reading does not stop the list."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


class Malformed:
    """Stands for a line that is not JSON: a value that no reading can be."""


MALFORMED = Malformed()


class Reading(Struct, forbid_unknown_fields=True, gc=False):
    """One reading of the right shape: ``kwh`` in kWh, ``voltage`` in V, ``current`` in A."""

    meter_id: Annotated[str, Meta(min_length=1, max_length=64)]
    timestamp: Annotated[str, Meta(min_length=1, max_length=40)]
    kwh: float
    voltage: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    current: Annotated[float, Meta(ge=-100_000, le=100_000)] | None = None


class Fields(TypedDict):
    """The shape of one reading, as an object that may be anything."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    meter_id: Annotated[str, Field(min_length=1, max_length=64)]
    timestamp: Annotated[str, Field(min_length=1, max_length=40)]
    kwh: FiniteFloat
    voltage: NotRequired[Annotated[FiniteFloat, Field(ge=0, le=1_000_000)] | None]
    current: NotRequired[Annotated[FiniteFloat, Field(ge=-100_000, le=100_000)] | None]


_ONE = TypeAdapter(Fields)
_MANY = TypeAdapter(list[Annotated[Fields, _NoneOnError()]])


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reading may claim: the row of ingest.limits."""

    max_ahead: timedelta
    max_age: timedelta
    max_energy: int

    def messages(self) -> dict[str, str]:
        """The words of each rejection, with the numbers of the limits."""
        kwh = _number(Decimal(self.max_energy) / MWH_PER_KWH)
        return {
            UNKNOWN_METER: "no such meter",
            TIME_IN_FUTURE: f"timestamp is more than {duration(self.max_ahead)} ahead",
            TIME_TOO_OLD: f"timestamp is older than the accepted age of {duration(self.max_age)}",
            ENERGY_OUT_OF_RANGE: f"kwh is outside -{kwh} to {kwh}",
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reading refused, and why. ``reading`` is what was sent if its shape is good (for quarantine)."""

    index: int
    code: str
    message: str
    reading: dict[str, Any] | None = None


@dataclass(slots=True)
class Screened:
    """A batch after screening: the good readings, packed (see :mod:`workers.ingest.rows`), and the rest."""

    packed: bytes = b""
    count: int = 0
    rejections: list[Rejection] = field(default_factory=list)


def shape(items: list[Any]) -> list[Reading | None]:
    """Each item as a reading, or None if it is not of that shape (see :func:`fault`)."""
    shaped: list[Any] = _MANY.validate_python(items)
    return [None if fields is None else Reading(**fields) for fields in shaped]


def meter_codes(readings: Sequence[Reading | None]) -> list[str]:
    """The meters that a batch names, each as often as it does."""
    return [reading.meter_id for reading in readings if reading is not None]


def well_formed(codes: Iterable[str]) -> set[str]:
    """Those that can be meter codes."""
    return {code for code in codes if METER_CODE.fullmatch(code)}


def screen(
    sent: Callable[[], list[Any]],
    readings: Sequence[Reading | None],
    meters: Mapping[str, int],
    limits: Limits,
    at: float,
) -> Screened:
    """Sort the readings into good ones and rejections; ``at`` is now (Unix time).

    ``sent`` says what was sent, item by item; it is asked if something is rejected.
    """
    latest = round((at + limits.max_ahead.total_seconds()) * MICROSECONDS)
    oldest = round((at - limits.max_age.total_seconds()) * MICROSECONDS)
    if len(readings) >= MANY:
        packed = _pack_good(readings, meters, oldest, latest, limits.max_energy)
        if packed is not None:
            return Screened(packed, len(readings))
    return _screen_each(sent, readings, meters, limits, oldest, latest)


def _pack_good(
    readings: Sequence[Reading | None], meters: Mapping[str, int], oldest: int, latest: int, max_energy: int
) -> bytes | None:
    """The batch, packed column by column, if every reading in it is good; else None.

    It does what :func:`_screen_each` does one by one, at a quarter of the cost.
    """
    good = [reading for reading in readings if reading is not None]
    keys = [meters.get(reading.meter_id) for reading in good]
    texts = [reading.timestamp for reading in good]
    times = {text: microseconds(text) for text in set(texts)}
    if len(good) < len(readings) or None in keys or None in times.values():
        return None
    ts = np.array([times[text] for text in texts], dtype=np.int64)
    energy = milliwatt_hours_of([reading.kwh for reading in good])
    if energy is None or ts.min() < oldest or ts.max() > latest or np.abs(energy).max() > max_energy:
        return None
    # None becomes NaN
    voltage = np.array([reading.voltage for reading in good], dtype=np.float64)
    current = np.array([reading.current for reading in good], dtype=np.float64)
    return pack_rows(np.array(keys, dtype=np.int32), ts, energy, voltage, current)


def _screen_each(
    sent: Callable[[], list[Any]],
    readings: Sequence[Reading | None],
    meters: Mapping[str, int],
    limits: Limits,
    oldest: int,
    latest: int,
) -> Screened:
    max_energy = limits.max_energy
    result = Screened()
    rows = []
    times: dict[str, int | None] = {}
    for index, reading in enumerate(readings):
        if reading is None:
            result.rejections.append(Rejection(index, INVALID_READING, fault(sent()[index])))
            continue
        text = reading.timestamp
        ts = times[text] if text in times else times.setdefault(text, microseconds(text))
        meter = meters.get(reading.meter_id)
        energy = milliwatt_hours(reading.kwh)
        if (
            ts is None
            or meter is None
            or not oldest <= ts <= latest
            or not -max_energy <= energy <= max_energy
        ):
            result.rejections.append(_rejection(index, sent()[index], ts, meter, latest, oldest, limits))
        else:
            rows.append(pack_row(meter, ts, energy, reading.voltage, reading.current))
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


def fault(item: Any) -> str:
    """Why ``item`` is not a reading, in words for its sender."""
    if item is MALFORMED:
        return "the line is not JSON"
    if not isinstance(item, dict):
        return "a reading must be an object"
    try:
        _ONE.validate_python(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        return _printable(f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}")
    return "not a valid reading"


def duration(value: timedelta) -> str:
    """``5 minutes``, ``35 days``: in the largest unit that gives a whole number."""
    seconds = value.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{_number(Decimal(str(seconds)))} seconds"


def _rejection(
    index: int,
    reading: dict[str, Any],
    ts: int | None,
    meter: int | None,
    latest: int,
    oldest: int,
    limits: Limits,
) -> Rejection:
    if not METER_CODE.fullmatch(reading["meter_id"]):
        return Rejection(
            index, INVALID_READING, "meter_id: may hold only letters, digits, dot, underscore and hyphen"
        )
    if ts is None:
        return Rejection(
            index, INVALID_READING, "timestamp: must be an RFC 3339 date and time with a time zone"
        )
    if meter is None:
        code = UNKNOWN_METER
    elif ts > latest:
        code = TIME_IN_FUTURE
    elif ts < oldest:
        code = TIME_TOO_OLD
    else:
        code = ENERGY_OUT_OF_RANGE
    return Rejection(index, code, limits.messages()[code], reading)


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _printable(text: str) -> str:
    return text[:200].encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")
