"""Sessions: refresh tokens rotate, and a session ends when it is ended, disabled or over."""

from __future__ import annotations

import asyncio
import base64
import json

from tests.conftest import StartWorker
from tests.support.accounts import (
    PASSWORD,
    Answer,
    Client,
    assert_error,
    claims_of,
    client,
    registered,
)
from tests.support.cluster import Database


async def test_refresh_tokens_rotate_and_reuse_ends_the_family(
    auth: Client, database: Database, email: str
) -> None:
    first = await registered(auth, database, email)
    second = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert second.status == 200
    assert claims_of(second["access_token"])["sid"] == claims_of(first["access_token"])["sid"]
    assert (await auth.get("me", second["access_token"])).status == 200

    third = await auth.post("refresh", refresh_token=second["refresh_token"])
    reuse = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert_error(reuse, 401, "refresh_token_reused")
    newest = await auth.post("refresh", refresh_token=third["refresh_token"])
    assert_error(newest, 401, "invalid_refresh_token")
    assert_error(await auth.get("me", second["access_token"]), 401, "session_ended")
    assert_error(await auth.post("refresh", refresh_token="made up"), 401, "invalid_refresh_token")


def pair(answer: Answer) -> tuple[str, str]:
    return answer["access_token"], answer["refresh_token"]


async def test_uses_at_once_get_the_same_pair(
    auth: Client, start_auth: StartWorker, database: Database, email: str
) -> None:
    """Twenty tabs and two processes, then an answer that was lost."""
    first = await registered(auth, database, email)
    other = start_auth()
    async with client(other.url) as elsewhere:
        answers = await asyncio.gather(
            *(
                speaker.post("refresh", refresh_token=first["refresh_token"])
                for speaker in (auth, elsewhere)
                for _ in range(10)
            )
        )
    assert {answer.status for answer in answers} == {200}
    assert len({pair(answer) for answer in answers}) == 1
    again = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert pair(again) == pair(answers[0])
    assert (await auth.get("me", again["access_token"])).status == 200
    following = await auth.post("refresh", refresh_token=again["refresh_token"])
    assert following.status == 200
    assert following["refresh_token"] != again["refresh_token"]


async def test_a_lost_answer_is_given_again_for_seconds_only(
    auth: Client, database: Database, email: str
) -> None:
    first = await registered(auth, database, email)
    second = await auth.post("refresh", refresh_token=first["refresh_token"])
    database.rows(
        "update auth.refresh_token set used_at = used_at - interval '10 seconds'"
        " where session_id = %s and used_at is not null",
        (claims_of(first["access_token"])["sid"],),
    )
    answer = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert_error(answer, 401, "refresh_token_reused")
    answer = await auth.post("refresh", refresh_token=second["refresh_token"])
    assert_error(answer, 401, "invalid_refresh_token")


async def test_after_signing_out_no_token_gives_another(auth: Client, database: Database, email: str) -> None:
    first = await registered(auth, database, email)
    second = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert (await auth.post("logout", refresh_token=second["refresh_token"])).status == 200
    for token in (first["refresh_token"], second["refresh_token"]):
        assert_error(await auth.post("refresh", refresh_token=token), 401, "invalid_refresh_token")


async def test_a_session_ends_absolutely(auth: Client, database: Database, email: str) -> None:
    first = await registered(auth, database, email)
    database.rows(
        "update auth.session set created_at = now() - interval '31 days',"
        " expires_at = now() - interval '1 day' where session_id = %s",
        (claims_of(first["access_token"])["sid"],),
    )
    answer = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert_error(answer, 401, "invalid_refresh_token")


async def test_sign_out_here_and_everywhere(auth: Client, database: Database, email: str) -> None:
    here = await registered(auth, database, email)
    there = await auth.post("login", email=email, password=PASSWORD)
    assert (await auth.post("logout", refresh_token=here["refresh_token"])).status == 200
    assert_error(await auth.get("me", here["access_token"]), 401, "session_ended")
    answer = await auth.post("logout-everywhere", there["access_token"])
    assert answer["sessions"] == 1
    assert_error(await auth.get("me", there["access_token"]), 401, "session_ended")
    assert (await auth.post("logout", refresh_token="made up")).status == 200


async def test_a_disabled_account_is_out_at_once(auth: Client, database: Database, email: str) -> None:
    before = await registered(auth, database, email)
    database.rows("update auth.user_account set disabled_at = now() where email = %s", (email,))
    assert_error(await auth.get("me", before["access_token"]), 401, "session_ended")
    refreshed = await auth.post("refresh", refresh_token=before["refresh_token"])
    assert_error(refreshed, 401, "invalid_refresh_token")
    assert_error(await auth.post("login", email=email, password=PASSWORD), 401, "invalid_credentials")


async def test_a_token_of_another_algorithm_is_refused(auth: Client, database: Database, email: str) -> None:
    token = (await registered(auth, database, email))["access_token"]
    payload = token.split(".")[1]
    header = (
        base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "test"}).encode()).rstrip(b"=").decode()
    )
    assert_error(await auth.get("me", f"{header}.{payload}."), 401, "unauthorized")
