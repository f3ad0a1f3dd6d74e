"""Letters and the settings of the notifier."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.lib.settings import SettingsError
from workers.notifier.letters import LETTERS, UnusableMessageError, compose
from workers.notifier.postman import retry_delay
from workers.notifier.settings import NotifierSettings

SENDER = Address("SEGS", "no-reply", "segs.example")
DATA = {
    "code": "123456",
    "tenant_name": "Demo",
    "role": "operator",
    "tokens": 2,
    "subject": "High",
    "text": "Much",
}

SPITEFUL = [
    *",\"'<>\\();:@ ", "\r\n", "\n", "\r", "\x00", "\u2028", "\u202e", "\u00e4", "Ada",
    "Bcc: eve@evil.example", "eve@evil.example", "https://evil.example/", "=?utf-8?q?x?=",
]  # fmt: skip


def letter(**changes: Any) -> Any:
    message = {"kind": "verify_code", "to": "a@b.example", "name": "Ada", "data": DATA, **changes}
    return compose(message, "<1@segs.example>", SENDER, datetime.now(UTC))


@pytest.mark.parametrize("kind", sorted(LETTERS))
def test_every_letter_can_be_written(kind: str) -> None:
    mail = letter(kind=kind)
    assert "$" not in mail["Subject"] + mail.get_content()
    assert max(map(len, mail.get_content().splitlines())) <= 78


@pytest.mark.parametrize("kind", sorted(LETTERS))
@given(name=st.one_of(st.text(max_size=300), st.lists(st.sampled_from(SPITEFUL), max_size=5).map("".join)))
def test_a_name_changes_no_header(kind: str, name: str) -> None:
    """Whatever name: as sent and read again, the headers are those of a mail without one."""
    sent = letter(kind=kind, name=name).as_bytes(policy=SMTP)
    mail = message_from_bytes(sent, policy=default)
    plain = message_from_bytes(letter(kind=kind, name=None).as_bytes(policy=SMTP), policy=default)
    for field in set(plain.keys()) - {"Date", "Content-Transfer-Encoding", "Content-Type"}:
        assert mail.get_all(field) == plain.get_all(field)
    assert set(mail.keys()) == set(plain.keys())
    assert [address.addr_spec for address in mail["To"].addresses] == ["a@b.example"]
    assert mail["To"].addresses[0].display_name == ""


def test_who_is_known_is_greeted_by_name_in_one_line() -> None:
    assert letter(name="Ada\r\n\r\nLovelace").get_content().startswith("Hello Ada Lovelace,\n\n")
    assert letter(name=None).get_content().startswith("Hello,\n\n")


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
