"""Settings of the notifier (``SEGS_NOTIFIER_*``)."""

from __future__ import annotations

from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from workers.lib.settings import WorkerSettings


class NotifierSettings(WorkerSettings):
    """What the notifier needs to know, besides what every worker does; no keys, it checks no tokens."""

    jwks_file: Path = Path()

    notifier_host: str = "127.0.0.1"
    notifier_port: int = Field(8004, ge=0, le=65535)
    notifier_database_url: SecretStr

    notifier_mail_dir: Path | None = None
    """Write each mail as a file into this folder instead of sending it."""
    notifier_smtp_host: str = ""
    notifier_smtp_port: int = Field(587, ge=1, le=65535)
    notifier_smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    notifier_smtp_user: str = ""
    notifier_smtp_password: SecretStr | None = None
    notifier_smtp_timeout: float = Field(15.0, gt=0, le=60)
    notifier_sender: str = "SEGS <no-reply@segs.example>"

    notifier_poll_interval: float = Field(1.0, gt=0)
    notifier_batch: int = Field(20, ge=1, le=500)
    notifier_max_attempts: int = Field(10, ge=1)
    """Deliveries of one mail before it goes to the dead letters."""
    notifier_retry_seconds: float = Field(5.0, gt=0)
    """Before the second attempt; doubled for each further one, up to ten minutes."""

    def secret_urls(self) -> dict[str, SecretStr | None]:
        """The database URL too must carry a strong password."""
        return {**super().secret_urls(), "notifier_database_url": self.notifier_database_url}

    @property
    def sender(self) -> Address:
        """The From of every mail."""
        name, address = parseaddr(self.notifier_sender)
        return Address(display_name=name, addr_spec=address)

    @model_validator(mode="after")
    def _one_way_out(self) -> Self:
        if (self.notifier_mail_dir is None) == (not self.notifier_smtp_host):
            raise ValueError("set one of SEGS_NOTIFIER_SMTP_HOST and SEGS_NOTIFIER_MAIL_DIR")
        if self.notifier_smtp_user and self.notifier_smtp_security == "none" and not self.development:
            raise ValueError("SEGS_NOTIFIER_SMTP_SECURITY: a password is sent only over TLS")
        if "@" not in parseaddr(self.notifier_sender)[1]:
            raise ValueError("SEGS_NOTIFIER_SENDER: not a mail address")
        return self
