"""Request bodies: read within limits, validated, normalised."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import orjson
import phonenumbers
from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workers.auth.addresses import normal_address
from workers.lib.errors import BadRequest, PayloadTooLarge, Unprocessable, UnsupportedMediaType

MAX_PASSWORD = 1024


def _line(value: str) -> str:
    text = " ".join(value.split())
    if not text.isprintable():
        raise ValueError("holds characters that cannot be shown")
    if not text:
        raise ValueError("is empty")
    return text


def _digits(value: object) -> object:
    return value.replace(" ", "") if isinstance(value, str) else value


Email = Annotated[str, AfterValidator(normal_address)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_line)]
Phone = Annotated[str, Field(max_length=40)]
Password = Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD)]
Code = Annotated[str, BeforeValidator(_digits), Field(pattern="^[0-9]{6}$")]
Tenant = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,31}$")]
Token = Annotated[str, Field(min_length=1, max_length=200)]


class Body(BaseModel):
    """A JSON object. Fields it does not know are ignored."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class ForAccount(Body):
    """Names an account by its address, and the tenant if it is not the usual one."""

    email: Email
    tenant: Tenant | None = None


class Register(ForAccount):
    """``POST register``."""

    name: Name
    phone: Phone | None = None
    password: Password | None = None


class VerifyCode(ForAccount):
    """``POST verify-otp``."""

    otp: Code


class Login(ForAccount):
    """``POST login``."""

    password: Password


class ResetPassword(ForAccount):
    """``POST reset-password``."""

    otp: Code
    password: Password


class RefreshToken(Body):
    """``POST refresh``, ``POST logout``."""

    refresh_token: Token


class SetPassword(Body):
    """``POST set-password``."""

    password: Password


class ChangePassword(Body):
    """``POST change-password``."""

    current_password: Password
    new_password: Password


class ChangeMe(Body):
    """``PATCH me``: what is absent stays; a null phone is removed."""

    name: Name = ""
    phone: Phone | None = None


BodyT = TypeVar("BodyT", bound=Body)


async def read_body(request: web.Request, kind: type[BodyT]) -> BodyT:
    """The body of ``request``. Raises an error that names what is wrong, never what was sent."""
    if request.content_type != "application/json":
        raise UnsupportedMediaType("the body must be JSON", hint="Content-Type: application/json")
    try:
        document: Any = orjson.loads(await request.read())
    except web.HTTPRequestEntityTooLarge:
        raise PayloadTooLarge("the request body is too large") from None
    except orjson.JSONDecodeError:
        raise BadRequest("the body is not valid JSON", code="malformed_json") from None
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object", code="malformed_json")
    if any(isinstance(value, str) and "\0" in value for value in document.values()):
        raise invalid("text must not hold the null character")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise invalid(_describe(error)) from None


def e164(phone: str, region: str) -> str:
    """The number in international form. Raises :class:`Unprocessable` when it cannot be one."""
    try:
        number = phonenumbers.parse(phone, region or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise invalid("phone: not a telephone number; write it as +49 30 901820")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def invalid(details: str) -> Unprocessable:
    """The one error for bodies that can be read but not accepted."""
    return Unprocessable("the request is not acceptable", code="invalid_input", details=details)


def _describe(error: ValidationError) -> str:
    faults = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(part) for part in item["loc"])
        faults.append(f"{where}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(faults)
