"""Settings of the auth worker (``SEGS_AUTH_*``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from workers.lib.settings import WorkerSettings

DAY = 86_400
OWASP_MEMORY = 19 * 1024
OWASP_TIME = 2
MIN_CODE_KEY = 32


class AuthSettings(WorkerSettings):
    """What the auth worker needs to know, besides what every worker does."""

    auth_host: str = "127.0.0.1"
    auth_port: int = Field(8003, ge=0, le=65535)
    auth_database_url: SecretStr
    auth_pool_size: int = Field(4, ge=1, le=50)

    auth_signing_key_file: Path
    """A PEM file with the Ed25519 key that signs tokens, or a folder: its newest published *.pem signs."""
    auth_code_key: SecretStr
    """Under which one-time codes are hashed."""
    auth_master_code: SecretStr | None = None
    """Development only: every code that is sent is this one."""
    auth_default_tenant: str = ""
    """Tenant of requests that name none; "demo" in development."""
    auth_phone_region: str = Field("", pattern="^([A-Z]{2})?$")
    """Country whose numbers may be given without +; by default none."""

    auth_access_ttl: int = Field(900, ge=10, le=DAY)
    auth_session_ttl: int = Field(30 * DAY, ge=60)
    auth_ticket_ttl: int = Field(30, ge=1, le=300)
    auth_max_body_bytes: int = Field(16 * 1024, ge=1024)

    # Argon2id: memory in KiB, passes, lanes; how many hashes run at once, and how many may wait.
    auth_argon2_memory: int = Field(OWASP_MEMORY, ge=8)
    auth_argon2_time: int = Field(OWASP_TIME, ge=1)
    auth_argon2_parallelism: int = Field(1, ge=1, le=16)
    auth_hash_threads: int = Field(2, ge=1, le=64)
    auth_hash_queue: int = Field(64, ge=1)

    # Failures (wrong passwords and codes) and mails asked for in a window: of an account from one place (IPv4
    # address, IPv6 /64), of a place, and of an account from all places where nobody has signed in to it.
    auth_attempts_window: int = Field(900, ge=1)
    auth_failures_account: int = Field(10, ge=1)
    auth_failures_address: int = Field(100, ge=1)
    auth_failures_everywhere: int = Field(200, ge=1)
    auth_mails_account: int = Field(5, ge=1)
    auth_mails_address: int = Field(100, ge=1)
    auth_mails_everywhere: int = Field(20, ge=1)

    auth_answer_floor: float = Field(0.25, ge=0)
    """Seconds that refusing a password, or an answer about mail, takes at least: its time tells nothing."""

    def secret_urls(self) -> dict[str, SecretStr | None]:
        """The database URL too must carry a strong password."""
        return {**super().secret_urls(), "auth_database_url": self.auth_database_url}

    @property
    def default_tenant(self) -> str:
        """The tenant meant when a request names none; empty: every request must."""
        return self.auth_default_tenant or ("demo" if self.development else "")

    @property
    def master_code(self) -> str | None:
        """The code that every mail carries in development, if one is set."""
        return self.auth_master_code.get_secret_value() if self.auth_master_code else None

    @model_validator(mode="after")
    def _refuse_shortcuts(self) -> Self:
        if self.master_code is not None and not re.fullmatch("[0-9]{6}", self.master_code):
            raise ValueError("SEGS_AUTH_MASTER_CODE: must be six digits")
        if self.auth_argon2_memory < 8 * self.auth_argon2_parallelism:
            raise ValueError("SEGS_AUTH_ARGON2_MEMORY: at least 8 KiB a lane")
        if self.development:
            return self
        if self.master_code is not None:
            raise ValueError("SEGS_AUTH_MASTER_CODE: allowed only with SEGS_ENVIRONMENT=development")
        if len(self.auth_code_key.get_secret_value()) < MIN_CODE_KEY:
            raise ValueError(f"SEGS_AUTH_CODE_KEY: must have at least {MIN_CODE_KEY} characters")
        if self.auth_argon2_memory < OWASP_MEMORY or self.auth_argon2_time < OWASP_TIME:
            raise ValueError(
                f"SEGS_AUTH_ARGON2_MEMORY, SEGS_AUTH_ARGON2_TIME: at least {OWASP_MEMORY} and {OWASP_TIME}"
                " (less is allowed only with SEGS_ENVIRONMENT=development)"
            )
        return self
