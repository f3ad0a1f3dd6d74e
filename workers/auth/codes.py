"""Secrets that people and clients carry: one-time codes and refresh tokens. Only hashes are stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets

DIGITS = 6


class Codes:
    """Makes and hashes one-time codes. ``fixed`` (development) replaces chance."""

    def __init__(self, key: str, fixed: str | None = None) -> None:
        self._key = key.encode()
        self._fixed = fixed

    def new(self) -> str:
        """Six digits."""
        return self._fixed or f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"

    def hash(self, tenant: str, email: str, purpose: str, code: str) -> bytes:
        """What is stored: worth nothing without the key, nor for another person or purpose."""
        message = json.dumps([tenant, email, purpose, code]).encode()
        return hmac.digest(self._key, message, "sha256")

    def next_refresh_token(self, token: str) -> str:
        """The one that ``token`` is exchanged for: always the same, so that an answer that was lost can be
        given again, though neither of the two is stored. Worth nothing to anyone who lacks the key.
        """
        message = json.dumps(["the refresh token after", token]).encode()
        digest = hmac.digest(self._key, message, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_refresh_token() -> str:
    """256 bits, opaque."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """What is stored of a refresh token. Chance makes it strong, so a plain hash will do."""
    return hashlib.sha256(token.encode()).digest()
