"""Settings that every worker shares.

A field ``redis_url`` is read from the variable ``SEGS_REDIS_URL``, or from the file ``segs_redis_url`` in the
directory that ``SEGS_SECRETS_DIR`` names. Values are validated once, at start, and never change afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SEGS_"
MIN_SECRET_LENGTH = 16
WEAK_SECRETS = frozenset({"password", "postgres", "redis", "secret", "changeme", "admin", "segs", "pw"})


class SettingsError(Exception):
    """The settings are unusable; the message lists every fault by variable name, and no value."""


class WorkerSettings(BaseSettings):
    """What every worker needs to know. Workers subclass it and prefix their own fields with their name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    environment: Literal["development", "production"] = "production"
    redis_url: SecretStr | None = None
    jwks_file: Path
    jwt_issuer: str = "segs"
    jwt_audience: str = "segs"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["plain", "json"] = "plain"

    @classmethod
    def load(cls) -> Self:
        """Read the environment and the secrets directory. Raises :class:`SettingsError` with all faults."""
        secrets_dir = os.environ.get("SEGS_SECRETS_DIR") or None
        if secrets_dir is not None and not Path(secrets_dir).is_dir():
            raise SettingsError(f"{PREFIX}SECRETS_DIR is not a directory: {secrets_dir}")
        try:
            return cls(_secrets_dir=secrets_dir)
        except ValidationError as error:
            raise SettingsError(_describe(error)) from None

    @property
    def development(self) -> bool:
        """Whether conveniences that would be unsafe elsewhere are allowed."""
        return self.environment == "development"

    def secret_urls(self) -> dict[str, SecretStr | None]:
        """URLs whose passwords must be strong outside development, by field name. Extended by subclasses."""
        return {"redis_url": self.redis_url}

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        if self.development:
            return self
        for name, url in self.secret_urls().items():
            if url is not None and (fault := weakness(url.get_secret_value())):
                raise ValueError(
                    f"{PREFIX}{name.upper()}: {fault} (allowed only with SEGS_ENVIRONMENT=development)"
                )
        return self


def weakness(url: str) -> str | None:
    """Why the password in ``url`` will not do, or None."""
    password = unquote(urlsplit(url).password or "")
    if not password:
        return "has no password"
    if password.lower() in WEAK_SECRETS:
        return "has a well-known password"
    if len(password) < MIN_SECRET_LENGTH:
        return f"has a password shorter than {MIN_SECRET_LENGTH} characters"
    return None


def _describe(error: ValidationError) -> str:
    faults = []
    for item in error.errors(include_input=False, include_url=False):
        name = PREFIX + "_".join(str(part) for part in item["loc"]).upper() if item["loc"] else ""
        message = item["msg"].removeprefix("Value error, ")
        faults.append(f"{name}: {message}" if name else message)
    return "; ".join(faults)
