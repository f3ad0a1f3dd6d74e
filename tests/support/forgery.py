"""Tokens that nobody should accept, and a session that someone has signed in with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.cluster import Database
from tests.support.keys import KEY_ID, Keys


@dataclass(frozen=True)
class Person:
    """Whose token it is: the claims of a good one."""

    keys: Keys
    role: str
    subject: str
    session: str | None = None

    def claims(self) -> dict[str, Any]:
        """What a good token says."""
        mine = {"sub": self.subject} | ({"sid": self.session} if self.session else {})
        made = self.keys.mint(self.role)
        return jwt.decode(made, options={"verify_signature": False}) | mine

    def token(self, kid: str | None = KEY_ID, /, **claims: object) -> str:
        """A good token, but for these claims (None: left out)."""
        payload = {name: value for name, value in (self.claims() | claims).items() if value is not None}
        headers = None if kid is None else {"kid": kid}
        return jwt.encode(payload, self.keys.private_key, algorithm="EdDSA", headers=headers)


def _part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(person: Person, algorithm: str, signature: str = "") -> str:
    """A token that says it needs no signature."""
    header = {"alg": algorithm, "typ": "JWT", "kid": KEY_ID}
    return f"{_part(header)}.{_part(person.claims())}.{signature}"


def public_secrets(keys: Keys) -> Iterator[bytes]:
    """The public key in every form that a careless verifier could take for a shared secret."""
    public = keys.private_key.public_key()
    yield public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    yield public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield json.loads(keys.jwks_file.read_text())["keys"][0]["x"].encode()
    yield keys.jwks_file.read_bytes()


def with_shared_secret(person: Person, secret: bytes) -> str:
    """A token signed by HS256 with this secret."""
    text = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': KEY_ID})}.{_part(person.claims())}"
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def with_strange_key(person: Person, **header: object) -> str:
    """A token signed with a key that the platform has not published."""
    key = Ed25519PrivateKey.generate()
    return jwt.encode(person.claims(), key, algorithm="EdDSA", headers={"kid": KEY_ID, **header})


def with_own_key_inside(person: Person) -> str:
    """A token that brings the key it is to be verified with."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    inside = {"kty": "OKP", "crv": "Ed25519", "x": x}
    return jwt.encode(person.claims(), key, algorithm="EdDSA", headers={"kid": KEY_ID, "jwk": inside})


def with_other_words(person: Person, **claims: object) -> str:
    """A good token whose claims were exchanged after it was signed."""
    header, _, signature = person.token().split(".")
    return f"{header}.{_part({**person.claims(), **claims})}.{signature}"


def now_and(seconds: int) -> int:
    """Seconds since the epoch, from now."""
    return int(time.time()) + seconds


Forgery = Callable[[Person], str]


def without(claim: str) -> Forgery:
    """A token that lacks a claim."""
    return lambda person: person.token(**{claim: None})


def shared_secret(form: int) -> Forgery:
    """A token signed with the public key in one of its forms."""
    return lambda person: with_shared_secret(person, list(public_secrets(person.keys))[form])


FORGERIES: dict[str, Forgery] = {
    "no token at all": lambda _: "",
    "no token, but words": lambda _: "let-me-in",
    "alg none": lambda person: unsigned(person, "none"),
    "alg None": lambda person: unsigned(person, "None"),
    "alg none with a signature": lambda person: unsigned(person, "none", person.token().split(".")[2]),
    "alg EdDSA without a signature": lambda person: unsigned(person, "EdDSA"),
    **{f"HS256 with the public key, form {form}": shared_secret(form) for form in range(4)},
    "another key": with_strange_key,
    "another key and kid": lambda person: with_strange_key(person, kid="other"),
    "its own key inside": with_own_key_inside,
    "exchanged claims": lambda person: with_other_words(person, exp=now_and(86400)),
    **{f"no {claim}": without(claim) for claim in ("aud", "exp", "iss", "sub", "tenant", "role")},
    "expired": lambda person: person.token(exp=now_and(-60)),
    "not good yet": lambda person: person.token(nbf=now_and(3600)),
    "exp that is no number": lambda person: person.token(exp="tomorrow"),
    "exp in words": lambda person: person.token(exp=str(now_and(3600))),
    "another audience": lambda person: person.token(aud="elsewhere"),
    "another issuer": lambda person: person.token(iss="elsewhere"),
}
"""What no component may accept, no matter who it is from."""


def sign_in(database: Database, user_id: str) -> str:
    """A new session of the user: its id."""
    return str(
        database.value(
            "insert into auth.session (session_id, tenant_id, user_id, expires_at)"
            " select %s, tenant_id, user_id, now() + interval '1 day' from auth.user_account"
            " where user_id = %s returning session_id",
            (uuid4(), user_id),
        )
    )
