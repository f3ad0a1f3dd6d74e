"""Passwords are changed by who knows them, or replaced by mail."""

from __future__ import annotations

from tests.support.accounts import (
    PASSWORD,
    Client,
    assert_error,
    claims_of,
    queued,
    queued_code,
    registered,
)
from tests.support.cluster import Database

NEW_PASSWORD = "quite another passphrase"


async def test_changing_the_password_ends_other_sessions(
    auth: Client, database: Database, email: str
) -> None:
    here = await registered(auth, database, email)
    there = await auth.post("login", email=email, password=PASSWORD)
    token = here["access_token"]
    wrong = await auth.post("change-password", token, current_password="wrong one", new_password=NEW_PASSWORD)
    assert_error(wrong, 403, "wrong_password")
    right = await auth.post("change-password", token, current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert right.status == 200
    assert (await auth.get("me", token)).status == 200
    assert_error(await auth.get("me", there["access_token"]), 401, "session_ended")
    assert_error(await auth.post("login", email=email, password=PASSWORD), 401, "invalid_credentials")
    assert queued(database, email)[-1]["kind"] == "password_changed"


async def test_a_forgotten_password_is_replaced_by_mail(auth: Client, database: Database, email: str) -> None:
    before = await registered(auth, database, email)
    await auth.post("forgot-password", email=email)
    code = queued_code(database, email)
    wrong = await auth.post("verify-otp", email=email, otp=code)
    assert_error(wrong, 400, "invalid_code")
    answer = await auth.post("reset-password", email=email, otp=code, password=NEW_PASSWORD)
    assert answer.status == 200
    again = await auth.post("reset-password", email=email, otp=code, password=NEW_PASSWORD)
    assert_error(again, 400, "invalid_code")
    assert_error(await auth.get("me", before["access_token"]), 401, "session_ended")
    assert (await auth.post("login", email=email, password=NEW_PASSWORD)).status == 200


async def test_an_invited_person_begins_with_a_forgotten_password(
    auth: Client, database: Database, email: str
) -> None:
    database.rows("select auth.invite('demo', %s, 'Invited', 'operator')", (email,))
    assert queued(database, email)[0]["kind"] == "invitation"
    await auth.post("forgot-password", email=email)
    code = queued_code(database, email)
    await auth.post("reset-password", email=email, otp=code, password=NEW_PASSWORD)
    answer = await auth.post("login", email=email, password=NEW_PASSWORD)
    assert claims_of(answer["access_token"])["role"] == "operator"
