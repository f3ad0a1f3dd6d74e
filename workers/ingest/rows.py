"""Rows of grid.reading in PostgreSQL's binary format.

A row is packed once, when its reading is screened, and sent as it is by COPY. Each value is preceded by its
length there, just as in a binary array, so the arrays of an INSERT are cut out of packed rows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# (meter_id, microseconds since 1970): what makes a reading the same reading.
Key = tuple[int, int]

COLUMNS = "ts, meter_id, energy, voltage, current"
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# PostgreSQL counts from 2000-01-01, in microseconds.
EPOCH_SHIFT = 946_684_800_000_000
# Where a packed row holds its time.
TIME = slice(6, 14)

_FIELDS = 5
_NULL = -1
_NULL_BYTES = b"\xff\xff\xff\xff"
_PREFIX = "!hiqiiiq"  # field count; ts, meter_id, energy, each after its length
_BOTH = struct.Struct(_PREFIX + "ifif").pack
_VOLTAGE = struct.Struct(_PREFIX + "ifi").pack
_CURRENT = struct.Struct(_PREFIX + "iif").pack
_NEITHER = struct.Struct(_PREFIX + "ii").pack
_FIXED = struct.Struct(_PREFIX)
_REAL = struct.Struct("!f")
_ARRAY = struct.Struct("!iiIii").pack
_KEY = struct.Struct("!iq")

# Where ts, meter_id and energy stand in a packed row, each with its length.
_TS, _METER, _ENERGY = slice(2, 14), slice(14, 22), slice(22, 34)
_VOLTAGE_AT = 34


class ArrayType(NamedTuple):
    """The types of an array, by oid."""

    array: int
    element: int


TIMESTAMPTZ = ArrayType(1185, 1184)
INTEGER = ArrayType(1007, 23)
BIGINT = ArrayType(1016, 20)
REAL = ArrayType(1021, 700)
ARRAYS = (TIMESTAMPTZ, INTEGER, BIGINT, REAL, REAL)


class Row(NamedTuple):
    """One row, unpacked."""

    ts: int
    meter_id: int
    energy: int
    voltage: float | None
    current: float | None


def pack_row(meter_id: int, ts: int, energy: int, voltage: float | None, current: float | None) -> bytes:
    """One row in binary COPY format, columns as in :data:`COLUMNS`; ``ts`` in microseconds since 1970."""
    ts -= EPOCH_SHIFT
    if voltage is not None:
        if current is not None:
            return _BOTH(_FIELDS, 8, ts, 4, meter_id, 8, energy, 4, voltage, 4, current)
        return _VOLTAGE(_FIELDS, 8, ts, 4, meter_id, 8, energy, 4, voltage, _NULL)
    if current is not None:
        return _CURRENT(_FIELDS, 8, ts, 4, meter_id, 8, energy, _NULL, 4, current)
    return _NEITHER(_FIELDS, 8, ts, 4, meter_id, 8, energy, _NULL, _NULL)


def unpack_row(data: bytes) -> Row:
    """The inverse of :func:`pack_row`."""
    _, _, ts, _, meter_id, _, energy = _FIXED.unpack_from(data)
    voltage, current = (
        None if real == _NULL_BYTES else _REAL.unpack_from(real, 4)[0] for real in _reals(data)
    )
    return Row(ts + EPOCH_SHIFT, meter_id, energy, voltage, current)


def copy_data(rows: Iterable[bytes]) -> bytes:
    """A whole binary COPY stream."""
    return b"".join((HEADER, *rows, TRAILER))


def array_data(rows: Sequence[bytes]) -> list[bytes]:
    """The rows as one binary array a column, of the types :data:`ARRAYS`."""
    reals = [_reals(row) for row in rows]
    columns = (
        [row[_TS] for row in rows],
        [row[_METER] for row in rows],
        [row[_ENERGY] for row in rows],
        [voltage for voltage, _ in reals],
        [current for _, current in reals],
    )
    return [
        b"".join((_ARRAY(1, 1, kind.element, len(rows), 1), *column))
        for kind, column in zip(ARRAYS, columns, strict=True)
    ]


def read_key(meter_id: bytes, ts: bytes) -> Key:
    """A key from the two values in binary format."""
    meter, microseconds = _KEY.unpack(meter_id + ts)
    return meter, microseconds + EPOCH_SHIFT


def _reals(row: bytes) -> tuple[bytes, bytes]:
    """Voltage and current, each with its length."""
    end = _VOLTAGE_AT + (4 if row[_VOLTAGE_AT : _VOLTAGE_AT + 4] == _NULL_BYTES else 8)
    return row[_VOLTAGE_AT:end], row[end:]
