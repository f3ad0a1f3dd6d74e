"""Signing keys: a new one takes over, the old one's tokens stay good until they expire.

``jwt_private.pem`` is always the key that signs; ``jwks.json`` holds the public keys that are believed. A key
that has been replaced keeps its public half there, with the time (``exp``) after which no token of it can be
valid any more; its private half is gone at once. PostgREST reads the file again when told through the
database (``notify pgrst``), the workers by themselves.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from stack import secrets
from stack.progress import SetupError, say

DEFAULT_KEEP = 31 * 86400
"""Seconds for which a replaced key is believed: longer than any token that `segs` itself signs."""
WORKERS_RELOAD = 2.0
"""Seconds within which the workers have read a changed key file again (workers/lib/tokens.py)."""
PUBLISH_TIMEOUT = 20.0
RETIRE_INTERVAL = 60.0

Jwk = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """A public key that is believed."""

    kid: str
    made_at: float | None
    believed_until: float | None
    signs: bool


def known(directory: Path) -> list[Key]:
    """Every key that is believed, newest first."""
    signing = secrets.public_jwk(directory / secrets.PRIVATE_KEY)["kid"]
    keys = [
        Key(entry["kid"], entry.get("iat"), entry.get("exp"), entry["kid"] == signing)
        for entry in _entries(directory)
    ]
    return sorted(keys, key=lambda key: (key.signs, key.made_at or 0.0), reverse=True)


def rotate(directory: Path, publish: Callable[[str], None], *, keep: float = DEFAULT_KEEP) -> Key:
    """Make a new key and let it sign, once ``publish(its private key)`` returns: then everybody believes it.

    If it raises, nothing has changed but that one more public key is listed, and that is taken back.
    """
    now = time.time()
    before = [entry for entry in _entries(directory) if not _expired(entry, now)]
    private = secrets.new_private_key()
    fresh = secrets.public_jwk_of(private)
    old = [{**entry, "exp": min(int(now + keep), entry.get("exp", now + keep))} for entry in before]
    _write(directory, [*before, {**fresh, "iat": int(now)}])
    try:
        publish(private)
    except BaseException:
        _write(directory, before)
        raise
    secrets.write_private(directory / secrets.PRIVATE_KEY, private)
    _write(directory, [*old, {**fresh, "iat": int(now)}])
    return Key(fresh["kid"], now, None, True)


def retire(directory: Path, kid: str | None = None, at: float | None = None) -> list[str]:
    """Stop believing ``kid``, or every replaced key whose time is over; the ids of those removed."""
    now = time.time() if at is None else at
    entries = _entries(directory)
    signing = secrets.public_jwk(directory / secrets.PRIVATE_KEY)["kid"]
    if kid is not None:
        if kid == signing:
            raise SetupError(f"{kid} is the key that signs: `segs keys rotate` replaces it first")
        if kid not in [entry["kid"] for entry in entries]:
            raise SetupError(f"there is no key {kid}: see `segs keys list`")
    gone = [
        entry["kid"]
        for entry in entries
        if entry["kid"] != signing and (_expired(entry, now) if kid is None else entry["kid"] == kid)
    ]
    if gone:
        _write(directory, [entry for entry in entries if entry["kid"] not in gone])
    return gone


async def retire_in_time(directory: Path, admin_url: str) -> None:
    """For as long as the platform runs: stop believing replaced keys when their time is over."""
    while True:
        try:
            if gone := await asyncio.to_thread(retire, directory):
                say(f"keys believed no more: {', '.join(gone)}")
                await asyncio.to_thread(tell_postgrest, admin_url)
        except (OSError, ValueError, psycopg.Error) as error:
            say(f"replaced keys could not be retired: {error}")
        await asyncio.sleep(RETIRE_INTERVAL)


def tell_postgrest(admin_url: str) -> None:
    """Have every PostgREST on this database read its configuration, and so the key file, again."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("notify pgrst, 'reload config'")


def publish_to(admin_url: str, edge_url: str) -> Callable[[str], None]:
    """For :func:`rotate`: returns when the running platform believes the new key, else raises."""

    def publish(private: str) -> None:
        token = secrets.sign(private, {"role": "anon", "aud": secrets.AUDIENCE, "exp": int(time.time()) + 60})
        deadline = time.monotonic() + PUBLISH_TIMEOUT
        while True:
            tell_postgrest(admin_url)
            time.sleep(0.3)
            if _signature_believed(f"{edge_url}/api/v1/", token):
                break
            if time.monotonic() > deadline:
                raise SetupError("PostgREST does not take the new key up: nothing was changed")
        time.sleep(WORKERS_RELOAD)

    return publish


def _signature_believed(url: str, token: str) -> bool:
    """Whether PostgREST could check the token's signature, whatever it says of the token otherwise."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - http(s) of the edge
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        try:
            return bool(json.loads(error.read()).get("code") == "PT401")
        except ValueError:
            return False
    except OSError:
        return False


def _expired(entry: Jwk, now: float) -> bool:
    return "exp" in entry and float(entry["exp"]) <= now


def _entries(directory: Path) -> list[Jwk]:
    document = json.loads((directory / secrets.PUBLIC_KEYS).read_text(encoding="utf-8"))
    entries: list[Jwk] = document["keys"]
    return entries


def _write(directory: Path, entries: list[Jwk]) -> None:
    """Replace the public keys, whole or not at all, as readable as they were."""
    path = directory / secrets.PUBLIC_KEYS
    mode = path.stat().st_mode & 0o777
    secrets.write_private(path, json.dumps({"keys": entries}, indent=1))
    path.chmod(mode)
