"""The exception tree, each with its HTTP meaning once, and the middleware that turns it into the error shape.

    ServiceError 500 internal_error
    ├── BadRequest 400 bad_request
    ├── Unauthorized 401 unauthorized
    ├── Forbidden 403 forbidden
    ├── NotFound 404 not_found
    ├── MethodNotAllowed 405 method_not_allowed
    ├── Conflict 409 conflict
    ├── PayloadTooLarge 413 body_too_large
    ├── UnsupportedMediaType 415 unsupported_media_type
    ├── Unprocessable 422 unprocessable
    ├── RateLimited 429 rate_limited
    └── Unavailable 503 unavailable

A worker adds its own codes by subclassing or by the ``code`` argument.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from math import ceil
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)


class ServiceError(Exception):
    """Something a client should be told, in the shape {"code", "message", "details", "hint"}."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self, message: str, *, code: str | None = None, details: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.details = details
        self.hint = hint

    def body(self) -> dict[str, Any]:
        """The one error shape (PostgREST's own)."""
        return error_body(self.code, self.message, self.details, self.hint)

    def headers(self) -> dict[str, str]:
        """Response headers that belong to the error."""
        return {}

    def response(self) -> web.Response:
        """The HTTP response of this error."""
        return error_response(self.status, self.body(), self.headers())


class BadRequest(ServiceError):
    """The request cannot be read."""

    status = 400
    default_code = "bad_request"


class Unauthorized(ServiceError):
    """No token, or one that does not verify."""

    status = 401
    default_code = "unauthorized"

    def headers(self) -> dict[str, str]:
        """Name the scheme, as RFC 6750 asks."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(ServiceError):
    """A good token that does not allow this."""

    status = 403
    default_code = "forbidden"


class NotFound(ServiceError):
    """No such resource."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(ServiceError):
    """The resource exists, the method does not apply."""

    status = 405
    default_code = "method_not_allowed"


class Conflict(ServiceError):
    """Acceptable by itself, but not in the state that things are in."""

    status = 409
    default_code = "conflict"


class PayloadTooLarge(ServiceError):
    """More than the worker takes in one request."""

    status = 413
    default_code = "body_too_large"


class UnsupportedMediaType(ServiceError):
    """A content type or encoding that the worker does not read."""

    status = 415
    default_code = "unsupported_media_type"


class Unprocessable(ServiceError):
    """Readable, but not acceptable as a whole."""

    status = 422
    default_code = "unprocessable"


class RetryLater(ServiceError):
    """The same request may succeed later; says when to try again."""

    def __init__(self, message: str, *, retry_after: float = 1.0, **rest: str | None) -> None:
        super().__init__(message, **rest)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """Whole seconds, at least one."""
        return {"Retry-After": str(max(1, ceil(self.retry_after)))}


class RateLimited(RetryLater):
    """Too many requests from this client."""

    status = 429
    default_code = "rate_limited"


class Unavailable(RetryLater):
    """Something the worker needs is away or full."""

    status = 503
    default_code = "unavailable"


# What aiohttp raises by itself, in our words.
_AIOHTTP_CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    411: "length_required",
    413: "body_too_large",
    415: "unsupported_media_type",
    417: "expectation_failed",
}


def error_body(
    code: str, message: str, details: str | None = None, hint: str | None = None
) -> dict[str, Any]:
    """The one error shape."""
    return {"code": code, "message": message, "details": details, "hint": hint}


def error_response(
    status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error body as a response."""
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers
    )


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure in the one error shape; log only what is our fault."""
    try:
        return await handler(request)
    except ServiceError as error:
        if error.status == 500:
            log.error("%s %s: %s", request.method, request.path, error.message)
        return error.response()
    except web.HTTPException as error:
        return _translate(request, error)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return error_response(500, error_body("internal_error", "the server failed to answer this request"))


def _translate(request: web.Request, error: web.HTTPException) -> web.Response:
    if error.status < 400:
        raise error
    code = _AIOHTTP_CODES.get(error.status, "internal_error" if error.status >= 500 else "bad_request")
    hint = None
    headers = {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        hint = f"allowed: {headers['Allow']}"
    message = f"{error.reason}: {request.method} {request.path}"
    return error_response(error.status, error_body(code, message, hint=hint), headers)
