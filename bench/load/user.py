"""What all users have in common: they sign in, look at every answer, and wait when they are told to."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from locust import FastHttpUser

from bench.load.options import credential, option

LONGEST_WAIT = 60.0
"""Seconds a user waits at most, whatever Retry-After says."""

Check = Callable[[Any], str | None]
"""Says what is wrong with an answer, if anything is."""


class SegsUser(FastHttpUser):
    """Someone with a role."""

    abstract = True
    insecure = False  # certificates are checked; SSL_CERT_FILE names an authority of your own
    role = ""
    sessions: ClassVar[dict[str, tuple[str, float]]] = {}
    """By login: an access token, and until when it is used."""

    def token(self, role: str) -> str:
        """A token of that role: one of those given, or that of a sign-in, made again before it expires."""
        if given := credential(self.environment, f"{role}_token"):
            return random.choice(given.split(","))
        login = credential(self.environment, f"{role}_login")
        if self.sessions.get(login, ("", 0.0))[1] < time.time():
            if (session := self.sign_in(login)) is None:
                return ""
            self.sessions[login] = (session["access_token"], time.time() + session["expires_in"] / 2)
        return self.sessions[login][0]

    def sign_in(self, login: str) -> Any:
        """Tokens for an address and a password."""
        email, _, password = login.partition(":")
        body = {"email": email, "password": password, "tenant": option(self.environment, "tenant")}
        return self.ask("POST", "/api/v1/user/login", "sign in", has("access_token"), json=body, token="")

    def ask(
        self,
        method: str,
        path: str,
        name: str,
        check: Check | None = None,
        *,
        token: str | None = None,
        also: tuple[int, ...] = (),
        **request: Any,
    ) -> Any:
        """One request: its answer, or None if it has none.

        429 and 503 that say when to come back are how the platform keeps up: they have a line of their own
        among the figures, and are obeyed. So have the other states that ``also`` names.
        """
        token = self.token(self.role) if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        wait, body = 0.0, None
        with self.client.request(
            method, path, name=name, headers=headers, catch_response=True, **request
        ) as answer:
            status, told = answer.status_code, (answer.headers or {}).get("Retry-After")
            if status in (429, 503) and told:
                answer.request_meta["name"] = f"{name}: {status}, told to wait"
                wait = pause(told)
                answer.success()
            elif status in also:
                answer.request_meta["name"] = f"{name}: {status}"
                answer.success()
            elif status >= 300:
                answer.failure(f"{status}: {(answer.text or '')[:200]}")
            elif status:
                body, fault = judged(answer.text, check)
                if fault:
                    answer.failure(fault)
        if wait:
            time.sleep(wait)  # Locust makes it a pause of this user alone
        return body

    def insist(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer."""
        while (answer := ask()) is None:
            time.sleep(random.uniform(0.5, 1))
        return answer

    def read(self, what: str, name: str, check: Check | None = None, **query: object) -> Any:
        """Read from the REST API."""
        return self.ask("GET", f"/api/v1/{what}?{urlencode(query)}", name, check)


def pause(retry_after: str) -> float:
    """How long to wait when told so: not everybody equally long."""
    return min(float(retry_after), LONGEST_WAIT) * random.uniform(1, 1.5)


def judged(text: str | None, check: Check | None) -> tuple[Any, str | None]:
    """The answer, and what is wrong with it."""
    if not text and check is None:
        return None, None
    try:
        body = json.loads(text or "")
    except ValueError:
        return None, f"not JSON: {(text or '')[:100]!r}"
    return body, check(body) if check else None


def has(*names: str) -> Check:
    """An object with these members."""
    return lambda body: (
        None if isinstance(body, dict) and all(name in body for name in names) else f"without {names}"
    )


def rows(most: int, least: int = 0) -> Check:
    """A list of so many rows."""
    return lambda body: (
        None
        if isinstance(body, list) and least <= len(body) <= most
        else f"not a list of {least} to {most} rows: {str(body)[:100]}"
    )


def ago(**age: float) -> str:
    """A moment of the past, as the API takes it."""
    return (datetime.now(UTC) - timedelta(**age)).isoformat(timespec="seconds")
