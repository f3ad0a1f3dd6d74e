"""The endpoints below ``/api/v1/user/``."""

from __future__ import annotations

import ipaddress

from aiohttp import web

from workers.auth.accounts import CODE_SECONDS, Accounts
from workers.auth.bodies import (
    ChangeMe,
    ChangePassword,
    ForAccount,
    Login,
    RefreshToken,
    Register,
    ResetPassword,
    SetPassword,
    VerifyCode,
    read_body,
)
from workers.auth.queries import Place
from workers.lib.sessions import Sessions
from workers.lib.tickets import Tickets
from workers.lib.tokens import Claims, TokenVerifier, bearer_token, require_role

BASE = "/api/v1/user"
PEOPLE = ("consumer", "operator", "admin", "platform_admin")
LISTENERS = ("consumer", "operator", "admin")

ACCOUNTS = web.AppKey("ACCOUNTS", Accounts)
VERIFIER = web.AppKey("VERIFIER", TokenVerifier)
SESSIONS = web.AppKey("SESSIONS", Sessions)
TICKETS = web.AppKey("TICKETS", Tickets)

routes = web.RouteTableDef()


@routes.post(f"{BASE}/register")
async def register(request: web.Request) -> web.Response:
    """Ask for an account."""
    await request.app[ACCOUNTS].register(await read_body(request, Register), place(request))
    return _mailed()


@routes.post(f"{BASE}/verify-otp")
async def verify_otp(request: web.Request) -> web.Response:
    """Confirm the address; signs in."""
    body = await read_body(request, VerifyCode)
    return web.json_response(await request.app[ACCOUNTS].verify(body, place(request)))


@routes.post(f"{BASE}/resend-otp")
async def resend_otp(request: web.Request) -> web.Response:
    """A new code in place of the last one."""
    body = await read_body(request, ForAccount)
    await request.app[ACCOUNTS].send_code(body, "verify", place(request))
    return _mailed()


@routes.post(f"{BASE}/login")
async def login(request: web.Request) -> web.Response:
    """Sign in."""
    body = await read_body(request, Login)
    return web.json_response(await request.app[ACCOUNTS].login(body, place(request)))


@routes.post(f"{BASE}/refresh")
async def refresh(request: web.Request) -> web.Response:
    """The next pair of tokens."""
    body = await read_body(request, RefreshToken)
    return web.json_response(await request.app[ACCOUNTS].refresh(body))


@routes.post(f"{BASE}/logout")
async def logout(request: web.Request) -> web.Response:
    """Sign out here."""
    await request.app[ACCOUNTS].logout(await read_body(request, RefreshToken))
    return web.json_response({"message": "signed out"})


@routes.post(f"{BASE}/logout-everywhere")
async def logout_everywhere(request: web.Request) -> web.Response:
    """Sign out on every device."""
    ended = await request.app[ACCOUNTS].logout_everywhere(await signed_in(request))
    return web.json_response({"message": "signed out everywhere", "sessions": ended})


@routes.post(f"{BASE}/set-password")
async def set_password(request: web.Request) -> web.Response:
    """The first password."""
    claims = await signed_in(request)
    await request.app[ACCOUNTS].set_password(await read_body(request, SetPassword), claims)
    return web.json_response({"message": "the password is set"})


@routes.post(f"{BASE}/change-password")
async def change_password(request: web.Request) -> web.Response:
    """Another password."""
    claims = await signed_in(request)
    body = await read_body(request, ChangePassword)
    await request.app[ACCOUNTS].change_password(body, claims, place(request))
    return web.json_response({"message": "the password is changed; other sessions have ended"})


@routes.post(f"{BASE}/forgot-password")
async def forgot_password(request: web.Request) -> web.Response:
    """A code to choose a new password with."""
    body = await read_body(request, ForAccount)
    await request.app[ACCOUNTS].send_code(body, "reset", place(request))
    return _mailed()


@routes.post(f"{BASE}/reset-password")
async def reset_password(request: web.Request) -> web.Response:
    """Choose a new password with the code."""
    await request.app[ACCOUNTS].reset_password(await read_body(request, ResetPassword), place(request))
    return web.json_response({"message": "the password is changed; every session has ended"})


@routes.get(f"{BASE}/me")
async def me(request: web.Request) -> web.Response:
    """One's own account."""
    return web.json_response(await request.app[ACCOUNTS].me(await signed_in(request)))


@routes.patch(f"{BASE}/me")
async def change_me(request: web.Request) -> web.Response:
    """Change one's own account."""
    claims = await signed_in(request)
    return web.json_response(
        await request.app[ACCOUNTS].change_me(await read_body(request, ChangeMe), claims)
    )


@routes.post(f"{BASE}/ws-ticket")
async def ws_ticket(request: web.Request) -> web.Response:
    """A single-use ticket for the WebSocket."""
    claims = await signed_in(request)
    require_role(claims, *LISTENERS)
    tickets = request.app[TICKETS]
    return web.json_response(
        {"ticket": await tickets.issue(bearer_token(request)), "expires_in": tickets.ttl}
    )


async def signed_in(request: web.Request) -> Claims:
    """Whose request it is, if their session stands."""
    claims = request.app[VERIFIER].verify(bearer_token(request))
    require_role(claims, *PEOPLE)
    await request.app[SESSIONS].check(claims)
    return claims


def place(request: web.Request) -> Place:
    """Where the request came from; nginx says so, and nobody else reaches this port."""
    given = request.headers.get("X-Real-IP") or request.remote or ""
    return Place(_printable(request.headers.get("User-Agent")), _address(given))


def _address(text: str) -> str | None:
    """The address in its one form: without a zone, and as IPv4 where it stands for one."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _printable(text: str | None) -> str | None:
    return "".join(c if c.isprintable() else " " for c in text)[:400] if text else None


def _mailed() -> web.Response:
    """The same for every address."""
    return web.json_response(
        {"message": "if this address can have a mail from us, it is on its way", "expires_in": CODE_SECONDS},
        status=202,
    )
