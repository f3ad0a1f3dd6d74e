"""Waiting for a condition with a deadline: the only way a test here lets time pass."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
PAUSE = 0.05
PATIENCE = float(os.environ.get("SEGS_TEST_PATIENCE", "5"))
"""How much busier than an idle machine this one may be: every deadline of a test is so many times as long.

A deadline only ends a test that hangs; none says how fast anything is.
"""


def patient(seconds: float) -> float:
    """A deadline for what takes at most so long on an idle machine."""
    return seconds * PATIENCE


class DeadlineExceeded(AssertionError):
    """The condition did not come true in time."""


def wait_until(
    condition: Callable[[], T],
    what: str = "the condition",
    timeout: float = 30.0,
    retry_on: tuple[type[Exception], ...] = (),
) -> T:
    """Call ``condition`` until it returns something true, and return that.

    Exceptions named in ``retry_on`` count as "not yet"; the last one is shown when the deadline passes.
    """
    deadline = time.monotonic() + patient(timeout)
    last: object = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except retry_on as error:
            last = error
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"{what}: not within {patient(timeout):g} s (last: {last!r})")
        time.sleep(PAUSE)


async def wait_until_async(
    condition: Callable[[], Any],
    what: str = "the condition",
    timeout: float = 30.0,  # noqa: ASYNC109
    retry_on: tuple[type[Exception], ...] = (),
) -> Any:
    """The same for a coroutine function (or a plain one) without stopping the event loop."""
    deadline = time.monotonic() + patient(timeout)
    last: object = None
    while True:
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            last = value
        except retry_on as error:
            last = error
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"{what}: not within {patient(timeout):g} s (last: {last!r})")
        await asyncio.sleep(PAUSE)
