from __future__ import annotations

import json
import os
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.support.keys import AUDIENCE, ISSUER, Keys, make_keys
from workers.lib import tokens
from workers.lib.errors import Forbidden, Unauthorized, Unavailable
from workers.lib.tokens import Claims, TokenVerifier, require_role


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return make_keys(tmp_path, {})


@pytest.fixture
def verifier(keys: Keys) -> TokenVerifier:
    return TokenVerifier(keys.jwks_file, issuer=ISSUER, audience=AUDIENCE)


def test_a_good_token_gives_its_claims_each_time(keys: Keys, verifier: TokenVerifier) -> None:
    token = keys.mint("device", sub="gateway-1")
    claims = verifier.verify(token)
    assert (claims.role, claims.tenant, claims.subject) == ("device", "demo", "gateway-1")
    assert verifier.verify(token) is claims


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"aud": "other"},
        {"aud": None},
        {"iss": "other"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": ["demo"]},
        {"role": None},
        {"nbf": 4102444800},
    ],
    ids=str,
)
def test_a_wrong_or_missing_claim_is_refused(
    keys: Keys, verifier: TokenVerifier, claims: dict[str, object]
) -> None:
    payload = jwt.decode(keys.mint("device"), options={"verify_signature": False}) | claims
    kept = {name: value for name, value in payload.items() if value is not None}
    token = jwt.encode(kept, keys.private_key, algorithm="EdDSA", headers={"kid": "test"})
    with pytest.raises(Unauthorized):
        verifier.verify(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "..", "A" * 10_000])
def test_rubbish_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthorized):
        verifier.verify(token)


def test_a_token_of_another_key_is_refused(keys: Keys, verifier: TokenVerifier, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_keys(tmp_path / "other", {})
    with pytest.raises(Unauthorized):
        verifier.verify(other.mint("device"))


def test_a_changed_token_is_refused(keys: Keys, verifier: TokenVerifier) -> None:
    header, _, signature = keys.mint("consumer").split(".")
    payload = keys.mint("admin").split(".")[1]
    with pytest.raises(Unauthorized):
        verifier.verify(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256"])
def test_only_eddsa_is_accepted(keys: Keys, verifier: TokenVerifier, algorithm: str) -> None:
    public = json.loads(keys.jwks_file.read_text())["keys"][0]["x"]
    secret = {"none": None, "HS256": public.ljust(64), "RS256": generate_private_key(65537, 2048)}[algorithm]
    payload = jwt.decode(keys.mint("device"), options={"verify_signature": False})
    with pytest.raises(Unauthorized):
        verifier.verify(jwt.encode(payload, secret, algorithm=algorithm, headers={"kid": "test"}))


def test_a_remembered_token_still_expires(
    keys: Keys, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = keys.mint("device")
    verifier.verify(token)
    later = time.time() + 7200
    monkeypatch.setattr("workers.lib.tokens.time.time", lambda: later)
    with pytest.raises(Unauthorized, match="expired"):
        verifier.verify(token)


def test_rotated_keys_replace_the_old_ones(
    keys: Keys, verifier: TokenVerifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = keys.mint("device")
    verifier.verify(old)
    (tmp_path / "next").mkdir()
    rotated = make_keys(tmp_path / "next", {})
    os.replace(rotated.jwks_file, keys.jwks_file)
    monkeypatch.setattr(tokens, "RELOAD_INTERVAL", 0.0)
    assert verifier.verify(rotated.mint("device")).role == "device"
    with pytest.raises(Unauthorized):
        verifier.verify(old)


def test_a_damaged_key_file_leaves_the_loaded_keys_in_use(
    keys: Keys, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier.verify(keys.mint("device"))
    monkeypatch.setattr(tokens, "RELOAD_INTERVAL", 0.0)
    for damage in ("{", "[]", '{"keys": []}', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a"}]}'):
        keys.jwks_file.write_text(damage)
        assert verifier.verify(keys.mint("device")).role == "device"


def test_without_any_key_the_worker_is_unavailable(tmp_path: Path, keys: Keys) -> None:
    verifier = TokenVerifier(tmp_path / "missing.json", issuer=ISSUER, audience=AUDIENCE)
    with pytest.raises(Unavailable):
        verifier.verify(keys.mint("device"))


def test_require_role() -> None:
    claims = Claims("x", "demo", "consumer", 0.0)
    require_role(claims, "consumer", "admin")
    with pytest.raises(Forbidden):
        require_role(claims, "device")
