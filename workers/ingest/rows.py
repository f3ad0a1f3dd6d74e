"""Rows of grid.reading as PostgreSQL's binary COPY format has them, many at once.

A reading is packed once, when it is screened. A packed row is always as long as one without nulls, so that
many of them are one array (:data:`ROW`) without looking at any; an absent voltage or current is NaN there,
which no reading can send.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COLUMNS = "ts, meter_id, energy, voltage, current"
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# PostgreSQL counts from 2000-01-01, in microseconds.
EPOCH_SHIFT = 946_684_800_000_000

_FIELDS = 5
_NULL = -1
_SIZES = {"ts": 8, "meter_id": 4, "energy": 8, "voltage": 4, "current": 4}
_VALUES = {"ts": ">i8", "meter_id": ">i4", "energy": ">i8", "voltage": ">f4", "current": ">f4"}
_PACK = struct.Struct("!hiqiiiqifif").pack


def _row_type(nulls: Sequence[str] = ()) -> np.dtype[np.void]:
    fields = [("fields", ">i2")]
    for name, value in _VALUES.items():
        fields.append((f"{name}_size", ">i4"))
        if name not in nulls:
            fields.append((name, value))
    return np.dtype(fields)


ROW = _row_type()
"""One packed row; ``ts`` in microseconds since 2000."""

Rows = npt.NDArray[np.void]
"""Packed rows, an array of :data:`ROW`."""
Mask = npt.NDArray[np.bool_]

# What COPY is sent, by which values are null.
_COPIED = {
    (no_voltage, no_current): _row_type(("voltage",) * no_voltage + ("current",) * no_current)
    for no_voltage in (False, True)
    for no_current in (False, True)
}
_NAN = float("nan")


class ArrayType(NamedTuple):
    """The types of an array, by oid."""

    array: int
    element: int


# In the order of COLUMNS.
ARRAYS = (
    ArrayType(1185, 1184),  # timestamptz
    ArrayType(1007, 23),  # integer
    ArrayType(1016, 20),  # bigint
    ArrayType(1021, 700),  # real
    ArrayType(1021, 700),
)
BIGINT = 20
_ARRAY_HEADER = struct.Struct("!iiIii").pack
_INTEGER = struct.Struct("!i").unpack
_BIGINT = struct.Struct("!q").unpack


def pack_row(meter_id: int, ts: int, energy: int, voltage: float | None, current: float | None) -> bytes:
    """One packed row; ``ts`` in microseconds since 1970."""
    return _PACK(
        _FIELDS, 8, ts - EPOCH_SHIFT, 4, meter_id, 8, energy,
        4, _NAN if voltage is None else voltage, 4, _NAN if current is None else current,
    )  # fmt: skip


def pack_rows(
    meter_id: npt.ArrayLike,
    ts: npt.ArrayLike,
    energy: npt.ArrayLike,
    voltage: npt.ArrayLike,
    current: npt.ArrayLike,
) -> bytes:
    """Many packed rows at once, from their columns; ``ts`` in microseconds since 1970, NaN for null."""
    times = np.asarray(ts, dtype=np.int64) - EPOCH_SHIFT
    rows = np.empty(len(times), dtype=ROW)
    rows["fields"] = _FIELDS
    for name, size in _SIZES.items():
        rows[f"{name}_size"] = size
    rows["ts"], rows["meter_id"], rows["energy"] = times, meter_id, energy
    rows["voltage"], rows["current"] = voltage, current
    return rows.tobytes()


def as_rows(packed: Iterable[bytes]) -> Rows:
    """Packed rows, put together."""
    return np.frombuffer(b"".join(packed), dtype=ROW)


def copy_data(rows: Rows) -> bytes:
    """A whole binary COPY stream."""
    no_voltage, no_current = np.isnan(rows["voltage"]), np.isnan(rows["current"])
    if not (no_voltage.any() or no_current.any()):
        return b"".join((HEADER, rows.tobytes(), TRAILER))
    parts = [HEADER]
    for nulls, kind in _COPIED.items():
        chosen = rows[(no_voltage == nulls[0]) & (no_current == nulls[1])]
        part = np.empty(len(chosen), dtype=kind)
        for name in kind.names or ():
            part[name] = chosen[name]
        for name, absent in zip(("voltage_size", "current_size"), nulls, strict=True):
            if absent:
                part[name] = _NULL
        parts.append(part.tobytes())
    return b"".join((*parts, TRAILER))


def array_data(rows: Rows) -> list[bytes]:
    """The rows as one binary array a column, of the types :data:`ARRAYS`."""
    return [
        _ARRAY_HEADER(1, 1, kind.element, len(rows), 1) + _column(rows, name)
        for kind, name in zip(ARRAYS, _VALUES, strict=True)
    ]


def _column(rows: Rows, name: str) -> bytes:
    """One column, each value after its length."""
    column = np.empty(len(rows), dtype=[("size", ">i4"), ("value", _VALUES[name])])
    column["size"], column["value"] = _SIZES[name], rows[name]
    if name in ("voltage", "current") and (absent := np.isnan(rows[name])).any():
        null = _NULL.to_bytes(4, "big", signed=True)
        return b"".join(null if none else each.tobytes() for none, each in zip(absent, column, strict=True))
    return column.tobytes()


def read_key(meter_id: bytes, ts: bytes) -> tuple[int, int]:
    """Meter and time (microseconds since 2000) from the two values in binary format."""
    return _INTEGER(meter_id)[0], _BIGINT(ts)[0]
