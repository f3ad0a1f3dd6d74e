"""What people do with their accounts. Knows nothing of HTTP; each method is one endpoint's work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from workers.auth import bodies, queries
from workers.auth.attempts import Attempts, Counter
from workers.auth.codes import Codes, hash_token, new_refresh_token
from workers.auth.passwords import Passwords, check_policy
from workers.auth.queries import Place, SessionRow
from workers.auth.settings import AuthSettings
from workers.auth.signing import Signer
from workers.lib import db
from workers.lib.errors import BadRequest, Conflict, Forbidden, Unauthorized, Unavailable, Unprocessable
from workers.lib.sessions import Sessions
from workers.lib.tokens import Claims

log = logging.getLogger(__name__)

CODE_SECONDS = 600


class Accounts:
    """Registration, codes, sign-in, sessions, passwords. Raises the errors that clients are told."""

    def __init__(
        self,
        settings: AuthSettings,
        pool: db.Pool,
        attempts: Attempts,
        passwords: Passwords,
        signer: Signer,
        sessions: Sessions,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._attempts = attempts
        self._passwords = passwords
        self._signer = signer
        self._sessions = sessions
        self._codes = Codes(settings.auth_code_key.get_secret_value(), settings.master_code)

    async def register(self, body: bodies.Register, place: Place) -> None:
        """Make an account that waits for its code. Says nothing of whether there is one already."""
        tenant = self._tenant(body)
        phone = bodies.e164(body.phone, self._settings.auth_phone_region) if body.phone else None
        if body.password is not None:
            check_policy(body.password, body.email, body.name)
        await self._take(self._mails(tenant, body.email, place), tenant, body.email, place)
        code = self._codes.new()
        code_hash = self._codes.hash(tenant, body.email, "verify", code)
        async with self._like_any_other():
            new_hash, known_hash = await self._first_password(tenant, body)
            async with self._connection() as connection:
                outcome = await queries.register(
                    connection, tenant, body.email, body.name, phone, new_hash, known_hash, code, code_hash
                )
        if outcome == "unknown_tenant":
            raise Unprocessable("no such tenant", code="unknown_tenant")

    async def _first_password(self, tenant: str, body: bodies.Register) -> tuple[str | None, str | None]:
        """The hash for a new account, and the stored one if an unconfirmed account has this very password."""
        if body.password is None:
            return None, None
        async with self._connection() as connection:
            known = await queries.find_login(connection, tenant, body.email)
        stored = known.password_hash if known else None
        # both always, so that the time they take tells nothing
        new_hash = await self._passwords.hash(body.password)
        same = await self._passwords.verify(stored, body.password)
        return new_hash, stored if same else None

    async def send_code(self, body: bodies.ForAccount, purpose: str, place: Place) -> None:
        """Mail a code to confirm the address (verify) or to choose a password (reset), if there is reason."""
        tenant = self._tenant(body)
        await self._take(self._mails(tenant, body.email, place), tenant, body.email, place)
        code = self._codes.new()
        code_hash = self._codes.hash(tenant, body.email, purpose, code)
        async with self._like_any_other(), self._connection() as connection:
            await queries.send_code(connection, tenant, body.email, purpose, code, code_hash)

    async def verify(self, body: bodies.VerifyCode, place: Place) -> dict[str, Any]:
        """Confirm the address with the code, and sign in."""
        tenant = self._tenant(body)
        counters = self._failures("code", tenant, body.email, place)
        await self._take(counters, tenant, body.email, place)
        code_hash = self._codes.hash(tenant, body.email, "verify", body.otp)
        token = new_refresh_token()
        begun = _clock()
        async with self._connection() as connection, connection.transaction():
            user_id = await queries.confirm(connection, tenant, body.email, code_hash)
            session = await self._open(connection, user_id, None, token, place) if user_id else None
        if session is None:
            await self._rest_of_floor(begun)
            raise _wrong_code()
        await self._attempts.forgive(counters)
        return self._signed_in(session, token)

    async def login(self, body: bodies.Login, place: Place) -> dict[str, Any]:
        """Sign in with the password."""
        tenant = self._tenant(body)
        counters = self._failures("login", tenant, body.email, place)
        await self._take(counters, tenant, body.email, place)
        begun = _clock()
        async with self._connection() as connection:
            found = await queries.find_login(connection, tenant, body.email)
        stored = found.password_hash if found is not None and found.in_use else None
        right = await self._passwords.verify(stored, body.password)
        # Not confirmed is answered as unknown is: else, by registering an address and signing in with the
        # password just given, one would learn whether it had an account before.
        if not right or found is None or stored is None or not found.verified:
            # the same work was done, but a hash made with other parameters takes another time
            await self._rest_of_floor(begun)
            raise _wrong_credentials()
        await self._attempts.forgive(counters)
        if self._passwords.outdated(stored):
            stored = await self._rehash(found.user_id, stored, body.password)
        token = new_refresh_token()
        async with self._connection() as connection:
            session = await self._open(connection, found.user_id, stored, token, place)
        if session is None:
            raise _wrong_credentials()
        return self._signed_in(session, token)

    async def refresh(self, body: bodies.RefreshToken) -> dict[str, Any]:
        """The next pair of tokens for a refresh token. Asked again within seconds: the same pair."""
        token = self._codes.next_refresh_token(body.refresh_token)
        async with self._connection() as connection:
            result = await queries.refresh_session(
                connection, hash_token(body.refresh_token), hash_token(token)
            )
        if result.session is not None:
            return self._signed_in(result.session, token)
        if result.outcome == "reused":
            self._sessions.forget(str(result.session_id))
            log.warning("session %s ended: a refresh token was used twice", result.session_id)
            raise Unauthorized(
                "the refresh token was used before: the session has been ended",
                code="refresh_token_reused",
                hint="sign in again; if it was not you who used it, change your password",
            )
        raise Unauthorized(
            "the refresh token is not valid", code="invalid_refresh_token", hint="sign in again"
        )

    async def logout(self, body: bodies.RefreshToken) -> None:
        """End the session of a refresh token; whether there was one is not told."""
        async with self._connection() as connection:
            session_id = await queries.close_session(connection, hash_token(body.refresh_token))
        self._sessions.forget(str(session_id))

    async def logout_everywhere(self, claims: Claims) -> int:
        """End every session of the person."""
        async with self._connection() as connection:
            ended = await queries.close_sessions(connection, person(claims))
        self._sessions.forget_all()
        return ended

    async def set_password(self, body: bodies.SetPassword, claims: Claims) -> None:
        """The first password of an account that was confirmed without one."""
        profile = await self.me(claims)
        if profile["has_password"]:
            raise _has_password()
        check_policy(body.password, profile["email"], profile["name"])
        new_hash = await self._passwords.hash(body.password)
        async with self._connection() as connection:
            if not await queries.set_password(connection, person(claims), new_hash, None, claims.session):
                raise _has_password()
        self._sessions.forget_all()

    async def change_password(self, body: bodies.ChangePassword, claims: Claims, place: Place) -> None:
        """Another password in place of the present one; other sessions end."""
        profile = await self.me(claims)
        check_policy(body.new_password, profile["email"], profile["name"])
        counters = self._failures("login", claims.tenant, profile["email"], place)
        await self._take(counters, claims.tenant, profile["email"], place)
        async with self._connection() as connection:
            stored = await queries.password_of(connection, person(claims))
        if stored is None or not await self._passwords.verify(stored, body.current_password):
            raise Forbidden("the current password is wrong", code="wrong_password")
        await self._attempts.forgive(counters)
        new_hash = await self._passwords.hash(body.new_password)
        async with self._connection() as connection:
            changed = await queries.set_password(connection, person(claims), new_hash, stored, claims.session)
        if not changed:
            raise Conflict("the password was changed by another request")
        self._sessions.forget_all()

    async def reset_password(self, body: bodies.ResetPassword, place: Place) -> None:
        """Choose a password with the code that was mailed; every session ends."""
        tenant = self._tenant(body)
        check_policy(body.password, body.email)
        counters = self._failures("code", tenant, body.email, place)
        await self._take(counters, tenant, body.email, place)
        begun = _clock()
        code_hash = self._codes.hash(tenant, body.email, "reset", body.otp)
        new_hash = await self._passwords.hash(body.password)
        async with self._connection() as connection:
            user_id = await queries.reset_password(connection, tenant, body.email, code_hash, new_hash)
        if user_id is None:
            await self._rest_of_floor(begun)
            raise _wrong_code()
        await self._attempts.forgive([*counters, *self._failures("login", tenant, body.email, place)[:1]])
        self._sessions.forget_all()

    async def me(self, claims: Claims) -> dict[str, Any]:
        """The person's account."""
        async with self._connection() as connection:
            profile = await queries.me(connection, claims.tenant, person(claims))
        if profile is None:
            raise Unauthorized("the account does not exist or is disabled", code="session_ended")
        return profile

    async def change_me(self, body: bodies.ChangeMe, claims: Claims) -> dict[str, Any]:
        """Change name or phone."""
        changes: dict[str, Any] = body.model_dump(include=body.model_fields_set)
        if changes.get("phone"):
            changes["phone"] = bodies.e164(changes["phone"], self._settings.auth_phone_region)
        elif "phone" in changes:
            changes["phone"] = None
        async with self._connection() as connection:
            profile = await queries.update_me(connection, claims.tenant, person(claims), changes)
        if profile is None:
            raise Unauthorized("the account does not exist or is disabled", code="session_ended")
        return profile

    async def _open(
        self, connection: db.Connection, user_id: UUID, expected: str | None, token: str, place: Place
    ) -> SessionRow | None:
        lifetime = self._settings.auth_session_ttl
        return await queries.open_session(connection, user_id, expected, hash_token(token), lifetime, place)

    async def _rehash(self, user_id: UUID, stored: str, password: str) -> str:
        new_hash = await self._passwords.hash(password)
        async with self._connection() as connection:
            await queries.rehash(connection, user_id, stored, new_hash)
        return new_hash

    def _signed_in(self, session: SessionRow, refresh_token: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        # the moment the refresh token was made, not this one: the same pair again is the same to the letter
        made = session.issued_at or now
        ttl = max(1, min(self._settings.auth_access_ttl, int((session.expires_at - made).total_seconds())))
        profile = session.profile
        claims = {
            "sub": profile["user_id"], "tenant": profile["tenant"], "role": profile["role"],
            "sid": str(session.session_id),
        }  # fmt: skip
        return {
            "access_token": self._signer.sign(claims, made, ttl),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": max(1, int(made.timestamp()) + ttl - int(now.timestamp())),
            "user": profile,
        }

    def _tenant(self, body: bodies.ForAccount) -> str:
        tenant = body.tenant or self._settings.default_tenant
        if not tenant:
            raise bodies.invalid("tenant: the code of your utility company is needed")
        return tenant

    async def _take(self, counters: list[Counter], tenant: str, email: str, place: Place) -> None:
        async def known_here() -> bool:
            if place.address is None:
                return False
            async with self._connection() as connection:
                return await queries.signed_in_from(connection, tenant, email, place.network)

        await self._attempts.take(counters, known_here)

    def _failures(self, kind: str, tenant: str, email: str, place: Place) -> list[Counter]:
        """Of the account from this place (which a success forgets), of the place, and of the account."""
        settings = self._settings
        account = f"{tenant} {email}"
        return [
            Counter(
                f"{kind}-here", f"{account} {place.network}", settings.auth_failures_account, forget=True
            ),
            Counter("failure-address", place.network, settings.auth_failures_address),
            Counter(f"{kind}-account", account, settings.auth_failures_everywhere, everywhere=True),
        ]

    def _mails(self, tenant: str, email: str, place: Place) -> list[Counter]:
        settings = self._settings
        account = f"{tenant} {email}"
        return [
            Counter("mail-here", f"{account} {place.network}", settings.auth_mails_account),
            Counter("mail-address", place.network, settings.auth_mails_address),
            Counter("mail-account", account, settings.auth_mails_everywhere, everywhere=True),
        ]

    @asynccontextmanager
    async def _like_any_other(self) -> AsyncIterator[None]:
        """Take at least the usual time, whatever was found."""
        begun = _clock()
        try:
            yield
        finally:
            await self._rest_of_floor(begun)

    async def _rest_of_floor(self, begun: float) -> None:
        await asyncio.sleep(max(0.0, begun + self._settings.auth_answer_floor - _clock()))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[db.Connection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, OSError) as error:
            if not db.is_transient(error):
                raise
            raise Unavailable("the database is away", retry_after=2) from error


def person(claims: Claims) -> UUID:
    """Whose token it is."""
    try:
        return UUID(claims.subject)
    except ValueError:
        raise Forbidden("the token does not name a user account") from None


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _wrong_credentials() -> Unauthorized:
    return Unauthorized(
        "the address or the password is wrong, or the address is not confirmed yet",
        code="invalid_credentials",
        hint="forgot-password gives another password; resend-otp the code that confirms a new account",
    )


def _wrong_code() -> BadRequest:
    return BadRequest(
        "the code is wrong or no longer valid",
        code="invalid_code",
        hint=f"a code is good for {CODE_SECONDS // 60} minutes and five attempts, once; ask for a new one",
    )


def _has_password() -> Conflict:
    return Conflict("the account has a password", code="password_exists", hint="POST change-password")
