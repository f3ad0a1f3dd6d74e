"""People who register and sign in over HTTP, with the codes read from the queue or from mail files."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt

from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.wait import wait_until

PASSWORD = "a long enough passphrase"
USER = "/api/v1/user"


def auth_settings(database: Database, keys: Keys) -> dict[str, str]:
    """What an auth worker of a test needs: cheap hashes, prompt answers, limits out of the way."""
    return {
        "SEGS_AUTH_DATABASE_URL": database.url("segs_auth"),
        "SEGS_AUTH_SIGNING_KEY_FILE": str(keys.private_key_file),
        "SEGS_AUTH_CODE_KEY": "a key of the tests, of no other use",
        "SEGS_AUTH_ARGON2_MEMORY": "64",
        "SEGS_AUTH_ARGON2_TIME": "1",
        "SEGS_AUTH_ANSWER_FLOOR": "0",
        "SEGS_AUTH_MAILS_ADDRESS": "100000",
        "SEGS_AUTH_FAILURES_ADDRESS": "100000",
    }


def notifier_settings(database: Database) -> dict[str, str]:
    """What a notifier of a test needs besides a way for its mails."""
    return {
        "SEGS_NOTIFIER_DATABASE_URL": database.url("segs_notifier"),
        "SEGS_NOTIFIER_POLL_INTERVAL": "0.1",
        "SEGS_NOTIFIER_RETRY_SECONDS": "1",
    }


@dataclass(frozen=True)
class Answer:
    """Status, body and headers of a response."""

    status: int
    body: Any
    headers: Any

    def __getitem__(self, key: str) -> Any:
        return self.body[key]


class Client:
    """Speaks to ``/api/v1/user/...``."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def send(
        self, method: str, name: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        """One request; any status is an answer."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self._url}{USER}/{name}"
        async with self._http.request(method, url, json=body, headers=headers) as response:
            return Answer(response.status, await response.json(), response.headers)

    async def post(self, endpoint: str, token: str | None = None, /, **body: Any) -> Answer:
        """POST with these fields."""
        return await self.send("POST", endpoint, body, token)

    async def get(self, name: str, token: str | None = None) -> Answer:
        return await self.send("GET", name, None, token)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    """A client of the worker or the edge at ``url``."""
    async with aiohttp.ClientSession() as http:
        yield Client(http, url)


def queued(database: Database, email: str) -> list[dict[str, Any]]:
    """Mails to this address that wait to be sent, oldest first."""
    rows = database.rows(
        "select message from pgmq.q_notifications where message ->> 'to' = %s order by msg_id", (email,)
    )
    return [row[0] for row in rows]


def queued_code(database: Database, email: str) -> str:
    """The newest code on its way to this address."""
    return str([mail["data"]["code"] for mail in queued(database, email) if "code" in mail["data"]][-1])


def mailed_code(directory: Path, email: str) -> str:
    """The newest code in a mail file to this address."""
    wait_until(lambda: any(directory.glob(f"*_code-{email}.eml")), f"a code for {email} is mailed")
    text = sorted(directory.glob(f"*_code-{email}.eml"))[-1].read_text()
    found = re.search(r"^ {4}(\d{6})", text, re.MULTILINE)
    assert found, text
    return found[1]


async def registered(client: Client, database: Database, email: str, password: str = PASSWORD) -> Answer:
    """A new person who has confirmed the address: the answer of verify-otp."""
    assert (await client.post("register", name="Test Person", email=email, password=password)).status == 202
    answer = await client.post("verify-otp", email=email, otp=queued_code(database, email))
    assert answer.status == 200, answer.body
    return answer


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def assert_error(answer: Answer, status: int, code: str) -> None:
    """The answer is this error, in the one shape."""
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert set(answer.body) == {"code", "message", "details", "hint"}
