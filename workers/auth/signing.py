"""Signs access tokens with the newest key that is published."""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from workers.lib.errors import Unavailable

log = logging.getLogger(__name__)

RELOAD_INTERVAL = 2.0


class Signer:
    """Signs with the newest private key whose public half is in the JWKS file: others can check no other."""

    def __init__(self, keys: Path, jwks_file: Path, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._jwks_file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._key: tuple[str, Ed25519PrivateKey] | None = None
        self._looked_at = float("-inf")

    def sign(self, claims: dict[str, Any], made: datetime, ttl: int) -> str:
        """A token with these claims and those every token has. Raises :class:`Unavailable` without a key."""
        kid, key = self._current()
        iat = int(made.timestamp())
        # sub third: by it the edge counts the requests of an account (segs_account in deploy/nginx).
        payload = {"iss": self._issuer, "aud": self._audience, "sub": claims["sub"], "iat": iat}
        payload |= {"exp": iat + ttl, **claims}
        return jwt.encode(payload, key, algorithm="EdDSA", headers={"kid": kid})

    async def ready(self) -> bool:
        """Whether there is a key to sign with."""
        self._current()
        return True

    def _current(self) -> tuple[str, Ed25519PrivateKey]:
        now = time.monotonic()
        if now - self._looked_at >= RELOAD_INTERVAL or self._key is None:
            self._looked_at = now
            try:
                found = newest_published(self._keys, self._jwks_file)
            except (OSError, ValueError) as error:
                log.warning("signing keys not (re)loaded: %s", error)
                found = None
            if found is not None:
                if self._key is None or self._key[0] != found[0]:
                    log.info("tokens are signed with key %s", found[0])
                self._key = found
        if self._key is None:
            hint = "see SEGS_AUTH_SIGNING_KEY_FILE and SEGS_JWKS_FILE"
            raise Unavailable("no published signing key", hint=hint)
        return self._key


def newest_published(keys: Path, jwks_file: Path) -> tuple[str, Ed25519PrivateKey] | None:
    """Key id and key; None when no private key here is published."""
    entries = json.loads(jwks_file.read_text(encoding="utf-8")).get("keys", [])
    published = {entry.get("x"): str(entry.get("kid")) for entry in entries}
    files = list(keys.glob("*.pem")) if keys.is_dir() else [keys]
    for path in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True):
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path.name} is not an Ed25519 key")
        kid = published.get(OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)["x"])
        if kid is not None:
            return kid, key
    return None
