"""Keys and passwords of one stack, made at its first start; nothing secret has a default."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from stack import redis_users

ISSUER = "segs"
AUDIENCE = "segs"
LOGIN_ROLES = ("authenticator", "segs_ingest", "segs_relay", "segs_auth", "segs_notifier")
PASSWORD_NAMES = (
    "postgres", *LOGIN_ROLES, *(f"redis_{user}" for user in redis_users.RIGHTS if user != "default"),
    "auth_code_key", "demo",
)  # fmt: skip


PRIVATE_KEY = "jwt_private.pem"
PUBLIC_KEYS = "jwks.json"


@dataclass(frozen=True)
class Secrets:
    """The secrets in one folder, loaded."""

    directory: Path
    passwords: dict[str, str]

    @property
    def private_key_file(self) -> Path:
        return self.directory / PRIVATE_KEY

    @property
    def jwks_file(self) -> Path:
        return self.directory / PUBLIC_KEYS

    @property
    def redis_passwords(self) -> dict[str, str]:
        """Passwords of the users of Redis."""
        return redis_passwords(self.passwords)

    @property
    def role_passwords(self) -> dict[str, str]:
        """Passwords of the database roles that the services log in as."""
        return {role: self.passwords[role] for role in LOGIN_ROLES}


def redis_passwords(passwords: dict[str, str]) -> dict[str, str]:
    """Those of the users of Redis, by user."""
    return {user: passwords[f"redis_{user}"] for user in redis_users.RIGHTS if user != "default"}


def load_or_create(directory: Path) -> Secrets:
    """Load the secrets in ``directory``, making those that are not there yet. Folder 0700, files 0600."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    found = Secrets(directory, _passwords(directory / "passwords.json"))
    if not found.private_key_file.exists():
        write_private(found.private_key_file, new_private_key())
    if not found.jwks_file.exists():
        write_private(
            found.jwks_file,
            json.dumps({"keys": [{**public_jwk(found.private_key_file), "iat": int(time.time())}]}),
        )
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all.

    One that says it already is left alone: a server restarts with what it had, on a full disk too.
    """
    if _says(path, text):
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(path.name + ".partial")
    scratch.unlink(missing_ok=True)
    with os.fdopen(
        os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    scratch.replace(path)


def _says(path: Path, text: str) -> bool:
    try:
        return path.stat().st_mode & 0o777 == 0o600 and path.read_bytes() == text.encode()
    except OSError:
        return False


def mint_token(
    private_key_file: Path, *, role: str, tenant: str, sub: str, ttl: float = 3600, **claims: Any
) -> str:
    """Sign a token as the platform would. ``claims`` add to the required ones or replace them."""
    now = int(time.time())
    payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": sub, "role": role, "tenant": tenant, "iat": now}
    payload |= {"exp": now + int(ttl), **claims}
    return sign(private_key_file.read_text(encoding="utf-8"), payload)


def sign(private_key: str, payload: dict[str, Any]) -> str:
    """A token with these claims, signed with a private key in PEM."""
    return jwt.encode(
        payload, private_key, algorithm="EdDSA", headers={"kid": public_jwk_of(private_key)["kid"]}
    )


def _passwords(path: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = [name for name in PASSWORD_NAMES if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(32) for name in missing}
        write_private(path, json.dumps(known, indent=2))
    return known


def new_private_key() -> str:
    """An Ed25519 key in PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


def public_jwk(private_key_file: Path) -> dict[str, str]:
    """The public half of the key in a file, as an entry of a JWKS."""
    return public_jwk_of(private_key_file.read_text(encoding="utf-8"))


def public_jwk_of(private_key: str) -> dict[str, str]:
    """The public half of a key in PEM, as an entry of a JWKS; its id follows from the key itself."""
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("the signing key is not an Ed25519 key")
    jwk: dict[str, str] = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "alg": "EdDSA", "use": "sig", "kid": jwk["x"][:16]}
