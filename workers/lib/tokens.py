"""Verifies bearer tokens: EdDSA signatures against a JWKS file that may change while we run."""

from __future__ import annotations

import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from aiohttp import web

from workers.lib.errors import Forbidden, Unauthorized, Unavailable

log = logging.getLogger(__name__)

ALGORITHMS = ["EdDSA"]
REQUIRED_CLAIMS = ["exp", "aud", "iss", "sub", "tenant", "role"]
MAX_TOKEN_LENGTH = 8192
MAX_CACHED_TOKENS = 20_000
RELOAD_INTERVAL = 1.0
LEEWAY = 10.0
"""Seconds by which ``iat`` and ``nbf`` may be ahead of this clock, for machines whose clocks differ a little.
``exp`` has none. The same numbers in SQL: ``auth.time_fault``."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    subject: str
    tenant: str
    role: str
    expires_at: float
    session: str | None = None
    """The sign-in it came from (sid), which may end before the token does: :mod:`workers.lib.sessions`."""


class TokenVerifier:
    """Verifies tokens and remembers the verified ones until they expire or the keys change."""

    def __init__(self, jwks_file: Path, *, issuer: str, audience: str) -> None:
        self._file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._keys: dict[str, jwt.PyJWK] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._checked_at = float("-inf")
        self._cache: dict[str, Claims] = {}

    def verify(self, token: str) -> Claims:
        """The claims of ``token``. Raises :class:`Unauthorized`, in words that help only its owner."""
        self._reload_if_changed()
        claims = self._cache.get(token)
        if claims is not None:
            if claims.expires_at > time.time():
                return claims
            del self._cache[token]
            raise Unauthorized("the token has expired", hint="refresh it, or sign in again")
        claims = self._decode(token)
        if len(self._cache) >= MAX_CACHED_TOKENS:
            self._cache.clear()
        self._cache[token] = claims
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthorized("the token is too long")
        if not self._keys:
            raise Unavailable("no token keys are loaded", hint="see SEGS_JWKS_FILE")
        try:
            key = self._keys.get(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                raise Unauthorized("the token is signed with an unknown key")
            payload = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                # times are judged below, by the one rule that REST has too
                options={
                    "require": REQUIRED_CLAIMS,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Unauthorized("the token is not valid", details=_reason(error)) from None
        check_times(payload, time.time())
        return _claims(payload)

    def _reload_if_changed(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < RELOAD_INTERVAL:
            return
        self._checked_at = now
        try:
            stat = self._file.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp == self._stamp:
                return
            keys = load_keys(self._file)
        except (OSError, ValueError) as error:
            # The keys we have stay good: a half-written file must not lock everybody out.
            log.warning("token keys not (re)loaded: %s", error)
            return
        log.info("token keys loaded: %s", ", ".join(sorted(keys)))
        self._keys, self._stamp = keys, stamp
        self._cache.clear()


def load_keys(path: Path) -> dict[str, jwt.PyJWK]:
    """Public Ed25519 keys of a JWKS file by kid. Raises ValueError when it holds none."""
    document = json.loads(path.read_text(encoding="utf-8"))
    entries = document.get("keys", []) if isinstance(document, dict) else []
    try:
        keys = {
            str(entry["kid"]): jwt.PyJWK.from_dict(entry, algorithm="EdDSA")
            for entry in entries
            if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519" and "kid" in entry
        }
    except (jwt.PyJWTError, AttributeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not keys:
        raise ValueError(f"{path.name} holds no Ed25519 key with a kid")
    return keys


def bearer_token(request: web.Request) -> str:
    """The token of the Authorization header. Raises :class:`Unauthorized` without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("a bearer token is required", hint="Authorization: Bearer <token>")
    return token.strip()


def require_role(claims: Claims, *roles: str) -> None:
    """Raise :class:`Forbidden` unless the token carries one of ``roles``."""
    if claims.role not in roles:
        raise Forbidden(f"role {claims.role} may not do this", details=f"needs: {', '.join(roles)}")


def check_times(payload: dict[str, Any], now: float) -> None:
    """Raise :class:`Unauthorized` unless ``exp`` is to come, and ``iat`` and ``nbf`` (if any) have been."""
    for name in ("exp", "iat", "nbf"):
        value = payload.get(name)
        if name in payload and (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or (isinstance(value, float) and not math.isfinite(value))
        ):
            raise Unauthorized("the token is not valid", details=f"claim {name} must be a number")
    if payload["exp"] <= now:
        raise Unauthorized("the token has expired", hint="refresh it, or sign in again")
    if any(payload.get(name, 0) > now + LEEWAY for name in ("iat", "nbf")):
        raise Unauthorized("the token is not good yet", hint="compare the clocks of the machines")


def _claims(payload: dict[str, Any]) -> Claims:
    texts = {name: payload.get(name) for name in ("sub", "tenant", "role")}
    for name, value in texts.items():
        if not isinstance(value, str) or not value:
            raise Unauthorized("the token is not valid", details=f"claim {name} must be a non-empty string")
    return Claims(
        subject=payload["sub"],
        tenant=payload["tenant"],
        role=payload["role"],
        expires_at=_instant(payload["exp"]),
        session=_session(payload.get("sid")),
    )


def _instant(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _session(sid: object) -> str | None:
    if sid is None:
        return None
    try:
        return str(UUID(str(sid)))
    except ValueError:
        raise Unauthorized("the token is not valid", details="claim sid must be a UUID") from None


def _reason(error: Exception) -> str | None:
    """Which claim is at fault. Nothing about keys or signatures."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"claim {error.claim} is missing"
    if isinstance(error, jwt.InvalidAudienceError):
        return "claim aud does not name this service"
    if isinstance(error, jwt.InvalidIssuerError):
        return "claim iss is not accepted"
    return None
