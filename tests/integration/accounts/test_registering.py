"""Registering: an address is confirmed by code, and a stranger learns and changes nothing by it."""

from __future__ import annotations

import json
import time

from tests.conftest import StartWorker
from tests.support.accounts import (
    PASSWORD,
    Client,
    assert_error,
    claims_of,
    client,
    queued,
    queued_code,
    registered,
)
from tests.support.cluster import Database
from tests.support.keys import Keys

NEW_PASSWORD = "quite another passphrase"


async def test_register_confirm_sign_in(auth: Client, database: Database, email: str, keys: Keys) -> None:
    answer = await auth.post(
        "register", name=" Neu  Er ", email=email.upper(), phone="+49 30 901820", password=PASSWORD
    )
    assert answer.status == 202
    (mail,) = queued(database, email)
    assert (mail["kind"], mail["tenant"], mail["name"]) == ("verify_code", "demo", None)
    assert_error(await auth.post("login", email=email, password=PASSWORD), 401, "invalid_credentials")

    confirmed = await auth.post("verify-otp", email=email, otp=mail["data"]["code"])
    assert confirmed.status == 200
    assert_error(await auth.post("verify-otp", email=email, otp=mail["data"]["code"]), 400, "invalid_code")

    answer = await auth.post("login", email=email, password=PASSWORD)
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (answer["user"]["name"], answer["user"]["phone"]) == ("Neu Er", "+4930901820")
    claims = claims_of(answer["access_token"])
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 900
    assert (claims["tenant"], claims["role"], claims["iss"]) == ("demo", "consumer", "segs")
    me = await auth.get("me", answer["access_token"])
    assert me.body == answer["user"]
    stored = database.value("select password_hash from auth.user_account where email = %s", (email,))
    assert stored.startswith("$argon2id$")
    assert not database.value(
        "select count(*) from auth.refresh_token where encode(token_hash, 'escape') like %s",
        (f"%{answer['refresh_token']}%",),
    )


async def test_unknown_waiting_and_known_accounts_get_the_same_answers(
    auth: Client, database: Database, email: str
) -> None:
    """At every door that takes an address. ``waiting`` was registered by who asks, and is not confirmed."""
    await registered(auth, database, email)
    nobody, waiting, disabled = (f"{kind}-{email}" for kind in ("nobody", "waiting", "disabled"))
    await auth.post("register", name="A", email=waiting, password=PASSWORD)
    await registered(auth, database, disabled)
    database.rows("update auth.user_account set disabled_at = now() where email = %s", (disabled,))
    for name, more in (
        ("login", {"password": "not the right one"}),
        ("login", {"password": PASSWORD}),
        ("forgot-password", {}),
        ("resend-otp", {}),
        ("verify-otp", {"otp": "000000"}),
        ("reset-password", {"otp": "000000", "password": NEW_PASSWORD}),
        ("register", {"name": "A", "password": NEW_PASSWORD}),
        ("register", {"name": "A"}),
    ):
        who = [nobody, waiting, disabled, email]
        if more == {"password": PASSWORD}:
            who.remove(email)  # whose password it is
        answers = [await auth.post(name, email=each, **more) for each in who]
        assert len({(answer.status, json.dumps(answer.body)) for answer in answers}) == 1, (name, answers)
        assert len({frozenset(answer.headers) for answer in answers}) == 1, name
    assert queued(database, email)[-1]["kind"] == "already_registered"
    assert (await auth.post("login", email=email, password=PASSWORD)).status == 200, "nothing has changed"


async def test_a_stranger_learns_nothing_by_registering_and_signing_in(
    auth: Client, database: Database, email: str
) -> None:
    await registered(auth, database, email)
    nobody = f"nobody-{email}"
    tried = []
    for address in (email, nobody):
        first = await auth.post("register", name="Eve", email=address, password=NEW_PASSWORD)
        then = await auth.post("login", email=address, password=NEW_PASSWORD)
        tried.append((first.status, first.body, then.status, then.body))
    assert tried[0] == tried[1]


async def test_registering_again_changes_neither_name_nor_phone(
    auth: Client, database: Database, email: str
) -> None:
    await auth.post("register", name="Ada", email=email, phone="+49 30 901820", password=PASSWORD)
    await auth.post("register", name="Eve", email=email, phone="+49 30 901821", password=PASSWORD)
    await auth.post("register", name="Eve", email=email, password=PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    assert (answer["user"]["name"], answer["user"]["phone"]) == ("Ada", "+4930901820")


async def test_registering_an_invited_address_changes_nothing_of_it(
    auth: Client, database: Database, email: str
) -> None:
    database.rows("select auth.invite('demo', %s, 'Invited', 'operator')", (email,))
    await auth.post("register", name="Eve", email=email, phone="+49 30 901821", password=PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    user = answer["user"]
    assert (user["name"], user["phone"], user["role"], user["has_password"]) == (
        "Invited", None, "operator", False,
    )  # fmt: skip


async def test_mails_to_addresses_that_are_not_confirmed_hold_no_text_of_others(
    auth: Client, database: Database, email: str
) -> None:
    bait = 'Win at https://evil.example, "x" <eve@evil.example>'
    await auth.post("register", name=bait, email=email, password=PASSWORD)
    await auth.post("register", name=bait, email=email, password=NEW_PASSWORD)
    await auth.post("resend-otp", email=email)
    await auth.post("forgot-password", email=email)
    mails = queued(database, email)
    assert [mail["kind"] for mail in mails] == ["verify_code"] * 3 + ["reset_code"]
    assert "evil" not in json.dumps(mails)
    await auth.post("verify-otp", email=email, otp=mails[2]["data"]["code"])
    await auth.post("forgot-password", email=email)
    assert queued(database, email)[-1]["name"] == bait, "who has confirmed is called by their name"


async def test_registering_for_somebody_else_plants_no_password(
    auth: Client, database: Database, email: str
) -> None:
    await auth.post("register", name="Owner", email=email, password=PASSWORD)
    await auth.post("register", name="Stranger", email=email, password=NEW_PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    assert answer["user"]["has_password"] is False
    assert_error(await auth.post("login", email=email, password=NEW_PASSWORD), 401, "invalid_credentials")
    assert (await auth.post("set-password", answer["access_token"], password=PASSWORD)).status == 200
    answer = await auth.post("set-password", answer["access_token"], password=NEW_PASSWORD)
    assert_error(answer, 409, "password_exists")
    assert (await auth.post("login", email=email, password=PASSWORD)).status == 200


async def test_registering_again_with_the_same_password_keeps_it(
    auth: Client, database: Database, email: str
) -> None:
    for _ in range(2):
        await auth.post("register", name="A", email=email, password=PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    assert answer["user"]["has_password"] is True


async def test_the_answer_about_mail_takes_its_time(
    start_auth: StartWorker, database: Database, email: str
) -> None:
    server = start_auth(SEGS_AUTH_ANSWER_FLOOR="0.3", SEGS_AUTH_MASTER_CODE="424242")
    async with client(server.url) as auth:
        begun = time.monotonic()
        await auth.post("forgot-password", email=email)
        assert time.monotonic() - begun >= 0.3
        await auth.post("register", name="A", email=email)
        assert (await auth.post("verify-otp", email=email, otp="424242")).status == 200, "the master code"
