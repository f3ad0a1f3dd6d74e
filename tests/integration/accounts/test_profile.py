"""What people say of themselves, and what is refused of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.accounts import (
    PASSWORD,
    Client,
    assert_error,
    registered,
)
from tests.support.cluster import Database
from tests.support.keys import Keys


async def test_me_changes_what_is_named(auth: Client, database: Database, email: str) -> None:
    token = (await registered(auth, database, email))["access_token"]
    answer = await auth.send("PATCH", "me", {"phone": "+49 30 901820", "role": "admin"}, token)
    assert (answer["name"], answer["phone"], answer["role"]) == ("Test Person", "+4930901820", "consumer")
    answer = await auth.send("PATCH", "me", {"name": "Other", "phone": None}, token)
    assert (answer["name"], answer["phone"]) == ("Other", None)


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("register", {"name": "A", "email": "no address"}, 422, "invalid_input"),
        ("register", {"name": "", "email": "a@new.example"}, 422, "invalid_input"),
        ("register", {"name": "A\0", "email": "a@new.example"}, 422, "invalid_input"),
        ("register", {"name": "A", "email": "a@new.example", "phone": "12"}, 422, "invalid_input"),
        ("register", {"name": "A", "email": "a@new.example", "tenant": "nowhere"}, 422, "unknown_tenant"),
        ("register", {"name": "A", "email": "a@new.example", "tenant": "platform"}, 422, "unknown_tenant"),
        ("register", {"name": "A", "email": "a@new.example", "password": "password1"}, 422, "weak_password"),
        ("login", {"email": "a@new.example", "password": 7}, 422, "invalid_input"),
        ("login", ["a list"], 400, "malformed_json"),
        ("login", {"email": "a@new.example", "password": "x" * 20_000}, 413, "body_too_large"),
        ("verify-otp", {"email": "a@new.example", "otp": "12345x"}, 422, "invalid_input"),
        ("set-password", {"password": PASSWORD}, 401, "unauthorized"),
        ("no-such-thing", {}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_accepted_says_why(
    auth: Client, name: str, body: Any, status: int, code: str
) -> None:
    assert_error(await auth.send("POST", name, body), status, code)


async def test_a_device_has_no_account(auth: Client, keys: Keys) -> None:
    assert_error(await auth.get("me", keys.mint("device")), 403, "forbidden")
