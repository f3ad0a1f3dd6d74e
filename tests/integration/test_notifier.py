"""The notifier with a real mail server: delivered, tried again, given up, and forgotten once done."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.conftest import StartWorker
from tests.support.cluster import Cluster, Database
from tests.support.servers import TestServer, free_port
from tests.support.wait import wait_until

ALICE = "alice@demo.example"


class Mailbox:
    """A mail server's handler: keeps what it takes, and answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.replies: list[str] = []
        self.refused = "refused@demo.example"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address == self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = self.replies.pop(0) if self.replies else "250 OK"
        if reply.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content))
        return reply


@pytest.fixture(scope="module")
def shared(cluster: Cluster) -> Iterator[Database]:
    with cluster.clone() as clone:
        yield clone


@pytest.fixture
def database(shared: Database) -> Database:
    """One database for all tests here, its queues empty."""
    for table in ("q_notifications", "a_notifications", "q_notifications_dead"):
        shared.rows(f"truncate pgmq.{table}")
    return shared


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mail_server(mailbox: Mailbox) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    if controller.server is not None:
        controller.stop()


def notifier(start: StartWorker, server: Controller, **settings: str) -> TestServer:
    return start(
        SEGS_NOTIFIER_SMTP_HOST="127.0.0.1",
        SEGS_NOTIFIER_SMTP_PORT=str(server.port),
        SEGS_NOTIFIER_SMTP_SECURITY="none",
        **settings,
    )


def queue_mail(database: Database, kind: str, email: str = ALICE, data: str = '{"code": "123456"}') -> int:
    return int(
        database.value(
            "select notify.queue_mail(%s, user_id, %s) from auth.user_account where email = %s",
            (kind, data, email),
        )
    )


def archived(database: Database) -> list[dict[str, Any]]:
    return [row[0] for row in database.rows("select message from pgmq.a_notifications order by msg_id")]


def dead(database: Database) -> list[dict[str, Any]]:
    return [row[0] for row in database.rows("select message from pgmq.q_notifications_dead order by msg_id")]


def waiting(database: Database) -> int:
    return int(database.value("select count(*) from pgmq.q_notifications"))


def test_a_code_is_delivered_and_forgotten(
    database: Database, start_notifier: StartWorker, mail_server: Controller, mailbox: Mailbox
) -> None:
    number = queue_mail(database, "verify_code")
    notifier(start_notifier, mail_server)
    wait_until(lambda: waiting(database) == 0, "the queue is empty")
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Your code: 123456"
    assert mail["To"] == ALICE
    assert mail["Message-ID"].startswith(f"<{number}.")
    assert "    123456" in str(mail.get_payload(decode=True))
    (kept,) = archived(database)
    assert set(kept) == {"kind", "tenant", "user_id", "expires_at"}


def test_what_a_mail_server_puts_off_is_tried_again(
    database: Database, start_notifier: StartWorker, mail_server: Controller, mailbox: Mailbox
) -> None:
    mailbox.replies = ["451 try again"]
    queue_mail(database, "reset_code")
    notifier(start_notifier, mail_server)
    wait_until(lambda: waiting(database) == 0, "the queue is empty")
    assert len(mailbox.mails) == 1
    assert not dead(database)


def test_what_can_never_be_delivered_is_given_up_with_its_reason(
    database: Database, start_notifier: StartWorker, mail_server: Controller, mailbox: Mailbox
) -> None:
    database.rows(
        "insert into auth.user_account (tenant_id, email, name)"
        " select tenant_id, %s, 'R' from grid.tenant where code = 'demo'",
        (mailbox.refused,),
    )
    queue_mail(database, "verify_code", mailbox.refused)
    queue_mail(database, "no_such_letter")
    queue_mail(database, "verify_code", data="{}")
    for message in ("[1]", '{"kind": "alert", "to": "a@b.example"}'):
        database.rows("select pgmq.send('notifications', %s::jsonb)", (message,))
    database.rows(
        "select notify.queue_mail('verify_code', user_id, '{\"code\": \"1\"}', now() - interval '1 second')"
        " from auth.user_account where email = %s",
        (ALICE,),
    )
    notifier(start_notifier, mail_server)
    wait_until(lambda: waiting(database) == 0, "the queue is empty")
    reasons = [letter["reason"] for letter in dead(database)]
    assert len(reasons) == 6
    for part in ("550", "no_such_letter", "code", "not an object", "subject", "expired"):
        assert any(part in reason for reason in reasons), (part, reasons)
    assert not mailbox.mails
    assert "@" not in str(archived(database)) + str([letter["message"] for letter in dead(database)])


def test_a_mail_server_that_is_away_costs_time_alone(
    database: Database, start_notifier: StartWorker, mail_server: Controller, mailbox: Mailbox
) -> None:
    mail_server.stop()
    queue_mail(database, "password_changed")
    server = notifier(start_notifier, mail_server)
    wait_until(lambda: any("not delivered" in line for line in server.log()), "it has tried")
    again = Controller(mailbox, hostname="127.0.0.1", port=mail_server.port)
    again.start()
    try:
        wait_until(lambda: waiting(database) == 0, "the queue is empty")
    finally:
        again.stop()
    assert len(mailbox.mails) == 1


def test_attempts_end_some_time(
    database: Database, start_notifier: StartWorker, mail_server: Controller, mailbox: Mailbox
) -> None:
    mailbox.replies = ["451 try again"] * 5
    queue_mail(database, "password_changed")
    notifier(start_notifier, mail_server, SEGS_NOTIFIER_MAX_ATTEMPTS="2")
    wait_until(lambda: waiting(database) == 0, "the queue is empty")
    assert "given up after 2 attempts: 451" in dead(database)[0]["reason"]


def test_mails_become_files(database: Database, start_notifier: StartWorker, tmp_path: Path) -> None:
    queue_mail(database, "verify_code")
    start_notifier(SEGS_NOTIFIER_MAIL_DIR=str(tmp_path / "mail"))
    wait_until(lambda: waiting(database) == 0, "the queue is empty")
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name.endswith(f"-verify_code-{ALICE}.eml")
    assert path.stat().st_mode & 0o777 == 0o600
