"""Letters and the settings of the notifier."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest

from workers.notifier.letters import LETTERS, UnusableMessageError, compose
from workers.notifier.postman import retry_delay
from workers.notifier.settings import NotifierSettings
from workers.settings import SettingsError

SENDER = Address("SEGS", "no-reply", "segs.example")
DATA = {"code": "123456", "tenant_name": "Demo", "role": "operator", "subject": "High", "text": "Much"}


def letter(**changes: Any) -> Any:
    message = {"kind": "verify_code", "to": "a@b.example", "name": "Ada", "data": DATA, **changes}
    return compose(message, "<1@segs.example>", SENDER, datetime.now(UTC))


@pytest.mark.parametrize("kind", sorted(LETTERS))
def test_every_letter_can_be_written(kind: str) -> None:
    mail = letter(kind=kind)
    assert "$" not in mail["Subject"] + mail.get_content()
    assert max(map(len, mail.get_content().splitlines())) <= 78


def test_a_name_cannot_add_headers() -> None:
    mail = letter(name="Ada\r\nBcc: everybody@b.example")
    assert mail["Bcc"] is None
    assert "\n" not in mail["To"]
    assert letter(name='Ünal, "Ö" <x>')["To"].addresses[0].addr_spec == "a@b.example"


@pytest.mark.parametrize(
    "changes",
    [{"kind": "nothing"}, {"to": None}, {"to": "a"}, {"to": "a@b\r\nc"}, {"data": {}}, {"data": None}],
)
def test_what_cannot_become_a_mail_says_so(changes: dict[str, Any]) -> None:
    with pytest.raises(UnusableMessageError):
        letter(**changes)


def test_attempts_come_further_and_further_apart() -> None:
    assert [retry_delay(5, attempt) for attempt in (1, 2, 3, 9, 99)] == [5, 10, 20, 600, 600]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"SEGS_NOTIFIER_MAIL_DIR": "mail", "SEGS_NOTIFIER_SMTP_HOST": "x"},
        {"SEGS_NOTIFIER_SMTP_HOST": "x", "SEGS_NOTIFIER_SENDER": "nobody"},
        {
            "SEGS_NOTIFIER_SMTP_HOST": "x",
            "SEGS_NOTIFIER_SMTP_USER": "u",
            "SEGS_NOTIFIER_SMTP_SECURITY": "none",
        },
    ],
)
def test_settings_that_cannot_work_are_refused(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("SEGS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEGS_NOTIFIER_DATABASE_URL", f"postgresql://u:{'x' * 32}@127.0.0.1/segs")
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError):
        NotifierSettings.load()
