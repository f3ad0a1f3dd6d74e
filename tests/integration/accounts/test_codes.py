"""Codes in mails: five attempts, ten minutes, and a new one replaces the old."""

from __future__ import annotations

import asyncio

from tests.support.accounts import (
    PASSWORD,
    Client,
    assert_error,
    queued_code,
)
from tests.support.cluster import Database


async def test_a_code_has_five_attempts_and_a_new_one_replaces_it(
    auth: Client, database: Database, email: str
) -> None:
    await auth.post("register", name="A", email=email, password=PASSWORD)
    first = queued_code(database, email)
    await auth.post("resend-otp", email=email)
    second = queued_code(database, email)
    if first != second:
        assert_error(await auth.post("verify-otp", email=email, otp=first), 400, "invalid_code")
    wrong = "000000" if second != "000000" else "000001"
    answers = await asyncio.gather(*(auth.post("verify-otp", email=email, otp=wrong) for _ in range(5)))
    assert {answer.status for answer in answers} == {400}
    assert_error(await auth.post("verify-otp", email=email, otp=second), 400, "invalid_code")
    attempts = database.value(
        "select attempts from auth.one_time_code join auth.user_account using (user_id) where email = %s",
        (email,),
    )
    assert attempts == 5


async def test_a_code_expires(auth: Client, database: Database, email: str) -> None:
    await auth.post("register", name="A", email=email, password=PASSWORD)
    database.rows(
        "update auth.one_time_code set created_at = now() - interval '11 minutes',"
        " expires_at = now() - interval '1 second' where user_id ="
        " (select user_id from auth.user_account where email = %s)",
        (email,),
    )
    code = queued_code(database, email)
    assert_error(await auth.post("verify-otp", email=email, otp=code), 400, "invalid_code")
