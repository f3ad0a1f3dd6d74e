"""A key pair of the test run, and tokens signed with it: good ones and, by overriding claims, bad ones."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

KEY_ID = "test"
ISSUER = "segs"
AUDIENCE = "segs"

# People of db/seed/development.sql (fixed there).
USERS = {
    "admin": "admin@demo.example",
    "operator": "operator@demo.example",
    "consumer": "alice@demo.example",
}


@dataclass(frozen=True)
class Keys:
    """The private key and the JWKS file that servers are given."""

    private_key: Ed25519PrivateKey
    jwks_file: Path
    users: dict[str, str]

    @property
    def private_key_file(self) -> Path:
        """The private half, beside the JWKS file."""
        return self.jwks_file.with_name("jwt_private.pem")

    def mint(self, role: str, tenant: str = "demo", sub: str | None = None, **claims: object) -> str:
        """A token of the role. ``sub`` defaults to the seeded person of that role (alice for consumer).

        Any claim can be overridden; ``claim=None`` leaves it out.
        """
        now = int(time.time())
        subject = sub or self.users.get(USERS.get(role, ""), f"test-{role}")
        payload: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "role": role,
            "tenant": tenant,
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.private_key, algorithm="EdDSA", headers={"kid": KEY_ID})

    def headers(self, role: str, **claims: object) -> dict[str, str]:
        """The Authorization header with such a token."""
        return {"Authorization": f"Bearer {self.mint(role, **claims)}"}  # type: ignore[arg-type]


def make_keys(directory: Path, users: dict[str, str]) -> Keys:
    """A new Ed25519 pair; the public half is written as a JWKS file."""
    private_key = Ed25519PrivateKey.generate()
    public = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": KEY_ID,
        "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
    }
    jwks_file = directory / "jwks.json"
    jwks_file.write_text(json.dumps({"keys": [key]}))
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    jwks_file.with_name("jwt_private.pem").write_bytes(pem)
    return Keys(private_key, jwks_file, users)
