"""Rows of grid.reading in PostgreSQL's binary COPY format.

A row is packed once, when its reading is screened, and sent as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

# (meter_id, microseconds since 1970): what makes a reading the same reading.
Key = tuple[int, int]

COLUMNS = "ts, meter_id, energy, voltage, current"
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# PostgreSQL counts from 2000-01-01, in microseconds.
EPOCH_SHIFT = 946_684_800_000_000

_FIELDS = 5
_NULL = -1
_PREFIX = "!hiqiiiq"  # field count; ts, meter_id, energy, each after its length
_BOTH = struct.Struct(_PREFIX + "ifif").pack
_VOLTAGE = struct.Struct(_PREFIX + "ifi").pack
_CURRENT = struct.Struct(_PREFIX + "iif").pack
_NEITHER = struct.Struct(_PREFIX + "ii").pack
_FIXED = struct.Struct(_PREFIX)
_LENGTH = struct.Struct("!i")
_REAL = struct.Struct("!f")


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
    position = _FIXED.size
    reals: list[float | None] = []
    for _ in range(2):
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        if length == _NULL:
            reals.append(None)
        else:
            reals.append(_REAL.unpack_from(data, position)[0])
            position += length
    return Row(ts + EPOCH_SHIFT, meter_id, energy, reals[0], reals[1])


def copy_data(rows: Iterable[bytes]) -> bytes:
    """A whole binary COPY stream."""
    return b"".join((HEADER, *rows, TRAILER))
