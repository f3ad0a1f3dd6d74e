"""Ways a mail leaves: over SMTP, or into a folder."""

from __future__ import annotations

import asyncio
import re
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol

import aiosmtplib

from workers.notifier.settings import NotifierSettings

TOTAL_TIMEOUT = 60.0


class RefusedError(Exception):
    """The mail server will never take this mail; says why."""


class TryLaterError(Exception):
    """The mail could not be handed over now; says why."""


class Delivery(Protocol):
    """Hands a mail over. Raises :class:`RefusedError` or :class:`TryLaterError`."""

    async def deliver(self, mail: EmailMessage, name: str) -> None:
        """``name`` is the same at every attempt for one mail."""


class Smtp:
    """To a mail server, one connection a mail."""

    def __init__(self, settings: NotifierSettings) -> None:
        self._settings = settings

    async def deliver(self, mail: EmailMessage, name: str) -> None:
        settings = self._settings
        password = settings.notifier_smtp_password
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT):
                await aiosmtplib.send(
                    mail,
                    hostname=settings.notifier_smtp_host,
                    port=settings.notifier_smtp_port,
                    use_tls=settings.notifier_smtp_security == "tls",
                    start_tls=settings.notifier_smtp_security == "starttls",
                    username=settings.notifier_smtp_user or None,
                    password=password.get_secret_value() if password else None,
                    timeout=settings.notifier_smtp_timeout,
                )
        except aiosmtplib.SMTPAuthenticationError as error:
            raise TryLaterError(f"the mail server refuses our login: {error.code}") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            reply = error.recipients[0]
            raise _judged(reply.code, reply.message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _judged(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise TryLaterError(f"{type(error).__name__}: {error}") from error


class Folder:
    """As files, for machines without a mail server. Writing one again changes nothing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def deliver(self, mail: EmailMessage, name: str) -> None:
        try:
            await asyncio.to_thread(self._write, mail, name)
        except OSError as error:
            raise TryLaterError(f"not written: {error}") from error

    def _write(self, mail: EmailMessage, name: str) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        recipient = re.sub(r"[^A-Za-z0-9@._-]", "_", mail["To"].addresses[0].addr_spec)
        path = self._directory / f"{name}-{recipient}.eml"
        scratch = path.with_suffix(".partial")
        scratch.touch(mode=0o600)
        scratch.write_bytes(mail.as_bytes(policy=SMTP))
        scratch.replace(path)


def way_out(settings: NotifierSettings) -> Delivery:
    """The way the settings ask for."""
    return Folder(settings.notifier_mail_dir) if settings.notifier_mail_dir else Smtp(settings)


def _judged(code: int, message: str) -> Exception:
    """A reply of 500 and above is final; 4xx asks to try later."""
    text = f"{code} {message}"
    return RefusedError(text) if code >= 500 else TryLaterError(text)
