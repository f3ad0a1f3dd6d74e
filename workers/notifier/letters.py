"""What the mails say: one text a kind of message."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from string import Template
from typing import Any

WIDTH = 72

_GREETING = "Hello$name,\n\n"
_CLOSING = "\n\n$tenant_name\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """Subject and text; ``$name`` stands for a field of the message or of its data."""

    subject: str
    text: str


LETTERS: Mapping[str, Letter] = {
    "verify_code": Letter(
        "Your code: $code",
        "your code to confirm this address is\n\n    $code\n\nIt is good for ten minutes, once."
        " If you did not register with us, ignore this mail: without the code nothing happens.",
    ),
    "reset_code": Letter(
        "Your code for a new password: $code",
        "your code to choose a new password is\n\n    $code\n\nIt is good for ten minutes, once."
        " If you did not ask for it, ignore this mail: your password stays as it is.",
    ),
    "already_registered": Letter(
        "You have an account already",
        "someone, perhaps you, has just tried to register this address. It has an account with us already:"
        " sign in, or ask for a new password if you have forgotten yours. If it was not you, nothing is to be"
        " done.",
    ),
    "password_changed": Letter(
        "Your password has been changed",
        "the password of your account has been changed, and other sessions have been signed out. If it was"
        " not you, ask for a new password at once.",
    ),
    "invitation": Letter(
        "An account for you",
        "an account has been made for you ($role). To begin, ask for a new password for this address: you"
        " will be sent a code to choose it with.",
    ),
    "devices_remain": Letter(
        "Device tokens of a former administrator",
        "an administrator of your company has been demoted, deactivated or deleted. Device tokens that they"
        " made ($tokens) go on, because gateways send with them. Look at the list of devices for those whose"
        " maker is no administrator any more, and revoke what should not go on.",
    ),
    "alert": Letter("Alert: $subject", "$text"),
}


class UnusableMessageError(Exception):
    """The message can never become a mail; says why."""


def compose(message: Mapping[str, Any], message_id: str, sender: Address, now: datetime) -> EmailMessage:
    """The mail of a queue message. Raises :class:`UnusableMessageError`."""
    letter = LETTERS.get(str(message.get("kind")))
    if letter is None:
        raise UnusableMessageError(f"no letter of the kind {message.get('kind')!r}")
    data = message.get("data")
    name = _line(message.get("name") or "")
    values = {
        "tenant_name": "SEGS",
        **(data if isinstance(data, Mapping) else {}),
        "name": f" {name}" if name else "",
    }
    mail = EmailMessage()
    try:
        # No name beside the address: names are what people chose, and programs that read a comma or a quote
        # in one their own way have sent mails to whom it named.
        recipient = Address(addr_spec=str(message.get("to")))
        if not recipient.domain:
            raise UnusableMessageError("the address has no domain")
        mail["To"] = recipient
        mail["Subject"] = _line(Template(letter.subject).substitute(values))
        text = Template(_GREETING + letter.text + _CLOSING).substitute(values)
    except KeyError as error:
        raise UnusableMessageError(f"the data lacks {error}") from None
    except (ValueError, IndexError) as error:
        raise UnusableMessageError(f"not usable as a mail: {type(error).__name__}") from None
    mail["From"] = sender
    mail["Date"] = format_datetime(now)
    # The same at every attempt: a mail that was sent twice is recognised as one.
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_wrapped(text))
    return mail


def _wrapped(text: str) -> str:
    """Paragraphs in lines that mail programs show as they are; what is indented stays."""
    lines = (line if line.startswith(" ") else textwrap.fill(line, WIDTH) for line in text.split("\n"))
    return "\n".join(lines)


def _line(value: object) -> str:
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", str(value)).strip()[:200]
