"""Random numbers that are a function of (seed, stream, meter, time), and of nothing else.

A generator with a state would tie a reading to the order of the calls before it. These are hashed
(splitmix64), so any meter and any instant can be asked for in any order, by any number of processes,
and the answer is the same.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def _mix(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def bits(seed: int, stream: str, meters: NDArray[np.int64], time: int = 0) -> NDArray[np.uint64]:
    """64 random bits for each meter."""
    key = _mix(_mix(_mix(seed & _MASK) ^ zlib.crc32(stream.encode())) ^ (time & _MASK))
    value = meters.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(key)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_SECOND)
    return value ^ (value >> np.uint64(31))


def uniform(seed: int, stream: str, meters: NDArray[np.int64], time: int = 0) -> NDArray[np.float64]:
    """One number in [0, 1) for each meter."""
    return (bits(seed, stream, meters, time) >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))


def normal(seed: int, stream: str, meters: NDArray[np.int64], time: int = 0) -> NDArray[np.float64]:
    """One standard normal number for each meter (Box-Muller over the two halves of the bits)."""
    both = bits(seed, stream, meters, time)
    first = ((both >> np.uint64(32)).astype(np.float64) + 1.0) * (1.0 / (1 << 32))
    second = (both & np.uint64(0xFFFFFFFF)).astype(np.float64) * (1.0 / (1 << 32))
    result: NDArray[np.float64] = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
    return result


def around_one(
    seed: int, stream: str, meters: NDArray[np.int64], time: int, spread: float
) -> NDArray[np.float64]:
    """A positive factor of mean 1 for each meter (log-normal)."""
    result: NDArray[np.float64] = np.exp(spread * normal(seed, stream, meters, time) - spread * spread / 2.0)
    return result
