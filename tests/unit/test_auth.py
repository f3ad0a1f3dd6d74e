"""Parts of the auth worker that need no server: settings, passwords, codes, bodies, limits, signing."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import jwt
import pytest

from stack.secrets import load_or_create
from workers.auth.attempts import Attempts, Counter
from workers.auth.bodies import Register, VerifyCode, e164
from workers.auth.codes import Codes
from workers.auth.passwords import Passwords, check_policy, is_common
from workers.auth.queries import Place
from workers.auth.settings import AuthSettings
from workers.auth.signing import Signer
from workers.lib import db
from workers.lib.errors import RateLimited, Unauthorized, Unavailable, Unprocessable
from workers.lib.sessions import Sessions
from workers.lib.settings import SettingsError
from workers.lib.tokens import Claims

STRONG = "0123456789abcdef0123456789abcdef"
BASE = {
    "SEGS_JWKS_FILE": "jwks.json",
    "SEGS_AUTH_SIGNING_KEY_FILE": "key.pem",
    "SEGS_AUTH_DATABASE_URL": f"postgresql://segs_auth:{STRONG}@127.0.0.1/segs",
    "SEGS_AUTH_CODE_KEY": STRONG,
}
NOW = datetime.now(UTC)
CHEAP = {"SEGS_ENVIRONMENT": "development", "SEGS_AUTH_ARGON2_MEMORY": "16", "SEGS_AUTH_ARGON2_TIME": "1"}


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> AuthSettings:
    for name in [name for name in os.environ if name.startswith("SEGS_")]:
        monkeypatch.delenv(name)
    for name, value in {**BASE, **values}.items():
        monkeypatch.setenv(name, value)
    return AuthSettings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEGS_AUTH_MASTER_CODE", "123456"),
        ("SEGS_AUTH_CODE_KEY", "short"),
        ("SEGS_AUTH_ARGON2_MEMORY", "1024"),
        ("SEGS_AUTH_ARGON2_TIME", "1"),
        ("SEGS_AUTH_DATABASE_URL", "postgresql://segs_auth:pw@127.0.0.1/segs"),
    ],
)
def test_shortcuts_are_refused_outside_development(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name):
        settings(monkeypatch, **{name: value})
    settings(monkeypatch, **{name: value, "SEGS_ENVIRONMENT": "development"})


def test_a_master_code_is_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="six digits"):
        settings(monkeypatch, SEGS_ENVIRONMENT="development", SEGS_AUTH_MASTER_CODE="12345")


@pytest.mark.parametrize(
    "password", ["password1", "PASSWORD1", "12345678", "aaaaaaaaaaaa", "qwertyuiop", "short"]
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Unprocessable):
        check_policy(password)


@pytest.mark.parametrize(
    "password", ["correct horse battery", "пароль-длинный", "日本語のパスワード", "x9!kQ2#v"]
)
def test_any_script_may_be_used(password: str) -> None:
    check_policy(password, "somebody@demo.example", "Some Body")
    assert not is_common(password)


def test_a_password_is_not_ones_own_name() -> None:
    with pytest.raises(Unprocessable, match="own name"):
        check_policy("Some.Body.Else", "some.body.else@demo.example")


async def test_passwords_match_however_they_are_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(settings(monkeypatch, **CHEAP))
    stored = await passwords.hash("pa\u0308sswo\u0308rter")
    assert await passwords.verify(stored, "p\u00e4ssw\u00f6rter")
    assert not await passwords.verify(stored, "passworter")
    assert not await passwords.verify(None, "p\u00e4ssw\u00f6rter")
    assert not await passwords.verify("not a hash", "x")
    assert not passwords.outdated(stored)
    stronger = Passwords(settings(monkeypatch, **CHEAP, SEGS_AUTH_ARGON2_PARALLELISM="2"))
    assert stronger.outdated(stored)
    passwords.close()
    stronger.close()


async def test_too_many_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(settings(monkeypatch, **CHEAP))
    passwords._room = 0
    with pytest.raises(Unavailable):
        await passwords.hash("a password")
    passwords.close()


def test_codes_are_six_digits_hashed_for_one_purpose() -> None:
    codes = Codes(STRONG)
    assert all(len(code) == 6 and code.isdigit() for code in (codes.new() for _ in range(50)))
    hashes = {
        codes.hash("demo", "a@b.example", "verify", "123456"),
        codes.hash("demo", "a@b.example", "reset", "123456"),
        codes.hash("other", "a@b.example", "verify", "123456"),
        Codes(STRONG + "x").hash("demo", "a@b.example", "verify", "123456"),
    }
    assert len(hashes) == 4
    assert Codes(STRONG, "000000").new() == "000000"


def test_addresses_and_numbers_are_normalised() -> None:
    body = Register.model_validate({"email": " Ada.L@DEMO.example ", "name": " Ada   L ", "phone": None})
    assert (body.email, body.name) == ("ada.l@demo.example", "Ada L")
    assert VerifyCode.model_validate({"email": "a@b.example", "otp": "123 456"}).otp == "123456"
    assert e164("+49 (30) 901820", "") == e164("030 901820", "DE") == "+4930901820"
    with pytest.raises(Unprocessable):
        e164("030 901820", "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        (None, "nowhere"),
    ],
)
def test_a_place_is_an_address_or_a_64(address: str | None, network: str) -> None:
    assert Place(None, address).network == network


async def test_attempts_are_counted_here_without_redis() -> None:
    attempts = Attempts(None, 60)
    account, address = Counter("login-here", "a", 2, forget=True), Counter("failure-address", "1", 3)
    await attempts.take([account, address])
    await attempts.take([account, address])
    with pytest.raises(RateLimited) as refused:
        await attempts.take([account, address])
    assert 0 < refused.value.retry_after <= 60
    await attempts.forgive([account, address])
    await attempts.take([account, address])
    with pytest.raises(RateLimited):
        await attempts.take([Counter("login-here", "b", 9), address])


def test_the_newest_published_key_signs(tmp_path: Path) -> None:
    old, new = load_or_create(tmp_path / "old"), load_or_create(tmp_path / "new")
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "a.pem").write_bytes(old.private_key_file.read_bytes())
    jwks = tmp_path / "jwks.json"
    jwks.write_text(old.jwks_file.read_text())
    signer = Signer(keys, jwks, issuer="segs", audience="segs")
    old_kid = jwt.get_unverified_header(signer.sign({"sub": "someone"}, NOW, 60))["kid"]

    (keys / "b.pem").write_bytes(new.private_key_file.read_bytes())
    os.utime(keys / "b.pem", (4e9, 4e9))
    signer._looked_at = float("-inf")
    assert jwt.get_unverified_header(signer.sign({"sub": "someone"}, NOW, 60))["kid"] == old_kid, (
        "not published yet"
    )

    both = [key for stack in (old, new) for key in json.loads(stack.jwks_file.read_text())["keys"]]
    jwks.write_text(json.dumps({"keys": both}))
    signer._looked_at = float("-inf")
    assert jwt.get_unverified_header(signer.sign({"sub": "someone"}, NOW, 60))["kid"] != old_kid


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Signer(tmp_path, tmp_path / "jwks.json", issuer="segs", audience="segs").sign({}, NOW, 60)


class Pool:
    """Answers which sessions stand, and counts how often it is asked."""

    def __init__(self, alive: set[str]) -> None:
        self.alive, self.asked = alive, 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Pool]:
        yield self

    async def execute(self, statement: str, values: tuple[list[Any]]) -> Pool:
        self.asked += 1
        return self

    async def fetchall(self) -> list[tuple[str]]:
        return [(sid,) for sid in self.alive]


def claims(session: str | None, role: str = "consumer") -> Claims:
    return Claims("x", "demo", role, 9e9, session)


async def test_a_session_is_asked_for_once_in_a_while() -> None:
    sid = "00000000-0000-4000-8000-0000000000aa"
    pool = Pool({sid})
    sessions = Sessions(cast("db.Pool", pool), required=False)
    await sessions.check(claims(sid))
    await sessions.check(claims(sid))
    await sessions.check(claims(None))
    assert pool.asked == 1
    pool.alive = set()
    sessions.forget(sid)
    with pytest.raises(Unauthorized, match="ended"):
        await sessions.check(claims(sid))


async def test_production_asks_people_for_a_session() -> None:
    sessions = Sessions(cast("db.Pool", Pool(set())), required=True)
    with pytest.raises(Unauthorized, match="ended"):
        await sessions.check(claims(None))
    await sessions.check(claims(None, "device"))
