"""Who is at the door: credentials of a WebSocket request, and the page it comes from."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from aiohttp import web

from workers.lib.errors import Forbidden, Unauthorized
from workers.lib.sessions import Sessions
from workers.lib.tickets import Tickets
from workers.lib.tokens import Claims, TokenVerifier, bearer_token, require_role
from workers.relay.directory import ROLES
from workers.relay.protocol import BEARER_PREFIX

log = logging.getLogger(__name__)


class Doorkeeper:
    """Admits requests to ``/ws``."""

    def __init__(
        self,
        verifier: TokenVerifier,
        tickets: Tickets,
        sessions: Sessions,
        origins: frozenset[str],
        query_token_allowed: bool,
    ) -> None:
        self._verifier = verifier
        self._tickets = tickets
        self._sessions = sessions
        self._origins = origins
        self._query_token_allowed = query_token_allowed

    async def admit(self, request: web.Request) -> Claims:
        """The caller's claims, from the subprotocol, a ticket, or (if allowed) the URL."""
        check_origin(request, self._origins)
        claims = await self._claims(request)
        require_role(claims, *ROLES)
        await self._sessions.check(claims)
        return claims

    async def _claims(self, request: web.Request) -> Claims:
        token = subprotocol_token(request)
        if token is not None:
            return self._verifier.verify(token)
        ticket = request.query.get("ticket")
        if ticket is not None:
            return self._verifier.verify(await self._tickets.redeem(ticket))
        token = request.query.get("token")
        if token is not None:
            if not self._query_token_allowed:
                raise Unauthorized(
                    "a token in the URL is not accepted here",
                    hint="use the subprotocol bearer.<token>, or a ticket",
                )
            return self._verifier.verify(token)
        if "Authorization" in request.headers:
            return self._verifier.verify(bearer_token(request))
        raise Unauthorized(
            "a token is required",
            hint="Sec-WebSocket-Protocol: segs.v1, bearer.<token>; or ?ticket= from POST /ws/ticket",
        )


def subprotocol_token(request: web.Request) -> str | None:
    """The token offered as subprotocol ``bearer.<token>``."""
    for header in request.headers.getall("Sec-WebSocket-Protocol", []):
        for offered in header.split(","):
            if offered.strip().startswith(BEARER_PREFIX):
                return offered.strip().removeprefix(BEARER_PREFIX)
    return None


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # what no browser sends, such as http://[::1
        return None


def check_origin(request: web.Request, allowed: frozenset[str]) -> None:
    """Refuse web pages of strangers. Programs send no Origin; the platform's own page has its host."""
    origin = request.headers.get("Origin")
    if origin is None or origin.rstrip("/") in allowed:
        return
    if _host_of(origin) == request.host.lower():
        return
    log.info("refused a connection from a page of %r", origin[:200])
    raise Forbidden("this origin may not connect", hint="see SEGS_RELAY_ALLOWED_ORIGINS")
